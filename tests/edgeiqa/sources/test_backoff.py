"""Waits between tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.sources.reconnect import Backoff


def test_waits_double_up_to_a_limit() -> None:
    assert [Backoff().delay_s(n) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 15, 15]
    assert Backoff(first_s=2, factor=1).delay_s(50) == 2


@given(st.integers(1, 10**9), st.floats(1, 1e6))
def test_the_limit_holds_for_ever(attempt: int, factor: float) -> None:
    assert 0.5 <= Backoff(factor=factor).delay_s(attempt) <= 15


def test_it_gives_up_after_so_many_tries() -> None:
    assert [Backoff(tries=2).gives_up(n) for n in (1, 2, 3)] == [False, False, True]
    assert not Backoff().gives_up(10**9)


@pytest.mark.parametrize(
    "wrong",
    [{"first_s": 0}, {"first_s": 20}, {"max_s": float("inf")}, {"factor": 0.5}, {"tries": 0}],
)
def test_wrong_numbers_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Backoff(**wrong)
    with pytest.raises(ValueError, match="attempt is 0"):
        Backoff().delay_s(0)
