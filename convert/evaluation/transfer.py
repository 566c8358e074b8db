"""How well a judge does away from home: on databases and parts that took no part in its training.

Agreement within the database that a model learned from says little about photographs of others. The
meter has four parts for that, and one for home:

* **left out**: BIQ2021's three subsets were rated on different terms, so each is a database of its
  own. A head learns from two of them and is measured on the third. Only a recipe can be measured
  this way, not a finished model, which has seen all three.
* **AGIQA-3K**, **PCUID**, **SR4KIQA** (within each scene): nothing learns from them.
* **home**: agreement within each subset of BIQ2021 on its validation split.

BIQ2021 pooled is reported, too, but chooses nothing: a model raises it by separating the subsets,
whose mean scores differ, and loses elsewhere by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.metrics import FloatArray, Interval, srocc
from ..common.progress import progress
from ..common.ridge import TARGETS, Ridge, fit_ridge, fit_within, group_targets
from ..common.text_table import aligned
from ..datasets import agiqa3k, biq2021, pcuid, sr4kiqa
from ..datasets.errors import DataError
from ..datasets.manifest import ManifestRow
from ..datasets.registry import build

LEFT_OUT, HOME, POOLED = "left out", "home", "pooled"
AWAY = (agiqa3k.DATABASE.name, pcuid.DATABASE.name, sr4kiqa.DATABASE.name)
BY_SCENE = sr4kiqa.DATABASE.name
MIN_PICTURES = 5
"""Groups of fewer pictures than this are not measured."""

NOTE = (
    "BIQ2021 pooled chooses nothing: it may fall when a model stops separating the subsets, "
    "whose mean scores differ, and everything else rises"
)

WITHIN = "within"
RECIPES = (WITHIN, *TARGETS)
"""What a head may learn from BIQ2021's subsets."""

Features = NDArray[np.float32]
Score = Callable[[Sequence[ManifestRow]], FloatArray]


