"""``edgeiqa convert ablation``: what each ingredient of distillation and of the input is worth.

Every row is an ordinary student run at the same small budget, with several seeds; a seed draws the
training pictures, their order, the crops and the opinion layer's start. Rows of the first table add
one ingredient to the row above, rows of the second change the input of the last but one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.manifest import ManifestRow
from .distill import train_student
from .loop import Schedule
from .student import StudentRecipe

LOSSES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("MOS only", {}),
    ("+ teacher's score", {"teacher": 1.0}),
    ("+ pairwise rank", {"rank": 1.0}),
    ("+ teacher's features", {"features": 0.5}),
    ("+ opinion histogram", {"histogram": 5.0}),
    ("+ distorted pairs", {"ladder": 2.0}),
    ("+ unlabelled pictures", {}),
)
"""Ingredients in the order in which they are added; the last takes ``--unlabelled``."""

INPUTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("224 px", {"size": 224}),
    ("320 px", {"size": 320}),
    ("384 px", {"size": 384}),
    ("448 px", {"size": 448, "source": 512}),
)
"""Inputs that are compared, all with the losses up to the opinion histogram."""

_BARE: dict[str, Any] = {
    "teacher": 0.0,
    "rank": 0.0,
    "histogram": 0.0,
    "features": 0.0,
    "ladder": 0.0,
}
_INPUT_LOSSES = 5


@dataclass(frozen=True, slots=True)
class Budget:
    """What every run of an ablation gets.

    Attributes:
        pictures: Rated training pictures of the rows that compare losses.
        input_pictures: The same of the rows that compare inputs, which cost more per picture.
        epochs: Passes over them.
        size: Input height and width in pixels, where the row does not say.
        frozen: Blocks, with the stem, that keep their initial weights.
        network: Name of the backbone.
        init: Its initial weights.
        probe: Steps in which the opinion layer learns alone before the rest joins.
        pairs: Distorted pairs of the rows that have them.
        unlabelled: Unlabelled pictures of the last row; 0 leaves it out.
        seeds: Number of seeds, from 0.
    """

    pictures: int = 3000
    input_pictures: int = 1000
    epochs: int = 2
    size: int = 240
    frozen: int = 11
    network: str = "mobilenet_v2"
    init: str = "imagenet"
    probe: int = 600
    pairs: int = 1000
    unlabelled: int = 0
    seeds: int = 3

    def recipe(self, changes: Mapping[str, Any], seed: int) -> StudentRecipe:
        """The run of one row and seed."""
        schedule = Schedule(epochs=self.epochs, batch=16, rate=3e-4, head_rate=3e-3, seed=seed)
        bare: dict[str, Any] = {
            "network": self.network,
            "init": self.init,
            "size": self.size,
            "frozen": self.frozen,
            "probe": self.probe,
            "pairs": self.pairs,
            "pairs_per_batch": 1,
            "limit": self.pictures,
            "schedule": schedule,
        }
        return StudentRecipe(**{**bare, **_BARE, **changes})


def plan(budget: Budget, tables: Sequence[str]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The rows of each table, as changes of the bare recipe.

    Args:
        budget: What every run gets.
        tables: ``losses``, ``input`` or both.
    """
    grown: list[tuple[str, dict[str, Any]]] = []
    changes: dict[str, Any] = {}
    for name, added in LOSSES:
        changes = {**changes, **added}
        if name == LOSSES[-1][0]:
            if not budget.unlabelled:
                continue
            changes = {**changes, "unlabelled": budget.unlabelled}
        grown.append((name, changes))
    base = grown[_INPUT_LOSSES - 1][1]
    rows = {
        "losses": grown,
        "input": [
            (name, {**base, **change, "limit": budget.input_pictures}) for name, change in INPUTS
        ],
    }
    return {table: rows[table] for table in tables}


