"""`edgeiqa report`: one HTML page about the results of `edgeiqa score`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from edgeiqa.cli.common import (
    EXIT_OK,
    EXIT_UNREADABLE,
    UsageError,
    add_quiet_option,
    count_argument,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.report.items import Photo
    from edgeiqa.report.page import Report

EPILOG = """exit codes:
  0    the page is written
  2    wrong usage, results that cannot be read, or a page that cannot be written
  3    the page is written, but some photographs are gone or cannot be decoded any more
  130  interrupted; an older page is then left as it was
"""

SIDES = (32, 1024)
DEFAULT_SIDE = 160
DEFAULT_LIMIT = 10_000


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="make one HTML page of results, to look through them",
        description="Makes one HTML page that needs no network: how the scores are distributed,\n"
        "the worst and the best photographs, what is wrong with them, folders,\n"
        "near-duplicates, and all photographs to filter and sort.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results",
        metavar="RESULTS",
        help="a file that `edgeiqa score` wrote: JSON lines, JSON, CSV or Parquet",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the page (default: RESULTS with the suffix .html)"
    )
    parser.add_argument(
        "--root",
        metavar="DIR",
        default=".",
        help="where relative paths in the results begin (default: the current folder)",
    )
    parser.add_argument("--title", metavar="TEXT", help="at the top of the page")
    parser.add_argument(
        "--thumbnails",
        metavar="SIZE|none",
        type=side_argument,
        default=DEFAULT_SIDE,
        help=f"longest side of thumbnails in pixels, {SIDES[0]}-{SIDES[1]} (default: "
        f"{DEFAULT_SIDE}, about 3.5 kB each)",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=count_argument,
        default=DEFAULT_LIMIT,
        help="so many photographs get a thumbnail, half of them the worst, half the best "
        f"(default: {DEFAULT_LIMIT})",
    )
    parser.add_argument(
        "--no-duplicates", action="store_true", help="do not look for near-duplicates"
    )
    parser.add_argument(
        "-j",
        "--workers",
        metavar="N",
        type=count_argument,
        default=0,
        help="processes (default: all)",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite a file that is no report of ours"
    )
    parser.add_argument("--open", action="store_true", help="show the page in a browser")
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def side_argument(text: str) -> int:
    """Pixels out of an argument's text; 0 for "none"."""
    if text == "none":
        return 0
    if not text.isdecimal() or not SIDES[0] <= int(text) <= SIDES[1]:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither none nor a whole number from {SIDES[0]} to {SIDES[1]}"
        )
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Writes the page; returns the exit code."""
    from edgeiqa.files.atomic import open_output
    from edgeiqa.report.page import render
    from edgeiqa.results.row import printable

    output = arguments.output
    if output is None:
        output = os.path.splitext(arguments.results)[0] + ".html"
    _check_output(output, arguments.results, arguments.force)
    notes: list[str] = []
    photos = _read(arguments.results, arguments.root, notes)
    for note in notes:
        print(f"edgeiqa: note: {printable(note)}", file=sys.stderr)
    report, missing = _build(arguments, photos, notes, output)
    with open_output(output) as stream:
        for piece in render(report):
            stream.write(piece)
    if output not in ("-", "/dev/stdout"):
        print(_summary(output, report))
    if missing:
        print(
            f"edgeiqa: note: {missing:,} of the photographs are gone or cannot be decoded; where "
            "paths in the results are relative, --root names the folder that they begin in",
            file=sys.stderr,
        )
    if arguments.open:
        _show(output)
    return EXIT_UNREADABLE if missing else EXIT_OK


def _read(results: str, root: str, notes: list[str]) -> list[Photo]:
    from edgeiqa.errors import ResultsError
    from edgeiqa.report.items import photos_of
    from edgeiqa.results.reader import read_results

    if not os.path.isdir(root):
        raise UsageError(f"--root {root}: no such folder")
    try:
        photos, replaced = photos_of(read_results(results, notes.append), root)
    except (ResultsError, ImportError) as error:
        raise UsageError(f"{results}: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {results}: {error.strerror or error}") from error
    if replaced:
        notes.append(f"{replaced:,} results were replaced by later ones of the same photographs")
    if not photos:
        notes.append("There are no results in this file.")
    return photos


def _build(
    arguments: argparse.Namespace, photos: list[Photo], notes: list[str], output: str
) -> tuple[Report, int]:
    """Looks at the photographs; also says how many are missing."""
    from edgeiqa.cli.progress import Progress
    from edgeiqa.report.build import groups_of, looked_at, planned
    from edgeiqa.report.page import Report

    duplicates = not arguments.no_duplicates
    jobs, without = planned(
        photos, side=arguments.thumbnails, limit=arguments.limit, duplicates=duplicates
    )
    progress = Progress(len(jobs), enabled=not arguments.quiet)
    try:
        looks = looked_at(photos, jobs, workers=arguments.workers, on_step=progress.step)
    finally:
        progress.close()
    missing = sum(look.error is not None for look in looks.values())
    if without:
        notes.append(
            f"{without:,} photographs in the middle of the scores have no thumbnail; "
            f"--limit gives one to more than {arguments.limit:,}"
        )
    if missing:
        notes.append(f"{missing:,} photographs were gone or could not be decoded for this page")
    models = sorted({photo.result.model for photo in photos if photo.result.model})
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(os.stat(arguments.results).st_mtime))
    name = os.path.basename(arguments.results)
    report = Report(
        arguments.title or f"Photographs of {name}",
        photos,
        looks,
        groups_of(photos, looks) if duplicates else None,
        meta=[*([] if arguments.title is None else [name]), f"scored {written}", *models],
        notes=notes,
        beside=None if output == "-" else os.path.dirname(os.path.abspath(output)),
    )
    return report, missing


def _check_output(output: str, results: str, force: bool) -> None:
    """Refuses to overwrite what somebody may still need."""
    from edgeiqa.report.page import GENERATOR

    if output in ("-", "/dev/stdout") or not os.path.isfile(output):
        return
    if os.path.exists(results) and os.path.samefile(output, results):
        raise UsageError(f"{output} holds the results, name another file with --output")
    with open(output, "rb") as stream:
        start = stream.read(4096)
    if start and GENERATOR.encode() not in start and not force:
        raise UsageError(f"{output} is there and no report of ours; --force overwrites it")


def _summary(output: str, report: Report) -> str:
    from edgeiqa.results.row import printable

    count = len(report.photos)
    parts = [f"{count:,} {'photograph' if count == 1 else 'photographs'}"]
    if report.groups:
        noun = "group" if len(report.groups) == 1 else "groups"
        parts.append(f"{len(report.groups):,} {noun} of near-duplicates")
    parts.append(f"{os.path.getsize(output) / 1e6:.1f} MB")
    return f"{printable(output)}: {', '.join(parts)}"


def _show(output: str) -> None:
    import webbrowser
    from pathlib import Path

    if output in ("-", "/dev/stdout") or not webbrowser.open(Path(output).resolve().as_uri()):
        print("edgeiqa: note: no browser to show it in", file=sys.stderr)
