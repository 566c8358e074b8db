"""The burst check: accuracy of choosing the better of two frames, with an interval by scene."""

from __future__ import annotations

import json

import numpy as np
import pytest
from skimage import data

from convert.distortions.burst import frame
from convert.evaluation.ladder_burst import BurstPair, BurstReport, check_bursts
from convert.evaluation.ladder_report import Ladder, LadderReport

SCENES = {
    "coffee": np.ascontiguousarray(data.coffee()[:160, :200]),
    "cat": np.ascontiguousarray(data.chelsea()[:160, :200]),
}


def test_accuracy_counts_ties_half_and_draws_scenes() -> None:
    report = BurstReport(
        (
            BurstPair("a", "jpeg", 1, 80, 70),
            BurstPair("a", "jpeg", 2, 70, 70),
            BurstPair("b", "jpeg", 1, 60, 70),
            BurstPair("b", "haze", 1, 60, 50),
        ),
        repeats=400,
    )
    found = report.accuracy()
    assert found.value == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    # Only three outcomes of drawing two scenes: (a, a) 0.75, (a, b) 0.625, (b, b) 0.5.
    assert (found.low, found.high) == (0.5, 0.75)
    assert report.accuracy(("haze",)).value == 1
    assert report.accuracy(None, (2,)).value == 0.5
    assert np.isnan(report.accuracy(("noise",)).value)
    assert report.unrest == pytest.approx(0.0)  # scene b's two undistorted frames agree


def test_a_perfect_and_a_blind_measure() -> None:
    generator = np.random.default_rng(0)

    def darkness(rgb: np.ndarray) -> float:
        return float(rgb.mean())

    perfect = check_bursts(darkness, SCENES, ["under_exposure"])
    assert perfect.accuracy().value == 1.0
    assert len(perfect.pairs) == 10
    blind = check_bursts(lambda _: float(generator.random()), SCENES, ["jpeg"] * 1)
    assert blind.accuracy().value < 1
    assert check_bursts(lambda _: 1.0, SCENES, ["jpeg"]).accuracy().value == 0.5


def test_frames_repeat_with_the_seed() -> None:
    scores: list[list[float]] = []
    for seed in (1, 1, 2):
        report = check_bursts(lambda rgb: float(rgb.mean()), SCENES, ["noise"], seed=seed)
        scores.append([pair.worse for pair in report.pairs])
    assert scores[0] == scores[1] != scores[2]


def test_report_is_json_with_the_documented_keys() -> None:
    burst = check_bursts(lambda rgb: float(rgb.mean()), SCENES, ["under_exposure", "haze"])
    report = LadderReport((Ladder("cat", "haze", (9, 8, 7, 6, 5, 5)),), 0, {}, burst)
    result = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert set(result["burst"]) == {"protocol", "total", "original", "kinds", "levels", "unrest"}
    assert result["burst"]["protocol"]["scenes"] == 2
    assert result["burst"]["total"]["pairs"] == 20
    assert result["burst"]["original"] == result["burst"]["kinds"]["under_exposure"]
    assert result["burst"]["levels"]["1"]["pairs"] == 4
    assert result["total"] == {
        "pairs": 5,
        "violations": 1,
        "share": 0.2,
        "monotone": 0.8,
        "drop": 4,
    }
    assert result["original"]["pairs"] == 0
    assert "under_exposure" in report.table()


def test_one_level_is_more_than_the_jitter_for_a_full_reference() -> None:
    """What changes by a level can be seen at all: sharpness falls from frame to frame."""
    generator = np.random.default_rng(3)

    def sharpness(strength: float) -> float:
        rgb = frame(SCENES["cat"], "defocus", strength, 0, generator).astype(float)
        return float(np.abs(np.diff(rgb, axis=1)).mean())

    values = [sharpness(level / 5) for level in range(6)]
    assert values == sorted(values, reverse=True)
