"""Results as a table, JSON, JSON lines or CSV, to standard output or into a file."""

from __future__ import annotations

import csv
import os
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from edgeiqa.causes import CAUSES
from edgeiqa.results.row import Row, json_line, printable

FORMATS = ("table", "json", "jsonl", "csv")

CSV_COLUMNS = (
    *("path", "score", "std", "accept", "reason", "error"),
    *("model", "width", "height", "taken"),
)

_INDENT = " " * 24
"""As wide as the columns before the photo."""

_COLORS = {"accept": "32", "reject": "31", "error": "33"}
"""ANSI codes: green, red and yellow."""


class Writer:
    """Writes rows one by one; `finish` completes the document."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: Row) -> None:
        """Writes one row."""
        raise NotImplementedError

    def finish(self, summary: str) -> None:
        """Completes the document; only the table, which is for people, shows the summary."""


class TableWriter(Writer):
    """For people: score, spread, verdict and path, and what is wrong or explains it."""

    def __init__(self, stream: TextIO) -> None:
        """Writes the header; on a terminal, verdicts are coloured and remarks wrapped."""
        super().__init__(stream)
        terminal = stream.isatty()
        self._width = shutil.get_terminal_size().columns if terminal else None
        dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._colors = _COLORS if terminal and not dumb else {}
        stream.write("score  spread  verdict  photo\n")

    def write(self, row: Row) -> None:
        """Writes one line."""
        score = "-" if row.score is None else f"{row.score:.1f}"
        spread = "-" if row.std is None else f"±{row.std:.1f}"
        attributes = (f"{label} {value:.4g}" for label, value in row.attributes.items())
        verdict, remark = "-", "; ".join((*row.sentences, *attributes))
        if row.error is not None:
            verdict, remark = "error", row.error
        elif row.accept is not None:
            verdict = "accept" if row.accept else "reject"
        start, color = f"{score:>5}  {spread:>6}  ", self._colors.get(verdict)
        text = self._wrapped(f"{start}{verdict:<7}  {printable(row.path)}", printable(remark))
        if color is not None:
            text = text.replace(f"{start}{verdict}", f"{start}\x1b[{color}m{verdict}\x1b[0m", 1)
        self._stream.write(text)
        self._stream.flush()

    def _wrapped(self, line: str, remark: str) -> str:
        """The line and the remark, on a terminal wrapped between words."""
        if not remark:
            return f"{line}\n"
        if self._width is None or len(line) + 2 + len(remark) <= self._width:
            return f"{line}: {remark}\n"
        start = f"{line}: "
        if len(start) > self._width // 2:  # No room left for words.
            start = _INDENT
        wrapped = textwrap.fill(
            remark,
            max(self._width, 2 * len(_INDENT)),
            initial_indent=start,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return f"{line}:\n{wrapped}\n" if start == _INDENT else f"{wrapped}\n"

    def finish(self, summary: str) -> None:
        """Writes the summary."""
        self._stream.write(f"\n{summary}\n")


class JsonWriter(Writer):
    """One JSON array, one row a line."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._separator = "[\n"

    def write(self, row: Row) -> None:
        """Writes one element."""
        self._stream.write(self._separator + json_line(row.to_dict()))
        self._separator = ",\n"

    def finish(self, summary: str) -> None:
        """Closes the array."""
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")


class JsonLinesWriter(Writer):
    """One JSON object a line, each flushed at once for a pipe to work on."""

    def write(self, row: Row) -> None:
        """Writes one line."""
        self._stream.write(json_line(row.to_dict()) + "\n")
        self._stream.flush()


class CsvWriter(Writer):
    """A line of column names, then one line per row, one value in each cell.

    The columns are path, score, std, accept, reason (the first one), error, model, width, height,
    taken, one per cause, and one per attribute of the model.
    """

    def __init__(self, stream: TextIO, attributes: Sequence[str] = ()) -> None:
        """Writes the names of the columns.

        Args:
            stream: Takes text.
            attributes: The labels of further measurements of the model.
        """
        super().__init__(stream)
        self._attributes = attributes
        write_csv_row(stream, [*CSV_COLUMNS, *CAUSES, *attributes])

    def write(self, row: Row) -> None:
        """Writes one line."""
        values = row.to_dict()
        if row.accept is not None:
            values["accept"] = "true" if row.accept else "false"
        values["reason"] = row.reasons[0].cause if row.reasons else None
        cells = [values[column] for column in CSV_COLUMNS]
        cells += [values["causes"].get(cause) for cause in CAUSES]
        cells += [values.get("attributes", {}).get(label) for label in self._attributes]
        write_csv_row(self._stream, cells)


def write_csv_row(stream: TextIO, values: Iterable[Any]) -> None:
    """Writes one row, safe to open in a spreadsheet."""
    cells = [_harmless(value) if isinstance(value, str) else value for value in values]
    # Python does not quote a carriage return by itself.
    risky = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    quoting: Any = csv.QUOTE_NONNUMERIC if risky else csv.QUOTE_MINIMAL
    csv.writer(stream, lineterminator="\n", quoting=quoting).writerow(cells)


def _harmless(text: str) -> str:
    """Puts an apostrophe before what a spreadsheet would take for a formula."""
    start = text.lstrip("'")[:1]
    return f"'{text}" if len(text) > 1 and start and start in "=+-@\t\r" else text


WRITERS: dict[str, type[Writer]] = {
    "table": TableWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}
