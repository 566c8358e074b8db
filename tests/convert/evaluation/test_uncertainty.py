"""`std` as the error bar of a score: figures by hand, and a fit that finds what was put in."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.evaluation.uncertainty import (
    QUANTILE,
    SpreadFit,
    cross_fitted,
    fit_spread,
    plain_spread,
    spread_figures,
    with_spread,
)
from edgeiqa.assets import sample_paths
from edgeiqa.inference.contract import read
from edgeiqa.inference.model import find
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer


def made(count: int, scale: float, power: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Scores, spreads and MOS whose errors are Gaussian of std scale * spread ** power."""
    generator = np.random.default_rng(seed)
    score = generator.uniform(10, 90, count)
    spread = generator.uniform(8, 30, count)
    return score, spread, score + generator.normal(0, scale * spread**power)


def test_figures_by_hand() -> None:
    got = spread_figures([50, 50], [10, 20], [60, 10])
    nll = [math.log(s) + 0.5 * math.log(2 * math.pi) + e for s, e in ((10, 0.5), (20, 2.0))]
    assert got.nll == pytest.approx(np.mean(nll))
    assert got.coverage == 0.5
    assert got.sharpness == 15
    assert got.rmse == pytest.approx(math.sqrt((100 + 1600) / 2))
    assert pytest.approx(1.2815515655446004) == QUANTILE


@pytest.mark.parametrize(("scale", "power"), [(0.1, 1.5), (2.0, 0.5), (0.4, 1.0)])
def test_a_power_law_is_found_again(scale: float, power: float) -> None:
    score, spread, mos = made(20_000, scale, power)
    for coverage in (0.8, None):
        got = fit_spread(score, spread, mos, coverage=coverage)
        assert got.std_power == pytest.approx(power, abs=0.06)
        np.testing.assert_allclose(got.apply(spread), scale * spread**power, rtol=0.06)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(30, 300), st.floats(0.5, 0.95))
def test_as_many_are_covered_as_were_asked_for(seed: int, count: int, coverage: float) -> None:
    generator = np.random.default_rng(seed)
    score, spread, _ = made(count, 0.3, 1.0, seed)
    mos = score + generator.standard_t(2, count) * spread / 3  # Tails that no Gaussian has.
    std = fit_spread(score, spread, mos, coverage=coverage).apply(spread)
    width = NormalDist().inv_cdf(0.5 + coverage / 2)
    inside = np.mean(np.abs(mos - score) <= width * std)
    assert coverage <= inside <= coverage + 2 / count + 1e-9


def test_equal_spreads_become_the_constant_error() -> None:
    score, _, mos = made(500, 0.3, 1.0)
    got = fit_spread(score, np.full(500, 15.0), mos, coverage=None)
    assert got.std_power == 0
    rms = float(np.sqrt(np.mean((mos - score) ** 2)))
    assert got.std_scale == pytest.approx(rms, rel=1e-4)


def test_nonsense_is_refused() -> None:
    score, spread, mos = made(40, 0.3, 1.0)
    with pytest.raises(ValueError, match="at least 30"):
        fit_spread(score[:20], spread[:20], mos[:20])
    with pytest.raises(ValueError, match="no error"):
        fit_spread(score, spread, score)
    with pytest.raises(ValueError, match="finite"):
        fit_spread(score, spread, np.full(40, np.nan))
    with pytest.raises(ValueError, match="one length"):
        spread_figures(score, spread[:3], mos)
    with pytest.raises(ValueError, match="above 0"):
        spread_figures(score, np.zeros(40), mos)


def test_cross_fitting_covers_pictures_that_it_did_not_see() -> None:
    score, spread, mos = made(3000, 0.2, 1.2)
    std = cross_fitted(score, spread, mos)
    assert spread_figures(score, std, mos).coverage == pytest.approx(0.8, abs=0.02)
    assert len(np.unique(np.round(std / spread**1.2, 6))) > 1


def test_a_model_file_carries_the_fit_and_keeps_its_scores() -> None:
    model = find("base").read_bytes()
    changed = with_spread(model, SpreadFit(0.09, 1.5))
    assert read(changed)[1] == read(model)[1]
    path = sample_paths()[0]
    plain, fitted = (Scorer(bytes_).score(path) for bytes_ in (plain_spread(model), changed))
    assert isinstance(plain, Quality)
    assert fitted.score == plain.score
    assert plain.std is not None
    assert fitted.std == pytest.approx(0.09 * plain.std**1.5)
    assert plain_spread(changed) == plain_spread(model)
