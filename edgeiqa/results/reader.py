"""Reads what `edgeiqa score` wrote: JSON lines, JSON, CSV or Parquet.

Which of them it is, the file's first bytes say, not its name. Keys and columns that are not known
are passed over, so that newer and older versions read each other's files.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from edgeiqa.errors import ResultsError
from edgeiqa.gating.gate import LOW_QUALITY, Reason

Note = Callable[[str], None]

_TOLD = 3
"""So many broken rows are told one by one, the others as a number."""

# How `edgeiqa score` writes bytes of a name that are no UTF-8 where JSON's \u is not to be had.
_SURROGATE = re.compile(r"\\u(d[89a-f][0-9a-f]{2})")


@dataclass(frozen=True)
class Result:
    """What is known about one picture.

    Attributes:
        path: As it was named or found; bytes that are no UTF-8 are lone surrogates, as in Python.
        score: 0-100; None if there is an error.
        std: In the same units; None where the model says nothing about it.
        causes: Severities 0-1 by name.
        accept: The verdict; None if there is an error, or there was no gate.
        reasons: Of the verdict. The threshold is NaN where the file does not tell it, as in CSV.
        error: One line; None if it was scored.
        model: Name and version of the model, where the file tells it.
    """

    path: str
    score: float | None = None
    std: float | None = None
    causes: dict[str, float] = field(default_factory=dict)
    accept: bool | None = None
    reasons: tuple[Reason, ...] = ()
    error: str | None = None
    model: str | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons for people, see `edgeiqa.gating.gate.Reason.sentence`."""
        return tuple(_sentence(reason) for reason in self.reasons)


def read_results(path: str, on_note: Note = lambda text: None) -> Iterator[Result]:
    """Reads results row by row.

    A row that is broken is passed over and told; so is the last line of a file of JSON lines whose
    writer was stopped half-way. Only a file without a single good row, unless it is empty, is an
    error.

    Args:
        path: A file that `edgeiqa score --output` wrote, in any of its formats but the table.
        on_note: Told what was passed over, one line for people at a time.

    Yields:
        One result per row, in the order of the file.

    Raises:
        ResultsError: The file holds something else.
        ImportError: It is Parquet, and pyarrow is not installed.
        OSError: It cannot be read.
    """
    problems: list[str] = []
    good = False
    with open(path, "rb") as stream:
        for place, raw in _rows(stream, on_note):
            try:
                if isinstance(raw, ResultsError):
                    raise raw
                result = result_of(raw)
            except ResultsError as error:
                problems.append(f"{place}: {error}")
                continue
            good = True
            yield result
    if not problems:
        return
    if not good:
        raise ResultsError(f"no results of `edgeiqa score`: {problems[0]}")
    for problem in problems[:_TOLD]:
        on_note(f"passed over {problem}")
    if len(problems) > _TOLD:
        on_note(f"passed over {len(problems) - _TOLD} more rows")


def result_of(row: Mapping[str, Any]) -> Result:
    """Checks one row.

    Args:
        row: With the keys of `edgeiqa.results.row.Row.to_dict`, or the texts of a line of CSV.

    Returns:
        The same as a result.

    Raises:
        ResultsError: A key is missing or has a value that it cannot have.
    """
    path = row.get("path")
    if not isinstance(path, str) or not path:
        raise ResultsError(f"the path is {_short(path)}, expected a text")
    model = row.get("model")
    model = model if isinstance(model, str) and model else None
    error = row.get("error")
    if error not in (None, ""):
        return Result(path, error=" ".join(str(error).split()) or "unknown error", model=model)
    score = _number("score", row.get("score"), 100)
    if score is None:
        raise ResultsError("there is neither a score nor an error")
    std = _number("std", row.get("std"), math.inf)
    severities = [(name, _number(name, value, 1)) for name, value in _pairs(row.get("causes"))]
    causes = {name: severity for name, severity in severities if severity is not None}
    accept = _verdict(row.get("accept"))
    reasons = tuple(_reason(one, score, causes) for one in _list(row.get("reasons")))
    return Result(path, score, std, causes, accept, reasons, None, model)


def _rows(
    stream: BinaryIO, on_note: Note
) -> Iterator[tuple[str, Mapping[str, Any] | ResultsError]]:
    """Per row its place for people, and its values or what is wrong with it."""
    start = stream.read(4096)
    stream.seek(0)
    if start.startswith(b"PAR1"):
        yield from _parquet_rows(stream)
        return
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    # Bytes that are no UTF-8 must not cost the rows around them; of UTF-16 none can be kept.
    encoding, errors = ("utf-16", "replace") if wide else ("utf-8-sig", "surrogateescape")
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
    first = start.decode(encoding, "replace").lstrip()[:1]
    if first == "[":
        yield from _json_rows(text)
    elif first == "{":
        yield from _json_lines(text, on_note)
    elif first:
        yield from _csv_rows(text)


def _json_rows(text: io.TextIOWrapper) -> Iterator[tuple[str, Mapping[str, Any] | ResultsError]]:
    try:
        rows = json.load(text)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"damaged JSON: {error}") from error
    for number, row in enumerate(rows, 1):
        yield f"element {number}", _object(row)