@dataclass(frozen=True)
class Meter:
    """The pictures that transfer is measured on.

    Attributes:
        train: BIQ2021's train split.
        home: BIQ2021's validation split.
        away: Rows of each further database that is there.
        missing: Names of those that are not.
    """

    train: list[ManifestRow]
    home: list[ManifestRow]
    away: dict[str, list[ManifestRow]]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Scores of one part of the meter.

    Attributes:
        score: Predictions on any scale, [N].
        mos: Mean opinion scores, [N].
        groups: Agreement is measured within each group, and the mean over groups counts.
        by_group: The bootstrap draws groups, where there are many small ones, not pictures.
    """

    score: FloatArray
    mos: FloatArray
    groups: tuple[str, ...]
    by_group: bool = False

    def figures(self) -> dict[str, float]:
        """SROCC within each group that is large enough and whose scores differ."""
        return {
            name: value
            for name, inside in self._members().items()
            if np.isfinite(value := srocc(self.score[inside], self.mos[inside]))
        }

    def value(self) -> float:
        """Mean SROCC over the groups."""
        return float(np.mean(list(self.figures().values())))

    def draws(self, repeats: int, seed: int) -> FloatArray:
        """Bootstrap draws of :meth:`value`, the same pictures for every model of one seed."""
        generator = np.random.default_rng(seed)
        members = list(self._members().values())
        if self.by_group:
            each = np.array([srocc(self.score[m], self.mos[m]) for m in members])
            each = each[np.isfinite(each)]
            return each[generator.integers(len(each), size=(repeats, len(each)))].mean(1)
        found = np.empty(repeats)
        for draw in range(repeats):
            chosen = [m[generator.integers(len(m), size=len(m))] for m in members]
            found[draw] = np.mean([srocc(self.score[m], self.mos[m]) for m in chosen])
        return found

    def _members(self) -> dict[str, NDArray[np.intp]]:
        names = np.array(self.groups)
        found = {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
        return {name: inside for name, inside in found.items() if len(inside) >= MIN_PICTURES}


@dataclass(frozen=True)
class Transfer:
    """What the meter says of one judge.

    Attributes:
        label: What it is called.
        seeds: Its parts by name; several where a recipe was repeated with other draws.
    """

    label: str
    seeds: tuple[dict[str, Part], ...]

    def values(self, name: str) -> list[float]:
        """The figure of one part for each seed."""
        return [parts[name].value() for parts in self.seeds]

    @property
    def names(self) -> list[str]:
        """The parts that were measured."""
        return list(self.seeds[0])

    def away(self) -> float:
        """Mean over all parts but home and pooled, over seeds."""
        parts = [name for name in self.names if name not in (HOME, POOLED)]
        return float(np.mean([np.mean(self.values(name)) for name in parts]))


def read_meter(root: Path, manifest: Sequence[ManifestRow] | None = None) -> Meter:
    """Finds the meter's pictures.

    Args:
        root: The data root.
        manifest: BIQ2021's rows where a manifest was made; its official layout if None.

    Raises:
        DataError: BIQ2021 is not there, or none of the further databases is.
    """
    rows = list(manifest) if manifest is not None else build(biq2021.NAME, root)
    away: dict[str, list[ManifestRow]] = {}
    reasons: dict[str, str] = {}
    for name in AWAY:
        try:
            away[name] = build(name, root, strict_counts=False)
        except DataError as error:
            reasons[name] = str(error)
    if not away:
        raise DataError(f"nothing to measure transfer on: {'; '.join(reasons.values())}")
    return Meter(
        [row for row in rows if row.split == "train"],
        [row for row in rows if row.split == "validation"],
        away,
        tuple(reasons),
    )


def measure_model(meter: Meter, score: Score, label: str) -> Transfer:
    """Measures a finished model.

    Args:
        meter: The pictures.
        score: From rows to predictions.
        label: What the model is called.
    """
    parts = {name: _part(name, rows, score(rows)) for name, rows in meter.away.items()}
    return Transfer(label, (parts | _home(meter.home, score(meter.home)),))


def measure_recipe(
    meter: Meter,
    features: Callable[[Sequence[ManifestRow]], Features],
    label: str,
    *,
    targets: str = "within",
    strength: float = 0.3,
    anchor: float = 0.0,
    pictures: int | None = None,
    seeds: int = 1,
) -> Transfer:
    """Measures a linear head on frozen features.

    Args:
        meter: The pictures.
        features: From rows to features [N, D].
        label: What the recipe is called.
        targets: ``within`` gives each subset its own offset and scale, in features as in scores
            (:func:`convert.common.ridge.fit_within`); the others are those of
            :func:`convert.common.ridge.group_targets`.
        strength: See :func:`convert.common.ridge.fit_ridge`.
        anchor: See :func:`convert.common.ridge.fit_within`.
        pictures: Learns from so many pictures drawn from the train split; all if None.
        seeds: So many draws; more than one needs ``pictures``.

    Raises:
        ValueError: Several seeds without a draw, or a draw larger than the train split.
    """
    if seeds > 1 and pictures is None:
        raise ValueError("several seeds need a number of pictures to draw, or all are alike")
    if pictures is not None and not 10 <= pictures <= len(meter.train):
        raise ValueError(
            f"the number of pictures must be between 10 and {len(meter.train):,}, got {pictures}"
        )
    train, home = features(meter.train), features(meter.home)
    away = {name: features(rows) for name, rows in meter.away.items()}
    everything = np.concatenate([train, home])
    rows = meter.train + meter.home
    mos = np.array([row.mos for row in rows])
    subsets = np.array([row.subset for row in rows])
    learnable = len(meter.train)

    def fitted(chosen: NDArray[np.intp]) -> Ridge:
        names = subsets[chosen].tolist()
        if targets == WITHIN:
            return fit_within(everything[chosen], mos[chosen], names, strength, anchor)
        wanted = group_targets(mos[chosen], names, targets)
        return fit_ridge(everything[chosen], wanted, strength)

    found = []
    for seed in progress(range(seeds), seeds, f"measuring {label}"):
        chosen = np.arange(learnable)
        if pictures is not None:
            drawn = np.random.default_rng(seed).permutation(learnable)[:pictures]
            chosen = np.sort(drawn)
        left_out = np.empty(len(rows))
        for subset in np.unique(subsets):
            inside = subsets == subset
            ridge = fitted(chosen[~inside[chosen]])
            left_out[inside] = ridge.predict(everything[inside])
        parts = {LEFT_OUT: Part(left_out, mos, tuple(subsets.tolist()))}
        ridge = fitted(chosen)
        for name, among in away.items():
            parts[name] = _part(name, meter.away[name], ridge.predict(among))
        found.append(parts | _home(meter.home, ridge.predict(home)))
    return Transfer(label, tuple(found))


def _part(name: str, rows: Sequence[ManifestRow], score: FloatArray) -> Part:
    by_scene = name == BY_SCENE
    groups = tuple(row.reference if by_scene else name for row in rows)
    return Part(score, np.array([row.mos for row in rows]), groups, by_scene)


def _home(rows: Sequence[ManifestRow], score: FloatArray) -> dict[str, Part]:
    mos = np.array([row.mos for row in rows])
    return {
        HOME: Part(score, mos, tuple(row.subset for row in rows)),
        POOLED: Part(score, mos, (POOLED,) * len(rows)),
    }


def report(
    results: Sequence[Transfer], meter: Meter, *, repeats: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Figures with bootstrap intervals, and differences from the first judge on the same draws.

    Args:
        results: One or more judges, measured on the same meter.
        meter: The pictures.
        repeats: Bootstrap draws.
        seed: Of the draws.

    Returns:
        A JSON-ready document.
    """
    draws = {
        (result.label, name): result.seeds[0][name].draws(repeats, seed)
        for result in results
        for name in result.names
    }
    judges: dict[str, Any] = {}
    for result in results:
        parts = {}
        for name in result.names:
            values = result.values(name)
            entry: dict[str, Any] = _interval(values[0], draws[result.label, name]).to_dict()
            entry["groups"] = {
                group: round(value, 4)
                for group, value in result.seeds[0][name].figures().items()
                if name in (LEFT_OUT, HOME)
            }
            if len(values) > 1:
                entry |= {
                    "seeds": [round(value, 4) for value in values],
                    "mean": float(np.mean(values)),
                    "deviation": float(np.std(values, ddof=1)),
                }
            parts[name] = entry
        judges[result.label] = {"parts": parts, "away": result.away()}
    first = results[0]
    differences = [
        {
            "judge": result.label,
            "part": name,
            **_interval(
                result.values(name)[0] - first.values(name)[0],
                draws[result.label, name] - draws[first.label, name],
            ).to_dict(),
        }
        for result in results[1:]
        for name in result.names
        if name in first.names
    ]
    return {
        "pictures": {HOME: len(meter.home), "train": len(meter.train)}
        | {name: len(rows) for name, rows in meter.away.items()},
        "missing": list(meter.missing),
        "figure": "SROCC within each group (subset, database, scene), mean over groups",
        "interval": "95% percentile bootstrap over pictures, over scenes for sr4kiqa",
        "note": NOTE,
        "judges": judges,
        "against": first.label,
        "differences": differences,
    }


