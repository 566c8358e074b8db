"""Percentiles and sums of made times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.bench.measure import spread, summary
from edgeiqa.bench.profiler import Lap


def test_percentiles_of_one_to_a_hundred_and_one_milliseconds() -> None:
    times = [n * 1_000_000 for n in range(101, 0, -1)]
    assert spread(times) == {"p50": 51.0, "p90": 91.0, "p99": 100.0, "min": 1.0}


def test_one_run_is_all_percentiles() -> None:
    assert spread([1_500_000]) == {"p50": 1.5, "p90": 1.5, "p99": 1.5, "min": 1.5}


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=50))
def test_percentiles_are_in_order(times: list[int]) -> None:
    found = spread(times)
    assert found["min"] <= found["p50"] <= found["p90"] <= found["p99"]
    assert found["p99"] <= max(times) / 1e6 + 1e-3


def lap(outside: float, inside: float, causes: float = 0.0) -> Lap:
    parts = {"rest": outside / 4, "colour": outside * 3 / 4, "score_network": inside}
    parts |= {"causes_network": causes} if causes else {}
    stages = {name: round(value * 1e6) for name, value in parts.items()}
    return Lap(sum(stages.values()), stages)


def test_a_summary_of_made_laps() -> None:
    found = summary([lap(8, 10, 2), lap(4, 9, 2), lap(12, 16, 2)])
    assert found["outside"]["p50"] == 8
    assert found["inside"]["p50"] == 10
    assert found["ratio"] == {"p50": 0.8, "min": pytest.approx(4 / 9, abs=1e-3)}
    assert found["total"] == {"p50": 20, "p90": 28, "p99": 29.8, "min": 15}
    assert list(found["stages"]) == ["colour", "score_network", "causes_network", "rest"]
    assert found["stages"]["colour"]["min"] == 3
    assert found["accounted"] == 1.0


def test_a_stage_that_one_run_skipped_took_no_time_there() -> None:
    found = summary([lap(1, 1), lap(1, 1, 5), lap(1, 1)])
    assert found["stages"]["causes_network"] == {"p50": 0, "p90": 4, "p99": 4.9, "min": 0}


def test_without_a_network_there_is_no_ratio() -> None:
    assert summary([Lap(5, {"rest": 5})])["ratio"] == {"p50": None, "min": None}
