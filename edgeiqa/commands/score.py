"""`edgeiqa score`: scores files, folders and standard input."""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import TYPE_CHECKING

from edgeiqa.commands.common import (
    EXIT_OK,
    EXIT_REJECTED,
    EXIT_UNREADABLE,
    UsageError,
    add_format_option,
    add_gate_options,
    asked_format,
    gate_words,
    open_scorer,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.gate import Gate
    from edgeiqa.listing import Item
    from edgeiqa.mapfolder import MapFolder
    from edgeiqa.output import Row
    from edgeiqa.progress import Progress
    from edgeiqa.scorer import Scorer

EPILOG = """exit codes:
  0    all were scored
  1    with --check: some were rejected
  2    wrong usage, or a model or an output file that cannot be opened
  3    some could not be read (the others are scored); counts before 1
  130  interrupted; a file named with --output is then left as it was
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
    add_format_option(parser, "table", "json", "jsonl", "csv")
    parser.add_argument("--output", metavar="FILE", help="write there instead of standard output")
    parser.add_argument(
        "--map",
        metavar="DIR",
        help="also write for each photograph a PNG that shows which regions are good or bad, "
        "PHOTO.map.png; JSON gets the grid of scores (some 90 times the work of a score)",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress on standard error")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scores what was named; returns the exit code."""
    from edgeiqa import output
    from edgeiqa.listing import STDIN, expand
    from edgeiqa.progress import Progress

    if not sys.warnoptions:
        # What a decoder thinks of a file's metadata is no concern of whoever wants scores.
        warnings.simplefilter("ignore")
    if arguments.paths.count(STDIN) > 1:
        raise UsageError("standard input (-) can be read only once")
    maps = None if arguments.map is None else _map_folder(arguments.map)
    scorer, gate = open_scorer(arguments, need_gate=arguments.check)
    items = list(expand(arguments.paths))
    if maps is not None:
        # Of an earlier run over a folder that the maps lie in.
        items = [item for item in items if not maps.is_map(item.path)]
    untold = {cause for cause, limit in dict(arguments.max_causes).items() if limit < 1}
    counts = {"accepted": 0, "rejected": 0, "scored": 0, "unreadable": 0}
    # Rows that run over a terminal are progress enough.
    visible = arguments.output is None and sys.stdout.isatty()
    progress = Progress(len(items), enabled=not (arguments.no_progress or visible))
    with output.opened(arguments.output) as stream:
        writer = output.WRITERS[asked_format(arguments)](stream)
        try:
            for item in items:
                row = _score_item(item, scorer, gate, maps, progress)
                counts[_outcome(row)] += 1
                untold -= set() if row.quality is None else row.quality.causes.keys()
                writer.write(row)
        finally:
            progress.close()
        contract = scorer.contract
        writer.finish(_summary(counts, gate, f"{contract.name} {contract.version}"))
    if untold and sum(counts.values()) > counts["unreadable"]:
        print(
            f"edgeiqa: note: the model {contract.name} {contract.version} does not tell "
            f"{', '.join(sorted(untold))}, so --max changed nothing there",
            file=sys.stderr,
        )
    if counts["unreadable"]:
        return EXIT_UNREADABLE
    return EXIT_REJECTED if arguments.check and counts["rejected"] else EXIT_OK


def _map_folder(folder: str) -> MapFolder:
    from edgeiqa.mapfolder import MapFolder

    try:
        return MapFolder(folder)
    except FileExistsError as error:
        raise UsageError(f"--map {folder}: this is a file, name a folder") from error
    except OSError as error:
        raise UsageError(f"--map {folder}: {error.strerror or error}") from error


def _score_item(
    item: Item, scorer: Scorer, gate: Gate | None, maps: MapFolder | None, progress: Progress
) -> Row:
    from edgeiqa.output import Row
    from edgeiqa.scorerow import error_line, score_row

    before = progress.done
    try:
        if item.error is not None:
            return Row(item.path, error=item.error)
        source = _stdin() if item.path == "-" else item.path
        if maps is None:
            return score_row(item.path, scorer, gate, source)
        quality, drawn = maps.score(scorer, source, item.path, progress)
    except Exception as error:  # Whatever one file does, the others are still to be scored.
        return Row(item.path, error=error_line(error))
    finally:
        progress.step(before + 1 - progress.done)
    return Row(item.path, quality, None if gate is None else gate(quality), map=drawn)


def _stdin() -> bytes:
    from edgeiqa.decode import UnreadableImageError, read_bounded

    if sys.stdin is None or sys.stdin.isatty():
        raise UnreadableImageError("standard input is a terminal, expected a picture")
    return read_bounded(sys.stdin.buffer)


def _outcome(row: Row) -> str:
    if row.error is not None:
        return "unreadable"
    if row.verdict is None:
        return "scored"
    return "accepted" if row.verdict.accept else "rejected"


def _summary(counts: dict[str, int], gate: Gate | None, model: str) -> str:
    total = sum(counts.values())
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    asked = "" if gate is None else f", {gate_words(gate)}"
    noun = "photograph" if total == 1 else "photographs"
    return f"{total} {noun}: {', '.join(parts)} (model {model}{asked})"
