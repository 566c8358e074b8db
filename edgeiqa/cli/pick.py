"""`edgeiqa pick`: the best photographs of each moment."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from edgeiqa.cli.common import (
    EXIT_OK,
    EXIT_UNREADABLE,
    SECONDS,
    SHARE,
    UsageError,
    add_filter_options,
    add_model_option,
    add_quiet_option,
    count_argument,
    open_scorer,
    path_filter_of,
    report_skipped,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.burst.selection import Pick


COLUMNS = (
    *("path", "moment", "of", "rank", "score", "value", "keep", "why", "taken", "remark"),
    *("done", "error"),
)
"""JSON keys and CSV columns; a contract."""


def table(plan: Sequence[Pick], stream: TextIO) -> None:
    """For people: moment, rank, score, keep or leave, photograph and reason."""
    from edgeiqa.results.row import printable

    stream.write("moment  rank  score  pick   photo\n")
    for pick in plan:
        if pick.error is not None:
            stream.write(f"{'-':>6}  {'-':>4}  {'-':>5}  error  {printable(pick.path)}: ")
            stream.write(f"{printable(pick.error)}\n")
            continue
        parts = [pick.why, pick.remark, pick.done or "", pick.failed or ""]
        stream.write(
            f"{pick.moment:>6}  {pick.rank:>4}  {pick.score:>5.1f}  "
            f"{'keep ' if pick.keep else 'leave'}  {printable(pick.path)}: "
            f"{printable('; '.join(part for part in parts if part))}\n"
        )


def as_json(plan: Sequence[Pick], stream: TextIO) -> None:
    """One JSON array, one line per photograph."""
    lines = [
        json.dumps(pick.to_dict(), ensure_ascii=not pick.path.isprintable(), allow_nan=False)
        for pick in plan
    ]
    stream.write("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n")


def as_csv(plan: Sequence[Pick], stream: TextIO) -> None:
    """A header, then one line per photograph; keep is true or false."""
    from edgeiqa.results.writers import write_csv_row

    csv.writer(stream, lineterminator="\n").writerow(COLUMNS)
    for pick in plan:
        row = pick.to_dict()
        if row["keep"] is not None:
            row["keep"] = "true" if row["keep"] else "false"
        write_csv_row(stream, [row[column] for column in COLUMNS])


def summary(plan: Sequence[Pick]) -> str:
    """One line on the whole plan."""
    good = [pick for pick in plan if pick.error is None]
    kept = sum(pick.keep for pick in good)
    count = len({pick.moment for pick in good})
    parts = [
        f"{len(good)} {'photograph' if len(good) == 1 else 'photographs'} in "
        f"{count} {'moment' if count == 1 else 'moments'}: {kept} to keep, {len(good) - kept} left"
    ]
    unreadable, failed = len(plan) - len(good), sum(pick.failed is not None for pick in plan)
    if unreadable:
        parts.append(f"{unreadable} unreadable")
    if failed:
        parts.append(f"{failed} not done")
    return ", ".join(parts)


def culling_warning(plan: Sequence[Pick]) -> str | None:
    """A line for the head of a plan that leaves most of a folder behind."""
    good = [pick for pick in plan if pick.error is None]
    left = sum(not pick.keep for pick in good)
    if 2 * left <= len(good):
        return None
    largest = max(pick.size for pick in good)
    return (
        f"Note: this plan leaves {left} of {len(good)} photographs behind; the largest moment has "
        f"{largest}. Check it, or set --gap, --likeness or --keep."
    )


WRITERS: dict[str, Callable[[Sequence[Pick], TextIO], None]] = {
    "table": table,
    "json": as_json,
    "csv": as_csv,
}


EPILOG = """Without --apply the plan is printed and nothing is changed. No photograph is ever
deleted or overwritten; if a name is taken, the photograph gets a number. After an interruption,
the same command finishes the work.

Photographs without a capture time only join near-copies. Exposure brackets, focus stacks and
panoramas are kept as a whole. Companions travel along: XMP, pp3, dop, AAE, JSON of Google Takeout,
the MOV of a Live Photo, THM, WAV; with --move-to also camera raws.

