"""Scores on many machines: an actor class for Ray Data's `Dataset.map_batches` (extra "ray").

>>> import ray
>>> from edgeiqa.integrations.ray import score_dataset
>>> photographs = ray.data.read_binary_files("s3://bucket/photos", include_paths=True)
>>> score_dataset(photographs).write_parquet("s3://bucket/scores")

The rows are those of `edgeiqa score`, to the last bit. Nothing is lost on the way: a picture that
cannot be read, or that crashes the process that scores it (`edgeiqa.batch.isolated`), becomes a row
with an error and does not affect its neighbours. When an actor or its machine dies, Ray starts
another and gives it the batches whose results had not arrived.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgeiqa.batch.isolated import TIMEOUT, IsolatedScorer
from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import read_bounded
from edgeiqa.inference.model import DEFAULT, find
from edgeiqa.results.parquet import plain_rows, schema, to_table
from edgeiqa.results.row import Row
from edgeiqa.results.score_row import error_line

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

__all__ = ["RayScorer", "plain_rows", "schema", "score_dataset"]

BATCH = 32
"""Pictures that an actor gets at once: enough to hide Ray's overhead, and few enough to be scored
again after a crash."""


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
    """Scores the pictures of a Ray dataset; lazily, like all of Ray Data.

    Args:
        dataset: With the columns that `RayScorer` takes.
        model: Name of a shipped model, or path of a .tflite on this machine, which is sent to
            the others.
        gate: A preset, "relaxed", "normal" or "strict"; by default "normal" where the model has
            it.
        min_score: The score 0-100 from which to accept, instead of a preset.
        max_causes: Limits 0-1 per cause, as in `Scorer.gate`.
        concurrency: How many actors, or (minimum, maximum) of them; each takes a CPU. By default
            from one up to as many as the cluster has CPUs. A fixed number that takes all CPUs
            leaves none for a dataset that still has to be read, and would wait forever.
        batch_size: Pictures that an actor gets at once.
        timeout: Seconds after which a picture is given up.
        options: Passed to `Dataset.map_batches`, such as num_cpus, memory or runtime_env.

    Returns:
        A dataset with the columns of `schema()`, in the order that Ray chooses: set
        `DataContext.execution_options.preserve_order` if it matters.

    Raises:
        ImportError: Ray is not installed.
        ModelError: No such model; ValueError: no such preset, cause or limit. Raised here, not
            later in some process of the cluster.
    """
    ray = _ray()
    file = find(model)
    # The user's own file may exist on this machine only.
    sent = file.read_bytes() if os.fspath(model) == str(file) else model
    settings = ScoreSettings.choose(sent, gate, min_score, max_causes)
    if concurrency is None:
        if not ray.is_initialized():
            ray.init()
        concurrency = (1, max(1, int(ray.cluster_resources().get("CPU", 1))))
    minimum, maximum = (concurrency,) * 2 if isinstance(concurrency, int) else concurrency
    return dataset.map_batches(
        RayScorer,
        fn_constructor_kwargs={"model": settings, "timeout": timeout},
        compute=ray.data.ActorPoolStrategy(min_size=minimum, max_size=maximum),
        batch_size=batch_size,
        batch_format="pyarrow",
        **options,
    )


class RayScorer:
    """Scores batches; the class to give to `Dataset.map_batches` with `concurrency`.

    Each actor opens its model once and scores on one thread, so that as many actors as there are
    CPUs keep them busy. `score_dataset` sets all of this; by hand it is

    >>> dataset.map_batches(RayScorer, concurrency=8, batch_size=32, batch_format="pyarrow")

    Columns: "path", text, or bytes where a name is not valid UTF-8; what has a scheme (s3://,
    gs://, hdfs://, file://) is read through `pyarrow.fs`, everything else from a disk that all
    machines share. With a column "bytes", as `ray.data.read_binary_files(include_paths=True)`
    makes it, the pictures come from there and the path is only shown. A row in which the column
    "error" is not null passes through with that error, for what could not be listed. Other columns
    are dropped.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | ScoreSettings = DEFAULT,
        gate: str | None = None,
        min_score: float | None = None,
        max_causes: Mapping[str, float] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Opens the model in a separate process.

        Args:
            model: As for `score_dataset`, or the bytes of a .tflite; or settings that include the
                gate, in place of `gate`, `min_score` and `max_causes`.
            gate: As for `score_dataset`.
            min_score: As for `score_dataset`.
            max_causes: As for `score_dataset`.
            timeout: As for `score_dataset`.

        Raises:
            ModelError: No such model, or one at odds with its contract.
            ContractError: The contract of the .tflite is missing, damaged or newer.
            ValueError: No such preset, cause or limit.
            WorkerError: The process cannot be started; the message says why.
        """
        if not isinstance(model, ScoreSettings):
            model = ScoreSettings.choose(model, gate, min_score, max_causes)
        self._scorer = IsolatedScorer(model, timeout=timeout)

    def __call__(self, batch: Any) -> pa.Table:
        """Scores one batch.

        Args:
            batch: A pyarrow table, a pandas data frame, or a dict of NumPy arrays; see the class.

        Returns:
            One row per picture, in their order, with the columns of `schema()`.

        Raises:
            ValueError: There is no column "path".
        """
        rows = [
            self._row(path, source, error)
            for path, source, error in zip(*_columns(batch), strict=True)
        ]
        return to_table(rows, schema())

    def _row(self, path: Any, data: Any, error: Any) -> Row:
        name = os.fsdecode(path) if isinstance(path, (str, bytes)) else repr(path)
        if error is not None:
            return Row(name, error=str(error))
        try:
            if data is None and not isinstance(path, (str, bytes)):
                raise TypeError(f"path is a {type(path).__name__}, expected text")
            if not isinstance(data, (bytes, bytearray, memoryview, type(None))):
                raise TypeError(f"bytes is a {type(data).__name__}, expected bytes")
            source = _fetch(name) if data is None and "://" in name else data
        except Exception as failure:
            return Row(name, error=error_line(failure))
        return self._scorer.score(name, source)


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
            "ray.data.read_binary_files pass include_paths=True"
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


def _fetch(address: str) -> bytes:
    """Reads a picture through pyarrow: from S3, Google Cloud Storage, HDFS or a file URL."""
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address)
        with system.open_input_stream(path, compression=None) as stream:
            return read_bounded(stream)
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file") from error
