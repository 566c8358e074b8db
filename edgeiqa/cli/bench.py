"""`edgeiqa bench`: time and memory of scoring on this machine, by stage."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, Any

from edgeiqa._version import __version__
from edgeiqa.cli.common import (
    EXIT_OK,
    EXIT_UNREADABLE,
    UsageError,
    add_quiet_option,
    count_argument,
    size_argument,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.bench.inputs import Subject
    from edgeiqa.bench.opencv_baselines import Baseline
    from edgeiqa.scorer import Scorer

FORMATS = (*("RGB", "BGR", "RGBA", "BGRA", "GRAY", "NV12", "NV21", "I420", "YUYV", "YUV_420_888"),)
EPILOG = """Photographs are scored as files, including decoding; with --size, --pixel-format or
--rotation they are first converted to frames, which is not timed. Without a photograph a sample is
enlarged to the size of the frame.

Runs are timed from the file or the buffer to the quality, and the stages add up to the total.
OpenCV's measures alternate with ours, on the same pictures, with as many threads. On a busy
machine, look at the fastest runs (min), or prefix the command with `chrt -f 1 taskset -c 1`, as
root. Memory and details of the machine need psutil: pip install "edgeiqa[bench]".

exit codes:
  0    measured
  2    invalid usage, or a model or output file that cannot be opened
  3    measured, but some photographs could not be read
  130  interrupted; an existing --output file is unchanged
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "bench",
        allow_abbrev=False,
        help="measure speed and memory, stage by stage",
        description="Measures the cost of a score on this machine: time per stage, memory, and a\n"
        "comparison with measures of OpenCV.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="PHOTO", help="a file, or a folder of them")
    parser.add_argument(
        "--model", default="base", help="a model's name or a .tflite file (default: base)"
    )
    parser.add_argument(
        "--size",
        type=size_argument,
        metavar="WxH",
        help="size of the frame's buffer in pixels (default: 1920x1080)",
    )
    parser.add_argument(
        "--pixel-format",
        type=format_argument,
        metavar="NAME",
        help=f"format of the frame: {', '.join(FORMATS)}, or all (default: NV21)",
    )
    parser.add_argument(
        "--rotation",
        type=int,
        choices=(0, 90, 180, 270),
        help="clockwise degrees that turn the frame upright (default: 0)",
    )
    parser.add_argument(
        "--threads",
        type=count_argument,
        default=1,
        metavar="N",
        help="threads per network (default: 1)",
    )
    parser.add_argument(
        "--runs",
        type=count_argument,
        default=100,
        metavar="N",
        help="number of runs, after five for warm-up (default: 100)",
    )
    parser.add_argument("--no-causes", action="store_true", help="only score")
    parser.add_argument("--no-rivals", action="store_true", help="leave out OpenCV's measures")
    parser.add_argument(
        "--brisque-model",
        metavar="FILE",
        help="brisque_model_live.yml of OpenCV's module quality; without it only the features "
        "of BRISQUE are timed",
    )
    parser.add_argument("--brisque-range", metavar="FILE", help="brisque_range_live.yml, likewise")
    parser.add_argument(
        "--format", choices=("table", "json"), help="default: by the suffix of --output, else table"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write to FILE instead of standard output"
    )
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def format_argument(text: str) -> str:
    """An argparse type: a pixel format or "all", in either case."""
    name = text.lower() if text.lower() == "all" else text.upper()
    if name != "all" and name not in FORMATS:
        raise argparse.ArgumentTypeError(
            f"unknown format {text!r}, expected one of {', '.join(FORMATS)}, all"
        )
    return name


def run(arguments: argparse.Namespace) -> int:
    """Measures and prints; returns the exit code."""
    import json

    from edgeiqa.files.atomic import open_output
    from edgeiqa.results.row import printable

    if (arguments.brisque_model is None) != (arguments.brisque_range is None):
        raise UsageError("--brisque-model and --brisque-range require each other")
    with open_output(arguments.output) as stream:
        document, errors = _measured(arguments)
        if _format(arguments) == "json":
            stream.write(json.dumps(document, indent=1, allow_nan=False) + "\n")
        else:
            from edgeiqa.bench.table import table

            stream.write(table(document))
    for line in errors:
        print(f"edgeiqa: {printable(line)}", file=sys.stderr)
    return EXIT_UNREADABLE if errors else EXIT_OK


def _format(arguments: argparse.Namespace) -> str:
    if arguments.format is not None:
        return str(arguments.format)
    return "json" if (arguments.output or "").lower().endswith(".json") else "table"


