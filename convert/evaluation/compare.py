"""Several models on the same pictures: side by side, and how sure their differences are."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.metrics import Interval, paired_bootstrap, srocc
from ..common.text_table import aligned
from .evaluate import MIN_PICTURES, POOLED, Evaluation
from .predictions import arrays


@dataclass(frozen=True)
class Difference:
    """How far a model is ahead of the first one.

    Attributes:
        model: Its label.
        group: "pooled" or a subset.
        srocc: SROCC of the model minus that of the first, with its paired interval.
        level: Two-sided achieved significance level; small means that the sign is sure.
    """

    model: str
    group: str
    srocc: Interval
    level: float


@dataclass(frozen=True)
class Comparison:
    """Evaluations of several models on the same pictures.

    Attributes:
        labels: What the models are called, each once.
        evaluations: In the same order.
        differences: Of every model but the first from the first, per group.
    """

    labels: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "models": {
                label: evaluation.to_dict()
                for label, evaluation in zip(self.labels, self.evaluations, strict=True)
            },
            "against": self.labels[0],
            "interval": "95% percentile bootstrap of the SROCC difference, same draws for both",
            "differences": [
                {
                    "model": d.model,
                    "group": d.group,
                    "SROCC": d.srocc.to_dict(),
                    "level": d.level if d.level == d.level else None,
                }
                for d in self.differences
            ],
        }

    def table(self) -> str:
        """A column per model, a line per group and metric, and the differences below."""
        rows = [["", "", *self.labels]]
        for index, group in enumerate(self.evaluations[0].groups):
            for number, name in enumerate(group.metrics):
                title = f"{group.name} ({group.pictures})" if number == 0 else ""
                cells = [_cell(e.groups[index].metrics[name]) for e in self.evaluations]
                rows.append([title, name, *cells])
        lines = [aligned(rows, left=2), "", f"SROCC against {self.labels[0]}, paired draws:"]
        differences = [["", "", "difference", "level"]]
        for d in self.differences:
            value = f"{d.srocc.value:+.4f} [{d.srocc.low:+.4f}, {d.srocc.high:+.4f}]"
            differences.append([d.model, d.group, value, f"{d.level:.3f}"])
        return "\n".join([*lines, aligned(differences, left=2)])

    def scores_csv(self) -> str:
        """One line per picture and one column of scores per model."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", "subset", "mos", *self.labels])
        for row in zip(*(e.predictions for e in self.evaluations), strict=True):
            writer.writerow([row[0].path, row[0].subset, row[0].mos, *(p.score for p in row)])
        return stream.getvalue()


def compare(models: Sequence[str], evaluations: Sequence[Evaluation]) -> Comparison:
    """Compares models with the first one.

    Args:
        models: What was evaluated: names or paths.
        evaluations: Of these, on the same pictures, with the same seed and number of draws.

    Raises:
        ValueError: the evaluations are not of the same pictures.
    """
    labels = _labels(models)
    first = evaluations[0]
    pictures = [(p.path, p.score is None) for p in first.predictions]
    reference = arrays(first.predictions)
    differences = []
    for label, evaluation in zip(labels[1:], evaluations[1:], strict=True):
        if [(p.path, p.score is None) for p in evaluation.predictions] != pictures:
            raise ValueError(f"{labels[0]} and {label} were not evaluated on the same pictures")
        scores = arrays(evaluation.predictions)
        wanted = {group.name for group in first.groups if group.pictures >= MIN_PICTURES}
        for name, inside in reference.groups().items():
            if name not in wanted:
                continue
            interval, level = paired_bootstrap(
                srocc,
                reference.score[inside],
                scores.score[inside],
                reference.mos[inside],
                repeats=max(1, int(first.protocol["repeats"])),
                seed=int(first.protocol["seed"]),
            )
            differences.append(Difference(label, name, interval, level))
    pooled = [d for d in differences if d.group == POOLED]
    others = [d for d in differences if d.group != POOLED]
    return Comparison(tuple(labels), tuple(evaluations), tuple(pooled + others))


def _labels(models: Sequence[str]) -> list[str]:
    """File names or model names, numbered where they would be the same."""
    names = [Path(model).name for model in models]
    seen: dict[str, int] = {}
    labels = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        labels.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return labels


def _cell(interval: Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
