"""Reads what `edgeiqa score` wrote: JSON lines, JSON, CSV or Parquet.

The format is recognised by the first bytes of the file, not by its name. Unknown keys and columns
are kept but not interpreted, so that newer and older versions read each other's files.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, TypeAlias

from edgeiqa.causes import CAUSES
from edgeiqa.errors import ResultsError
from edgeiqa.files.plain import open_plain
from edgeiqa.results.parquet import read_documents
from edgeiqa.results.row import Row, shortened

Result = Row
"""The former name of `Row`."""


MAX_LINE = 1 << 24
"""Characters; a longer line is not a row."""

MAX_ARRAY = 1 << 30
"""Bytes of a JSON array, which is read as a whole."""

_MAX_NOTES = 3
"""Damaged rows that are reported one by one; the others are only counted."""

# How `edgeiqa score` writes bytes of a name that are not valid UTF-8, where JSON's \u is not
# available.
_SURROGATE = re.compile(r"\\u(d[89a-f][0-9a-f]{2})")

_FORMULA = re.compile(r"^'('*[=+\-@\t\r])", re.DOTALL)

_RawRow: TypeAlias = tuple[str, "Mapping[str, Any] | ResultsError"]
"""The place of a row, such as "line 5", and its values or what is wrong with it."""


def read_results(path: str, on_note: Callable[[str], None] = lambda text: None) -> Iterator[Row]:
    """Reads results row by row.

    A damaged row is skipped and reported, and so is the last line of JSON lines whose writer was
    stopped halfway. Only a file without a single valid row, unless it is empty, is an error.

    Args:
        path: A file that `edgeiqa score --output` wrote, in any of its formats but the table.
        on_note: Called with one line for the user about what was skipped.

    Yields:
        One row at a time, in the order of the file.

    Raises:
        ResultsError: The file contains something else.
        ImportError: It is Parquet, and pyarrow is not installed.
        OSError: It cannot be read.
    """
    problems: list[str] = []
    valid = False
    with _open(path) as stream:
        for place, raw in _rows(stream, on_note):
            try:
                if isinstance(raw, ResultsError):
                    raise raw
                row = Row.from_dict(raw)
            except ResultsError as error:
                problems.append(f"{place}: {error}")
                continue
            valid = True
            yield row
    if not problems:
        return
    if not valid:
        raise ResultsError(f"no results of `edgeiqa score`: {problems[0]}")
    for problem in problems[:_MAX_NOTES]:
        on_note(f"skipped {problem}")
    if len(problems) > _MAX_NOTES:
        on_note(f"skipped {len(problems) - _MAX_NOTES} more rows")


def _open(path: str) -> BinaryIO:
    try:
        return open_plain(path)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise ResultsError("not a regular file") from error
        raise


def _rows(stream: BinaryIO, on_note: Callable[[str], None]) -> Iterator[_RawRow]:
    start = stream.read(4096)
    stream.seek(0)
    if start.startswith(b"PAR1"):
        yield from _parquet_rows(stream)
        return
    utf_16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # Bytes that are not valid UTF-8 must not cost the rows around them.
    encoding, errors = ("utf-16", "replace") if utf_16 else ("utf-8-sig", "surrogateescape")
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
    first = start.decode(encoding, "replace").lstrip()[:1]
    if first == "[":
        yield from _json_rows(text)
    elif first == "{":
        yield from _json_lines(text, on_note)
    elif first:
        yield from _csv_rows(text)


def _json_rows(text: io.TextIOWrapper) -> Iterator[_RawRow]:
    if os.fstat(text.fileno()).st_size > MAX_ARRAY:
        raise ResultsError(f"a JSON array of more than {MAX_ARRAY >> 20} MiB, use JSON lines")
    try:
        rows = json.load(text)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"damaged JSON: {error}") from error
    for number, row in enumerate(rows, 1):
        yield f"element {number}", _object(row)


def _json_lines(text: io.TextIOWrapper, on_note: Callable[[str], None]) -> Iterator[_RawRow]:
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        place = f"line {number}"
        if len(line) == MAX_LINE and not line.endswith("\n"):
            raise ResultsError(f"{place} has more than {MAX_LINE} characters")
        if not line.strip("\0 \t\r\n"):  # Zeros are what a file system leaves after a power cut.
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not line.endswith("\n"):
                on_note(f"{place}, the last one, is incomplete: its writer was stopped halfway")
                return
            yield place, ResultsError(f"damaged JSON: {error}")
            continue
        yield place, _object(row)


def _csv_rows(text: io.TextIOWrapper) -> Iterator[_RawRow]:
    header = text.readline(MAX_LINE)
    # Spreadsheets in many countries write semicolons.
    delimiter = max(",;\t", key=header.count)
    try:
        columns = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error as error:
        raise ResultsError(f"not a table: {error} in the first line") from error
    missing = [name for name in ("path", "score") if name not in columns]
    if missing:
        raise ResultsError(
            f"no results of `edgeiqa score`: there is no column {' and no column '.join(missing)} "
            f"in the first line, {shortened(header.strip())}"
        )
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        place = f"line {2 + reader.line_num}"
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield place, ResultsError(f"damaged CSV: {error}")
            continue
        if len(values) == len(columns):
            yield place, _from_csv(dict(zip(columns, values, strict=True)))
        elif values:
            yield place, ResultsError(f"{len(values)} columns, expected {len(columns)}")


def _parquet_rows(stream: BinaryIO) -> Iterator[_RawRow]:
    for number, row in enumerate(read_documents(stream), 1):
        path = row.get("path")
        yield f"row {number}", {**row, "path": _unescaped(path) if isinstance(path, str) else path}


def _from_csv(cells: dict[str, str]) -> dict[str, Any]:
    """The cells with the keys of JSON, without the apostrophes that keep spreadsheets harmless."""
    row: dict[str, Any] = {key: _FORMULA.sub(r"\1", value) for key, value in cells.items()}
    row["path"] = _unescaped(row["path"])
    if "causes" not in row:  # Version 0.1 had them all in one cell.
        row["causes"] = {cause: row.pop(cause) for cause in CAUSES if cause in row}
        row["reasons"] = row.pop("reason", None) or None
    return row


def _object(row: object) -> Mapping[str, Any] | ResultsError:
    if isinstance(row, dict):
        return row
    return ResultsError(f"expected an object with path and score, got {shortened(row)}")


def _unescaped(path: str) -> str:
    return _SURROGATE.sub(lambda match: chr(int(match[1], 16)), path)
