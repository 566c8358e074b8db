"""Results as Parquet: typed columns for whoever asks a library with SQL or data frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from edgeiqa.causes import CAUSES
from edgeiqa.results.writers import DocumentWriter

GROUP_ROWS = 20_000
"""Rows that are held in memory and written together."""


class ParquetWriter(DocumentWriter):
    """The keys of JSON as columns; null for what is not there.

    path and error string, score and std double (0-100), causes a struct of double (0-1, null where
    a cause was not told), accept bool, reasons a list of structs, bytes and mtime_ns int64, mode,
    model and settings string. A path that is no valid UTF-8 has a backslash escape for each odd
    byte, as Parquet holds nothing else.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        """Writes the head of the file.

        Args:
            stream: Takes bytes; stays open.

        Raises:
            ImportError: pyarrow is not installed.
        """
        self._arrow, parquet = pyarrow_modules()
        self._schema = _schema(self._arrow)
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Takes one row; every so many are written as one group."""
        row = {name: document.get(name) for name in self._schema.names}
        row["path"] = _text(row["path"])
        row["error"] = _text(row["error"])
        self._rows.append(row)
        if len(self._rows) == GROUP_ROWS:
            self._flush()

    def finish(self, summary: str) -> None:
        """Writes the last rows and the foot, without which the file cannot be read."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, self._schema))
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
        raise ImportError(
            'Parquet needs pyarrow: pip install "edgeiqa[parquet]", or use --format csv'
        ) from error
    return pyarrow, parquet


def _text(value: str | None) -> str | None:
    return None if value is None else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _schema(pyarrow: Any) -> Any:
    string, number, whole = pyarrow.string(), pyarrow.float64(), pyarrow.int64()
    reason = pyarrow.struct(
        [
            ("cause", string),
            ("value", number),
            ("threshold", number),
            ("decisive", pyarrow.bool_()),
        ]
    )
    return pyarrow.schema(
        [
            pyarrow.field("path", string, nullable=False),
            ("score", number),
            ("std", number),
            ("causes", pyarrow.struct([(cause, number) for cause in CAUSES])),
            ("accept", pyarrow.bool_()),
            ("reasons", pyarrow.list_(reason)),
            ("error", string),
            ("bytes", whole),
            ("mtime_ns", whole),
            ("mode", string),
            ("model", string),
            ("settings", string),
        ]
    )
