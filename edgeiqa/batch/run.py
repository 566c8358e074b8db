"""Scores many photographs: lists them, makes their rows, writes and counts them."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

from edgeiqa.batch.cpu_count import usable_cores
from edgeiqa.batch.journal import Journal
from edgeiqa.batch.maps import MapFolder
from edgeiqa.batch.pool import Pool
from edgeiqa.batch.resume import Resumption, is_under
from edgeiqa.batch.settings import Fingerprint, ScoreSettings
from edgeiqa.batch.worker_process import worker_command
from edgeiqa.errors import UnreadableImageError, WorkerError
from edgeiqa.files.atomic import is_stdout, open_output
from edgeiqa.gating.gate import Gate
from edgeiqa.imaging.decode import read_bounded
from edgeiqa.imaging.discovery import STDIN, Item, PathFilter, expand
from edgeiqa.results.parquet import ParquetWriter
from edgeiqa.results.row import Row, printable
from edgeiqa.results.score_row import common_facts, error_line, score_row
from edgeiqa.results.writers import WRITERS, CsvWriter, Writer
from edgeiqa.scorer import Scorer

PARQUET = "parquet"
"""The one format that is binary, and that only goes into a file."""

JOURNAL_SUFFIX = ".journal.jsonl"
"""Suffix of the journal beside an output of another format."""

SMALL_BATCH = 32
"""This many pictures are scored before worker processes would have opened their models."""

TIMEOUT_S = 300.0
"""Seconds after which a worker process gives a photograph up."""

MAX_NOTES = 20
"""Unreadable files that are named, where the rows go to a file."""

T = TypeVar("T", bound=Item)


OUTCOMES = ("accepted", "rejected", "scored", "unreadable")
"""What became of a photograph; "scored" is without a gate."""


def outcome(row: Row) -> str:
    """One of `OUTCOMES`."""
    if row.error is not None:
        return "unreadable"
    if row.accept is None:
        return "scored"
    return "accepted" if row.accept else "rejected"


@dataclass
class Tally:
    """Counts of photographs.

    Attributes:
        counts: Per outcome.
        causes: The causes that were measured for any photograph.
    """

    counts: Counter[str] = field(default_factory=Counter)
    causes: set[str] = field(default_factory=set)

    def add(self, row: Row) -> None:
        """Counts one row."""
        self.counts[outcome(row)] += 1
        self.causes.update(row.causes)

    @property
    def readable(self) -> int:
        """How many were scored."""
        return sum(self.counts.values()) - self.counts["unreadable"]

    def __str__(self) -> str:
        total = sum(self.counts.values())
        parts = [f"{self.counts[what]} {what}" for what in OUTCOMES if self.counts[what]]
        noun = "photograph" if total == 1 else "photographs"
        return f"{total} {noun}: {', '.join(parts)}"


@dataclass(frozen=True)
class Selection:
    """Which rows are written, and in which order.

    Attributes:
        only: One of `OUTCOMES`; None for all rows.
        sort: "best" or "worst" first, rows without a score last; or "path". None leaves the order
            of the listing.
        top: How many rows are written; None for all of them.
    """

    only: str | None = None
    sort: str | None = None
    top: int | None = None

    def __call__(self, rows: Iterable[Row]) -> Iterable[Row]:
        """The selected rows; with `sort`, all of them are held in memory."""
        chosen = rows if self.only is None else (r for r in rows if outcome(r) == self.only)
        if self.sort is not None:
            chosen = sorted(chosen, key=self._key)
        # Reads all rows, as they are also to be counted.
        return chosen if self.top is None else list(chosen)[: self.top]

    def _key(self, row: Row) -> tuple[bool, float, str]:
        if self.sort == "path":
            return False, 0.0, row.path
        score = row.score or 0.0
        return row.score is None, -score if self.sort == "best" else score, row.path


class Progress(Protocol):
    """What a run reports to, such as a progress line.

    Attributes:
        total: How many photographs there are; set by another thread once they are counted.
        errors: How many could not be scored.
    """

    total: int | None
    errors: int

    def step(self, share: float = 1.0) -> None:
        """A photograph is done, or a share of the work on one."""

    def skip(self, steps: int = 1) -> None:
        """So many photographs needed no work."""

    def note(self, text: str) -> None:
        """Something to tell the user."""


@dataclass
class NoProgress:
    """Shows nothing."""

    total: int | None = None
    errors: int = 0

    def step(self, share: float = 1.0) -> None:
        """Does nothing."""

    def skip(self, steps: int = 1) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        """Does nothing."""


@dataclass
class BatchRun:
    """Scores photographs into a file or to standard output.

    Attributes:
        names: Files, folders, and "-" for standard input.
        scorer: Scores in this process.
        gate: Judges; None for no verdicts.
        settings: The same for worker processes.
        output: The file; None or "-" for standard output.
        file_format: A key of `edgeiqa.results.writers.WRITERS`, or "parquet".
        workers: How many worker processes; None for one per usable core, and none for a small
            batch.
        timeout_s: Seconds after which a worker gives a photograph up.
        maps: Where quality maps are written; None for no maps. They are drawn in this process.
        summary: Makes the summary of a table out of the tally.
        selection: Which rows are written, and in which order.
        skipped_folder: A folder that is not searched, such as one that photographs are moved to.
        path_filter: What is left out of folders that are searched.
        on_row: Called with each row that was made.
        progress: Shown how far the run is.
    """

    names: Sequence[str]
    scorer: Scorer
    gate: Gate | None
    settings: ScoreSettings
    output: str | None = None
    file_format: str = "jsonl"
    workers: int | None = None
    timeout_s: float = TIMEOUT_S
    maps: MapFolder | None = None
    summary: Callable[[Tally], str] = str
    selection: Selection = field(default_factory=Selection)
    skipped_folder: str | None = None
    path_filter: PathFilter = field(default_factory=PathFilter)
    on_row: Callable[[Row], None] = lambda row: None
    progress: Progress = field(default_factory=NoProgress)
    _share: float = 0.0

    def score_all(self) -> Tally:
        """Scores everything; an output file appears whole or not at all.

        Raises:
            OutputError: It cannot be written.
            WorkerError: Worker processes cannot be started.
        """
        with self._counting(), contextlib.closing(self._all_rows()) as rows:
            return self._write(rows)

    def resume(self, *, rescore: bool = False) -> tuple[Tally, Resumption]:
        """Scores what the output does not have yet; see `edgeiqa.batch.journal`.

        Args:
            rescore: Whether rows that were made with other settings are made again.

        Returns:
            The counts of all rows; and what was done for them.

        Raises:
            OutputError: It cannot be written, is in use, or was made with other settings.
            WorkerError: Worker processes cannot be started.
        """
        with Journal(self.journal_path) as journal:
            fingerprint = Fingerprint.of(
                self.scorer,
                self.gate,
                quick=self.settings.quick,
                max_pixels=self.settings.max_pixels,
            )
            work = Resumption(journal, fingerprint, self.names)
            if not rescore:
                work.check_settings()
            with self._counting():
                jobs = work.jobs(self._observed(self._items(), work))
                with contextlib.closing(self._rows(jobs, in_order=False)) as rows:
                    for job, row in rows:
                        self._report(row)
                        work.record(job, row)
            tally = Tally()
            if journal.path == self.output:
                for row in work.finish():
                    tally.add(row)
            else:
                tally = self._write(work.finish(), journal=True)
        return tally, work

    @property
    def attribute_labels(self) -> list[str]:
        """The further measurements of the model."""
        outputs = self.scorer.contract.outputs
        return [label for output in outputs for label in output.labels or ()]

    @property
    def journal_path(self) -> str:
        """The file that keeps the rows of a run that may be resumed."""
        assert self.output is not None
        return self.output if self.file_format == "jsonl" else self.output + JOURNAL_SUFFIX

    def _write(self, rows: Iterable[Row], *, journal: bool = False) -> Tally:
        tally = Tally()
        binary = self.file_format == PARQUET
        with open_output(self.output, binary=binary) as stream:
            writer: Writer
            labels = self.attribute_labels
            if binary:
                writer = ParquetWriter(stream, journal=journal, attributes=bool(labels))
            elif self.file_format == "csv":
                writer = CsvWriter(stream, labels)
            else:
                writer = WRITERS[self.file_format](stream)
            for row in self.selection(_counted(rows, tally)):
                writer.write(row)
            writer.finish(self.summary(tally))
        return tally

    def _all_rows(self) -> Generator[Row, None, None]:
        with contextlib.closing(self._rows(self._items(), in_order=True)) as rows:
            for _, row in rows:
                self._report(row)
                yield row

    def _report(self, row: Row) -> None:
        self.on_row(row)
        if row.error is not None:
            self.progress.errors += 1
            if self.progress.errors <= MAX_NOTES and not is_stdout(self.output):
                self.progress.note(f"{printable(row.path)}: {printable(row.error)}")
            elif self.progress.errors == MAX_NOTES + 1 and not is_stdout(self.output):
                self.progress.note("more files that cannot be read are only counted")
        self.progress.step(1 - self._share)
        self._share = 0.0

    def _report_share(self, share: float) -> None:
        self._share += share
        self.progress.step(share)

    def _items(self) -> Iterator[Item]:
        for item in expand(self.names, raws=True, path_filter=self.path_filter):
            # Maps that an earlier run wrote into a folder are not photographs.
            if self.maps is not None and self.maps.is_map(item.path):
                continue
            if self._skipped is None or not is_under(os.path.realpath(item.path), self._skipped):
                yield item

    @cached_property
    def _skipped(self) -> str | None:
        return None if self.skipped_folder is None else os.path.realpath(self.skipped_folder)

    def _observed(self, items: Iterator[Item], work: Resumption) -> Iterator[Item]:
        """The items; reports those that need no work."""
        before = 0
        for item in items:
            yield item
            unchanged = work.counts["unchanged"]
            if unchanged > before:
                self.progress.skip(unchanged - before)
                before = unchanged

    @contextlib.contextmanager
    def _counting(self) -> Iterator[None]:
        def on_count(count: int) -> None:
            self.progress.total = count

        with counting(self._items(), on_count):
            yield

    def _rows(self, items: Iterable[T], *, in_order: bool) -> Generator[tuple[T, Row], None, None]:
        """Makes the row of each item, in worker processes if that is worth it."""
        coming = iter(items)
        first: list[T] = []
        workers = self.workers
        if self.maps is not None:
            workers = 0
        elif workers is None:
            first = list(islice(coming, SMALL_BATCH + 1))
            workers = usable_cores() if len(first) > SMALL_BATCH and _has_python() else 0
        if not workers:
            for item in chain(first, coming):
                yield item, self._score(item)
            return
        with Pool(self.settings, workers, timeout_s=self.timeout_s) as pool:
            yield from pool.rows(
                chain(first, coming),
                in_order=in_order,
                here=lambda item: (
                    self._score(item) if item.error is not None or item.path == STDIN else None
                ),
            )

    def _score(self, item: Item) -> Row:
        """Makes a row in this process."""
        if item.error is not None:
            return Row(item.path, error=item.error)
        try:
            source = _read_stdin() if item.path == STDIN else item.path
            if self.maps is not None:
                quality, drawn = self.maps.score(self.scorer, source, item.path, self._report_share)
                verdict = None if self.gate is None else self.gate(quality)
                facts = common_facts(self.scorer, source)
                return Row.scored(item.path, quality, verdict, **facts, extra={"map": drawn})
        except Exception as error:  # Whatever one file does, the others are still to be scored.
            return Row(item.path, error=error_line(error))
        return score_row(item.path, self.scorer, self.gate, source, quick=self.settings.quick)


@contextlib.contextmanager
def counting(things: Iterable[Any], on_count: Callable[[int], None]) -> Iterator[None]:
    """Counts things in a thread, and gives up at the end of the block.

    Args:
        things: To be counted; read by the thread.
        on_count: Called by the thread with the number, unless the block ends before.
    """
    over = threading.Event()

    def count() -> None:
        number = 0
        # Whatever goes wrong here goes wrong for the run itself, too, and is reported there.
        with contextlib.suppress(Exception):
            for _ in things:
                if over.is_set():
                    return
                number += 1
            on_count(number)

    thread = threading.Thread(target=count, daemon=True, name="edgeiqa-count")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5.0)


def _counted(rows: Iterable[Row], tally: Tally) -> Iterator[Row]:
    for row in rows:
        tally.add(row)
        yield row


def _has_python() -> bool:
    try:
        worker_command()
    except WorkerError:  # A frozen program.
        return False
    return True


def _read_stdin() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise UnreadableImageError("standard input is a terminal, expected a picture")
    return read_bounded(sys.stdin.buffer)