def _measured(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """The report, and an error line for each unreadable photograph."""
    from edgeiqa.bench.environment import machine, rss_mb, versions
    from edgeiqa.bench.measure import WARM_UP, measure, memory
    from edgeiqa.cli.progress import Progress

    facts = machine()  # First, before we add to the load.
    before = rss_mb()
    scorer = _scorer(arguments)
    opened = rss_mb()
    notes: list[str] = []
    subjects, errors = _subjects(arguments, notes)
    if not subjects:
        raise UsageError("; ".join(errors))
    used = memory(scorer, subjects)
    baselines = [] if arguments.no_rivals else _baselines(arguments, notes)
    progress = Progress(len(subjects) * (WARM_UP + arguments.runs), enabled=not arguments.quiet)
    try:
        measured = [
            measure(scorer, subject, baselines, runs=arguments.runs, on_round=progress.step)
            for subject in subjects
        ]
    finally:
        progress.close()
    model, causes = scorer.contract, scorer.cause_detector
    document = {
        "edgeiqa": __version__,
        "command": _command(arguments),
        "model": {
            **{"name": model.name, "version": model.version},
            "flatbuffer_sha256": model.flatbuffer_sha256,
            "causes": None
            if causes is None
            else {"name": causes.contract.name, "version": causes.contract.version},
        },
        "threads": arguments.threads,
        "versions": versions(),
        "machine": facts,
        "memory": {
            "before_opening": _mb(before),
            "opened": _mb(opened),
            **used,
            "end": _mb(rss_mb()),
        },
        "subjects": measured,
        "notes": notes,
    }
    return document, errors


def _mb(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _scorer(arguments: argparse.Namespace) -> Scorer:
    from edgeiqa.inference.contract import ContractError
    from edgeiqa.inference.model import ModelError
    from edgeiqa.scorer import Scorer

    try:
        return Scorer(arguments.model, causes=not arguments.no_causes, threads=arguments.threads)
    except (ModelError, ContractError, ImportError, ValueError) as error:
        raise UsageError(str(error)) from error


def _subjects(arguments: argparse.Namespace, notes: list[str]) -> tuple[list[Subject], list[str]]:
    """The inputs, and an error line for each unreadable photograph."""
    from edgeiqa.bench.inputs import SAMPLE, file_subject, frame_subject, sample_picture
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode
    from edgeiqa.imaging.discovery import STDIN, expand
    from edgeiqa.imaging.frame import PixelFormat

    if STDIN in arguments.paths:
        raise UsageError("standard input cannot be read repeatedly; name photographs")
    chosen = (arguments.size, arguments.pixel_format, arguments.rotation)
    size = arguments.size or (1920, 1080)
    rotation = arguments.rotation or 0
    wanted = arguments.pixel_format or "NV21"
    formats = [kind for kind in PixelFormat if wanted in ("all", kind.value)]
    if not arguments.paths:
        picture = sample_picture()
        notes.append(
            f"the picture is the sample {SAMPLE}, {picture.width}x{picture.height}, resized to the "
            "frame"
        )
        return [frame_subject(SAMPLE, picture, size, kind, rotation) for kind in formats], []
    subjects: list[Subject] = []
    errors: list[str] = []
    for item in expand(arguments.paths):
        try:
            if item.error is not None:
                raise UnreadableImageError(item.error)
            if chosen == (None, None, None):
                subjects.append(file_subject(item.path))
                continue
            picture = decode(item.path)
            subjects += [frame_subject(item.path, picture, size, f, rotation) for f in formats]
        except UnreadableImageError as error:
            errors.append(f"{item.path}: {error.reason}")
    return subjects, errors


def _baselines(arguments: argparse.Namespace, notes: list[str]) -> list[Baseline]:
    from edgeiqa.bench.opencv_baselines import BRISQUE_FEATURES, baselines

    brisque = None
    if arguments.brisque_model is not None:
        brisque = (arguments.brisque_model, arguments.brisque_range)
        for path in brisque:
            with open(path, "rb"):  # OpenCV's error does not name the file.
                pass
    try:
        found = baselines(arguments.threads, brisque)
    except ImportError as error:
        notes.append(f"no comparison: {error}")
        return []
    except ValueError as error:
        raise UsageError(str(error)) from error
    if any(baseline.about == BRISQUE_FEATURES for baseline in found):
        notes.append(f"of BRISQUE {BRISQUE_FEATURES}")
    return found


def _command(arguments: argparse.Namespace) -> str:
    """The command that repeats this measurement."""
    words = ["edgeiqa", "bench", *arguments.paths, "--model", arguments.model]
    if arguments.size is not None:
        words += ["--size", "x".join(map(str, arguments.size))]
    if arguments.pixel_format is not None:
        words += ["--pixel-format", arguments.pixel_format]
    if arguments.rotation is not None:
        words += ["--rotation", str(arguments.rotation)]
    words += ["--threads", str(arguments.threads), "--runs", str(arguments.runs)]
    for name in ("no_causes", "no_rivals"):
        words += [f"--{name.replace('_', '-')}"] if getattr(arguments, name) else []
    for name in ("brisque_model", "brisque_range"):
        value = getattr(arguments, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", value]
    return shlex.join(words)
