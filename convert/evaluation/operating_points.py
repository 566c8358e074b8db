"""What a gate keeps of the good shots and catches of the bad ones, and for which reasons.

People's mean opinions say which shots are good and which are bad; those between are neither, and
only counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeiqa.gating.gate import PRESETS, REASONS, Gate
from edgeiqa.quality import Quality

from ..common.metrics import Interval, wilson
from ..common.progress import progress
from ..common.text_table import aligned
from ..datasets.manifest import ManifestRow

if TYPE_CHECKING:
    from edgeiqa.scorer import Scorer


GOOD_MOS, BAD_MOS = 0.6, 0.4
"""On 0-1: from the first on a shot is good, below the second it is bad."""
KEPT_GOOD = {"relaxed": 0.99, "normal": 0.95, "strict": 0.80}
"""Share of the good validation shots that each gate preset is made to keep."""
POOLED = "pooled"
"""The 97.5% point of the normal distribution."""


@dataclass(frozen=True)
class Shot:
    """One rated picture with what a model says of it.

    Attributes:
        path: Relative to the data root.
        subset: Part of the database, "" for none.
        mos: Mean opinion score, 0-1.
        quality: None when the picture could not be read.
        error: Why there is no quality.
    """

    path: str
    subset: str
    mos: float
    quality: Quality | None
    error: str | None = None


def take_shots(
    scorer: Scorer, rows: Sequence[ManifestRow], root: Path, jobs: int = 1
) -> tuple[Shot, ...]:
    """Scores rated pictures, causes and all.

    Args:
        scorer: Serves `jobs` threads at once, see `convert.evaluation.predictions.open_scorer`.
        rows: Pictures with MOS on 0-1.
        root: Folder that the rows' paths start from.
        jobs: Pictures scored at a time. Changes nothing in the results.

    Returns:
        One per row, in their order, unreadable ones included.

    Raises:
        ValueError: No rows, or not one readable picture.
    """
    if not rows:
        raise ValueError("no pictures to judge")
    with ThreadPoolExecutor(jobs) as pool:
        found = tuple(
            progress(pool.map(partial(_take_shot, scorer, root), rows), len(rows), "scoring")
        )
    if all(shot.quality is None for shot in found):
        raise ValueError(f"no picture could be read, the first: {found[0].error}")
    return found


def _take_shot(scorer: Scorer, root: Path, row: ManifestRow) -> Shot:
    from edgeiqa.errors import UnreadableImageError

    try:
        quality = scorer.score(root / row.path)
    except UnreadableImageError as error:
        return Shot(row.path, row.subset, row.mos, None, error.reason)
    return Shot(row.path, row.subset, row.mos, quality)


@dataclass
class ReasonCount:
    """How many shots a reason rejects.

    Attributes:
        good: Good shots that it rejects, alone or with others.
        bad: Bad ones.
        good_alone: Good shots that would be kept without this reason.
        bad_alone: Bad ones.
    """

    good: int = 0
    bad: int = 0
    good_alone: int = 0
    bad_alone: int = 0


@dataclass(frozen=True)
class Group:
    """What a gate does with all shots, or with those of one subset.

    Attributes:
        name: "pooled" or the subset's.
        pictures: How many there are.
        good: How many of them are good.
        bad: How many are bad.
        good_kept: Share of the good ones that is accepted.
        bad_caught: Share of the bad ones that is rejected.
        accepted: Share of all that is accepted.
        reasons: What decided, by identifier; only those that rejected a good or a bad shot.
    """

    name: str
    pictures: int
    good: int
    bad: int
    good_kept: Interval
    bad_caught: Interval
    accepted: Interval
    reasons: dict[str, ReasonCount] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        shares = {key: getattr(self, key).to_dict() for key in _SHARES}
        return {
            "pictures": self.pictures,
            "good": self.good,
            "bad": self.bad,
            **{
                key: {k: None if v is None else round(v, 4) for k, v in share.items()}
                for key, share in shares.items()
            },
            "reasons": {name: asdict(count) for name, count in self.reasons.items()},
        }


_SHARES = ("good_kept", "bad_caught", "accepted")


@dataclass(frozen=True)
class OperatingPoint:
    """One gate on all groups of shots.

    Attributes:
        preset: Its name.
        gate: Its thresholds.
        groups: Pooled first, then the subsets by name where there is more than one.
    """

    preset: str
    gate: Gate
    groups: tuple[Group, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "min_score": self.gate.min_score,
            "max_causes": dict(self.gate.max_causes),
            "groups": {group.name: group.to_dict() for group in self.groups},
        }


def operating_point(
    preset: str,
    gate: Gate,
    shots: Iterable[Shot],
    *,
    good: float = GOOD_MOS,
    bad: float = BAD_MOS,
) -> OperatingPoint:
    """Judges shots with a gate.

    Args:
        preset: What to call it.
        gate: The gate.
        shots: Those without a quality are passed over.
        good: MOS 0-1 from which on a shot is good.
        bad: MOS 0-1 below which it is bad.

    Raises:
        ValueError: `bad` is above `good`, or one of them is outside 0-1.
    """
    check_bounds(good, bad)
    seen = [shot for shot in shots if shot.quality is not None]
    subsets = sorted({shot.subset for shot in seen} - {""})
    parts = {POOLED: seen}
    if len(subsets) > 1:
        parts |= {name: [shot for shot in seen if shot.subset == name] for name in subsets}
    groups = tuple(_group(name, gate, part, good, bad) for name, part in parts.items())
    return OperatingPoint(preset, gate, groups)


def check_bounds(good: float, bad: float) -> None:
    """Raises ValueError unless 0 <= bad <= good <= 1."""
    if not 0 <= bad <= good <= 1:
        raise ValueError(
            f"good from a MOS of {good} on and bad below {bad}: expected 0 <= bad <= good <= 1"
        )


def _group(name: str, gate: Gate, shots: Sequence[Shot], good: float, bad: float) -> Group:
    counts = {reason: ReasonCount() for reason in REASONS}
    totals = {"good": 0, "bad": 0}
    rejected = {"good": 0, "bad": 0}
    accepted = 0
    for shot in shots:
        assert shot.quality is not None
        verdict = gate(shot.quality)
        accepted += verdict.accept
        kind = "good" if shot.mos >= good else "bad" if shot.mos < bad else None
        if kind is None:
            continue
        totals[kind] += 1
        rejected[kind] += not verdict.accept
        deciding = [reason.cause for reason in verdict.reasons if reason.decisive]
        for cause in deciding:
            count = counts.setdefault(cause, ReasonCount())
            keys = (kind, f"{kind}_alone") if len(deciding) == 1 else (kind,)
            for key in keys:
                setattr(count, key, getattr(count, key) + 1)
    return Group(
        name,
        len(shots),
        totals["good"],
        totals["bad"],
        wilson(totals["good"] - rejected["good"], totals["good"]),
        wilson(rejected["bad"], totals["bad"]),
        wilson(accepted, len(shots)),
        {cause: count for cause, count in counts.items() if count.good or count.bad},
    )


def preset_gates(scorer: Scorer) -> dict[str, Gate]:
    """The gates of a model's presets, the well-known ones first.

    Raises:
        ValueError: It has none.
    """
    there = scorer.contract.gate
    names = [name for name in PRESETS if name in there]
    names += [name for name in there if name not in PRESETS]
    if not names:
        raise ValueError(
            f"the model {scorer.contract.name} has no gate presets; --propose suggests some"
        )
    return {name: scorer.gate(name) for name in names}


def points_table(points: Sequence[OperatingPoint]) -> str:
    """For people: one line per preset and group, then what decided, pooled."""
    rows = [["preset", "pictures of", "good", "kept", "bad", "caught", "accepted of all"]]
    for point in points:
        for index, group in enumerate(point.groups):
            rows.append(
                [
                    "" if index else _named(point),
                    group.name,
                    str(group.good),
                    share_cell(group.good_kept),
                    str(group.bad),
                    share_cell(group.bad_caught),
                    share_cell(group.accepted),
                ]
            )
    reasons = [["preset", "reason", "bad caught", "by it alone", "good lost", "by it alone"]]
    for point in points:
        for index, (name, count) in enumerate(point.groups[0].reasons.items()):
            numbers = (count.bad, count.bad_alone, count.good, count.good_alone)
            reasons.append(["" if index else point.preset, name, *map(str, numbers)])
    parts = [aligned(rows, left=2)]
    limits = {point.preset: point.gate.max_causes for point in points if point.gate.max_causes}
    if limits:
        parts.append(limits_table(limits))
    if len(reasons) > 1:
        parts.append(aligned(reasons, left=2))
    return "\n\n".join(parts)


def limits_table(limits: Mapping[str, Mapping[str, float]]) -> str:
    """For people: the most severity per cause, one line per preset."""
    causes = [cause for cause in REASONS if any(cause in own for own in limits.values())]
    rows = [["at most", *causes]]
    for preset, own in limits.items():
        rows.append([preset, *(f"{own[cause]:.2f}" if cause in own else "-" for cause in causes)])
    return aligned(rows)


def share_cell(share: Interval) -> str:
    """A share in percent with its interval."""
    if math.isnan(share.value):
        return "-"
    return f"{share.value:.1%} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _named(point: OperatingPoint) -> str:
    return f"{point.preset}, from {point.gate.min_score:g}"
