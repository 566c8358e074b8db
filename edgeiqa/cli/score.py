"""`edgeiqa score`: scores files, folders and standard input."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from typing import TYPE_CHECKING

from edgeiqa._version import __version__
from edgeiqa.cli.common import (
    EXIT_OK,
    EXIT_REJECTED,
    EXIT_UNREADABLE,
    POSITIVE_SECONDS,
    UsageError,
    add_filter_options,
    add_format_option,
    add_gate_options,
    add_quiet_option,
    count_argument,
    gate_words,
    open_scorer,
    output_format,
    path_filter_of,
    read_model,
    report_skipped,
)
from edgeiqa.cli.score_selection import (
    act_on,
    add_selection_options,
    check_selection,
    needs_gate,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.batch.maps import MapFolder
    from edgeiqa.batch.resume import Resumption
    from edgeiqa.batch.run import BatchRun, Tally
    from edgeiqa.results.row import Row

EPILOG = """exit codes:
  0    all were scored
  1    with --check: some were rejected
  2    wrong usage, or a model or an output file that cannot be opened or written
  3    some could not be read or are missing (the others are scored); takes precedence over 1
  130  interrupted (143 by SIGTERM, 129 by SIGHUP); a file named with --output is then left as it
       was, with --resume it keeps what was scored
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the parser of the command."""
    parser = commands.add_parser(
        "score",
        allow_abbrev=False,
        help="score photographs",
        description="Scores photographs from 0 to 100, higher is better.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, a folder (with its subfolders), or -"
    )
    add_filter_options(parser)
    add_gate_options(parser)
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if a photograph is rejected"
    )
    add_format_option(parser, "table", "json", "jsonl", "csv", "parquet")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write there, not to standard output"
    )
    parser.add_argument(
        "--map",
        metavar="DIR",
        help="also write for each photograph a PNG that shows which regions are good or bad, "
        "PHOTO.map.png; JSON gets the grid of scores (some 90 times the work of a score)",
    )
    add_quiet_option(parser)
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show settings and time on standard error",
    )
    add_selection_options(parser)
    _add_library_options(parser)
    parser.set_defaults(run=run)


def _add_library_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("whole libraries")
    group.add_argument(
        "--resume",
        action="store_true",
        help="keep the rows that --output has and score only what is new, has changed or had an "
        "error; continues a run that was interrupted or killed",
    )
    group.add_argument(
        "--rescore",
        action="store_true",
        help="with --resume: score again what was scored with another model, gate or mode, "
        "instead of refusing to",
    )
    group.add_argument(
        "--quick",
        action="store_true",
        help="decode JPEGs at a reduced size: faster, a score that differs by a fraction of a "
        "point, and no causes except those of exposure and contrast",
    )
    group.add_argument(
        "-j",
        "--workers",
        type=count_argument,
        metavar="N",
        help="processes that score (default: one per usable core, none for a handful of "
        "photographs)",
    )
    group.add_argument(
        "--timeout",
        type=POSITIVE_SECONDS,
        default=300.0,
        metavar="S",
        help="give a photograph up after S seconds in a worker process (default: 300)",
    )
    group.add_argument(
        "--max-megapixels",
        type=count_argument,
        default=200,
        metavar="N",
        help="refuse larger photographs; each worker may need 8 bytes per pixel, and more for "
        "some formats (default: 200)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Scores the photographs; returns the exit code."""
    from edgeiqa.batch.run import BatchRun, Selection
    from edgeiqa.batch.settings import ScoreSettings
    from edgeiqa.cli.progress import Progress
    from edgeiqa.errors import WorkerError
    from edgeiqa.files.atomic import is_stdout

    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # Warnings of decoders about metadata.
    file_format = output_format(arguments)
    _check_combination(arguments, file_format)
    check_selection(arguments, file_format)
    maps = None if arguments.map is None else _map_folder(arguments.map)
    max_pixels = arguments.max_megapixels * 1_000_000
    model = read_model(arguments.model)
    scorer, gate = open_scorer(
        arguments,
        need_gate=arguments.check or needs_gate(arguments),
        max_pixels=max_pixels,
        model=model,
    )
    if file_format == "parquet":
        _check_parquet()  # Now, and not after hours of scoring.
    # Rows on a terminal are progress enough.
    visible = is_stdout(arguments.output) and sys.stdout.isatty()
    progress = Progress(None, enabled=not (arguments.quiet or visible))
    path_filter = path_filter_of(arguments)
    batch = BatchRun(
        arguments.paths,
        scorer,
        gate,
        ScoreSettings.of(model, gate, quick=arguments.quick, max_pixels=max_pixels),
        arguments.output,
        file_format,
        arguments.workers,
        arguments.timeout,
        maps,
        selection=Selection(arguments.only, arguments.sort, arguments.top),
        skipped_folder=arguments.move_rejected_to,
        path_filter=path_filter,
        progress=progress,
    )
    judged: list[Row] = []
    if arguments.move_rejected_to or arguments.xmp:
        batch.on_row = lambda row: None if row.accept is None else judged.append(row)
    name = f"{scorer.contract.name} {scorer.contract.version}"
    details = [f"model {name}", "quick" if arguments.quick else "", gate_words(gate)]
    if arguments.verbose:
        workers = "one per core" if arguments.workers is None else arguments.workers
        _say(f"edgeiqa {__version__}, {', '.join(filter(None, details))}, workers: {workers}")
    started = time.monotonic()
    batch.summary = lambda tally: f"{tally} ({', '.join(filter(None, details))})"
    missing = 0
    try:
        if arguments.resume:
            tally, missing = _resume(batch, arguments)
        else:
            tally = batch.score_all()
    except WorkerError as error:
        raise UsageError(str(error)) from error
    finally:
        progress.close()
    report_skipped(path_filter)
    if arguments.verbose:
        seconds = time.monotonic() - started
        _say(
            f"{seconds:.1f} s, {sum(tally.counts.values()) / max(seconds, 1e-9):.1f} rows a second"
        )
    _note_unmeasured_causes(arguments, name, tally)
    failures = act_on(judged, arguments)
    if tally.counts["unreadable"] or missing or failures:
        return EXIT_UNREADABLE
    return EXIT_REJECTED if arguments.check and tally.counts["rejected"] else EXIT_OK


