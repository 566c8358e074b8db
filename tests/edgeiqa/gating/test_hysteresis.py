"""Verdicts on streams: they do not flicker, and bad news comes at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.causes import CAUSES
from edgeiqa.gating.gate import Gate, Reason, Verdict
from edgeiqa.gating.hysteresis import LiveGate
from edgeiqa.quality import Quality

MS = 1_000_000
FRAME = 33 * MS
GATE = Gate(min_score=50, max_causes={"blur": 0.6})


def told(live: LiveGate, scores: Sequence[float], step: int = FRAME) -> str:
    """The verdicts on one frame after the other: a for accepted, r for rejected."""
    return "".join(
        "a" if live(Quality(score), n * step).accept else "r" for n, score in enumerate(scores)
    )


def test_between_the_two_thresholds_it_stays_as_it_was() -> None:
    live = LiveGate(GATE, hold_s=0, margin=2)
    assert told(live, [50, 49, 48, 47.9, 49, 51, 51.9, 52, 51, 48]) == "aaarrrraaa"


def test_noise_around_the_threshold_does_not_flicker() -> None:
    scores = list(50 + np.random.default_rng(0).uniform(-1.9, 1.9, 300))
    plain = "".join("a" if GATE(Quality(score)).accept else "r" for score in scores)
    assert plain.count("ar") > 50
    assert len(set(told(LiveGate(GATE), scores))) == 1


def test_a_verdict_is_held() -> None:
    # Ten frames a second; 45 is too low, but not so far that it could not wait.
    live = LiveGate(GATE, hold_s=0.5)
    scores = [60, 60, 45, 45, 45, 45, 60, 60, 60, 60, 60, 60, 45, 45, 60, 45, 45]
    assert told(live, scores, 100 * MS) == "aaaaarrrrraaaaarr"


def test_a_smear_is_told_with_the_frame_that_shows_it() -> None:
    live = LiveGate(GATE, hold_s=10)
    assert told(live, [60, 60, 41.9, 60, 60]) == "aarrr"
    # By the cause as well, though the score may be slow to tell.
    live.reset()
    assert live(Quality(60, causes={"blur": 0.1}), 0).accept
    assert live(Quality(60, causes={"blur": 0.7}), 1).accept
    assert live(Quality(60, causes={"blur": 0.81}), 2).reasons == (Reason("blur", 0.81, 0.6),)


def test_sudden_rejections_can_be_switched_off() -> None:
    live = LiveGate(GATE, hold_s=1, sudden=None, cause_sudden=None)
    assert told(live, [60, 0, 0, 0], 300 * MS) == "aaaa"
    assert not live(Quality(0), 1200 * MS).accept


def test_an_acceptance_is_never_hurried() -> None:
    assert told(LiveGate(GATE, hold_s=0.3), [0, 100, 100, 100, 100], 100 * MS) == "rrraa"


def test_the_reasons_say_what_is_missing() -> None:
    live = LiveGate(GATE, hold_s=0.1, margin=2, cause_margin=0.05)
    assert live(Quality(30), 0).reasons == (Reason("low_quality", 30, 50),)
    # Good enough for the gate, but not to be accepted again.
    assert live(Quality(51), 1).reasons == (Reason("low_quality", 51, 52),)
    held = live(Quality(60), 2)
    assert held.reasons == (Reason("low_quality", 51, 52),)
    assert live(Quality(60), 200 * MS) == Verdict(True)
    assert live(Quality(60, causes={"blur": 0.7}), 400 * MS).reasons == (Reason("blur", 0.7, 0.6),)
    (reason,) = live(Quality(60, causes={"blur": 0.58}), 600 * MS).reasons
    assert reason.sentence.endswith("(0.58, at most 0.55)")
    assert live(Quality(60, causes={"blur": 0.55}), 800 * MS).accept


def test_a_low_score_is_explained_here_too() -> None:
    verdict = LiveGate(GATE)(Quality(30, causes={"blur": 0.4}), 0)
    assert verdict.reasons[1] == Reason("blur", 0.4, 0.6, decisive=False)


@pytest.mark.parametrize("least", [0.0, 0.5, 99.5, 100.0])
@pytest.mark.parametrize("most", [0.0, 0.01, 0.99, 1.0])
def test_at_the_ends_of_the_scale_both_verdicts_can_still_be_had(least: float, most: float) -> None:
    gate = Gate("own", thresholds={"own": least}, max_causes={"dark": most})
    live = LiveGate(gate, hold_s=0, margin=10, cause_margin=0.3, sudden=30)
    worst, best = Quality(0, causes={"dark": 1.0}), Quality(100, causes={"dark": 0.0})
    for n in range(3):
        assert live(worst, 2 * n).accept is gate(worst).accept
        assert live(best, 2 * n + 1).accept


def test_nan_is_bad() -> None:
    live = LiveGate(GATE)
    assert live(Quality(80, causes={"blur": 0.0}), 0).accept
    assert not live(Quality(math.nan), 1).accept
    assert not live(Quality(80, causes={"blur": math.nan}), 10**10).accept
    assert live(Quality(80, causes={"blur": 0.0}), 2 * 10**10).accept


def test_time_must_rise_and_the_stream_goes_on() -> None:
    live = LiveGate(GATE)
    assert live(Quality(60), np.int64(1000)).accept
    for late in (1000, 999, -5):
        with pytest.raises(ValueError, match=rf"{late}\b.*\b1000\b"):
            live(Quality(0), late)
    assert live(Quality(60), 1001).accept
    for wrong in (1.5, True, "5", None):
        with pytest.raises(TypeError, match="expected an integer"):
            live(Quality(60), wrong)  # type: ignore[arg-type]
    live.reset()
    assert not live(Quality(10), 5).accept


@pytest.mark.parametrize("name", ["hold_s", "margin", "cause_margin", "sudden", "cause_sudden"])
def test_wrong_settings(name: str) -> None:
    settings: dict[str, Any] = {}
    for value in (-0.1, math.inf, math.nan):
        settings[name] = value
        with pytest.raises(ValueError, match=f"^{name} "):
            LiveGate(GATE, **settings)
    settings[name] = "1"
    with pytest.raises(TypeError, match=f"{name} is '1'"):
        LiveGate(GATE, **settings)


QUALITIES = st.builds(
    lambda score, causes: Quality(score, causes=causes),
    st.floats(0, 100),
    st.dictionaries(st.sampled_from(CAUSES), st.floats(0, 1)),
)
GATES = st.builds(
    lambda least, most: Gate("own", thresholds={"own": least}, max_causes=most),
    st.floats(0, 100),
    st.dictionaries(st.sampled_from(CAUSES), st.floats(0, 1)),
)


@given(GATES, QUALITIES, st.floats(0, 3), st.floats(0, 60), st.integers(1, 10))
def test_a_still_picture_gets_the_gates_own_verdict(
    gate: Gate, quality: Quality, hold: float, margin: float, frames: int
) -> None:
    live = LiveGate(gate, hold_s=hold, margin=margin, cause_margin=margin / 60)
    for n in range(frames):
        assert live(quality, n * FRAME) == gate(quality)


STREAMS = st.lists(
    st.tuples(st.integers(1, 400), st.floats(0, 100), st.floats(0, 1)), min_size=2, max_size=60
)


@given(STREAMS, st.integers(0, 1000), st.booleans())
def test_it_never_changes_twice_within_the_hold_time_but_for_a_sudden_rejection(
    stream: list[tuple[int, float, float]], hold_ms: int, hurried: bool
) -> None:
    options: dict[str, Any] = {} if hurried else {"sudden": None, "cause_sudden": None}
    live = LiveGate(GATE, hold_s=hold_ms / 1000, **options)
    now, changed, last = 0, 0, None
    for wait, score, blur in stream:
        now += wait * MS
        verdict = live(Quality(score, causes={"blur": blur}), now)
        assert verdict.accept == (not any(reason.decisive for reason in verdict.reasons))
        if last is not None and verdict.accept != last:
            sudden = hurried and not verdict.accept and (score < 42 or blur > 0.8)
            assert sudden or now - changed >= hold_ms * MS
            changed = now
        elif last is None:
            changed = now
        if hurried and (score < 42 or blur > 0.8):
            assert not verdict.accept
        last = verdict.accept


@given(STREAMS)
def test_without_margins_and_hold_time_it_is_the_gate(
    stream: list[tuple[int, float, float]],
) -> None:
    live = LiveGate(GATE, hold_s=0, margin=0, cause_margin=0)
    for n, (_, score, blur) in enumerate(stream):
        quality = Quality(score, causes={"blur": blur})
        assert live(quality, n) == GATE(quality)


def test_a_damaged_frame_is_rejected_at_once_unless_the_gate_lets_it_pass() -> None:
    broken = Quality(90.0, damaged=True)
    live = LiveGate(GATE, hold_s=10)
    assert live(Quality(90.0), 1).accept
    assert [reason.cause for reason in live(broken, 2).reasons] == ["damaged"]
    assert not live(Quality(90.0), 3).accept  # Acceptance waits for the hold time.
    assert live(Quality(90.0), 2 + 10**10).accept
    lenient = LiveGate(Gate(min_score=50, reject_damaged=False), hold_s=10)
    assert lenient(Quality(90.0), 1).accept
    assert lenient(broken, 2).accept


SECOND = 10**9


@pytest.mark.parametrize(
    ("fine", "bad", "held", "sudden"),
    [
        (Quality(52.0), Quality(47.9), Quality(42.0), Quality(41.9)),
        (
            *(Quality(90.0, causes={"dark": 0.35}), Quality(90.0, causes={"dark": 0.46})),
            *(Quality(90.0, causes={"dark": 0.6}), Quality(90.0, causes={"dark": 0.61})),
        ),
    ],
)
def test_the_default_thresholds(
    fine: Quality, bad: Quality, held: Quality, sudden: Quality
) -> None:
    live = LiveGate(Gate(min_score=50, max_causes={"dark": 0.4}))
    assert live(Quality(90.0, causes={"dark": 0.0}), 0).accept
    assert live(Quality(48.0, causes={"dark": 0.45}), SECOND).accept
    assert not live(bad, 2 * SECOND).accept
    assert not live(fine, 2 * SECOND + SECOND // 2 - 1).accept
    assert live(fine, 2 * SECOND + SECOND // 2).accept
    assert live(held, 2 * SECOND + SECOND // 2 + 1).accept
    assert not live(sudden, 2 * SECOND + SECOND // 2 + 2).accept
