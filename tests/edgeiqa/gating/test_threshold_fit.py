"""Thresholds from kept and rejected shots: against known values, and how often they are right."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.gating import threshold_fit
from edgeiqa.gating.threshold_fit import fit_threshold


def drawn(
    seed: int, count: int, middle: float = 60.0, slope: float = 0.12
) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and what somebody keeps who keeps half of the shots with the score `middle`."""
    generator = np.random.default_rng(seed)
    scores = generator.uniform(20, 95, count)
    return scores, generator.random(count) < 1 / (1 + np.exp(-slope * (scores - middle)))


def test_two_scores_give_the_log_odds_with_a_half_added_to_each_count() -> None:
    """The saturated model, where Firth's estimate is known in closed form (Firth, 1993)."""
    scores = np.array([40.0] * 14 + [60.0] * 12)
    keep = np.array([True] * 3 + [False] * 11 + [True] * 10 + [False] * 2)
    low, high = math.log(3.5 / 11.5), math.log(10.5 / 2.5)
    fit = fit_threshold(scores, keep)
    assert fit.slope == pytest.approx((high - low) / 20, rel=1e-6)
    assert fit.threshold == pytest.approx(40 - low / fit.slope, abs=1e-4)


def test_with_many_shots_it_is_what_unpenalised_regression_gives() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    scores, keep = drawn(0, 900)
    plain = linear.LogisticRegression(C=1e10, tol=1e-10, max_iter=10_000)
    plain.fit(scores[:, None] / 100, keep)
    slope = float(plain.coef_[0, 0]) / 100
    fit = fit_threshold(scores, keep)
    assert fit.slope == pytest.approx(slope, rel=0.01)
    assert fit.threshold == pytest.approx(-float(plain.intercept_[0]) / slope, abs=0.1)


def test_the_interval_is_that_of_the_delta_method_where_shots_are_many() -> None:
    scores, keep = drawn(1, 900)
    fit = fit_threshold(scores, keep)
    p = 1 / (1 + np.exp(-fit.slope * (scores - fit.threshold)))
    design = np.column_stack([np.ones_like(scores), scores])
    covariance = np.linalg.inv(design.T @ ((p * (1 - p))[:, None] * design))
    # Of t = -a / b the derivatives are -1 / b and -t / b.
    gradient = np.array([-1, -fit.threshold]) / fit.slope
    wide = 1.96 * math.sqrt(gradient @ covariance @ gradient)
    assert fit.interval[0] == pytest.approx(fit.threshold - wide, abs=0.15)
    assert fit.interval[1] == pytest.approx(fit.threshold + wide, abs=0.15)


def test_separated_shots_get_a_finite_slope_and_an_interval_over_the_gap() -> None:
    scores = np.concatenate([np.linspace(10, 40, 15), np.linspace(60, 90, 15)])
    fit = fit_threshold(scores, scores > 50)
    assert fit.threshold == pytest.approx(50, abs=1e-3)
    assert 0 < fit.slope < 1
    assert 10 < fit.interval[0] <= 40
    assert 60 <= fit.interval[1] < 90
    assert fit.interval[0] + fit.interval[1] == pytest.approx(100, abs=0.01)
    assert (fit.kept_right, fit.rejected_right, fit.accuracy) == (15, 15, 1.0)
    # However close the two kinds come.
    close = np.array([50.0] * 12 + [50.001] * 12)
    assert 50 < fit_threshold(close, close > 50).threshold < 50.001


def test_scores_that_say_nothing_leave_the_whole_scale_open() -> None:
    scores = np.tile(np.arange(30.0, 70.0, 2), 2)
    keep = np.repeat([True, False], 20)
    keep[39] = True  # Else the slope were exactly zero.
    fit = fit_threshold(scores, keep)
    assert fit.interval == (0.0, 100.0)
    assert fit.p_value > 0.05
    assert fit_threshold(*drawn(2, 200)).p_value < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(("count", "slope"), [(24, 0.15), (40, 0.12), (120, 0.06)])
def test_95_of_100_intervals_hold_the_truth(count: int, slope: float) -> None:
    found = []
    for seed in range(700):
        scores, keep = drawn(seed, count, slope=slope)
        if 5 <= keep.sum() <= count - 5:
            curve = threshold_fit._Logistic(scores, keep)
            if curve.slope > 0:
                low, high = curve.interval()
                found.append(low <= 60 <= high)
    assert len(found) > 500
    assert 0.93 <= np.mean(found) <= 0.985


def test_the_checked_share_is_that_of_new_shots() -> None:
    shares, honest = [], []
    for seed in range(60):
        fit = fit_threshold(*drawn(seed, 60))
        scores, keep = drawn(10_000 + seed, 2000)
        honest.append(float(np.mean((scores >= fit.threshold) == keep)))
        shares.append(fit.accuracy)
    assert np.mean(shares) == pytest.approx(np.mean(honest), abs=0.025)


