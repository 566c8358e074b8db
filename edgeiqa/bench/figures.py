"""From many runs to a few figures: percentiles, and the time outside the networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeiqa.bench.stages import STAGES, Lap

PERCENTILES = (50, 90, 99)

BAR = 1.0
"""A frame is to cost no more outside the networks than within the one that gives the score."""


def spread(nanoseconds: Sequence[int]) -> dict[str, float]:
    """What is told of some times.

    Args:
        nanoseconds: At least one.

    Returns:
        Milliseconds: "p50", "p90" and "p99", interpolated between neighbours as
        `numpy.percentile` does, and "min".
    """
    milliseconds = np.asarray(nanoseconds, dtype=np.float64) / 1e6
    found = np.percentile(milliseconds, PERCENTILES)
    told = {f"p{p}": round(float(v), 4) for p, v in zip(PERCENTILES, found, strict=True)}
    return {**told, "min": round(float(milliseconds.min()), 4)}


def summary(laps: Sequence[Lap]) -> dict[str, Any]:
    """What is told of some runs.

    Args:
        laps: At least one.

    Returns:
        Ready for JSON: "stages" (per stage what `spread` says; stages that were never entered
        are left out), "total", "outside" and "inside" (likewise), "ratio" with the quotient
        outside / inside of the medians ("p50") and of the fastest ("min"), and the mean sum of
        the stages over the mean total ("accounted").
    """
    entered = [name for name in STAGES if any(name in lap.stages for lap in laps)]
    outside, inside = spread([lap.outside for lap in laps]), spread([lap.inside for lap in laps])
    total = sum(lap.total for lap in laps)
    return {
        "stages": {n: spread([lap.stages.get(n, 0) for lap in laps]) for n in entered},
        "total": spread([lap.total for lap in laps]),
        "outside": outside,
        "inside": inside,
        "ratio": {
            key: round(outside[key] / inside[key], 3) if inside[key] else None
            for key in ("p50", "min")
        },
        "accounted": round(sum(sum(lap.stages.values()) for lap in laps) / max(total, 1), 6),
    }
