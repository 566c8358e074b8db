"""One run of `edgeiqa score`: what is listed, scored, written and counted."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeiqa.batch.journal import Journal
from edgeiqa.batch.pool import Listed, Maker
from edgeiqa.batch.resume import OtherSettingsError, Resumption
from edgeiqa.batch.settings import Recipe, settings
from edgeiqa.cli.progress import Counting, Progress
from edgeiqa.cli.score_maps import MapFolder
from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import is_stdout, open_output
from edgeiqa.gating.gate import Gate
from edgeiqa.imaging.discovery import STDIN, Item, expand
from edgeiqa.inference.model import find
from edgeiqa.results.row import Row
from edgeiqa.results.score_row import error_line, score_row
from edgeiqa.results.writers import WRITERS, DocumentWriter, Writer
from edgeiqa.scorer import Scorer

PARQUET = "parquet"
"""The one format that is no text, and that only goes into a file."""

JOURNAL_SUFFIX = ".journal.jsonl"
"""What the journal is called beside an output of another format."""


@dataclass
class Tally:
    """What came of the photographs.

    Attributes:
        counts: Of "accepted", "rejected", "scored" (without a gate) and "unreadable".
        causes: Which causes were told of any.
    """

    counts: Counter[str] = field(default_factory=Counter)
    causes: set[str] = field(default_factory=set)

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts one row that is ready for JSON."""
        if row["error"] is not None:
            outcome = "unreadable"
        elif row["accept"] is None:
            outcome = "scored"
        else:
            outcome = "accepted" if row["accept"] else "rejected"
        self.counts[outcome] += 1
        self.causes.update(row["causes"])

    @property
    def unreadable(self) -> int:
        """How many could not be scored."""
        return self.counts["unreadable"]

    @property
    def rejected(self) -> int:
        """How many the gate rejects."""
        return self.counts["rejected"]

    @property
    def readable(self) -> int:
        """How many were scored."""
        return sum(self.counts.values()) - self.unreadable

    def __str__(self) -> str:
        total = sum(self.counts.values())
        known = ("accepted", "rejected", "scored", "unreadable")
        parts = [f"{self.counts[what]} {what}" for what in known if self.counts[what]]
        noun = "photograph" if total == 1 else "photographs"
        return f"{total} {noun}: {', '.join(parts)}"