exit codes:
  0    all photographs were ranked, and everything requested is done
  2    invalid usage, or a model or output file that cannot be opened
  3    some could not be read, copied, moved or rated (all others were)
  130  interrupted
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "pick",
        allow_abbrev=False,
        help="pick the best photographs of each moment",
        description="Groups the photographs of a folder into moments, by capture time and\n"
        "content, and ranks the photographs of each moment.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="searched recursively")
    add_filter_options(parser)
    add_model_option(parser)
    parser.add_argument(
        "--keep",
        type=count_argument,
        default=1,
        metavar="K",
        help="photographs to keep of each moment (default: 1)",
    )
    parser.add_argument(
        "--gap",
        type=SECONDS,
        default=2.0,
        metavar="SECONDS",
        help="maximum time between two neighbours of a moment (default: 2)",
    )
    parser.add_argument(
        "--likeness",
        type=SHARE,
        default=0.7,
        metavar="X",
        help="how alike neighbours must look, 0-1 (default: 0.7)",
    )
    to = parser.add_mutually_exclusive_group()
    to.add_argument(
        "--copy-to", metavar="DIR", help="copy the photographs to keep, with companions, to DIR"
    )
    to.add_argument(
        "--move-to",
        metavar="DIR",
        help="move the photographs to keep, with companions and raw files, to DIR",
    )
    parser.add_argument(
        "--xmp",
        action="store_true",
        help="write XMP sidecars: 5 stars and the label Select for photographs to keep, 1 star "
        "for the others; your own ratings stay",
    )
    parser.add_argument("--csv", metavar="FILE", help="also write the plan as CSV")
    parser.add_argument("--apply", action="store_true", help="carry out the plan")
    parser.add_argument(
        "--format", choices=("table", "json", "csv"), default="table", help="default: table"
    )
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Makes the plan, and with --apply carries it out; returns the exit code."""
    from edgeiqa.burst import selection
    from edgeiqa.cli.progress import Progress
    from edgeiqa.files.atomic import clear_parts, open_output

    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # As in `score`.
    _check_folders(arguments)
    wanted = arguments.copy_to or arguments.move_to or arguments.xmp or arguments.csv
    if arguments.apply and not wanted:
        raise UsageError("--apply requires --copy-to, --move-to, --xmp or --csv")
    scorer, _ = open_scorer(arguments)
    path_filter = path_filter_of(arguments)
    progress = Progress(0, enabled=False)

    def start(total: int) -> None:
        nonlocal progress
        progress = Progress(2 * total, enabled=not arguments.quiet)

    try:
        plan = selection.make_plan(
            arguments.folder,
            scorer,
            keep=arguments.keep,
            gap_s=arguments.gap,
            min_likeness=arguments.likeness,
            moved_to=arguments.move_to,
            skip=arguments.copy_to,
            path_filter=path_filter,
            on_step=lambda: progress.step(),
            on_total=start,
        )
    finally:
        progress.close()
    if arguments.apply:
        plan = _apply(arguments, plan)
        if arguments.copy_to or arguments.move_to:
            to = arguments.copy_to or arguments.move_to
            for place, _, _ in os.walk(to):
                clear_parts(place)
        if arguments.csv:
            with open_output(arguments.csv) as stream:
                WRITERS["csv"](plan, stream)
    report_skipped(path_filter)
    if (warning := culling_warning(plan)) and arguments.format != "table":
        print(f"edgeiqa: {warning}", file=sys.stderr)
    with open_output(None) as stream:
        if warning and arguments.format == "table":
            stream.write(f"{warning}\n\n")
        WRITERS[arguments.format](plan, stream)
        if arguments.format == "table":
            stream.write(f"\n{summary(plan)}\n")
            if not arguments.apply:
                options = "--apply" if wanted else "--copy-to, --move-to, --xmp or --csv"
                stream.write(f"This is a plan; nothing was changed. Add {options}.\n")
    bad = any(pick.error is not None or pick.failed is not None for pick in plan)
    return EXIT_UNREADABLE if bad else EXIT_OK


def _apply(arguments: argparse.Namespace, plan: list[Pick]) -> list[Pick]:
    from edgeiqa.burst.selection import carry_out
    from edgeiqa.cli.progress import Progress

    progress = Progress(len(plan), enabled=not arguments.quiet)
    try:
        return list(
            carry_out(
                plan,
                arguments.folder,
                copy_to=arguments.copy_to,
                move_to=arguments.move_to,
                ratings=arguments.xmp,
                on_step=lambda: progress.step(),
            )
        )
    finally:
        progress.close()


def _check_folders(arguments: argparse.Namespace) -> None:
    from edgeiqa.burst.selection import is_within

    folder = arguments.folder
    if not os.path.isdir(folder):
        what = "not a folder" if os.path.exists(folder) else "no such folder"
        raise UsageError(f"{folder}: {what}")
    for option in ("copy_to", "move_to"):
        to = getattr(arguments, option)
        if to is None:
            continue
        named = f"--{option.replace('_', '-')} {to}"
        if os.path.exists(to) and not os.path.isdir(to):
            raise UsageError(f"{named}: a file, expected a folder")
        if os.path.isdir(to) and is_within(folder, to):
            raise UsageError(f"{named}: the photographs are already there")
