"""The steps: from human scores, or from your own Keras model, to a .tflite with its contract.

Run as ``python -m convert STEP`` in a checkout and as ``edgeiqa convert STEP`` where the package is
installed.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .common import provenance

TENSORFLOW = ("tensorflow", "keras")
INSTALL = 'pip install "edgeiqa[convert]"'


@dataclass(frozen=True)
class Step:
    """One step; its module is imported only when the step is asked for.

    Attributes:
        name: On the command line.
        help: One line.
        module: In `cli`; the name with underscores unless given.
        needs: Libraries that it cannot do without, so that it need not start without them.
    """

    name: str
    help: str
    module: str = ""
    needs: tuple[str, ...] = ()


GROUPS: tuple[tuple[str, tuple[Step, ...]], ...] = (
    (
        "your own Keras model",
        (
            Step("export", "turn it into a .tflite with its contract", needs=TENSORFLOW),
            Step("verify", "compare a .tflite with its float model", needs=TENSORFLOW),
        ),
    ),
    (
        "train on human scores",
        (
            Step("data", "build a manifest with splits from an image-quality database"),
            Step("teacher", "train the large teacher", needs=TENSORFLOW),
            Step(
                "distill",
                "train the small student, or fine-tune a shipped model",
                needs=TENSORFLOW,
            ),
            Step("quantize", "quantise the student to a full int8 .tflite", needs=TENSORFLOW),
            Step("head", "give a finished .tflite a head on several depths", needs=("scipy",)),
            Step("causes", "train the network that detects causes", needs=TENSORFLOW),
            Step("burst-weights", "learn how the frames of a burst are ranked", needs=("scipy",)),
        ),
    ),
    (
        "measure a model",
        (
            Step("evaluate", "agreement with human scores", needs=("scipy",)),
            Step("transfer", "agreement on databases that nothing learns from", needs=("scipy",)),
            Step("operate", "what gate presets keep and catch", needs=("scipy",)),
            Step("calibrate", "whether scores are MOS, and std their error", needs=("scipy",)),
            Step("stability", "how scores shift under what should not matter", needs=("scipy",)),
            Step("worst-errors", "the pictures that it judges worst, as a page", needs=("scipy",)),
            Step("maps", "whether quality maps find the degraded half of a picture"),
            Step("monotonicity", "whether scores fall as distortions grow", needs=("scipy",)),
            Step("diagnose", "which causes are detected, and false alarms"),
            Step("eye", "whether faults seen in real photographs are named"),
            Step("sharpness", "whether slight blur in large photographs is detected"),
            Step("burst", "how often the better frame of a burst is found"),
        ),
    ),
    (
        "for reports",
        (
            Step("baselines", "train and measure the survey's strategies", needs=("scipy",)),
            Step("ablation", "what each ingredient of distillation is worth", needs=TENSORFLOW),
            Step("distort", "a contact sheet of all distortions", needs=("scipy",)),
        ),
    ),
)
STEPS = {step.name: step for _, steps in GROUPS for step in steps}

FORMER = {"misses": "worst-errors", "ladder": "monotonicity"}
"""Former names of steps; they work until the next minor version."""


def main(arguments: Sequence[str] | None = None, program: str = "python -m convert") -> int:
    """Run one step.

    Args:
        arguments: Command line without the program's name; ``sys.argv[1:]`` when None.
        program: How the program is called, for its help.

    Returns:
        Exit code: 0 done, 2 wrong usage or refused, 3 some pictures unreadable, 130 interrupted,
        1 where a step's check failed.
    """
    # Must be set before TensorFlow is first imported, by whichever step does it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in FORMER:
        print(f"note: {words[0]} is now called {FORMER[words[0]]}", file=sys.stderr)
        words[0] = FORMER[words[0]]
    provenance.remember(words)
    parser = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} STEP ...",
        description="From human scores, or from your own Keras model, to a .tflite with its "
        "contract.\n\n" + _overview(),
        epilog=f"{program} STEP --help explains a step.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    named: dict[str, Any] = {}
    steps = parser.add_subparsers(
        dest="step", metavar="STEP", required=True, help=argparse.SUPPRESS
    )
    for name, step in STEPS.items():
        # Only the step asked for needs its options, so `--help` imports nothing heavy.
        text = step.help
        options = steps.add_parser(
            name, prog=f"{program} {name}", description=text[0].upper() + text[1:] + "."
        )
        if words[:1] == [name]:
            try:
                loaded = _load(step, asks_for_help=bool({"-h", "--help"} & set(words)))
            except ImportError as error:
                return _fail(name, _missing(error))
            loaded.add_arguments(options)
            for action in options._actions:
                if callable(action.type):
                    action.type = _collected(action.type)
            options.set_defaults(run=loaded.run)
            named = {
                action.dest: [*action.option_strings, action.metavar, action.dest][0]
                for action in options._actions
            }
    if not words and importlib.util.find_spec(TENSORFLOW[0]) is None:
        return _fail("", f"its libraries are not installed; {INSTALL} brings them")
    try:
        chosen = parser.parse_args(_join_values(words))
        if problems := _problems(chosen, named):
            return _fail(chosen.step, "; ".join(problems))
        return int(chosen.run(chosen))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except ImportError as error:
        return _fail(words[0], _missing(error))
    except (ValueError, OSError, RuntimeError) as error:
        if os.environ.get("EDGEIQA_TRACEBACK"):
            raise
        return _fail(words[0], str(error) or type(error).__name__)


def _overview() -> str:
    """The steps by group, one line each."""
    width = max(map(len, STEPS))
    return "\n\n".join(
        "\n".join([f"{title}:", *(f"  {step.name:{width}}  {step.help}" for step in steps)])
        for title, steps in GROUPS
    )


def _load(step: Step, *, asks_for_help: bool) -> Any:
    """The module of a step, once all that it needs is known to be installed."""
    for package in () if asks_for_help else step.needs:
        if sys.modules.get(package, True) is None or not importlib.util.find_spec(package):
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    name = step.module or step.name.replace("-", "_")
    return importlib.import_module(f"{__package__}.cli.{name}")


@dataclass(frozen=True)
class _Refused:
    """Placeholder for a value until all errors in the arguments are known."""

    reason: str


def _collected(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return convert(text)
        except argparse.ArgumentTypeError as error:
            return _Refused(str(error))
        except (TypeError, ValueError):
            return _Refused(f"expected {convert.__name__}, got {text!r}")

    return value


def _problems(options: argparse.Namespace, named: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values, each with the option's name."""
    found = []
    for name, value in vars(options).items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, _Refused):
                found.append(f"{named[name]}: {one.reason}")
    return found


def _join_values(words: Sequence[str]) -> list[str]:
    """Let a value such as ``-1..1`` follow its option: argparse takes it for an option."""
    joined: list[str] = []
    for word in words:
        if re.match(r"-[0-9.]+\.\.", word) and joined and joined[-1].startswith("--"):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _fail(step: str, message: str) -> int:
    """Say in one line what was wrong; the exit code of a refusal."""
    line = " ".join(str(message).split())
    print(f"{' '.join(['convert', step]).strip()}: error: {line}", file=sys.stderr)
    return 2


def _missing(error: ImportError) -> str:
    if error.name and error.name.split(".")[0] not in {__package__, "edgeiqa"}:
        return f"{error.name} is not installed; {INSTALL} brings it"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
