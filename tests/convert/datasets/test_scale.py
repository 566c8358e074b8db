from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.datasets.manifest import DataError
from convert.datasets.scale import Scale

ends = st.tuples(st.floats(-1e3, 1e3), st.floats(1e-2, 1e3)).map(lambda e: (e[0], e[0] + e[1]))


@given(ends, st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_better_stays_better(
    scale: tuple[float, float], one: float, other: float, lower_is_better: bool
) -> None:
    low, high = scale
    chosen = Scale(low, high, lower_is_better)
    first, second = (min(high, max(low, low + part * (high - low))) for part in (one, other))
    a, b = chosen.mos(first, "a"), chosen.mos(second, "b")
    assert 0.0 <= a <= 1.0
    if first < second:
        assert (a >= b) if lower_is_better else (a <= b)
    best = chosen.mos(low if lower_is_better else high, "best")
    assert best == 1.0


def test_known_values() -> None:
    assert Scale(1, 5).mos(3, "") == 0.5
    assert Scale(0, 100, lower_is_better=True).mos(30, "") == pytest.approx(0.7)
    assert Scale(1, 5).std(1.0) == 0.25


@pytest.mark.parametrize("score", [0.999, 5.001, float("nan"), float("inf")])
def test_scores_off_the_scale_are_refused(score: float) -> None:
    with pytest.raises(DataError, match=r"line 3: score .* is not within 1 to 5"):
        Scale(1, 5).mos(score, "line 3")


@pytest.mark.parametrize(("low", "high"), [(5, 1), (1, 1), (0, float("inf"))])
def test_scales_must_run_upwards(low: float, high: float) -> None:
    with pytest.raises(DataError, match="from low to high"):
        Scale(low, high)
