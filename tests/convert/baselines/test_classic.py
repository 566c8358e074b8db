"""The baselines that learn little or nothing: Laplacian, PIQE, NIQE, and the SVR of BRISQUE."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.filters import laplace

from convert.baselines import brisque, niqe, piqe, scale
from convert.baselines.base import grey
from convert.baselines.laplacian import laplacian_variance
from convert.common.metrics import srocc
from convert.distortions.distort import distort

PICTURE = data.astronaut()[:288, :288]


def degraded(kind: str) -> list[np.ndarray]:
    """The luma of the clean picture and of three levels of a distortion."""
    levels = [distort(PICTURE, kind, level=level) for level in (1, 3, 5)]
    return [grey(rgb) for rgb in (PICTURE, *levels)]


def test_laplacian_is_the_one_of_others_and_falls_with_blur() -> None:
    luma = grey(PICTURE)
    others = laplace(luma.astype(float), ksize=3)[1:-1, 1:-1]
    assert laplacian_variance(luma) == pytest.approx(others.var())
    values = [laplacian_variance(x) for x in degraded("gaussian_blur")]
    assert values == sorted(values, reverse=True)
    assert laplacian_variance(np.full((5, 5), 9, np.uint8)) == 0
    with pytest.raises(ValueError, match="3 x 3"):
        laplacian_variance(np.zeros((2, 9), np.uint8))


@pytest.mark.parametrize("kind", ["gaussian_blur", "jpeg", "noise"])
def test_piqe_and_niqe_get_worse_with_the_level(kind: str) -> None:
    pictures = degraded(kind)
    good = [grey(rgb) for rgb in (data.coffee(), data.chelsea(), data.rocket())]
    pristine = niqe.fit_pristine(good)
    blocks = [piqe.piqe(x) for x in pictures]
    # Severe blur leaves few active blocks, so PIQE need not rise all the way.
    assert blocks[0] < min(blocks[2:]), blocks
    distances = [niqe.niqe(x, pristine) for x in pictures]
    assert distances[0] < min(distances[2:]), distances


def test_piqe_of_constant_pictures_and_odd_sizes() -> None:
    # No active block: the formula leaves (0 + 1) / (0 + 1).
    assert piqe.piqe(np.full((40, 50), 100, np.uint8)) == pytest.approx(100.0)
    assert 0 <= piqe.piqe(grey(PICTURE)[:100, :77]) <= 100
    assert piqe.piqe(grey(PICTURE)[:1, :1]) == pytest.approx(100.0)


def test_piqe_finds_the_flat_edge_and_the_noise() -> None:
    generator = np.random.default_rng(0)
    rough = generator.normal(0, 1, (1, 16, 16)).astype(np.float32)
    flat = rough.copy()
    flat[0, 5:11, 0] = 0.3  # six pixels along the left edge
    assert piqe._has_flat_edge(np.concatenate([rough, flat])).tolist() == [False, True]
    # Five do not make a segment.
    flat[0, [4, 10], 0] = 2.0
    assert piqe._has_flat_edge(flat).tolist() == [False]
    variance = rough.var(axis=(1, 2), ddof=1).astype(np.float64)
    assert piqe._is_noisy(rough, variance).tolist() == [True]  # the same everywhere
    stripe = rough * 0.1
    stripe[:, :, 7:9] *= 30
    spread = stripe.var(axis=(1, 2), ddof=1).astype(np.float64)
    assert piqe._is_noisy(stripe, spread).tolist() == [False]


def test_niqe_is_zero_for_the_statistics_it_was_fitted_on() -> None:
    luma = grey(data.astronaut())
    features, sharpness = niqe.patch_features(luma)
    assert features.shape == (25, niqe.FEATURES)
    assert sharpness.shape == (25,)
    same = {"mean": features.mean(axis=0), "covariance": np.cov(features, rowvar=False)}
    assert niqe.niqe(luma, same) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(niqe.niqe(luma[:96, :96], same))
    with pytest.raises(ValueError, match="96 x 96"):
        niqe.patch_features(luma[:95, :200])
    kept = niqe.fit_pristine([luma])
    sharp = features[sharpness > 0.75 * sharpness.max()]
    assert kept["mean"] == pytest.approx(sharp.mean(axis=0))
    with pytest.raises(ValueError, match="sharp patches"):
        niqe.fit_pristine([luma[:96, :96]])


def test_niqe_pads_pictures_that_are_smaller_than_a_patch() -> None:
    assert niqe._luma(PICTURE[:50, :200]).shape == (96, 200)


def test_svr_predicts_as_scikit_learn_does_and_learns() -> None:
    svm = pytest.importorskip("sklearn.svm")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 5))
    y = 0.5 + 0.3 * np.tanh(x[:, 0] + 0.3 * x[:, 1] ** 2)
    arrays = brisque.fit_svr(x, y, seed=0)
    ours = np.array([brisque.predict_svr(row, arrays) for row in x])
    low, high = x.min(axis=0), x.max(axis=0)
    scaled = 2 * (x - low) / (high - low) - 1
    model = svm.SVR(C=float(arrays["cost"]), gamma=float(arrays["gamma"]), epsilon=brisque.TUBE)
    assert ours == pytest.approx(model.fit(scaled, y).predict(scaled), abs=1e-9)
    fresh = generator.normal(size=(100, 5))
    truth = fresh[:, 0] + 0.3 * fresh[:, 1] ** 2
    assert srocc([brisque.predict_svr(row, arrays) for row in fresh], truth) > 0.9


def test_scale_is_monotone_and_never_turns_a_score_round() -> None:
    raw = np.linspace(-3, 3, 60)
    mos = 0.5 + 0.3 * np.tanh(raw)
    arrays = scale.fit_scale(raw, mos)
    fitted = [scale.to_mos(float(value), arrays) for value in raw]
    assert fitted == pytest.approx(mos, abs=0.01)
    against = scale.fit_scale(raw, 1 - mos)
    turned = [scale.to_mos(float(value), against) for value in raw]
    assert srocc(turned, raw) == pytest.approx(1.0)
    constant = scale.fit_scale(np.ones(10), np.linspace(0, 1, 10))
    assert np.isfinite(scale.to_mos(1.0, constant))
