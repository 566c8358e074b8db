"""Results as a table, JSON, JSON lines or CSV, to standard output or into a file."""

from __future__ import annotations

import csv
import os
import shutil
import textwrap
from typing import Any, TextIO

from edgeiqa.results.row import COLUMNS, Row, json_line, printable

FORMATS = ("table", "json", "jsonl", "csv")

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
        verdict, remark = "-", "; ".join(row.sentences)
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
    """A line of column names, then one line per row; causes as name=severity.

    Of the reasons only the decisive ones; those that merely explain are among the causes.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        write_csv_row(stream, list(COLUMNS))

    def write(self, row: Row) -> None:
        """Writes one line."""
        values = row.to_dict()
        values["causes"] = " ".join(f"{name}={value}" for name, value in values["causes"].items())
        values["reasons"] = " ".join(r["cause"] for r in values["reasons"] if r["decisive"])
        if values["accept"] is not None:
            values["accept"] = "true" if values["accept"] else "false"
        write_csv_row(self._stream, [values[column] for column in COLUMNS])


def write_csv_row(stream: TextIO, values: list[Any]) -> None:
    """Writes one row, with quotes around a carriage return, which Python does not quote."""
    risky = any(isinstance(value, str) and "\r" in value for value in values)
    quoting: Any = csv.QUOTE_NONNUMERIC if risky else csv.QUOTE_MINIMAL
    csv.writer(stream, lineterminator="\n", quoting=quoting).writerow(values)


WRITERS: dict[str, type[Writer]] = {
    "table": TableWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}
