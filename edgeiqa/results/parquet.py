"""Results as Parquet: typed columns for SQL and data frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from edgeiqa.causes import CAUSES
from edgeiqa.results.row import COLUMNS, Row
from edgeiqa.results.writers import Writer

GROUP_ROWS = 20_000
"""Rows that are held in memory and written together."""

JOURNAL_COLUMNS = ("bytes", "mtime_ns", "mode", "model", "settings")
"""What a run with --resume records besides."""


def schema(*, journal: bool = False) -> Any:
    """The columns of results, a `pyarrow.Schema`.

    path and error string, score and std double (0-100), causes a struct of one double (0-1) per
    cause, accept bool, reasons a list of structs (cause, value, threshold, decisive). Missing
    values are null, as in the JSON of `edgeiqa score`; without causes the struct is null.

    Args:
        journal: Whether the columns of a run with --resume follow: bytes and mtime_ns int64,
            mode, model and settings string.
    """
    pyarrow, _ = pyarrow_modules()
    string, number = pyarrow.string(), pyarrow.float64()
    reason = [("cause", string), ("value", number), ("threshold", number)]
    types = {
        "score": number,
        "std": number,
        "causes": pyarrow.struct([(cause, number) for cause in CAUSES]),
        "accept": pyarrow.bool_(),
        "reasons": pyarrow.list_(pyarrow.struct([*reason, ("decisive", pyarrow.bool_())])),
        "bytes": pyarrow.int64(),
        "mtime_ns": pyarrow.int64(),
    }
    names = (*COLUMNS, *JOURNAL_COLUMNS) if journal else COLUMNS
    fields = [pyarrow.field(name, types.get(name, string)) for name in names]
    fields[0] = fields[0].with_nullable(False)
    return pyarrow.schema(fields)


def to_table(rows: Iterable[Row], arrow_schema: Any) -> Any:
    """Rows as a `pyarrow.Table`.

    A path that is not valid UTF-8 gets a backslash escape for each odd byte, as Arrow takes
    nothing else.
    """
    pyarrow, _ = pyarrow_modules()
    documents = []
    for row in rows:
        document = row.to_dict()
        for name in ("path", "error"):
            if document[name] is not None:
                document[name] = document[name].encode("utf-8", "backslashreplace").decode()
        document["causes"] = document["causes"] or None
        documents.append(document)
    return pyarrow.Table.from_pylist(documents, schema=arrow_schema)


def plain_rows(table: Any) -> Iterator[dict[str, Any]]:
    """Turns a table of results into the objects that `edgeiqa score --format jsonl` writes."""
    for row in table.to_pylist():
        causes = row["causes"] or {}
        row["causes"] = {name: value for name, value in causes.items() if value is not None}
        row["reasons"] = row["reasons"] or []
        yield row


class ParquetWriter(Writer):
    """Writes rows with the columns of `schema`."""

    def __init__(self, stream: IO[bytes], *, journal: bool = False) -> None:
        """Writes the head of the file.

        Args:
            stream: Takes bytes; stays open.
            journal: As for `schema`.

        Raises:
            ImportError: pyarrow is not installed.
        """
        _, parquet = pyarrow_modules()
        self._schema = schema(journal=journal)
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        """Takes one row; `GROUP_ROWS` are written together."""
        self._rows.append(row)
        if len(self._rows) == GROUP_ROWS:
            self._flush()

    def finish(self, summary: str) -> None:
        """Writes the last rows and the footer, without which the file cannot be read."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(to_table(self._rows, self._schema))
            self._rows = []


def pyarrow_modules() -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`.

    Raises:
        ImportError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError('Parquet needs pyarrow: pip install "edgeiqa[parquet]"') from error
    return pyarrow, parquet
