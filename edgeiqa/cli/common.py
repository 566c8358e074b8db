"""What the commands share: exit codes, the error for the user, opening model and gate."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeiqa.errors import EdgeIQAError

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.gating.gate import Gate
    from edgeiqa.imaging.discovery import PathFilter
    from edgeiqa.scorer import Scorer

MAX_SIDE = 16_384
"""Pixels on the longer side of a frame."""

EXIT_OK = 0
EXIT_REJECTED = 1
EXIT_USAGE = 2
EXIT_UNREADABLE = 3
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class UsageError(EdgeIQAError):
    """Invalid usage; the message is shown to the user."""


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Adds --model, without a gate."""
    parser.add_argument(
        "--model", default="base", help="a model's name or a .tflite file (default: base)"
    )
    parser.set_defaults(gate=None, min_score=None, max_causes=[], allow_damaged=False)


def add_gate_options(parser: argparse.ArgumentParser) -> None:
    """Adds --model and what the gate is made of."""
    add_model_option(parser)
    least = parser.add_mutually_exclusive_group()
    least.add_argument(
        "--gate",
        metavar="PRESET|FILE",
        help="relaxed, normal, strict, or a file of fit-gate --output (default: normal)",
    )
    least.add_argument(
        "--min-score",
        type=score_argument,
        metavar="X",
        help="accept from this score on, 0-100, instead of a preset",
    )
    parser.add_argument(
        "--max",
        dest="max_causes",
        action="append",
        type=cause_argument,
        default=[],
        metavar="CAUSE=X",
        # By name and not from `edgeiqa.causes`, which loads NumPy.
        help="reject above this severity, 0-1, of blur, noise, dark, bright, compression or "
        "low_contrast; can be repeated, goes before the preset's limits, and 1 switches a cause "
        "off",
    )
    parser.add_argument(
        "--allow-damaged",
        action="store_true",
        help="do not reject photographs for data that is missing or corrupt",
    )


@dataclass(frozen=True)
class Number:
    """An argparse type: a finite number within limits.

    Attributes:
        minimum: The smallest number allowed.
        maximum: The largest number allowed.
        exclusive: Whether `minimum` itself is not allowed.
    """

    minimum: float = 0.0
    maximum: float = math.inf
    exclusive: bool = False

    def __call__(self, text: str) -> float:
        """The number, or an error for argparse to show."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        above = value > self.minimum if self.exclusive else value >= self.minimum
        if not (above and value <= self.maximum and math.isfinite(value)):
            raise argparse.ArgumentTypeError(f"expected a number {self}, got {text!r}")
        return value

    def __str__(self) -> str:
        start = f"above {self.minimum:.10g}" if self.exclusive else f"from {self.minimum:.10g}"
        if self.maximum < math.inf:
            return f"{start} to {self.maximum:.10g}"
        return start if self.exclusive else f"{start} on"


SECONDS = Number(maximum=86_400.0 * 366)
POSITIVE_SECONDS = Number(maximum=86_400.0 * 366, exclusive=True)
POSITIVE = Number(exclusive=True)
SHARE = Number(maximum=1.0)


def score_argument(text: str) -> float:
    """An argparse type: a score from 0 to 100."""
    value = Number(maximum=100.0)(text)
    if 0 < value < 1:
        raise argparse.ArgumentTypeError(
            f"scores run from 0 to 100, got {text!r}; did you mean {100 * value:g}?"
        )
    return value


def count_argument(text: str) -> int:
    """An argparse type: a whole number from 1 on."""
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if count < 1:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 1 to 999999999, got {text!r}"
        )
    return count


def size_argument(text: str) -> tuple[int, int]:
    """An argparse type: (width, height), such as "1920x1080"."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text, re.ASCII | re.IGNORECASE)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= min(size) <= max(size) <= MAX_SIDE:
        raise argparse.ArgumentTypeError(
            f"expected WIDTHxHEIGHT, such as 1920x1080, each from 1 to {MAX_SIDE}, got {text!r}"
        )
    return size


def bytes_argument(text: str) -> int:
    """An argparse type: a number of bytes, such as "500MB"."""
    from edgeiqa.files.size import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def cause_argument(text: str) -> tuple[str, float]:
    """An argparse type: a cause and its limit from 0 to 1, such as "blur=0.4"."""
    from edgeiqa.causes import CAUSES

    cause, equals, number = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected CAUSE=X, such as blur=0.4, got {text!r}")
    if cause not in CAUSES:
        raise argparse.ArgumentTypeError(f"no cause {cause!r}, known: {', '.join(CAUSES)}")
    return cause, SHARE(number)


