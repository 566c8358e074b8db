"""`edgeiqa score`: scores files, folders and standard input."""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import TYPE_CHECKING

from edgeiqa.cli.common import (
    EXIT_OK,
    EXIT_REJECTED,
    EXIT_UNREADABLE,
    POSITIVE_SECONDS,
    UsageError,
    add_format_option,
    add_gate_options,
    asked_format,
    count_argument,
    gate_words,
    open_scorer,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.cli.score_maps import MapFolder
    from edgeiqa.cli.score_run import Run, Tally

EPILOG = """exit codes:
  0    all were scored
  1    with --check: some were rejected
  2    wrong usage, or a model or an output file that cannot be opened or written
  3    some could not be read (the others are scored); counts before 1
  130  interrupted; a file named with --output is then left as it was, with --resume it keeps
       what was scored
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "score",
        allow_abbrev=False,
        help="score photographs",
        description="Scores photographs from 0 to 100, higher is better.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, a folder (searched to its depths), or -"
    )
    add_gate_options(parser)
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if a photograph is rejected"
    )
    add_format_option(parser, "table", "json", "jsonl", "csv", "parquet")
    parser.add_argument("--output", metavar="FILE", help="write there instead of standard output")
    parser.add_argument(
        "--map",
        metavar="DIR",
        help="also write for each photograph a PNG that shows which regions are good or bad, "
        "PHOTO.map.png; JSON gets the grid of scores (some 90 times the work of a score)",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress on standard error")
    _add_library_options(parser)
    parser.set_defaults(run=run)


def _add_library_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("whole libraries")
    group.add_argument(
        "--resume",
        action="store_true",
        help="keep the rows that --output has and score only what is new, has changed or had an "
        "error; a run that was interrupted or killed goes on where it was",
    )
    group.add_argument(
        "--rescore",
        action="store_true",
        help="with --resume: score anew what was scored with another model, gate or mode, instead "
        "of refusing to",
    )
    group.add_argument(
        "--quick",
        action="store_true",
        help="decode JPEGs at a reduced size: faster, a score that differs by a fraction of a "
        "point, and no causes but those of the light",
    )
    group.add_argument(
        "--workers",
        type=count_argument,
        metavar="N",
        help="processes that score (default: as many as there are cores to use, none for a "
        "handful of photographs)",
    )
    group.add_argument(
        "--timeout",
        type=POSITIVE_SECONDS,
        default=300.0,
        metavar="S",
        help="give a photograph up after so many seconds in a worker process (default: 300)",
    )
    group.add_argument(
        "--max-megapixels",
        type=count_argument,
        default=200,
        metavar="N",
        help="refuse photographs with more; each worker may need 8 bytes per pixel, and some "
        "formats more (default: 200)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Scores what was named; returns the exit code."""
    from edgeiqa.cli.score_run import Run
    from edgeiqa.errors import WorkerError
    from edgeiqa.imaging.discovery import STDIN

    if not sys.warnoptions:
        # What a decoder thinks of a file's metadata is no concern of whoever wants scores.
        warnings.simplefilter("ignore")
    if arguments.paths.count(STDIN) > 1:
        raise UsageError("standard input (-) can be read only once")
    file_format = asked_format(arguments)
    _check_combination(arguments, file_format)
    maps = None if arguments.map is None else _map_folder(arguments.map)
    scorer, gate = open_scorer(
        arguments,
        need_gate=arguments.check,
        max_pixels=arguments.max_megapixels * 1_000_000,
    )
    if file_format == "parquet":
        _check_parquet()  # Now, and not after hours of scoring.
    job = Run(arguments, file_format, scorer, gate, maps, asked=gate_words(gate))
    try:
        tally = job.resumed() if arguments.resume else job.whole()
    except WorkerError as error:
        raise UsageError(str(error)) from error
    _note_what_counted_for_nothing(arguments, job, tally)
    if tally.unreadable:
        return EXIT_UNREADABLE
    return EXIT_REJECTED if arguments.check and tally.rejected else EXIT_OK


def _check_combination(arguments: argparse.Namespace, file_format: str) -> None:
    from edgeiqa.files.atomic import is_stdout
    from edgeiqa.imaging.discovery import STDIN

    if file_format == "parquet" and is_stdout(arguments.output):
        raise UsageError("--format parquet is no text: name a file with --output")
    if arguments.rescore and not arguments.resume:
        raise UsageError("--rescore needs --resume")
    if arguments.map is not None:
        for option in ("resume", "quick"):
            if getattr(arguments, option):
                raise UsageError(f"--map does not go with --{option}")
        if arguments.workers is not None:
            raise UsageError("--map does not go with --workers: maps are made by one process")
    if not arguments.resume:
        return
    if is_stdout(arguments.output):
        raise UsageError("--resume needs a file: name one with --output")
    if file_format == "table":
        raise UsageError(
            "--resume keeps no table: name a file that ends in .jsonl, .json, .csv or .parquet "
            "with --output, or say --format"
        )
    if STDIN in arguments.paths:
        raise UsageError("--resume does not go with standard input (-)")


def _check_parquet() -> None:
    from edgeiqa.results.parquet import pyarrow_modules

    try:
        pyarrow_modules()
    except ImportError as error:
        raise UsageError(str(error)) from error


def _map_folder(folder: str) -> MapFolder:
    from edgeiqa.cli.score_maps import MapFolder

    try:
        return MapFolder(folder)
    except FileExistsError as error:
        raise UsageError(f"--map {folder}: this is a file, name a folder") from error
    except OSError as error:
        raise UsageError(f"--map {folder}: {error.strerror or error}") from error


def _note_what_counted_for_nothing(arguments: argparse.Namespace, job: Run, tally: Tally) -> None:
    asked = {cause for cause, limit in dict(arguments.max_causes).items() if limit < 1}
    untold = sorted(asked - tally.causes)
    if untold and tally.readable:
        contract = job.scorer.contract
        who = "--quick" if arguments.quick else f"the model {contract.name} {contract.version}"
        print(
            f"edgeiqa: note: {who} does not tell {', '.join(untold)}, so --max changed nothing "
            "there",
            file=sys.stderr,
        )
