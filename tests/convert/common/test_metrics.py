from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.common.metrics import (
    bootstrap,
    fit_logistic4,
    krocc,
    logistic4,
    paired_bootstrap,
    plcc,
    rmse,
    spread_ratio,
    srocc,
    validation_figures,
)

# Ten pairs (IQ, hours of television) with published rank correlation -29/165.
IQ = [106, 86, 100, 101, 99, 103, 97, 113, 112, 110]
HOURS = [7, 0, 27, 50, 28, 29, 20, 12, 6, 17]

vectors = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=40
).filter(lambda pairs: all(len(set(side)) > 1 for side in zip(*pairs, strict=True)))


def test_published_rank_correlation() -> None:
    assert srocc(IQ, HOURS) == pytest.approx(-29 / 165, abs=1e-12)


def test_values_by_hand() -> None:
    assert plcc([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)
    assert rmse([0, 0], [3, 4]) == pytest.approx(np.sqrt(12.5))
    # One discordant pair of six.
    assert krocc([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx((5 - 1) / 6)
    # Ties share the mean rank 1.5; hand-worked Pearson of (1.5, 1.5, 3) with (1, 2, 3).
    assert srocc([5, 5, 9], [1, 2, 3]) == pytest.approx(np.sqrt(3) / 2)
    assert spread_ratio([0, 1], [0, 2]) == 0.5


@given(vectors)
def test_correlations_agree_with_scipy(pairs: list[tuple[int, int]]) -> None:
    from scipy import stats

    x, y = (np.array(side, np.float64) for side in zip(*pairs, strict=True))
    assert srocc(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
    assert plcc(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)


@given(vectors)
def test_ranks_ignore_any_rising_map(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(side, np.float64) for side in zip(*pairs, strict=True))
    assert srocc(np.exp(x / 50), y) == pytest.approx(srocc(x, y), abs=1e-9)
    assert krocc(x**3 + x, y) == pytest.approx(krocc(x, y), abs=1e-9)
    assert srocc(-x, y) == pytest.approx(-srocc(x, y), abs=1e-9)


def test_constant_predictions_have_no_correlation() -> None:
    collapsed = np.full(50, 0.1)  # sums of 0.1 do not cancel exactly
    mos = np.linspace(0, 1, 50)
    assert np.isnan(srocc(collapsed, mos))
    assert np.isnan(plcc(collapsed, mos))
    assert spread_ratio(collapsed, mos) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 3], [1, 2], "one length"),
        ([[1, 2]], [[1, 2]], "vectors"),
        ([1], [1], "at least two"),
        ([1, np.nan], [1, 2], "finite"),
        ([1, 2], [1, np.inf], "finite"),
    ],
)
def test_refuses(x: list[float], y: list[float], message: str) -> None:
    for metric in (srocc, plcc, krocc, rmse, spread_ratio, fit_logistic4):
        with pytest.raises(ValueError, match=message):
            metric(x, y)


@settings(max_examples=25, deadline=None)
@given(
    top=st.floats(0.6, 1), bottom=st.floats(0, 0.4), middle=st.floats(30, 70),
    width=st.floats(4, 20),
)  # fmt: skip
def test_logistic_is_found_again(top: float, bottom: float, middle: float, width: float) -> None:
    x = np.linspace(0, 100, 200)
    y = logistic4(x, (top, bottom, middle, width))
    assert logistic4(x, fit_logistic4(x, y)) == pytest.approx(y, abs=1e-3)


def test_logistic_never_fits_worse_than_the_mean() -> None:
    generator = np.random.default_rng(3)
    for _ in range(20):
        x, y = generator.random(30), generator.random(30)
        assert rmse(logistic4(x, fit_logistic4(x, y)), y) <= y.std() + 1e-9


@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_logistic_follows_a_straight_line(slope: float) -> None:
    # The usual case of a calibrated model: an unbounded fit runs away and returns nothing.
    x = np.linspace(0, 1, 60)
    y = 0.5 + slope * 0.4 * x + np.random.default_rng(0).normal(0, 0.01, 60)
    fitted = logistic4(x, fit_logistic4(x, y))
    assert plcc(fitted, y) > 0.99
    assert rmse(fitted, y) < 0.012