def _resume(batch: BatchRun, arguments: argparse.Namespace) -> tuple[Tally, int]:
    """Resumes; returns the counts, and how many photographs are missing."""
    try:
        tally, work = batch.resume(rescore=arguments.rescore)
    except KeyboardInterrupt:
        if not arguments.quiet:
            _say(f"{batch.journal_path} keeps what was scored; the same command continues")
        raise
    if not arguments.quiet:
        _say(f"{arguments.output}: {tally}; {_changes(work)}")
    missing = work.counts["missing"]
    if missing:
        _say(
            f"{missing} {'photograph was' if missing == 1 else 'photographs were'} not found, in "
            "folders that are empty or cannot be read; the earlier rows are kept (is a drive "
            "missing?)"
        )
    return tally, missing


def _changes(work: Resumption) -> str:
    parts = [
        f"{work.counts['scored']} scored now",
        f"{work.counts['unchanged']} unchanged",
        f"{work.counts['gone']} gone",
    ]
    if work.journal.damaged:
        parts.append(f"{work.journal.damaged} damaged lines dropped")
    return ", ".join(parts)


def _check_combination(arguments: argparse.Namespace, file_format: str) -> None:
    from edgeiqa.files.atomic import is_stdout
    from edgeiqa.imaging.discovery import STDIN

    if arguments.paths.count(STDIN) > 1:
        raise UsageError("standard input (-) can be read only once")
    if file_format == "parquet" and is_stdout(arguments.output):
        raise UsageError("--format parquet is not text: name a file with --output")
    if arguments.rescore and not arguments.resume:
        raise UsageError("--rescore needs --resume")
    if arguments.map is not None:
        for option in ("resume", "quick", "workers"):
            if getattr(arguments, option):
                raise UsageError(f"--map cannot be combined with --{option}")
    if not arguments.resume:
        return
    if is_stdout(arguments.output):
        raise UsageError("--resume needs a file: name one with --output")
    if file_format == "table":
        raise UsageError(
            "--resume cannot write a table: name a file that ends in .jsonl, .json, .csv or "
            ".parquet with --output, or add --format"
        )
    if STDIN in arguments.paths:
        raise UsageError("--resume cannot be combined with standard input (-)")


def _check_parquet() -> None:
    from edgeiqa.results.parquet import pyarrow_modules

    try:
        pyarrow_modules()
    except ImportError as error:
        raise UsageError(f"{error}, or use --format csv") from error


def _map_folder(folder: str) -> MapFolder:
    from edgeiqa.batch.maps import MapFolder

    try:
        return MapFolder(folder)
    except FileExistsError as error:
        raise UsageError(f"--map {folder}: this is a file, name a folder") from error
    except OSError as error:
        raise UsageError(f"--map {folder}: {error.strerror or error}") from error


def _note_unmeasured_causes(arguments: argparse.Namespace, name: str, tally: Tally) -> None:
    limited = {cause for cause, limit in dict(arguments.max_causes).items() if limit < 1}
    unmeasured = sorted(limited - tally.causes)
    if unmeasured and tally.readable:
        what = "--quick" if arguments.quick else f"the model {name}"
        _say(f"note: {what} does not measure {', '.join(unmeasured)}, so --max had no effect there")


def _say(text: str) -> None:
    print(f"edgeiqa: {text}", file=sys.stderr)
