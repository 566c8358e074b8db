"""Thresholds for a gate's presets: keep a stated share of the good shots, catch the most bad ones.

Both the score and the causes may reject good shots, within one allowance per preset. A share of
it, the same for all presets, goes to the causes: every cause may lose as many good shots as every
other, as many as the share allows for all of them together; the score gets the rest. So limits
grow stricter from preset to preset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeiqa.causes import CAUSES
from edgeiqa.gating.gate import Gate

from ..common.metrics import Interval, wilson
from ..common.text_table import aligned
from .operating_points import (
    BAD_MOS,
    GOOD_MOS,
    KEPT_GOOD,
    OperatingPoint,
    Shot,
    check_bounds,
    operating_point,
    points_table,
    share_cell,
)

FloatArray = npt.NDArray[np.float64]

CAUSE_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""What is tried as the causes' share of the good shots that may be lost."""
MIN_LIMIT = 0.3
"""No cause rejects below this severity by itself: where good shots of a database happen to show
none of it, a limit just above that would be a hair trigger elsewhere."""
FOLDS = 10


@dataclass(frozen=True)
class Proposal:
    """Thresholds and what they do.

    Attributes:
        thresholds: Minimum score per preset, rounded down to tenths.
        limits: Maximum severity per preset and cause, rounded up to hundredths; causes
            detected in no shot are left out.
        cause_share: The causes' share of the good shots that may be lost, 0-1.
        points: What the gates do with the very shots that they were made from.
        cross_fitted: Per preset the shares of good shots kept and bad ones caught by gates made
            in the same way from nine tenths of the shots, on the other tenth.
    """

    thresholds: dict[str, float]
    limits: dict[str, dict[str, float]]
    cause_share: float
    points: tuple[OperatingPoint, ...]
    cross_fitted: dict[str, tuple[Interval, Interval]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "gate": self.thresholds,
            "limits": self.limits,
            "cause_share": self.cause_share,
            "presets": {point.preset: point.to_dict() for point in self.points},
            "cross_fitted": {
                preset: {
                    name: {k: None if v is None else round(v, 4) for k, v in i.to_dict().items()}
                    for name, i in zip(("good_kept", "bad_caught"), shares, strict=True)
                }
                for preset, shares in self.cross_fitted.items()
            },
        }

    def table(self) -> str:
        """For people."""
        rows = [["cross-fitted", "good kept", "bad caught"]]
        for preset, shares in self.cross_fitted.items():
            rows.append([preset, *map(share_cell, shares)])
        parts = [
            "proposed, with the causes' share of the good shots that may be lost at "
            f"{self.cause_share:.0%}:",
            points_table(self.points),
            aligned(rows),
        ]
        if not any(self.limits.values()):
            parts.append("no shot has detected causes, so no limits are set")
        return "\n\n".join(parts)


@dataclass(frozen=True)
class _Arrays:
    """Shots as numbers: float64 score [N] and severities [N, C], bool good and bad [N]."""

    causes: tuple[str, ...]
    score: FloatArray
    severity: FloatArray
    good: npt.NDArray[np.bool_]
    bad: npt.NDArray[np.bool_]

    def take(self, chosen: npt.NDArray[Any]) -> _Arrays:
        return _Arrays(
            self.causes,
            self.score[chosen],
            self.severity[chosen],
            self.good[chosen],
            self.bad[chosen],
        )


def propose(
    shots: Sequence[Shot],
    *,
    kept: Mapping[str, float] | None = None,
    good: float = GOOD_MOS,
    bad: float = BAD_MOS,
    cause_share: float | None = None,
    least_limit: float = MIN_LIMIT,
    seed: int = 0,
) -> Proposal:
    """Chooses thresholds for presets.

    Args:
        shots: Rated and scored; those without a quality are passed over. None of a test split:
            nothing may be fitted to that.
        kept: Per preset the share of good shots to keep, 0-1; `KEPT_GOOD` by default.
        good: MOS 0-1 from which on a shot is good.
        bad: MOS 0-1 below which it is bad.
        cause_share: The causes' share of the good shots that may be lost, from 0 to below 1; by
            default the one of `CAUSE_SHARES` that catches the most bad shots, on average over
            the presets, and of equal ones the least.
        least_limit: No limit is below this severity.
        seed: Of the folds of the check.

    Raises:
        ValueError: No good shot, or a number outside its range.
    """
    check_bounds(good, bad)
    kept = dict(KEPT_GOOD if kept is None else kept)
    for name, share in {**kept, "the least limit": least_limit}.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share}, expected 0 to 1")
    if cause_share is not None and not 0 <= cause_share < 1:
        raise ValueError(f"the causes' share is {cause_share}, expected from 0 to below 1")
    seen = [shot for shot in shots if shot.quality is not None]
    arrays = _arrays(seen, good, bad)
    if not arrays.good.any():
        raise ValueError(f"no picture has a MOS of {good}: no gate can be set")
    tried = CAUSE_SHARES if cause_share is None else (cause_share,)
    chosen, gates = _choose(arrays, kept, tried, least_limit)
    points = tuple(
        operating_point(preset, gate, seen, good=good, bad=bad) for preset, gate in gates.items()
    )
    return Proposal(
        {preset: gate.min_score for preset, gate in gates.items()},
        {preset: dict(gate.max_causes) for preset, gate in gates.items()},
        chosen,
        points,
        _cross_fitted(arrays, kept, tried, least_limit, seed),
    )


