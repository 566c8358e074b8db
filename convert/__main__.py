"""``python -m convert STEP``: from human scores to the .tflite, one command per step."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence

# Step, module, one line of help. Modules are imported only when their step is asked for.
STEPS: tuple[tuple[str, str, str], ...] = (
    ("data", "convert.cli.data", "build a manifest with splits from an image-quality database"),
    ("teacher", "convert.cli.teacher", "train the large teacher on human scores"),
    (
        "distill",
        "convert.cli.distill",
        "train the small student on human scores and the teacher",
    ),
    ("quantize", "convert.cli.quantize", "quantise the student to a full int8 .tflite"),
    ("causes", "convert.cli.causes", "train the network that says what spoils a picture"),
    ("export", "convert.cli.export", "turn your own Keras image-quality model into a .tflite"),
    ("verify", "convert.cli.verify", "compare an int8 .tflite with its float model"),
    ("evaluate", "convert.cli.evaluate", "measure a .tflite against human scores"),
    (
        "operate",
        "convert.cli.operate",
        "measure what gate presets keep and catch, or choose new ones",
    ),
    (
        "calibrate",
        "convert.cli.calibrate",
        "check that scores are MOS, and that std tells their error",
    ),
    (
        "stability",
        "convert.cli.stability",
        "measure how scores shift under what should not matter",
    ),
    (
        "misses",
        "convert.cli.worst_errors",
        "show the pictures that a .tflite judges worst, as a page",
    ),
    ("maps", "convert.cli.maps", "check that quality maps find the spoilt half of a picture"),
    ("ladder", "convert.cli.monotonicity", "check that scores fall as distortions grow"),
    (
        "sharpness",
        "convert.cli.sharpness",
        "measure whether slight blur in large photographs is told",
    ),
    ("diagnose", "convert.cli.diagnose", "measure what the causes tell, and false alarms"),
    (
        "burst",
        "convert.cli.burst",
        "measure how often the better frame of a burst is found",
    ),
    (
        "burst-weights",
        "convert.cli.burst_weights",
        "learn how to weigh what tells frames of a burst apart",
    ),
    ("baselines", "convert.cli.baselines", "train and measure the survey's strategies"),
    (
        "ablation",
        "convert.cli.ablation",
        "measure what each ingredient of distillation is worth",
    ),
    (
        "distort",
        "convert.cli.distort",
        "draw a contact sheet of all distortions at all levels",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step.

    Args:
        arguments: Command line without the program's name; ``sys.argv[1:]`` when None.

    Returns:
        Exit code: 0 done, 2 wrong usage or refused, 3 some pictures unreadable, 130 interrupted,
        1 where a step's check failed.
    """
    # Must be set before TensorFlow is first imported, by whichever step does it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m convert",
        description="From human scores to an int8 .tflite with its contract.",
        epilog="python -m convert STEP --help explains a step.",
    )
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    for name, module, text in STEPS:
        # Only the step asked for needs its options, so `--help` imports nothing heavy.
        step = steps.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if words[:1] == [name]:
            try:
                loaded = importlib.import_module(module)
            except ImportError as error:
                return _fail(name, _missing(error))
            loaded.add_arguments(step)
            step.set_defaults(run=loaded.run)
    options = parser.parse_args(_join_values(words))
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except ImportError as error:
        return _fail(options.step, _missing(error))
    except (ValueError, OSError, RuntimeError) as error:
        if os.environ.get("EDGEIQA_TRACEBACK"):
            raise
        return _fail(options.step, str(error) or type(error).__name__)


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
    print(f"convert {step}: error: {line}", file=sys.stderr)
    return 2


def _missing(error: ImportError) -> str:
    if error.name and error.name.split(".")[0] not in {"convert", "edgeiqa"}:
        return f'{error.name} is not installed; pip install "edgeiqa[convert]" brings it'
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
