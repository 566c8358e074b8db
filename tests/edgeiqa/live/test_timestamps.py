"""Timestamps increase, and a stream survives a clock that is set back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.live.timestamps import RESTART_AFTER, StreamClock


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_what_is_admitted_rises(times: list[int]) -> None:
    clock, admitted = StreamClock(), list[int]()
    for time in times:
        if admitted and time <= admitted[-1]:
            with pytest.raises(ValueError, match=f"is {time}, .* later than {admitted[-1]}"):
                clock.admit(time)
        else:
            assert clock.admit(time) == 0
            admitted.append(time)
    assert admitted == sorted(set(admitted))
    assert admitted[-1:] == ([max(times)] if times else [])


def test_a_clock_set_back_begins_a_new_stream_where_that_is_wanted() -> None:
    clock = StreamClock()
    clock.admit(1000, restarts=True)
    for time in range(RESTART_AFTER - 1):
        with pytest.raises(ValueError, match="expected later"):
            clock.admit(time, restarts=True)
    assert clock.admit(500, restarts=True) == 1
    assert clock.admit(501, restarts=True) == 1


def test_odd_times_in_between_begin_none() -> None:
    clock = StreamClock()
    clock.admit(1000)
    for time in range(1001, 1100):
        assert clock.admit(time, restarts=True) == 0
        with pytest.raises(ValueError, match="expected later"):
            clock.admit(time - 500, restarts=True)


def test_reset_begins_a_new_stream() -> None:
    clock = StreamClock()
    clock.admit(1000)
    clock.reset()
    assert clock.admit(1) == 1


def test_only_integers_are_times() -> None:
    with pytest.raises(TypeError, match=r"1\.5, expected an integer"):
        StreamClock().admit(1.5)  # type: ignore[arg-type]
