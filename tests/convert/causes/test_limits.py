"""Limits that hardly any good shot is above."""

from __future__ import annotations

import numpy as np
import pytest

from convert.causes.limits import MIN_LIMIT, limits_of
from edgeiqa.causes import CAUSES


def test_no_more_good_shots_are_lost_than_allowed() -> None:
    generator = np.random.default_rng(0)
    severities = [dict.fromkeys(CAUSES, float(value)) for value in generator.random(2000)]
    limits = limits_of(severities)
    for preset, lost in (("relaxed", 0.001), ("normal", 0.005), ("strict", 0.015)):
        for cause in CAUSES:
            above = np.mean([one[cause] > limits[preset][cause] for one in severities])
            assert above <= lost


def test_limits_grow_stricter_and_never_hair_triggers() -> None:
    limits = limits_of([dict.fromkeys(CAUSES, 0.01)] * 50)
    for cause in CAUSES:
        found = [limits[preset][cause] for preset in ("relaxed", "normal", "strict")]
        assert found == [MIN_LIMIT["relaxed"], MIN_LIMIT["normal"], MIN_LIMIT["strict"]]
    assert limits_of([dict.fromkeys(CAUSES, 1.0)])["strict"]["blur"] == 1.0


def test_without_shots_there_are_no_limits() -> None:
    with pytest.raises(ValueError, match="no good shots"):
        limits_of([])
