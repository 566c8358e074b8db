"""`edgeiqa report`: an HTML page of the results of `edgeiqa score`."""

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
    add_filter_options,
    add_quiet_option,
    count_argument,
    path_filter_of,
    report_skipped,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help is fast.
    from edgeiqa.imaging.discovery import PathFilter
    from edgeiqa.report.items import Photo
    from edgeiqa.report.page import Report

EPILOG = """exit codes:
  0    the page is written
  2    invalid usage, unreadable results, or a page that cannot be written
  3    the page is written, but some photographs are missing or unreadable
  130  interrupted; an older page is unchanged
"""

SIDES = (32, 1024)
DEFAULT_SIDE = 160
DEFAULT_LIMIT = 10_000


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="make an HTML page for browsing results",
        description="Makes a self-contained HTML page: the distribution of scores, the worst and\n"
        "best photographs, faults, folders, near-duplicates, and all photographs to\n"
        "filter and sort.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results",
        metavar="RESULTS",
        help="a file written by `edgeiqa score`: JSON lines, JSON, CSV or Parquet",
    )
    add_filter_options(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the page (default: RESULTS with the suffix .html)"
    )
    parser.add_argument(
        "--root",
        metavar="DIR",
        default=".",
        help="where relative paths in the results start (default: the current folder)",
    )
    parser.add_argument("--title", metavar="TEXT", help="title of the page")
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
        help="maximum number of thumbnails, half for the worst and half for the best "
        f"photographs (default: {DEFAULT_LIMIT})",
    )
    parser.add_argument(
        "--no-duplicates", action="store_true", help="do not search for near-duplicates"
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
        "--force", action="store_true", help="overwrite a file that is not an edgeiqa report"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def side_argument(text: str) -> int:
    """An argparse type: pixels; 0 for "none"."""
    if text == "none":
        return 0
    if not text.isdecimal() or not SIDES[0] <= int(text) <= SIDES[1]:
        raise argparse.ArgumentTypeError(
            f"expected none or a whole number from {SIDES[0]} to {SIDES[1]}, got {text!r}"
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
    path_filter = path_filter_of(arguments)
    photos = _read(arguments.results, arguments.root, path_filter, notes)
    report_skipped(path_filter)
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
            f"edgeiqa: note: {missing:,} photographs are missing or unreadable; if paths in the "
            "results are relative, --root names the folder where they start",
            file=sys.stderr,
        )
    if arguments.open:
        _show(output)
    return EXIT_UNREADABLE if missing else EXIT_OK


def _read(results: str, root: str, path_filter: PathFilter, notes: list[str]) -> list[Photo]:
    from edgeiqa.errors import ResultsError
    from edgeiqa.report.items import photos_of
    from edgeiqa.results.reader import read_results

    if not os.path.isdir(root):
        raise UsageError(f"--root {root}: no such folder")
    try:
        photos, replaced = photos_of(read_results(results, notes.append), root, path_filter)
    except (ResultsError, ImportError) as error:
        raise UsageError(f"{results}: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {results}: {error.strerror or error}") from error
    if replaced:
        notes.append(f"{replaced:,} results were replaced by later ones of the same photographs")
    if not photos:
        notes.append("This file contains no results.")
    return photos


def _build(
    arguments: argparse.Namespace, photos: list[Photo], notes: list[str], output: str
) -> tuple[Report, int]:
    """Reads the photographs; also returns how many are missing."""
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
            f"{without:,} photographs with medium scores have no thumbnail; "
            f"raise --limit above {arguments.limit:,} to include them"
        )
    if missing:
        notes.append(f"{missing:,} photographs were missing or unreadable for this page")
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
    """Refuses to overwrite anything but an older report."""
    from edgeiqa.report.page import GENERATOR

    if output in ("-", "/dev/stdout") or not os.path.isfile(output):
        return
    if os.path.exists(results) and os.path.samefile(output, results):
        raise UsageError(f"{output} contains the results; name another file with --output")
    with open(output, "rb") as stream:
        start = stream.read(4096)
    if start and GENERATOR.encode() not in start and not force:
        raise UsageError(f"{output} is not an edgeiqa report; --force overwrites it")


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
        print("edgeiqa: note: no browser found", file=sys.stderr)
