from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from convert.baselines.full_reference import METRICS, full_reference
from convert.distortions.distort import distort

CLEAN = np.ascontiguousarray(data.astronaut()[100:292, 100:292])


def test_values_are_those_of_an_independent_implementation() -> None:
    """Computed by piq 0.8.0, in float64, on the same pictures."""
    kinds = ("gaussian_blur", "noise", "jpeg", "under_exposure")
    pictures = np.stack([CLEAN, *(distort(CLEAN, kind, level=3) for kind in kinds)])
    expected = {
        "gmsd": [0.0, 0.082052, 0.073104, 0.063565, 0.112841],
        "multi_scale_ssim": [1.0, 0.969069, 0.904259, 0.957120, 0.723509],
        "haarpsi": [1.0, 0.821564, 0.780761, 0.743190, 0.640578],
    }
    scores = full_reference(np.stack([CLEAN] * len(pictures)), pictures)
    assert list(expected) == list(METRICS)
    # JPEG coders differ in the last bit.
    assert scores == pytest.approx(np.array(list(expected.values())).T, abs=2e-3)
    assert scores[[0, 1, 2, 4]] == pytest.approx(
        np.array(list(expected.values())).T[[0, 1, 2, 4]], abs=2e-6
    )


def test_more_blur_is_worse_and_flat_pictures_are_finite() -> None:
    pictures = np.stack([distort(CLEAN, "gaussian_blur", level=level) for level in (1, 3, 5)])
    goodness = full_reference(np.stack([CLEAN] * 3), pictures) * [d for _, d in METRICS.values()]
    assert (np.diff(goodness, axis=0) < 0).all()
    flat = np.full((1, 180, 180, 3), 90, np.uint8)
    assert full_reference(flat, flat)[0] == pytest.approx([0.0, 1.0, 1.0])


def test_wrong_arguments_are_refused() -> None:
    small = np.zeros((1, 100, 200, 3), np.uint8)
    with pytest.raises(ValueError, match="176"):
        full_reference(small, small)
    with pytest.raises(ValueError, match="one shape"):
        full_reference(small, small[:, :50])
