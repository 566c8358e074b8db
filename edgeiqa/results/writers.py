"""Results as table, JSON, JSON lines or CSV, to standard output or into a file.

JSON keys and CSV columns are a contract: path, score, std, causes, accept, reasons, error.
JSON has more after them where more was asked for: map, mode, and what a journal keeps.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any, TextIO

from edgeiqa.results.row import COLUMNS, Row, json_line, printable

FORMATS = ("table", "json", "jsonl", "csv")


class Writer:
    """Writes rows one by one as they come; `finish` completes the document."""

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
        super().__init__(stream)
        stream.write("score  spread  verdict  photo\n")

    def write(self, row: Row) -> None:
        """Writes one line."""
        score = "-" if row.quality is None else f"{row.quality.score:.1f}"
        std = None if row.quality is None else row.quality.std
        spread = "-" if std is None else f"±{std:.1f}"
        verdict = "-"
        remark = row.error or ""
        if row.error is not None:
            verdict = "error"
        elif row.verdict is not None:
            verdict = "accept" if row.verdict.accept else "reject"
            remark = "; ".join(reason.sentence for reason in row.verdict.reasons)
        line = f"{score:>5}  {spread:>6}  {verdict:<7}  {printable(row.path)}"
        self._stream.write(f"{line}: {printable(remark)}\n" if remark else f"{line}\n")
        self._stream.flush()

    def finish(self, summary: str) -> None:
        """Writes the summary."""
        self._stream.write(f"\n{summary}\n")


class DocumentWriter(Writer):
    """Writes rows that are ready for JSON, whether they were made now or read from a file."""

    def write(self, row: Row) -> None:
        """Writes one row."""
        self.write_document(row.to_dict())

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Writes one row that `Row.to_dict` made."""
        raise NotImplementedError


class JsonWriter(DocumentWriter):
    """One JSON array, one row a line."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._separator = "[\n"

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Writes one element."""
        self._stream.write(self._separator + json_line(document))
        self._separator = ",\n"

    def finish(self, summary: str) -> None:
        """Closes the array."""
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")


class JsonLinesWriter(DocumentWriter):
    """One JSON object a line, each written at once, for a pipe to work on."""

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Writes one line."""
        self._stream.write(json_line(document) + "\n")
        self._stream.flush()


class CsvWriter(DocumentWriter):
    """A line of column names, then one line per row; causes as name=severity.

    Of the reasons only those that decided; what merely explains is among the causes.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        csv.writer(stream, lineterminator="\n").writerow(COLUMNS)

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Writes one line."""
        values = dict(document)
        values["causes"] = " ".join(f"{name}={value}" for name, value in values["causes"].items())
        values["reasons"] = " ".join(r["cause"] for r in values["reasons"] if r["decisive"])
        if values["accept"] is not None:
            values["accept"] = "true" if values["accept"] else "false"
        write_csv_row(self._stream, [values[column] for column in COLUMNS])


def write_csv_row(stream: TextIO, values: list[Any]) -> None:
    """Writes one row; with quotes where a name has a carriage return, which Python forgets."""
    risky = any(isinstance(value, str) and "\r" in value for value in values)
    quoting: Any = csv.QUOTE_NONNUMERIC if risky else csv.QUOTE_MINIMAL
    csv.writer(stream, lineterminator="\n", quoting=quoting).writerow(values)


WRITERS: dict[str, type[Writer]] = {
    "table": TableWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}