def _interval(value: float, draws: FloatArray) -> Interval:
    finite = draws[np.isfinite(draws)]
    low, high = np.percentile(finite, (2.5, 97.5)) if len(finite) else (np.nan, np.nan)
    return Interval(value, float(low), float(high))


def table(document: Mapping[str, Any]) -> str:
    """The document as text: one line per judge."""
    names = [LEFT_OUT, *AWAY, HOME, POOLED]
    lines = [["judge", *names, "mean away"]]
    for label, judge in document["judges"].items():
        cells = []
        for name in names:
            part = judge["parts"].get(name)
            if part is None:
                cells.append("-")
            elif "mean" in part:
                cells.append(f"{part['mean']:.3f} ± {part['deviation']:.3f}")
            else:
                cells.append(f"{part['value']:.3f} ({part['low']:.3f}-{part['high']:.3f})")
        lines.append([label, *cells, f"{judge['away']:.3f}"])
    text = [aligned(lines)]
    for label, judge in document["judges"].items():
        for name in (LEFT_OUT, HOME):
            groups = judge["parts"].get(name, {}).get("groups", {})
            if groups:
                inside = ", ".join(f"{group} {value:.3f}" for group, value in groups.items())
                text.append(f"{label}, {name}: {inside}")
    for one in document["differences"]:
        text.append(
            f"{one['judge']} against {document['against']}, {one['part']}: "
            f"{one['value']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"
        )
    if document["missing"]:
        text.append(f"not measured, as they are missing: {', '.join(document['missing'])}")
    return "\n".join([*text, document["note"]])