def test_many_shots_are_checked_in_ten_folds_with_the_same_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores, keep = drawn(3, 400)
    one_by_one = fit_threshold(scores, keep)
    monkeypatch.setattr(threshold_fit, "_LEAVE_ONE_OUT", 100)
    folds = fit_threshold(scores, keep)
    assert folds.accuracy == pytest.approx(one_by_one.accuracy, abs=0.02)
    assert folds.interval == one_by_one.interval


@pytest.mark.parametrize(("share", "threshold"), [(1.0, 50.0), (0.95, 51.0), (0.9, 52.0)])
def test_a_share_of_the_kept_ones_can_be_asked_for(share: float, threshold: float) -> None:
    kept = np.arange(50.0, 70.0)
    scores = np.concatenate([kept, np.arange(20.0, 60.0, 2)])
    keep = np.arange(40) < 20
    fit = fit_threshold(scores, keep, keep_share=share)
    assert fit.threshold == threshold
    assert np.mean(kept >= fit.threshold) >= share
    assert fit.keep_share == share
    # From 20 shots nobody can tell where the lowest few percent end below.
    assert fit.interval[0] == 0.0
    assert fit.interval[1] >= fit.threshold


def test_the_interval_of_a_share_is_that_of_a_quantile() -> None:
    """Ranks 40 and 61 of 100 for the median, as in Conover's and other tables."""
    assert threshold_fit._quantile_interval(np.arange(1.0, 101.0), 0.5) == (40.0, 61.0)
    generator = np.random.default_rng(4)
    held = []
    for _ in range(1000):
        low, high = threshold_fit._quantile_interval(generator.uniform(0, 100, 80), 0.1)
        held.append(low <= 10 <= high)
    assert np.mean(held) >= 0.94


def test_to_dict_is_ready_for_json() -> None:
    fit = fit_threshold(*drawn(5, 50))
    plain = json.loads(json.dumps(fit.to_dict()))
    assert plain["n"] == 50 == fit.kept + fit.rejected
    assert plain["interval"] == list(fit.interval)
    assert plain["accuracy"] == fit.accuracy
    assert plain["keep_share"] is None


GOOD = np.linspace(10, 90, 20), np.arange(20) >= 10


@pytest.mark.parametrize(
    ("scores", "keep", "error", "message"),
    [
        (GOOD[0][:19], GOOD[1][:19], ValueError, "19 shots are too few, expected at least 20"),
        ([], [], ValueError, "0 shots are too few"),
        (GOOD[0], np.arange(20) >= 16, ValueError, "4 shots were kept and 16 rejected.*at least 5"),
        (GOOD[0], np.arange(20) >= 0, ValueError, "20 shots were kept and 0 rejected"),
        (GOOD[0], GOOD[1][:19], ValueError, "one score and one bool per shot"),
        (GOOD[0][None], GOOD[1][None], ValueError, "one score and one bool per shot"),
        (np.full(20, 50.0), GOOD[1], ValueError, "all shots have the score 50"),
        ([math.nan, *GOOD[0][1:]], GOOD[1], ValueError, "score nan of shot 0"),
        ([*GOOD[0][:-1], 100.5], GOOD[1], ValueError, "score 100.5 of shot 19.*outside 0-100"),
        (GOOD[0], GOOD[1].astype(int), TypeError, "keep is int64, expected bool"),
        (GOOD[0], ["yes"] * 20, TypeError, "expected bool"),
        (["a"] * 20, GOOD[1], TypeError, "expected numbers"),
        (GOOD[1], GOOD[1], TypeError, "scores are bool"),
        (GOOD[0], ~GOOD[1], ValueError, "28.9 .* 71.1 "),
    ],
)
def test_what_cannot_be_fitted(
    scores: Any, keep: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fit_threshold(scores, keep)


@pytest.mark.parametrize("share", [0, -0.1, 1.01, math.nan, True])
def test_shares_outside_their_range(share: Any) -> None:
    with pytest.raises(ValueError, match="keep_share"):
        fit_threshold(*GOOD, keep_share=share)


@given(
    st.lists(st.integers(0, 1000), min_size=20, max_size=60),
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, 0.5, 0.9, 1.0]),
)
def test_whatever_the_shots_it_ends_within_the_scale(
    tenths: list[int], seed: int, share: float | None
) -> None:
    scores = np.array(tenths) / 10
    keep = np.random.default_rng(seed).random(len(scores)) < 0.1 + 0.8 * scores / 100
    refused = ""
    try:
        fit = fit_threshold(scores, keep, keep_share=share)
    except ValueError as error:
        refused = str(error)
    if refused:
        assert re.search("of each|all shots|inverted", refused)
        return
    assert 0 <= fit.interval[0] <= fit.threshold <= fit.interval[1] <= 100
    assert 0 < fit.slope < math.inf
    assert 0 <= fit.p_value <= 1
    assert 0 <= fit.kept_right <= fit.kept
    assert 0 <= fit.rejected_right <= fit.rejected
