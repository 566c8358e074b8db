"""How well a model agrees with people: correlations and errors against mean opinion scores.

Pictures go the whole way that a user's take: file, decoder, preprocessing, int8 model, calibrated
score. Nothing is fitted to the model beforehand except the VQEG logistic where it is named.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common import provenance
from ..common.metrics import (
    FloatArray,
    Interval,
    Metric,
    bootstrap,
    fit_logistic4,
    krocc,
    logistic4,
    plcc,
    rmse,
    spread_ratio,
    srocc,
)
from ..common.text_table import aligned
from ..datasets.manifest import ManifestRow
from .predictions import Prediction as Prediction
from .predictions import model_facts, open_scorer, predict

POOLED = "pooled"
MIN_PICTURES = 5
"""With fewer pictures than this a group is counted but not measured."""


@dataclass(frozen=True)
class Group:
    """Results on all pictures or on one subset.

    Attributes:
        name: "pooled" or the subset's name.
        pictures: How many were scored.
        metrics: SROCC, PLCC, KROCC, RMSE, spread and the two after the logistic, with intervals;
            empty when there are too few pictures.
        logistic: The fitted (b1, b2, b3, b4), from predictions on 0-1 to MOS on 0-1.
    """

    name: str
    pictures: int
    metrics: dict[str, Interval]
    logistic: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """All results of one evaluation and how to get them again.

    Attributes:
        groups: Pooled first, then the subsets by name.
        predictions: One per picture of the split, in manifest order.
        protocol: Model checksum, data, seed, versions, command.
    """

    groups: tuple[Group, ...]
    predictions: tuple[Prediction, ...]
    protocol: dict[str, Any]

    @property
    def unreadable(self) -> tuple[Prediction, ...]:
        """The pictures without a score."""
        return tuple(p for p in self.predictions if p.score is None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, without the single predictions."""
        return {
            "protocol": self.protocol,
            "groups": {
                group.name: {
                    "pictures": group.pictures,
                    **{name: interval.to_dict() for name, interval in group.metrics.items()},
                    "logistic": list(group.logistic),
                }
                for group in self.groups
            },
            "unreadable": [{"path": p.path, "error": p.error} for p in self.unreadable],
        }

    def table(self) -> str:
        """The results as aligned text, one metric per line and one column per group."""
        names = list(self.groups[0].metrics) if self.groups else []
        rows = [["", *(group.name for group in self.groups)]]
        rows.append(["pictures", *(str(group.pictures) for group in self.groups)])
        for name in names:
            rows.append([name, *(_cell(group.metrics.get(name)) for group in self.groups)])
        return aligned(rows)


def evaluate(
    model: str | os.PathLike[str],
    rows: Sequence[ManifestRow],
    root: str | os.PathLike[str],
    *,
    database: str = "",
    split: str = "",
    repeats: int = 1000,
    seed: int = 0,
    jobs: int | None = None,
) -> Evaluation:
    """Score pictures through `edgeiqa.Scorer` and compare with their MOS.

    Args:
        model: A .tflite with a contract, or the name of a model that edgeiqa brings.
        rows: Pictures with MOS on 0-1, such as one split of a manifest.
        root: Folder that the rows' paths start from.
        database: Its name, for the protocol only.
        split: Its name, for the protocol only.
        repeats: Bootstrap draws; see `convert.common.metrics.bootstrap`.
        seed: Seed of the draws.
        jobs: Pictures scored at a time; the number of processors when None. Changes no score.

    Returns:
        Results pooled and per subset. Pictures that cannot be read are listed in it.

    Raises:
        ValueError: no rows, no readable picture, or a model without a valid contract.
        OSError: the model cannot be read.
    """
    scorer, workers = open_scorer(model, jobs)
    predictions = predict(scorer, rows, root, workers)
    readable = [p for p in predictions if p.score is not None]
    subsets = sorted({p.subset for p in readable} - {""})
    groups = [measure(POOLED, readable, repeats=repeats, seed=seed)]
    if len(subsets) > 1:
        for subset in subsets:
            chosen = [p for p in readable if p.subset == subset]
            groups.append(measure(subset, chosen, repeats=repeats, seed=seed))
    facts = {
        **model_facts(scorer, model),
        "database": database,
        "split": split,
        "pictures": len(rows),
        "unreadable": len(rows) - len(readable),
        "score": "edgeiqa.Scorer from the image file; predictions are score / 100",
        "logistic": "VQEG 4-parameter, fitted per group on all its pictures, kept in the draws",
        "interval": "95% percentile bootstrap over pictures",
        "repeats": repeats,
        "seed": seed,
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.evaluation.evaluate.evaluate"),
        "date": provenance.now(),
    }
    return Evaluation(tuple(groups), predictions, facts)


def measure(
    name: str, predictions: Sequence[Prediction], *, repeats: int = 1000, seed: int = 0
) -> Group:
    """Metrics with intervals of one group of scored pictures.

    Args:
        name: What to call the group.
        predictions: Pictures with a score.
        repeats: Bootstrap draws.
        seed: Seed of the draws.

    Returns:
        The group; without metrics when it has fewer than `MIN_PICTURES` pictures.
    """
    scored = [(p.score / 100, p.mos) for p in predictions if p.score is not None]
    if len(scored) < MIN_PICTURES:
        return Group(name, len(scored), {}, ())
    predicted, mos = (np.array(column) for column in zip(*scored, strict=True))
    logistic = fit_logistic4(predicted, mos)

    def fitted(metric: Metric) -> Metric:
        # Four parameters on hundreds of pictures barely move: refitting them in every draw
        # would cost minutes and change the intervals in the fourth digit.
        def measured(x: FloatArray, y: FloatArray) -> float:
            return metric(logistic4(x, logistic), y)

        return measured

    metrics: dict[str, Metric] = {
        "SROCC": srocc,
        "PLCC": plcc,
        "PLCC logistic": fitted(plcc),
        "KROCC": krocc,
        "RMSE": rmse,
        "RMSE logistic": fitted(rmse),
        "spread": spread_ratio,
    }
    intervals = bootstrap(metrics, predicted, mos, repeats=repeats, seed=seed)
    return Group(name, len(scored), intervals, tuple(float(b) for b in logistic))


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