def test_logistic_of_few_or_equal_predictions_is_the_mean() -> None:
    assert logistic4([5, 5], fit_logistic4([5, 5, 5], [0, 1, 2])) == pytest.approx([1, 1])
    assert np.isfinite(logistic4([1, 2], fit_logistic4([1, 2], [0, 1]))).all()


def test_logistic_does_not_overflow() -> None:
    assert logistic4([-1e9, 1e9], (1, 0, 0, 1e-3)) == pytest.approx([0, 1])


def test_bootstrap_interval_of_the_mean_error_is_the_textbook_one() -> None:
    generator = np.random.default_rng(1)
    error = generator.normal(0, 1, 400)

    def mean(x: np.ndarray, y: np.ndarray) -> float:
        return float((x - y).mean())

    zero = np.zeros(400)
    interval = bootstrap({"mean": mean}, error, zero, repeats=2000, seed=5)["mean"]
    assert interval.value == pytest.approx(error.mean())
    half = 1.96 * error.std() / 20
    assert interval.low == pytest.approx(error.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(error.mean() + half, abs=0.01)


def test_bootstrap_is_seeded_and_shrinks_with_confidence() -> None:
    generator = np.random.default_rng(2)
    y = generator.random(60)
    x = y + generator.normal(0, 0.2, 60)
    first, again = (bootstrap({"s": srocc}, x, y, repeats=200, seed=9)["s"] for _ in range(2))
    assert first == again
    assert first != bootstrap({"s": srocc}, x, y, repeats=200, seed=10)["s"]
    narrow = bootstrap({"s": srocc}, x, y, repeats=200, seed=9, confidence=0.5)["s"]
    assert first.low < narrow.low < narrow.high < first.high
    assert first.low < first.value < first.high


def test_bootstrap_without_draws_or_variation() -> None:
    none = bootstrap({"s": srocc}, [1, 2, 3], [1, 2, 3], repeats=0)["s"]
    assert none.value == pytest.approx(1)
    assert none.to_dict() == {"value": pytest.approx(1), "low": None, "high": None}
    # Draws of one picture alone have no correlation and must not poison the interval.
    few = bootstrap({"s": srocc}, [1, 2, 3], [1, 2, 3], repeats=300)["s"]
    assert few.low == pytest.approx(1)
    with pytest.raises(ValueError, match="repeats"):
        bootstrap({}, [1, 2], [1, 2], repeats=-1)
    with pytest.raises(ValueError, match="confidence"):
        bootstrap({}, [1, 2], [1, 2], confidence=95)


def test_figures_are_pooled_and_within_subsets() -> None:
    mos = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    score = np.array([0.3, 0.2, 0.1, 0.7, 0.8, 0.9])
    figures = validation_figures(score, mos, ["ss01"] * 3 + ["ss03"] * 3)
    assert figures["val_srocc_ss01"] == pytest.approx(-1.0)
    assert figures["val_srocc_ss03"] == pytest.approx(1.0)
    assert figures["val_srocc"] == pytest.approx(1 - 6 * 8 / (6 * 35))
    assert figures["val_spread"] == pytest.approx(1.0)


def test_a_paired_interval_is_narrower_than_two_separate_ones() -> None:
    generator = np.random.default_rng(4)
    mos = generator.uniform(0, 1, 300)
    first = mos + generator.normal(0, 0.3, 300)
    second = first + 0.3 * (mos - first)
    got, level = paired_bootstrap(srocc, first, second, mos, repeats=200)
    assert got.value == pytest.approx(srocc(second, mos) - srocc(first, mos))
    assert 0 < got.low < got.value < got.high
    assert level == pytest.approx(2 / 201)
    alone = bootstrap({"srocc": srocc}, first, mos, repeats=200)["srocc"]
    assert got.high - got.low < (alone.high - alone.low) / 2


def test_the_same_predictions_differ_by_nothing() -> None:
    mos = np.arange(10.0)
    got, level = paired_bootstrap(srocc, mos, mos, mos, repeats=20)
    assert (got.value, got.low, got.high, level) == (0, 0, 0, 1)
    with pytest.raises(ValueError, match="repeats"):
        paired_bootstrap(srocc, mos, mos, mos, repeats=0)
    with pytest.raises(ValueError, match=r"shape|length"):
        paired_bootstrap(srocc, mos, mos[:5], mos)
