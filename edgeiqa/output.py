"""Results as table, JSON, JSON lines or CSV, to standard output or into a file.

JSON keys and CSV columns are a contract: path, score, std, causes, accept, reasons, error.
JSON has more after them where more was asked for: map, mode, and what a journal keeps.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from edgeiqa.gate import LOW_QUALITY, Reason, Verdict
from edgeiqa.quality import Quality

FORMATS = ("table", "json", "jsonl", "csv")
COLUMNS = ("path", "score", "std", "causes", "accept", "reasons", "error")


class OutputError(OSError):
    """The place for results cannot be written; the text is for the user."""


@dataclass(frozen=True)
class Row:
    """The result for one picture.

    Attributes:
        path: As named or found.
        quality: None if there is an error.
        verdict: None if there is an error, or no gate.
        error: One line; None if it was scored.
        more: Further keys for JSON and their values, such as "map", where its quality map lies and
            what it says; None if nothing more was asked for.
    """

    path: str
    quality: Quality | None = None
    verdict: Verdict | None = None
    error: str | None = None
    more: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: scores with 2 decimals, severities with 3, null for what is not there."""
        quality, verdict = self.quality, self.verdict
        std = None if quality is None else quality.std
        reasons = () if verdict is None else verdict.reasons
        document = {
            "path": self.path,
            "score": None if quality is None else round(quality.score, 2),
            "std": None if std is None else round(std, 2),
            "causes": {}
            if quality is None
            else {k: round(v, 3) for k, v in quality.causes.items()},
            "accept": None if verdict is None else verdict.accept,
            "reasons": [rounded_reason(reason) for reason in reasons],
            "error": self.error,
        }
        # Only where it was asked for: the keys above are a contract.
        return document if self.more is None else {**document, **self.more}


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


@contextlib.contextmanager
def opened(path: str | None, *, binary: bool = False) -> Iterator[Any]:
    """Opens the place for results.

    A file appears whole or not at all: it is written beside its place and moved there at the
    end; if something goes wrong on the way, an older file of that name stays as it was.

    Args:
        path: A file to write; None, "-" or /dev/stdout for standard output.
        binary: Whether bytes are to be written, which standard output does not take.

    Yields:
        A text stream, UTF-8 for files; what cannot be encoded is escaped with a backslash. A
        stream of bytes if `binary`.

    Raises:
        OutputError: The file cannot be written; an OSError.
    """
    if is_stdout(path):
        if binary:
            raise OutputError("this format is no text: name a file with --output")
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        sys.stdout.flush()
        return
    assert path is not None
    options: dict[str, Any] = {}
    if not binary:
        options = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    kind = "b" if binary else ""
    if _is_special(path):
        try:
            stream = open(path, "a" + kind, **options)  # noqa: SIM115 - closed below
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        with stream:
            yield stream
        return
    target = os.path.realpath(path)  # A link stays one; what it points at is replaced.
    if os.path.isdir(target):
        raise OutputError(f"cannot write {path}: it is a folder")
    folder, name = os.path.split(target)
    part = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        with open(part, "w" + kind, **options) as stream:
            yield stream
        os.replace(part, target)  # Now that it is whole.
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        if isinstance(error, BrokenPipeError) or not isinstance(error, OSError):
            raise
        if error.strerror and error.filename in (None, part):
            # Of this file: it cannot be made, or the disk has no room for more of it.
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        raise


def is_stdout(path: str | None) -> bool:
    """Whether results go to standard output."""
    return path is None or path in ("-", "/dev/stdout")


def _is_special(path: str) -> bool:
    """Whether this is a pipe or a device, which can only be written to as it is.

    What /dev/fd/3 leads to may well be a plain file, but one that somebody else holds open.
    """
    if os.path.abspath(path).startswith(("/dev/", "/proc/")):
        return True
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def printable(text: str) -> str:
    """Escapes control characters, so that no file name can play with a terminal."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def rounded_reason(reason: Reason) -> dict[str, Any]:
    """A reason ready for JSON: scores with 2 decimals, severities with 3."""
    digits = 2 if reason.cause == LOW_QUALITY else 3
    return {
        "cause": reason.cause,
        "value": round(reason.value, digits),
        "threshold": round(reason.threshold, digits),
        "decisive": reason.decisive,
    }


def json_line(document: Mapping[str, Any]) -> str:
    """A row as one line of JSON, without its end."""
    # A path that is no valid UTF-8 survives only as \u escapes.
    plain = document["path"].isprintable()
    return json.dumps(document, ensure_ascii=not plain, allow_nan=False)