def _json_lines(
    text: io.TextIOWrapper, on_note: Note
) -> Iterator[tuple[str, Mapping[str, Any] | ResultsError]]:
    for number, line in enumerate(text, 1):
        place = f"line {number}"
        if not line.strip("\0 \t\r\n"):  # Zeros are what a file system leaves after a power cut.
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not line.endswith("\n"):
                on_note(f"{place}, the last one, is cut off: its writer was stopped half-way")
                continue
            yield place, ResultsError(f"damaged JSON: {error}")
            continue
        yield place, _object(row)


def _csv_rows(text: io.TextIOWrapper) -> Iterator[tuple[str, Mapping[str, Any] | ResultsError]]:
    header = text.readline()
    # Spreadsheets of half the world write semicolons.
    delimiter = max(",;\t", key=header.count)
    columns = next(csv.reader([header], delimiter=delimiter), [])
    missing = [name for name in ("path", "score") if name not in columns]
    if missing:
        raise ResultsError(
            f"no results of `edgeiqa score`: there is no column {' and no column '.join(missing)} "
            f"in the first line, {_short(header.strip())}"
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
            row = dict(zip(columns, values, strict=True))
            yield place, {**row, "path": _unescaped(row["path"])}
        elif values:
            yield place, ResultsError(f"{len(values)} columns, expected {len(columns)}")


def _parquet_rows(stream: BinaryIO) -> Iterator[tuple[str, Mapping[str, Any] | ResultsError]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            'Parquet needs pyarrow, which is not installed: pip install "edgeiqa[parquet]"'
        ) from error
    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(stream).iter_batches(4096):
            for row in batch.to_pylist():
                number += 1
                path = row.get("path")
                yield (
                    f"row {number}",
                    {**row, "path": _unescaped(path) if isinstance(path, str) else path},
                )
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:  # Texts are not checked.
        raise ResultsError(f"damaged Parquet: {' '.join(str(error).split())[:200]}") from error


def _object(row: object) -> Mapping[str, Any] | ResultsError:
    if isinstance(row, dict):
        return row
    return ResultsError(f"expected an object with path and score, got {_short(row)}")


def _number(name: str, value: object, most: float) -> float | None:
    """A number from 0 on; None for what is not there."""
    if value is None or value == "":
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= most or math.isinf(number):
        limits = "from 0 on" if math.isinf(most) else f"from 0 to {most:g}"
        raise ResultsError(f"{name} is {_short(value)}, expected a number {limits}")
    return number


def _pairs(causes: object) -> Iterable[tuple[str, object]]:
    """Causes as an object, as pairs (a map of Parquet), or as "blur=0.1 noise=0.2"."""
    if causes is None or causes == "":
        return []
    if isinstance(causes, str):
        if causes.lstrip().startswith("{"):
            return _pairs(_loaded(causes))
        pairs = [part.partition("=") for part in causes.split()]
        if all(equals for _, equals, _ in pairs):
            return [(name, value) for name, _, value in pairs]
    elif isinstance(causes, Mapping):
        return [(str(name), value) for name, value in causes.items()]
    elif isinstance(causes, list) and all(
        isinstance(pair, tuple) and len(pair) == 2 for pair in causes
    ):
        return [(str(name), value) for name, value in causes]
    raise ResultsError(f"causes are {_short(causes)}, expected severities by name")


def _list(reasons: object) -> list[object]:
    """Reasons as a list, or as a text of causes with blanks between them."""
    if reasons is None:
        return []
    if isinstance(reasons, str):
        if reasons.lstrip().startswith("["):
            return _list(_loaded(reasons))
        return list(reasons.split())
    if isinstance(reasons, list):
        return reasons
    raise ResultsError(f"reasons are {_short(reasons)}, expected a list")


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"damaged JSON in {_short(text)}: {error}") from error


def _reason(reason: object, score: float, causes: Mapping[str, float]) -> Reason:
    if isinstance(reason, str):
        known = score if reason == LOW_QUALITY else causes.get(reason, math.nan)
        return Reason(reason, known, math.nan)
    if not isinstance(reason, Mapping) or not isinstance(reason.get("cause"), str):
        raise ResultsError(f"a reason is {_short(reason)}, expected one with a cause")
    value, threshold = (_number(key, reason.get(key), 100) for key in ("value", "threshold"))
    return Reason(
        reason["cause"],
        math.nan if value is None else value,
        math.nan if threshold is None else threshold,
        reason.get("decisive") is not False,
    )


def _sentence(reason: Reason) -> str:
    if not math.isnan(reason.value) and not math.isnan(reason.threshold):
        return reason.sentence
    if reason.cause == LOW_QUALITY:
        known = not math.isnan(reason.value)
        return f"quality {reason.value:.1f} is too low" if known else "the quality is too low"
    return reason.sentence.rpartition(" (")[0]


def _verdict(accept: object) -> bool | None:
    if accept is None or isinstance(accept, bool):
        return accept
    words = {"true": True, "false": False, "": None}
    word = str(accept).lower()
    if word not in words:
        raise ResultsError(f"accept is {_short(accept)}, expected true or false")
    return words[word]


def _unescaped(path: str) -> str:
    return _SURROGATE.sub(lambda match: chr(int(match[1], 16)), path)


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
