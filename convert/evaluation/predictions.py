"""Rated pictures through the runtime: file, decoder, preprocessing, int8 model, score."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common import provenance
from ..common.metrics import FloatArray
from ..common.progress import progress
from ..common.quiet import quiet
from ..datasets.manifest import ManifestRow

if TYPE_CHECKING:
    from edgeiqa.scorer import Scorer


@dataclass(frozen=True)
class Prediction:
    """One scored picture.

    Attributes:
        path: Relative to the data root.
        subset: Part of the database.
        mos: Mean opinion score, 0-1.
        score: Predicted score, 0-100, None when the picture could not be read.
        std: Predicted spread, 0-100 units, if the model reports it; see `Quality.std`.
        error: Why there is no score.
    """

    path: str
    subset: str
    mos: float
    score: float | None
    std: float | None
    error: str | None


@dataclass(frozen=True)
class Scores:
    """Scores of the pictures that could be read, in points of 0-100, as arrays [N] float64.

    Attributes:
        score: Predicted.
        mos: Mean opinion times 100.
        std: Predicted; None for a model that does not report it.
        subsets: Name of each picture's part of the database.
    """

    score: FloatArray
    mos: FloatArray
    std: FloatArray | None
    subsets: tuple[str, ...]

    def groups(self) -> dict[str, np.ndarray]:
        """Per name a bool mask [N]: "pooled", then the subsets where there is more than one."""
        names = np.array(self.subsets)
        found = {"pooled": np.ones(len(names), bool)}
        subsets = sorted(set(self.subsets) - {""})
        if len(subsets) > 1:
            found |= {subset: names == subset for subset in subsets}
        return found


def open_scorer(
    model: str | os.PathLike[str] | bytes, jobs: int | None = None, *, causes: bool = False
) -> tuple[Scorer, int]:
    """Opens a model for several threads.

    Args:
        model: A .tflite with a contract, its bytes, or the name of a model that edgeiqa brings.
        jobs: Pictures scored at a time; the number of processors when None.
        causes: Whether to detect causes, too.

    Returns:
        The scorer and the number of threads that it serves at once.

    Raises:
        ValueError: no valid contract, or no such model.
    """
    from edgeiqa.inference.model import Model
    from edgeiqa.scorer import Scorer

    workers = jobs or os.cpu_count() or 1
    with quiet():  # LiteRT announces its delegate
        return Scorer(Model(model, max_interpreters=workers), causes=causes), workers


def causes_sha256() -> str:
    """SHA-256 of the network for causes that edgeiqa brings, its contract included."""
    from edgeiqa.inference.model import CAUSES, find

    return hashlib.sha256(find(CAUSES).read_bytes()).hexdigest()


def predict(
    scorer: Scorer, rows: Sequence[ManifestRow], root: str | os.PathLike[str], jobs: int = 1
) -> tuple[Prediction, ...]:
    """Scores pictures.

    Args:
        scorer: From `open_scorer`.
        rows: Pictures with MOS on 0-1.
        root: Folder that the rows' paths start from.
        jobs: Pictures scored at a time. Changes no score.

    Returns:
        One per row, in their order, unreadable ones included.

    Raises:
        ValueError: no rows, or not one readable picture.
    """
    if not rows:
        raise ValueError("no pictures to evaluate on")
    with ThreadPoolExecutor(jobs) as pool:
        scored = pool.map(partial(_predict, scorer, Path(root)), rows)
        predictions = tuple(progress(scored, len(rows), "scoring"))
    if all(p.score is None for p in predictions):
        raise ValueError(f"no picture could be read, the first: {predictions[0].error}")
    return predictions


def arrays(predictions: Iterable[Prediction]) -> Scores:
    """The readable pictures' numbers as arrays."""
    readable = [p for p in predictions if p.score is not None]
    spreads = [p.std for p in readable if p.std is not None]
    return Scores(
        np.array([p.score for p in readable], np.float64),
        np.array([100.0 * p.mos for p in readable], np.float64),
        np.array(spreads, np.float64) if len(spreads) == len(readable) else None,
        tuple(p.subset for p in readable),
    )


def model_facts(scorer: Scorer, model: str | os.PathLike[str]) -> dict[str, Any]:
    """Which model was measured, for the protocol."""
    from edgeiqa.inference.model import find

    return {
        "model": scorer.contract.name,
        "model_version": scorer.contract.version,
        "model_sha256": provenance.sha256(find(model).read_bytes()),
        "flatbuffer_sha256": scorer.contract.flatbuffer_sha256,
    }


def tell_unreadable(predictions: Iterable[Prediction]) -> int:
    """Names unreadable pictures on standard error; returns how many there are."""
    count = 0
    for prediction in predictions:
        if prediction.score is None:
            print(f"unreadable: {prediction.path}: {prediction.error}", file=sys.stderr)
            count += 1
    return count


def scores_csv(predictions: Sequence[Prediction]) -> str:
    """Single predictions as CSV text, one line per picture."""
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, ["path", "subset", "mos", "score", "std", "error"], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(asdict(p) for p in predictions)
    return stream.getvalue()


def _predict(scorer: Scorer, root: Path, row: ManifestRow) -> Prediction:
    from edgeiqa.errors import UnreadableImageError

    try:
        quality = scorer.score(root / row.path)
    except UnreadableImageError as error:
        return Prediction(row.path, row.subset, row.mos, None, None, error.reason)
    return Prediction(row.path, row.subset, row.mos, quality.score, quality.std, None)
