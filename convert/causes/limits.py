"""What the presets of a gate allow of each cause."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edgeiqa.causes import CAUSES

LOST = {"relaxed": 0.001, "normal": 0.005, "strict": 0.015}
"""Share of good shots that each single cause may cost, per preset."""

MIN_LIMIT = {"relaxed": 0.65, "normal": 0.5, "strict": 0.35}
"""No limit is below this: where good shots show nothing of a fault, a limit just above that would
be a hair trigger on other cameras. At a half a fault is plain to see at 100%."""


def limits_of(severities: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Limits that hardly any good shot exceeds.

    Args:
        severities: Severities of good shots, none of a test split.

    Returns:
        Per preset and cause the maximum severity that passes, 0-1, in hundredths.

    Raises:
        ValueError: No shots.
    """
    if not severities:
        raise ValueError("no good shots to set limits by")
    found: dict[str, dict[str, float]] = {}
    for preset, lost in LOST.items():
        found[preset] = {}
        for cause in CAUSES:
            edge = float(
                np.quantile([one[cause] for one in severities], 1.0 - lost, method="higher")
            )
            found[preset][cause] = min(1.0, max(MIN_LIMIT[preset], math.ceil(edge * 100) / 100))
    return found