class Run:
    """Scores what the command line names.

    Attributes:
        scorer: With the model.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        file_format: str,
        scorer: Scorer,
        gate: Gate | None,
        maps: MapFolder | None,
        *,
        asked: str,
    ) -> None:
        """Takes what was asked for.

        Args:
            arguments: Of the command `score`.
            file_format: A key of `edgeiqa.results.writers.WRITERS`, or "parquet".
            scorer: With the model.
            gate: Or None.
            maps: Where maps go to; or None.
            asked: What the gate asks for, in words.
        """
        self.scorer = scorer
        self._arguments = arguments
        self._format = file_format
        self._gate = gate
        self._maps = maps
        self._asked = asked
        self._max_pixels = arguments.max_megapixels * 1_000_000
        # Rows that run over a terminal are progress enough.
        visible = is_stdout(arguments.output) and sys.stdout.isatty()
        self._progress = Progress(None, enabled=not (arguments.no_progress or visible))
        recipe = None
        if maps is None:
            model = os.path.abspath(find(arguments.model))
            recipe = Recipe.of(model, gate, quick=arguments.quick, max_pixels=self._max_pixels)
        self._maker = Maker(self._here, recipe, arguments.workers, arguments.timeout)

    def whole(self) -> Tally:
        """Scores all of it; the output appears whole or not at all.

        Raises:
            OutputError: It cannot be written.
            WorkerError: Worker processes cannot be started.
        """
        tally = Tally()
        target = self._arguments.output
        with open_output(target, binary=self._format == PARQUET) as stream:
            writer = self._writer(stream)
            with self._counted(), contextlib.closing(self._rows()) as rows:
                for row in rows:
                    tally.add(row.to_dict())
                    writer.write(row)
            writer.finish(self._summary(tally))
        return tally

    def resumed(self) -> Tally:
        """Scores what the output does not have yet; see `edgeiqa.batch.journal`.

        Raises:
            OutputError: It cannot be written, is in use, or was made with other settings.
            WorkerError: Worker processes cannot be started.
        """
        target: str = self._arguments.output
        journalled = self._format == "jsonl"
        with Journal(target if journalled else target + JOURNAL_SUFFIX) as journal:
            made_with = settings(
                self.scorer, self._gate, quick=self._arguments.quick, max_pixels=self._max_pixels
            )
            work = Resumption(journal, made_with, self._arguments.paths)
            if not self._arguments.rescore:
                try:
                    work.check_settings()
                except OtherSettingsError as error:
                    raise OutputError(str(error)) from error
            try:
                self._resume(work)
            except KeyboardInterrupt:
                self._say(f"{journal.path} keeps what was scored; the same command goes on")
                raise
            tally = Tally()
            if journalled:
                for row in work.finish():
                    tally.add(row)
            else:
                self._export(work.finish(), target, tally)
            self._say(f"{target}: {tally}; {self._told(work)}")
        return tally

    def _resume(self, work: Resumption) -> None:
        with self._counted():
            jobs = work.jobs(self._noticed(self._items(), work))
            with contextlib.closing(self._maker.rows(jobs, in_order=False)) as rows:
                for job, row in rows:
                    self._count(row)
                    work.record(job, row)

    def _noticed(self, items: Iterator[Item], work: Resumption) -> Iterator[Item]:
        """The items, with progress over those that are left alone."""
        before = 0
        for item in items:
            yield item
            unchanged = work.counts["unchanged"]
            if unchanged > before:
                self._progress.skip(unchanged - before)
                before = unchanged

    def _export(self, rows: Iterator[dict[str, Any]], target: str, tally: Tally) -> None:
        with open_output(target, binary=self._format == PARQUET) as stream:
            writer = self._writer(stream)
            assert isinstance(writer, DocumentWriter)
            for row in rows:
                tally.add(row)
                writer.write_document(row)
            writer.finish("")

    def _writer(self, stream: Any) -> Writer:
        if self._format != PARQUET:
            return WRITERS[self._format](stream)
        from edgeiqa.results.parquet import ParquetWriter  # Needs an extra.

        return ParquetWriter(stream)

    def _rows(self) -> Generator[Row, None, None]:
        with contextlib.closing(self._maker.rows(self._items(), in_order=True)) as rows:
            for _, row in rows:
                self._count(row)
                yield row

    def _count(self, row: Row) -> None:
        self._progress.errors += row.error is not None
        if self._maps is None:
            self._progress.step()

    def _items(self) -> Iterator[Item]:
        for item in expand(self._arguments.paths, raws=True):
            # Maps of an earlier run over a folder that they lie in are no photographs.
            if self._maps is None or not self._maps.is_map(item.path):
                yield item

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """Has the progress line know how many there are, soon after the start."""

        def tell(count: int) -> None:
            self._progress.total = count

        try:
            with Counting(self._items(), tell):
                yield
        finally:
            self._progress.close()

    def _here(self, item: Listed) -> Row:
        """Makes a row in this process."""
        if self._maps is not None:
            return self._with_map(item, self._maps)
        if item.error is not None:
            return Row(item.path, error=item.error)
        try:
            source = _stdin() if item.path == STDIN else None
        except Exception as error:
            return Row(item.path, error=error_line(error))
        return score_row(item.path, self.scorer, self._gate, source, quick=self._arguments.quick)

    def _with_map(self, item: Listed, maps: MapFolder) -> Row:
        before = self._progress.done
        try:
            if item.error is not None:
                return Row(item.path, error=item.error)
            source = _stdin() if item.path == STDIN else item.path
            quality, drawn = maps.score(self.scorer, source, item.path, self._progress)
        except Exception as error:  # Whatever one file does, the others are still to be scored.
            return Row(item.path, error=error_line(error))
        finally:
            self._progress.step(before + 1 - self._progress.done)
        verdict = None if self._gate is None else self._gate(quality)
        return Row(item.path, quality, verdict, more={"map": drawn})

    def _summary(self, tally: Tally) -> str:
        contract = self.scorer.contract
        asked = f", {self._asked}" if self._asked else ""
        mode = ", quick" if self._arguments.quick else ""
        return f"{tally} (model {contract.name} {contract.version}{mode}{asked})"

    def _told(self, work: Resumption) -> str:
        told = {"scored": "scored now", "unchanged": "unchanged", "gone": "gone"}
        parts = [f"{work.counts[what]} {words}" for what, words in told.items()]
        if work.journal.damaged:
            parts.append(f"{work.journal.damaged} damaged lines dropped")
        return ", ".join(parts)

    def _say(self, text: str) -> None:
        if not self._arguments.no_progress:
            print(f"edgeiqa: {text}", file=sys.stderr)


def _stdin() -> bytes:
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import read_bounded

    if sys.stdin is None or sys.stdin.isatty():
        raise UnreadableImageError("standard input is a terminal, expected a picture")
    return read_bounded(sys.stdin.buffer)
