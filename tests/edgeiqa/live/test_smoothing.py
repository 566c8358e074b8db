"""Smoothing keeps a steady stream steady and follows a sudden change with its second frame."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeiqa.assets import FOLDER
from edgeiqa.live.smoothing import Smoother
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer

MS = 1_000_000


def smoothed(scores: list[float], fps: float = 30.0, **options: float) -> list[float]:
    smoother = Smoother(**options)
    return [
        smoother.update(Quality(score), round(number * 1e9 / fps)).score
        for number, score in enumerate(scores)
    ]


def noisy(level: float, count: int, spread: float, seed: int = 0) -> list[float]:
    return [level + x for x in np.random.default_rng(seed).normal(0, spread, count)]


@pytest.mark.parametrize("fps", [5, 15, 30, 60])
@pytest.mark.parametrize("spread", [0.3, 1.5, 3.0])
def test_a_blurred_frame_is_confirmed_by_the_next_one(fps: int, spread: float) -> None:
    got = smoothed([*noisy(75, 60, spread), *noisy(35, 5, spread, seed=1)], fps)
    assert got[60] > 65
    assert all(abs(score - 35) < 4 * spread + 1 for score in got[61:])


@pytest.mark.parametrize("odd", [0.0, 100.0])
def test_one_odd_frame_changes_nothing(odd: float) -> None:
    steady = [60.0] * 30
    assert smoothed([*steady, odd, *steady]) == [60.0] * 61


def test_recovery_needs_three_frames() -> None:
    got = smoothed([70.0] * 30 + [30.0] * 10 + [70.0] * 5)
    assert got[30] == 70.0
    assert got[31:42] == [30.0] * 11
    assert got[42:] == [70.0] * 3


@pytest.mark.parametrize("fps", [0.2, 1.0, 2.5])
def test_at_a_low_rate_the_level_lags_no_frame(fps: float) -> None:
    """`live --every 1`: the frame that shows the change is a second old when the next comes."""
    got = smoothed([70.0] * 10 + [30.0] * 4 + [70.0] * 4, fps)
    assert got[10:] == [30.0] * 4 + [70.0] * 4


def test_the_first_bad_frame_after_a_pause_is_bad() -> None:
    """Whether or not the pause is long enough for smoothing to start over."""
    for pause_s in (0.5, 1.0, 1.9, 2.0, 60.0):
        smoother = Smoother()
        for number in range(30):
            smoother.update(Quality(70.0), round(number * 1e9 / 30))
        bad = smoother.update(Quality(30.0), round((1 + pause_s) * 1e9))
        assert bad.score == 30.0


def test_a_noisy_stream_does_not_jump() -> None:
    values = noisy(60, 600, 6.0)
    got = smoothed(values)[60:]
    assert np.std(got) < 0.5 * np.std(values)
    assert max(abs(a - b) for a, b in itertools.pairwise(got)) < 6


def test_a_stream_that_alternates_is_averaged_in_the_end() -> None:
    got = smoothed([80.0, 40.0] * 200)
    assert all(50 < score < 70 for score in got[-20:])


def test_a_slow_change_is_followed_within_the_minimum_jump() -> None:
    ramp = [80.0 - 2 * n for n in range(30)]
    got = smoothed([80.0] * 30 + ramp + ramp[::-1])[30:]
    truth = ramp + ramp[::-1]
    assert max(abs(a - b) for a, b in zip(got, truth, strict=True)) < 8 + 3 * 2 + 1


def test_the_time_constant_is_in_seconds_whatever_the_rate() -> None:
    for fps in (10, 30, 120):
        got = smoothed([50.0] * fps + [55.0] * fps, fps)
        at = fps + round(0.4 * fps) - 1
        assert got[at] == pytest.approx(50 + 5 * (1 - math.exp(-1)), abs=0.1)


def test_a_long_pause_starts_over() -> None:
    smoother = Smoother()
    smoother.update(Quality(80.0), 0)
    assert smoother.update(Quality(50.0), 2_000 * MS).score == 50.0


def test_no_time_constant_smooths_nothing() -> None:
    values = noisy(50, 20, 20.0)
    assert smoothed(values, time_constant_s=0) == values


def test_causes_and_spread_jump_with_the_score() -> None:
    smoother = Smoother()
    for number in range(30):
        good = smoother.update(Quality(70.0, 5.0, causes={"blur": 0.1, "dark": 0.0}), number * MS)
    assert good.causes["blur"] == pytest.approx(0.1)
    bad = Quality(30.0, 9.0, (0.5, 0.5), (0.2, 0.8), {"blur": 0.9, "dark": 0.1}, {"x": 1.0})
    first = smoother.update(bad, 31 * MS)
    assert first.score == 70.0
    assert first.causes["blur"] == pytest.approx(0.1)
    second = smoother.update(bad, 32 * MS)
    assert (second.score, second.std, second.causes) == (30.0, 9.0, {"blur": 0.9, "dark": 0.1})
    assert (second.histogram, second.bins, second.attributes) == (None, None, {"x": 1.0})


def test_a_cause_alone_jumps_with_its_second_frame() -> None:
    smoother = Smoother()
    for number in range(10):
        smoother.update(Quality(70.0, causes={"dark": 0.0}), number * MS)
    seen = [smoother.update(Quality(70.0, causes={"dark": 0.8}), n * MS) for n in (10, 11)]
    assert [quality.causes["dark"] for quality in seen] == [0.0, 0.8]


def test_time_that_does_not_rise_is_refused_and_forgotten() -> None:
    smoother, other = Smoother(), Smoother()
    for one in (smoother, other):
        one.update(Quality(70.0), 100)
    with pytest.raises(ValueError, match="50, expected later than 100"):
        smoother.update(Quality(0.0), 50)
    with pytest.raises(ValueError, match="100"):
        smoother.update(Quality(0.0), 100)
    assert smoother.update(Quality(65.0), 9 * MS) == other.update(Quality(65.0), 9 * MS)
    smoother.reset()
    assert smoother.update(Quality(10.0), 1).score == 10.0


@pytest.mark.parametrize(
    "options",
    [{"time_constant_s": -1}, {"time_constant_s": math.nan}, {"min_jump": 0},
     {"min_cause_jump": math.nan}],
)  # fmt: skip
def test_senseless_constants_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Smoother(**options)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1), st.integers(1, 10**10)), min_size=1),
)
def test_what_is_smoothed_stays_within_what_came(steps: list[tuple[float, float, int]]) -> None:
    smoother, time_ns = Smoother(), 0
    scores = [score for score, _, _ in steps]
    for score, blur, step in steps:
        time_ns += step
        got = smoother.update(Quality(score, causes={"blur": blur}), time_ns)
        assert min(scores) - 1e-9 <= got.score <= max(scores) + 1e-9
        assert 0 <= got.causes["blur"] <= 1


@given(st.floats(0, 100), st.integers(1, 50))
def test_a_constant_stays_constant(score: float, count: int) -> None:
    assert smoothed([score] * count) == [score] * count


@pytest.mark.parametrize("model", ["nano", "base"])
@pytest.mark.parametrize("name", ["coffee", "china", "astronaut"])
def test_real_motion_blur_shows_within_two_frames(name: str, model: str) -> None:
    """A handheld pan over a photograph; then the camera is jerked."""
    with Image.open(FOLDER / f"{name}.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB"))
    height, width = pixels.shape[0] - 40, pixels.shape[1] - 60
    scorer, smoother, random = Scorer(model), Smoother(), np.random.default_rng(0)

    def view(number: int, smear: int) -> np.ndarray:
        """Panned by a pixel a frame, with sensor noise; smeared along the row."""
        x, y = number % 20, number % 7
        part = pixels[y : y + height, x : x + width + smear].astype(np.float32)
        total = np.mean([part[:, dx : dx + width] for dx in range(smear + 1)], axis=0)
        noise = random.normal(0, 2, total.shape)
        return np.clip(total + noise, 0, 255).astype(np.uint8)

    sharp = [smoother.update(scorer.score(view(n, 0)), n * 33 * MS).score for n in range(20)]
    raw = scorer.score(view(20, 30)).score
    smear = [smoother.update(scorer.score(view(n, 30)), n * 33 * MS).score for n in range(20, 24)]
    assert np.ptp(sharp) < 6
    assert raw < sharp[-1] - 12
    assert all(abs(score - raw) < 6 for score in smear[1:])
