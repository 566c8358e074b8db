"""Results as Parquet: typed columns for SQL and data frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any, BinaryIO

from edgeiqa.causes import CAUSES
from edgeiqa.errors import ResultsError
from edgeiqa.results.row import COLUMNS, MAX_NAMES, Row
from edgeiqa.results.writers import Writer

GROUP_ROWS = 20_000
"""Rows that are held in memory and written together."""

MAX_GROUP_BYTES = 1 << 29
"""The most bytes that a row group may take unpacked."""

MAX_CELL = 1 << 18
"""The most bytes of a text."""

_BATCH_ROWS = 512

JOURNAL_COLUMNS = ("bytes", "mtime_ns", "mode", "settings")
"""What a run with --resume records besides."""


def schema(*, journal: bool = False, attributes: bool = False) -> Any:
    """The columns of results, a `pyarrow.Schema`.

    path, error and model string, score and std double (0-100), causes a struct of one double (0-1)
    per cause, accept bool, reasons a list of structs (cause, value, threshold, decisive), width and
    height int32, taken string (ISO 8601). Missing values are null, as in the JSON of `edgeiqa
    score`; without causes the struct is null.

    Args:
        journal: Whether the columns of a run with --resume follow: bytes and mtime_ns int64,
            mode and settings string.
        attributes: Whether attributes follow, a map from label to double.
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
        "width": pyarrow.int32(),
        "height": pyarrow.int32(),
        "attributes": pyarrow.map_(string, number),
        "bytes": pyarrow.int64(),
        "mtime_ns": pyarrow.int64(),
    }
    names = [*COLUMNS, *(JOURNAL_COLUMNS if journal else ())]
    names += ["attributes"] if attributes else []
    fields = [pyarrow.field(name, types.get(name, string)) for name in names]
    fields[0] = fields[0].with_nullable(False)
    return pyarrow.schema(fields)


def to_table(rows: Iterable[Row], arrow_schema: Any) -> Any:
    """Rows as a `pyarrow.Table`.

    Texts that are not valid UTF-8 get a backslash escape for each odd byte, as Arrow takes nothing
    else.
    """
    pyarrow, _ = pyarrow_modules()
    documents = []
    for row in rows:
        document = _encodable(row.to_dict())
        document["causes"] = document["causes"] or None
        document["attributes"] = list(document.get("attributes", {}).items())
        documents.append(document)
    return pyarrow.Table.from_pylist(documents, schema=arrow_schema)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list) else value


def plain_rows(table: Any) -> Iterator[dict[str, Any]]:
    """Turns a table of results into the objects that `edgeiqa score --format jsonl` writes."""
    for row in table.to_pylist():
        causes = row["causes"] or {}
        row["causes"] = {name: value for name, value in causes.items() if value is not None}
        row["reasons"] = row["reasons"] or []
        yield row


class ParquetWriter(Writer):
    """Writes rows with the columns of `schema`."""

    def __init__(
        self, stream: IO[bytes], *, journal: bool = False, attributes: bool = False
    ) -> None:
        """Writes the head of the file.

        Args:
            stream: Takes bytes; stays open.
            journal: As for `schema`.
            attributes: As for `schema`.

        Raises:
            ImportError: pyarrow is not installed.
        """
        _, parquet = pyarrow_modules()
        self._schema = schema(journal=journal, attributes=attributes)
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


def read_documents(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Reads the rows of a file that may come from anybody, in bounded memory.

    Raises:
        ImportError: pyarrow is not installed.
        ResultsError: The file is damaged, or unpacks to far more than results.
    """
    pyarrow, parquet = pyarrow_modules()
    try:
        layout = parquet.ParquetFile(stream)
        leaves = [layout.schema.column(n) for n in range(len(layout.schema))]
        for number in range(layout.metadata.num_row_groups):
            _check_size(layout.metadata.row_group(number))
        # Texts stay dictionaries: a long one that is repeated does not multiply.
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        stream.seek(0)
        file = parquet.ParquetFile(stream, read_dictionary=texts)
        wanted = {*COLUMNS, *JOURNAL_COLUMNS, "attributes"}
        columns = [name for name in layout.schema_arrow.names if name in wanted]
        for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
            for column in batch.columns:
                if _longest_text(column) > MAX_CELL:
                    raise ResultsError(f"a text of more than {MAX_CELL} bytes")
            yield from batch.to_pylist()
    except ResultsError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise ResultsError(f"damaged Parquet: {' '.join(str(error).split())[:200]}") from error


def _check_size(group: Any) -> None:
    values = max((group.column(n).num_values for n in range(group.num_columns)), default=0)
    if group.total_byte_size > MAX_GROUP_BYTES or values > MAX_NAMES * max(group.num_rows, 1):
        raise ResultsError(
            f"{group.num_rows} rows of {values} values and {group.total_byte_size} bytes unpack to "
            "far more than results"
        )


def _longest_text(array: Any) -> int:
    """The bytes of the longest text in an Arrow array, also within structures."""
    import pyarrow
    import pyarrow.compute

    kind = array.type
    if pyarrow.types.is_dictionary(kind):
        return _longest_text(array.dictionary)
    if pyarrow.types.is_struct(kind):
        return max((_longest_text(field) for field in array.flatten()), default=0)
    if pyarrow.types.is_map(kind):
        return max(_longest_text(array.keys), _longest_text(array.items))
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return _longest_text(array.values)
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return pyarrow.compute.max(pyarrow.compute.binary_length(array)).as_py() or 0
    return 0


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
