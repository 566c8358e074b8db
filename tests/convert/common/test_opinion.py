from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.common.opinion import SOS_PARAMETER, bin_centres, expected, opinion_histograms, softmax


def test_bins_are_equal_and_centred() -> None:
    assert bin_centres(4) == (0.125, 0.375, 0.625, 0.875)


@given(st.floats(0.2, 0.8), st.integers(10, 50))
def test_mean_of_the_histogram_is_the_mos(mos: float, bins: int) -> None:
    histogram = opinion_histograms(np.array([mos]), bins=bins)
    assert histogram.shape == (1, bins)
    assert histogram.sum() == pytest.approx(1.0, abs=1e-5)
    # Binning moves the mean by a fraction of a bin's width, more towards the ends of the scale.
    assert histogram[0] @ np.array(bin_centres(bins)) == pytest.approx(mos, abs=0.25 / bins)


def test_spread_follows_the_sos_hypothesis_without_published_deviations() -> None:
    mos = np.array([0.2, 0.5, 0.8])
    centres = np.array(bin_centres(200))
    histogram = opinion_histograms(mos, bins=200).astype(np.float64)
    mean = histogram @ centres
    variance = histogram @ centres**2 - mean**2
    assert variance == pytest.approx(SOS_PARAMETER * mos * (1 - mos), rel=1e-2)


def test_published_deviation_is_used_where_there_is_one() -> None:
    centres = np.array(bin_centres(200))
    histogram = opinion_histograms(np.array([0.5, 0.5]), [0.1, None], bins=200)
    mean = histogram @ centres
    std = np.sqrt(histogram @ centres**2 - mean**2)
    assert std[0] == pytest.approx(0.1, abs=2e-3)
    assert std[1] == pytest.approx(np.sqrt(SOS_PARAMETER * 0.25), abs=2e-3)


def test_ends_of_the_scale_stay_finite() -> None:
    assert np.isfinite(opinion_histograms(np.array([0.0, 1.0]), [0.0, 0.9])).all()


def test_softmax_survives_large_logits() -> None:
    logits = np.array([[1e4, 0.0], [-1e4, -1e4]], np.float32)
    assert softmax(logits) == pytest.approx(np.array([[1.0, 0.0], [0.5, 0.5]]))
    centres = np.array([0.25, 0.75], np.float32)
    assert expected(logits, centres) == pytest.approx([0.25, 0.5])
