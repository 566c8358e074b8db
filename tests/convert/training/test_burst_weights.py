"""Learning the weights of the burst ranking."""

from __future__ import annotations

import numpy as np
import pytest

from convert.evaluation.burst_measures import MeasuredFrame, MeasuredSeries
from convert.evaluation.burst_series import Series
from convert.training.burst_weights import Pairs, fit, learn
from edgeiqa.burst.features import FEATURES
from edgeiqa.burst.ranking import TERMS
from edgeiqa.quality import Quality


def series(number: int, generator: np.random.Generator) -> MeasuredSeries:
    """Frames whose noise rises and whose finest detail falls; all else is chance."""
    levels = tuple({"noise": float(level)} for level in range(6))
    frames = []
    for level in range(6):
        detail = generator.normal(0, 0.3, len(FEATURES))
        detail[FEATURES.index("noise")] += 0.5 * level
        detail[FEATURES.index("detail0")] -= 0.3 * level
        frames.append(MeasuredFrame(Quality(float(generator.uniform(40, 60))), detail))
    return Series(f"scene {number}", "noise", levels, 0), frames


@pytest.fixture(scope="module")
def measured() -> list[MeasuredSeries]:
    generator = np.random.default_rng(0)
    return [series(number, generator) for number in range(60)]


def test_weights_point_the_right_way_and_the_rest_is_small(
    measured: list[MeasuredSeries],
) -> None:
    found = learn(measured)
    weights = found["weights"]
    assert tuple(weights) == TERMS
    assert weights["noise"] < -2
    assert weights["detail0"] > 1
    assert found["scenes"] == 60
    assert found["pairs"] == 60 * (5 + 4)
    assert 0 < found["validation"]["scenes"] < 40
    assert found["validation"]["accuracy"]["all"]["2"] > 0.9
    assert found["strength"] == float(
        min(found["validation"]["loss"].items(), key=lambda i: i[1])[0]
    )


def test_the_fit_is_the_minimum(measured: list[MeasuredSeries]) -> None:
    pairs = Pairs(measured)
    weights = fit(pairs, 1e-3)
    scale = pairs.differences.std(axis=0)

    def loss(w: np.ndarray) -> float:
        return pairs.loss(w) + 1e-3 * float(np.square(w * scale).sum())

    for index in range(len(TERMS)):
        for step in (-0.05, 0.05):
            moved = weights.copy()
            moved[index] += step / scale[index]
            assert loss(moved) > loss(weights)


def test_too_few_scenes_are_refused(measured: list[MeasuredSeries]) -> None:
    with pytest.raises(ValueError, match="too few scenes"):
        learn(measured[:1])