def _arrays(shots: Sequence[Shot], good: float, bad: float) -> _Arrays:
    qualities = [shot.quality for shot in shots if shot.quality is not None]
    causes = tuple(c for c in CAUSES if any(c in quality.causes for quality in qualities))
    mos = np.array([shot.mos for shot in shots], np.float64)
    return _Arrays(
        causes,
        np.array([quality.score for quality in qualities], np.float64),
        # A cause that was not detected counts as a severity of 0: it rejects no shot.
        np.array(
            [[quality.causes.get(c, 0.0) for c in causes] for quality in qualities], np.float64
        ).reshape(len(qualities), len(causes)),
        mos >= good,
        mos < bad,
    )


def _choose(
    arrays: _Arrays, kept: Mapping[str, float], tried: Sequence[float], least_limit: float
) -> tuple[float, dict[str, Gate]]:
    """The share that catches the most bad shots, and its gates."""
    best: tuple[float, float, dict[str, Gate]] | None = None
    for share in tried:
        gates = {preset: _gate(arrays, own, share, least_limit) for preset, own in kept.items()}
        caught = float(sum(_rejected(arrays, gate)[arrays.bad].sum() for gate in gates.values()))
        if best is None or caught > best[0]:
            best = caught, share, gates
        if not arrays.causes:
            break
    assert best is not None
    return best[1], best[2]


def _gate(arrays: _Arrays, kept: float, cause_share: float, least_limit: float) -> Gate:
    """The gate that loses no more good shots than allowed, the causes their share of them."""
    good = arrays.take(arrays.good)
    count = len(good.score)
    # A hair more, as 1 - 0.95 is a little below 0.05.
    allowed = math.floor((1 - kept) * count + 1e-9)
    limits = _limits(good, math.floor(cause_share * allowed + 1e-9), least_limit)
    lost = (good.severity > limits).any(axis=1)
    left = np.sort(good.score[~lost])
    lowest = left[min(allowed - int(lost.sum()), len(left) - 1)] if len(left) else 100.0
    return Gate(
        min_score=math.floor(float(lowest) * 10) / 10,
        max_causes=dict(zip(arrays.causes, (float(limit) for limit in limits), strict=True)),
    )


def _limits(good: _Arrays, allowed: int, least_limit: float) -> FloatArray:
    """Limits [C] by which at most so many good shots are lost, every cause taking as many."""
    ordered = -np.sort(-good.severity, axis=0)
    found = np.ones(len(good.causes))
    for each in range(min(allowed, len(ordered) - 1) + 1):
        # No more than `each` shots are above the next severity; rounding up keeps it so.
        limits = np.clip(np.ceil(ordered[each] * 100 - 1e-9) / 100, least_limit, 1.0)
        if int((good.severity > limits).any(axis=1).sum()) > allowed:
            break
        found = limits
    return found


def _rejected(arrays: _Arrays, gate: Gate) -> npt.NDArray[np.bool_]:
    limits = np.array([gate.max_causes[cause] for cause in arrays.causes])
    return np.asarray(
        (arrays.score < gate.min_score) | (arrays.severity > limits).any(axis=1), np.bool_
    )


def _cross_fitted(
    arrays: _Arrays,
    kept: Mapping[str, float],
    tried: Sequence[float],
    least_limit: float,
    seed: int,
) -> dict[str, tuple[Interval, Interval]]:
    order = np.random.default_rng(seed).permutation(len(arrays.score))
    # Dealt out kind by kind, so that every fold has its share of good and of bad shots.
    kind = np.where(arrays.good, 2, arrays.bad.astype(int))[order]
    fold = np.empty(len(order), np.int64)
    fold[order[np.argsort(kind, kind="stable")]] = np.arange(len(order)) % FOLDS
    rejected = {preset: np.zeros(len(order), bool) for preset in kept}
    for number in range(FOLDS):
        out = fold == number
        some = arrays.take(~out)
        if not some.good.any():
            return dict.fromkeys(kept, (wilson(0, 0), wilson(0, 0)))
        _, gates = _choose(some, kept, tried, least_limit)
        for preset, gate in gates.items():
            rejected[preset][out] = _rejected(arrays.take(out), gate)
    return {
        preset: (
            wilson(int((~gone & arrays.good).sum()), int(arrays.good.sum())),
            wilson(int((gone & arrays.bad).sum()), int(arrays.bad.sum())),
        )
        for preset, gone in rejected.items()
    }