def ablate(
    rows: Sequence[ManifestRow], root: Path, work: Path, budget: Budget, tables: Sequence[str]
) -> dict[str, Any]:
    """Runs what has not been run yet and gathers the figures.

    Args:
        rows: The manifest; train and validation are used, test never.
        root: The data root.
        work: Folder of caches; the runs go to ``work/ablation``.
        budget: What every run gets.
        tables: ``losses``, ``input`` or both.

    Returns:
        Per table a list of rows: name, figures by seed, mean, deviation, and the difference to the
        row above with its standard error over seeds.
    """
    report: dict[str, Any] = {}
    for table, lines in plan(budget, tables).items():
        done: list[dict[str, Any]] = []
        for number, (name, changes) in enumerate(lines):
            figures = []
            for seed in range(budget.seeds):
                recipe = budget.recipe(changes, seed)
                print(f"{table}: {name}, seed {seed}", flush=True)
                run = f"ablation/{table}{number}-{_tag(recipe)}-seed{seed}"
                figures.append(_figures(rows, root, work, recipe, run))
            above = done[-1] if done and table == "losses" else None
            done.append(_row(name, changes, figures, above))
        report[table] = done
    return report


def _tag(recipe: StudentRecipe) -> str:
    return hashlib.sha256(repr(replace(recipe, schedule=Schedule())).encode()).hexdigest()[:8]


def _figures(
    rows: Sequence[ManifestRow], root: Path, work: Path, recipe: StudentRecipe, run: str
) -> dict[str, float]:
    if not (work / run / "recipe.json").is_file():
        train_student(rows, root, work, recipe, run, follow=False)
        # Hundreds of megabytes that nobody needs once the figures are there.
        for name in ("checkpoint.npz", "student.keras", "student.npz"):
            (work / run / name).unlink(missing_ok=True)
    last = json.loads((work / run / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    keys = [key for key in last if key.startswith("val_")]
    figures = {
        key.removeprefix("val_"): math.nan if last[key] is None else last[key] for key in keys
    }
    return {**figures, "seconds": last["seconds"] * recipe.schedule.epochs}


def _row(
    name: str,
    changes: Mapping[str, Any],
    figures: Sequence[Mapping[str, float]],
    above: Mapping[str, Any] | None,
) -> dict[str, Any]:
    keys = figures[0].keys()
    row: dict[str, Any] = {
        "name": name,
        "changes": dict(changes),
        "seeds": [dict(one) for one in figures],
        "mean": {key: float(np.mean([one[key] for one in figures])) for key in keys},
        "deviation": {key: _deviation([one[key] for one in figures]) for key in keys},
    }
    if above is not None:
        steps = [
            one["srocc"] - old["srocc"] for one, old in zip(figures, above["seeds"], strict=True)
        ]
        error = _deviation(steps) / math.sqrt(len(steps))
        row["step"] = {"srocc": float(np.mean(steps)), "standard_error": error}
    return row


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def markdown(report: Mapping[str, Any]) -> str:
    """The tables in Markdown: mean and deviation over seeds, and the step from the row above."""
    parts = []
    for table, lines in report.items():
        subsets = [key for key in lines[0]["mean"] if key.startswith("srocc_")]
        heads = ["SROCC", *(key.removeprefix("srocc_") for key in subsets), "PLCC"]
        if table == "losses":
            heads.append("step")
        text = [
            f"| {'losses' if table == 'losses' else 'input'} | " + " | ".join(heads) + " |",
            "|---|" + "---|" * len(heads),
        ]
        for line in lines:
            cells = [
                f"{line['mean'][key]:.3f} ± {line['deviation'][key]:.3f}"
                for key in ("srocc", *subsets, "plcc")
            ]
            if table == "losses":
                step = line.get("step")
                cells.append(f"{step['srocc']:+.3f} ± {step['standard_error']:.3f}" if step else "")
            text.append(f"| {line['name']} | " + " | ".join(cells) + " |")
        parts.append("\n".join(text))
    return "\n\n".join(parts)
