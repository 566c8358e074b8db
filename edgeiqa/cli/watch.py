"""`edgeiqa watch`: scores pictures as they arrive in a folder."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from edgeiqa.cli.common import (
    EXIT_OK,
    SECONDS,
    UsageError,
    add_filter_options,
    add_format_option,
    add_gate_options,
    count_argument,
    open_scorer,
    output_format,
    path_filter_of,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.gating.gate import Gate
    from edgeiqa.results.row import Row
    from edgeiqa.scorer import Scorer
    from edgeiqa.sources.folder_watch import Arrival, FolderWatch

EPILOG = """A file is scored once it has stopped changing, and again whenever it is rewritten, but
not when it is renamed. An unreadable file is reported once. If the folder vanishes, the
command waits for it.

exit codes:
  0    ended by --count or SIGTERM
  2    invalid usage, or a model or output file that cannot be opened
  130  interrupted (SIGINT); all results are written
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "watch",
        allow_abbrev=False,
        help="score photographs as they arrive in a folder",
        description="Watches a folder and scores the pictures that arrive, until interrupted.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="the folder to watch")
    add_filter_options(parser)
    add_gate_options(parser)
    parser.add_argument(
        "--interval",
        type=SECONDS,
        default=1.0,
        metavar="SECONDS",
        help="poll interval (default: 1)",
    )
    parser.add_argument(
        "--settle",
        type=SECONDS,
        default=1.0,
        metavar="SECONDS",
        help="time for which a file must be unchanged (default: 1)",
    )
    parser.add_argument("--recursive", action="store_true", help="include subfolders")
    parser.add_argument(
        "--existing", action="store_true", help="start with the photographs already there"
    )
    parser.add_argument(
        "--count", type=count_argument, metavar="N", help="stop after N photographs"
    )
    add_format_option(parser, "table", "jsonl")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="append to FILE instead of writing to standard output",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scores the pictures that arrive; returns the exit code."""
    from edgeiqa.results import writers
    from edgeiqa.results.row import printable
    from edgeiqa.sources.folder_watch import FolderWatch

    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # As in `score`.
    if not os.path.isdir(arguments.folder):
        raise UsageError(f"{arguments.folder}: no such folder")
    scorer, gate = open_scorer(arguments)
    watch = FolderWatch(
        arguments.folder,
        arguments.interval,
        arguments.settle,
        arguments.recursive,
        arguments.existing,
        lambda kind, message: print(
            f"edgeiqa: {kind}: {printable(message)}", file=sys.stderr, flush=True
        ),
        path_filter_of(arguments),
    )
    left = arguments.count
    with _signals(), _appending(arguments.output) as stream:
        print(
            f"edgeiqa: watching {printable(arguments.folder)}; press Ctrl-C to stop",
            file=sys.stderr,
            flush=True,
        )
        writer = writers.WRITERS[output_format(arguments)](stream)
        stream.flush()
        for arrival in watch.arrivals():
            row = _score(arrival, watch, scorer, gate)
            if row is None:
                continue
            writer.write(row)
            stream.flush()
            left = None if left is None else left - 1
            if left == 0:
                break
    return EXIT_OK


def _score(arrival: Arrival, watch: FolderWatch, scorer: Scorer, gate: Gate | None) -> Row | None:
    """Scores a file; None if it is gone, or changed and will arrive again."""
    from edgeiqa.results.score_row import score_row

    row = score_row(arrival.path, scorer, gate)
    if watch.changed(arrival) or (row.error is not None and watch.postpone(arrival)):
        return None  # Rewritten while it was read: the score is meaningless.
    return row


def _appending(path: str | None) -> contextlib.AbstractContextManager[TextIO]:
    """Standard output, or a file that grows line by line."""
    from edgeiqa.files.append import WholeLines
    from edgeiqa.files.atomic import open_output

    if path is None or path == "-":
        return open_output(path)
    return WholeLines(path)  # type: ignore[return-value]


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Ends cleanly on SIGTERM, and on SIGINT even where a shell started it with that ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_OK)),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