def read_model(name: str) -> bytes:
    """Reads a model once, so that all processes of a run use the same bytes.

    Raises:
        UsageError: There is no such model, or it cannot be read.
    """
    from edgeiqa.errors import ModelError
    from edgeiqa.inference.model import find
    from edgeiqa.inference.model_file import read_model_file

    try:
        return read_model_file(find(name))
    except (ModelError, OSError) as error:
        raise UsageError(str(error)) from error


def add_filter_options(parser: argparse._ActionsContainer) -> None:
    """Adds --exclude and --include for searched folders."""
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out files and folders of this name or path, such as 'drafts' or '*-small.jpg'; "
        "repeatable",
    )
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="GLOB",
        help="only files of this name or path; repeatable",
    )


def path_filter_of(arguments: argparse.Namespace) -> PathFilter:
    """The filter given by --exclude and --include."""
    from edgeiqa.imaging.discovery import PathFilter

    return PathFilter(tuple(arguments.exclude), tuple(arguments.include))


def report_skipped(path_filter: PathFilter) -> None:
    """Says on standard error how many system folders were left out."""
    if count := len(path_filter.system_folders):
        print(
            f"edgeiqa: skipped {count} {'folder' if count == 1 else 'folders'} of file servers and "
            "systems, such as @eaDir and #recycle",
            file=sys.stderr,
        )


def open_scorer(
    arguments: argparse.Namespace,
    *,
    need_gate: bool = False,
    max_pixels: int | None = None,
    model: bytes | None = None,
) -> tuple[Scorer, Gate | None]:
    """Opens the model and the gate that the arguments name.

    Args:
        arguments: With what `add_gate_options` added.
        need_gate: Whether a model without presets is an error.
        max_pixels: Larger files are refused; None for the usual limit.
        model: The bytes of the model, if they have been read already.

    Returns:
        The scorer; and the gate, or None where the model has no presets and none was named.

    Raises:
        UsageError: There is no such model or preset.
    """
    from edgeiqa.imaging.decode import MAX_PIXELS
    from edgeiqa.inference.model import Model
    from edgeiqa.scorer import Scorer, choose_gate

    try:
        opened = Model(arguments.model if model is None else model, origin=arguments.model)
        scorer = Scorer(opened, max_pixels=max_pixels or MAX_PIXELS)
        gate = choose_gate(
            scorer,
            arguments.gate,
            min_score=arguments.min_score,
            max_causes=dict(arguments.max_causes),
            needed=need_gate,
            reject_damaged=not arguments.allow_damaged,
        )
        return scorer, gate
    except (ImportError, ValueError) as error:
        raise UsageError(str(error)) from error


def gate_words(gate: Gate | None) -> str:
    """What a gate accepts, for a summary: "accepted from 57.5 on with at most blur 0.45"."""
    if gate is None:
        return ""
    limits = [f"{cause} {limit:g}" for cause, limit in gate.max_causes.items() if limit < 1]
    most = f" with at most {', '.join(limits)}" if limits else ""
    return f"accepted from {gate.min_score:g} on{most}"


def add_quiet_option(parser: argparse._ActionsContainer) -> None:
    """Adds --quiet, and its former name --no-progress."""
    parser.add_argument(
        "-q",
        "--quiet",
        "--no-progress",
        action="store_true",
        help="no progress and no notes on standard error",
    )


def add_format_option(parser: argparse._ActionsContainer, *formats: str) -> None:
    """Adds --format for commands that have --output; see `output_format`."""
    parser.add_argument(
        "--format", choices=formats, help="default: by the suffix of --output, else table"
    )
    parser.set_defaults(formats=formats)


def output_format(arguments: argparse.Namespace) -> str:
    """The format by name, else by the suffix of --output, else a table."""
    if arguments.format is not None:
        return str(arguments.format)
    suffix = os.path.splitext(arguments.output or "")[1].lower().lstrip(".")
    if suffix == "ndjson" or (suffix == "json" and "json" not in arguments.formats):
        suffix = "jsonl"
    return suffix if suffix in arguments.formats else "table"
