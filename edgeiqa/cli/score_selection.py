"""Options of `edgeiqa score` that select rows, move rejected photographs and write ratings."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgeiqa.cli.common import UsageError, count_argument

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.burst.selection import Pick
    from edgeiqa.results.row import Row

ONLY = ("accepted", "rejected", "scored", "unreadable")


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    group = parser.add_argument_group("selecting")
    group.add_argument("--only", choices=ONLY, help="write only rows of this kind")
    group.add_argument(
        "--sort", choices=("best", "worst", "path"), help="write the best or the worst first"
    )
    group.add_argument(
        "--top", type=count_argument, metavar="N", help="write N rows, with --sort best by default"
    )
    group.add_argument(
        "--move-rejected-to",
        metavar="DIR",
        help="move rejected photographs there, with their sidecars and raw files; a plan unless "
        "--apply is given, nothing is overwritten or deleted",
    )
    group.add_argument(
        "--xmp",
        action="store_true",
        help="write the verdicts into XMP sidecars, as `edgeiqa pick --xmp`; a plan unless --apply "
        "is given",
    )
    group.add_argument(
        "--apply", action="store_true", help="carry out --move-rejected-to and --xmp"
    )


def needs_gate(arguments: argparse.Namespace) -> bool:
    """Whether the options need verdicts."""
    return bool(
        arguments.move_rejected_to or arguments.xmp or arguments.only in ("accepted", "rejected")
    )


def check_selection(arguments: argparse.Namespace, file_format: str) -> None:
    """Refuses what cannot be combined, and fills in --sort for --top.

    Raises:
        UsageError: The message says what cannot be combined.
    """
    if arguments.top is not None and arguments.sort is None:
        arguments.sort = "best"
    acts = arguments.move_rejected_to is not None or arguments.xmp
    if arguments.apply and not acts:
        raise UsageError("--apply needs --move-rejected-to or --xmp")
    if arguments.resume:
        if acts:
            raise UsageError("--move-rejected-to and --xmp cannot be combined with --resume")
        if file_format == "jsonl" and (arguments.only or arguments.sort):
            raise UsageError(
                "--only, --sort and --top would drop rows that --resume needs: name a file that "
                "ends in .json, .csv or .parquet with --output, the rows are kept beside it"
            )
    to = arguments.move_rejected_to
    if to is None:
        return
    if os.path.exists(to) and not os.path.isdir(to):
        raise UsageError(f"--move-rejected-to {to}: this is a file, name a folder")
    for name in arguments.paths:
        folder = _folder(name)
        inside = os.path.join(os.path.realpath(folder), "").startswith(
            os.path.join(os.path.realpath(to), "")
        )
        if inside or (os.path.exists(to) and os.path.samefile(folder, to)):
            raise UsageError(f"--move-rejected-to {to}: the photographs of {name} are in there")


def act_on(rows: Iterable[Row], arguments: argparse.Namespace) -> int:
    """Moves rejected photographs and writes ratings, or says what would be done.

    Args:
        rows: The photographs with a verdict.
        arguments: Of the command.

    Returns:
        How many photographs could not be moved or rated.
    """
    from edgeiqa.burst.selection import Pick, carry_out
    from edgeiqa.imaging.discovery import STDIN

    files = [row for row in rows if row.path != STDIN]
    to, failures = arguments.move_rejected_to, 0
    rejected = [row for row in files if not row.accept]
    if files and not arguments.apply:
        parts = [f"rate {len(files)} photographs"] if arguments.xmp else []
        parts += [f"move {len(rejected)} rejected ones to {to}"] if to else []
        _say(f"this would {' and '.join(parts)}; add --apply to do so")
        return 0
    if arguments.xmp:
        picks = [Pick(row.path, score=row.score, keep=bool(row.accept)) for row in files]
        failures += _count(carry_out(picks, "", ratings=True), len(picks), "rated")
    if to is not None:
        for name in dict.fromkeys(arguments.paths):
            folder = _folder(name)
            picks, others = [], []
            for row in rejected:
                if row.path == name or _inside(row.path, name):
                    picks.append(Pick(row.path, score=row.score, keep=True))
                else:
                    others.append(row)
            rejected = others
            if picks:
                done = carry_out(picks, folder, move_to=to)
                failures += _count(done, len(picks), f"moved to {to}")
    return failures


def _count(picks: Iterable[Pick], total: int, what: str) -> int:
    failures = 0
    for pick in picks:
        if pick.failed is not None:
            failures += 1
            _say(f"{pick.path}: {pick.failed}")
    _say(f"{total - failures} photographs {what}")
    return failures


def _folder(name: str) -> str:
    """What keeps the structure below it: a folder itself, or that of a file."""
    return name if os.path.isdir(name) else os.path.dirname(name) or "."


def _inside(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


def _say(text: str) -> None:
    from edgeiqa.results.row import printable

    print(f"edgeiqa: {printable(text)}", file=sys.stderr)
