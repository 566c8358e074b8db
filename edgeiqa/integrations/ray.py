"""Scores on many machines: an actor class for Ray Data's `Dataset.map_batches` (extra "ray").

>>> import ray
>>> from edgeiqa.integrations.ray import score_dataset
>>> photographs = ray.data.read_binary_files("s3://bucket/photos", include_paths=True)
>>> score_dataset(photographs).write_parquet("s3://bucket/scores")

The rows are those of `edgeiqa score`, figure by figure: `tests/edgeiqa/integrations/test_ray.py`
holds a cluster's against a single process's. Nothing is lost on the way. A picture that cannot be
read is a row with its error. One that takes the process down that scores it is a row with an error,
too (`edgeiqa.batch.isolated`), and its neighbours do not notice. When an actor or its machine dies,
Ray starts another and gives it the batches whose results had not arrived.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgeiqa.batch.isolated import TIMEOUT, ApartScorer
from edgeiqa.batch.settings import Recipe
from edgeiqa.causes import CAUSES
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import read_bounded
from edgeiqa.inference.model import DEFAULT, find
from edgeiqa.results.row import Row
from edgeiqa.results.score_row import error_line

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

BATCH = 32
"""Pictures that an actor gets at once: enough to hide Ray's share of the work, and few enough to
be scored again after a crash."""


def score_dataset(
    dataset: Dataset,
    *,
    model: str | os.PathLike[str] = DEFAULT,
    gate: str | None = None,
    min_score: float | None = None,
    max_causes: Mapping[str, float] | None = None,
    concurrency: int | tuple[int, int] | None = None,
    batch_size: int = BATCH,
    timeout: float = TIMEOUT,
    **options: Any,
) -> Dataset:
    """Scores the pictures of a Ray dataset; lazily, as all of Ray Data.

    Args:
        dataset: With the columns that `RayScorer` takes.
        model: Name of a shipped model, or path of a .tflite on this machine, which is sent to
            the others.
        gate: A preset, "relaxed", "normal" or "strict"; "normal" by default where the model has
            it.
        min_score: A least score 0-100 of your own instead.
        max_causes: Limits 0-1 of your own per cause, as in `Scorer.gate`.
        concurrency: How many actors, or (least, most) of them; each takes a CPU. By default from
            one up to as many as the cluster has CPUs. A fixed number that takes all CPUs leaves
            none for a dataset that still has to be read, and would wait for ever.
        batch_size: Pictures that an actor gets at once.
        timeout: Seconds that one picture may take.
        options: Go to `Dataset.map_batches`, such as num_cpus, memory or runtime_env.

    Returns:
        A dataset with the columns of `schema()`. Its order is Ray's: set
        `DataContext.execution_options.preserve_order` if it matters.

    Raises:
        ImportError: Ray is not installed.
        ModelError: No such model; ValueError: no such preset, cause or limit. Here and now, and
            not only in some process of the cluster.
    """
    ray = _ray()
    file = find(model)
    # A file of the user's own need not lie on every machine.
    sent = file.read_bytes() if os.fspath(model) == str(file) else model
    recipe = Recipe.asked(sent, gate, min_score, max_causes)
    if concurrency is None:
        if not ray.is_initialized():
            ray.init()
        concurrency = (1, max(1, int(ray.cluster_resources().get("CPU", 1))))
    least, most = (concurrency,) * 2 if isinstance(concurrency, int) else concurrency
    return dataset.map_batches(
        RayScorer,
        fn_constructor_kwargs={"model": recipe, "timeout": timeout},
        compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most),
        batch_size=batch_size,
        batch_format="pyarrow",
        **options,
    )


class RayScorer:
    """Scores batches; the class to hand to `Dataset.map_batches` with `concurrency`.

    Each actor opens its model once and scores on one thread, so that as many actors as there are
    CPUs keep them busy. `score_dataset` sets all of this; by hand it is

    >>> dataset.map_batches(RayScorer, concurrency=8, batch_size=32, batch_format="pyarrow")

    What comes in: "path", text, or bytes where a name is not valid UTF-8; what has a scheme
    (s3://, gs://, hdfs://, file://) is read through `pyarrow.fs`, all else from a disk that every
    machine sees. With a column "bytes", as `ray.data.read_binary_files(include_paths=True)` makes
    it, the pictures come from there and the path is only shown. With a column "error", a row in
    which it is not null passes through with that error: what `edgeiqa.imaging.discovery.expand`
    could not list. Other columns are dropped.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | Recipe = DEFAULT,
        gate: str | None = None,
        min_score: float | None = None,
        max_causes: Mapping[str, float] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Opens the model, in a process beside.

        Args:
            model: As for `score_dataset`, or the bytes of a .tflite; or a `Recipe` that holds the
                gate already, which needs no model opened in this process, and goes before `gate`,
                `min_score` and `max_causes`.
            gate: As for `score_dataset`.
            min_score: As for `score_dataset`.
            max_causes: As for `score_dataset`.
            timeout: As for `score_dataset`.

        Raises:
            ModelError: No such model, or one at odds with its contract.
            ContractError: A .tflite without a contract, or with a damaged or newer one.
            ValueError: No such preset, cause or limit.
            RuntimeError: The process beside cannot be started; the message says why.
        """
        recipe = (
            model if isinstance(model, Recipe) else Recipe.asked(model, gate, min_score, max_causes)
        )
        self._scorer = ApartScorer(recipe, timeout=timeout)

    def __call__(self, batch: Any) -> pa.Table:
        """Scores one batch.

        Args:
            batch: A pyarrow table, a pandas frame, or a dict of NumPy arrays; see the class.

        Returns:
            One row per picture, in their order, with the columns of `schema()`.

        Raises:
            ValueError: There is no column "path".
        """
        import pyarrow as pa

        rows = [
            self._row(path, source, error)
            for path, source, error in zip(*_columns(batch), strict=True)
        ]
        return pa.Table.from_pylist(rows, schema=schema())

    def _row(self, path: Any, data: Any, error: Any) -> dict[str, Any]:
        name = os.fsdecode(path) if isinstance(path, (str, bytes)) else repr(path)
        if error is not None:
            return _flat(Row(name, error=str(error)).to_dict())
        try:
            if data is None and not isinstance(path, (str, bytes)):
                raise TypeError(f"path is a {type(path).__name__}, expected text")
            if not isinstance(data, (bytes, bytearray, memoryview, type(None))):
                raise TypeError(f"bytes is a {type(data).__name__}, expected bytes")
            source = _fetch(name) if data is None and "://" in name else data
        except Exception as failure:
            return _flat(Row(name, error=error_line(failure)).to_dict())
        return _flat(self._scorer.row(name, source))


def schema() -> pa.Schema:
    """The columns of the results, as they go into Parquet.

    path string, score and std double, causes struct of one double per cause, accept bool,
    reasons list of struct (cause, value, threshold, decisive), error string. What is not there
    is null, as in the JSON of `edgeiqa score`; without causes the struct is null.
    """
    import pyarrow as pa

    reason = [("cause", pa.string()), ("value", pa.float64()), ("threshold", pa.float64())]
    reason.append(("decisive", pa.bool_()))
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            ("score", pa.float64()),
            ("std", pa.float64()),
            ("causes", pa.struct([(cause, pa.float64()) for cause in CAUSES])),
            ("accept", pa.bool_()),
            ("reasons", pa.list_(pa.struct(reason))),
            ("error", pa.string()),
        ]
    )


def plain_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Makes the objects that `edgeiqa score --format jsonl` writes out of a table of results.

    Args:
        table: With the columns of `schema()`.

    Yields:
        One dict per row, ready for JSON.
    """
    for row in table.to_pylist():
        causes = row["causes"] or {}
        row["causes"] = {name: value for name, value in causes.items() if value is not None}
        row["reasons"] = row["reasons"] or []
        yield row


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(f'Ray Data is missing ({error}): pip install "edgeiqa[ray]"') from error
    return ray


def _columns(batch: Any) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    """Path, bytes and error of each picture, whatever shape the batch has."""
    names = batch.column_names if hasattr(batch, "column_names") else list(batch)
    if "path" not in names:
        raise ValueError(
            f"the batch has the columns {', '.join(map(str, names))}, expected path; with "
            "ray.data.read_binary_files say include_paths=True"
        )
    paths, pictures, errors = (
        _values(batch[name]) if name in names else None for name in ("path", "bytes", "error")
    )
    nothing = [None] * len(paths or ())
    return paths or [], nothing if pictures is None else pictures, errors or nothing


def _values(column: Any) -> list[Any]:
    values = column.to_pylist() if hasattr(column, "to_pylist") else column.tolist()
    # A missing value is NaN in pandas and NumPy.
    return [None if isinstance(value, float) and value != value else value for value in values]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row as Arrow takes it: valid UTF-8, and null for causes that are not there."""
    for key in ("path", "error"):
        if row[key] is not None:
            row[key] = row[key].encode("utf-8", "backslashreplace").decode()
    return {**row, "causes": row["causes"] or None}


def _fetch(address: str) -> bytes:
    """Reads a picture from where pyarrow can: S3, Google's storage, HDFS, file."""
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address)
        with system.open_input_stream(path, compression=None) as stream:
            return read_bounded(stream)
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file") from error
