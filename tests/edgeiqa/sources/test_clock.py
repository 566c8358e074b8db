"""Timestamps always rise."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.sources.clock import RisingClock

SECOND = 1_000_000_000


def test_what_rises_is_kept() -> None:
    clock = RisingClock()
    times = [5, 6, 40 * SECOND, 41 * SECOND]
    assert [clock.at(time, 40) for time in times] == times


def test_a_slip_gets_the_next_nanosecond_and_the_rest_stays() -> None:
    clock = RisingClock()
    assert [clock.at(time, 40) for time in (100, 100, 90, 200)] == [100, 101, 102, 200]


def test_after_a_wrap_time_goes_on_at_its_pace() -> None:
    clock = RisingClock()
    step = SECOND // 25
    before = [clock.at(90 * SECOND + n * step, step) for n in range(3)]
    after = [clock.at(n * step, step) for n in range(3)]
    assert [b - a for a, b in pairwise(before + after)] == [step] * 5


def test_frames_without_a_time_follow_at_the_usual_step() -> None:
    clock = RisingClock()
    assert [clock.at(None, 40) for _ in range(3)] == [0, 40, 80]


@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63)), min_size=2),
    st.integers(0, SECOND),
)
def test_time_rises_whatever_the_stream_says(times: list, step: int) -> None:
    clock = RisingClock()
    got = [clock.at(time, step) for time in times]
    assert all(a < b for a, b in pairwise(got))


def test_arrivals_rise_however_fast_they_come() -> None:
    clock = RisingClock()
    got = [clock.now() for _ in range(10_000)]
    assert all(a < b for a, b in pairwise(got))
