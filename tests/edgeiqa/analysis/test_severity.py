"""Severities: what the light is measured to be, and how patches are pooled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.analysis.severity import exposure, pooled
from edgeiqa.causes import CAUSES


def ramp(low: int, high: int) -> np.ndarray:
    """Every luma from low to high equally often."""
    return np.arange(low, high + 1, dtype=np.uint8).repeat(100)


def test_a_picture_that_uses_the_whole_range_has_no_fault() -> None:
    told = exposure(ramp(0, 249))
    assert told == {"dark": 0.0, "bright": 0.0, "low_contrast": 0.0}


def test_dark_follows_the_brightest_parts_by_its_formula() -> None:
    # q(0.9) of 0..99 evenly is 89, q(0.99) is 98.
    assert exposure(ramp(0, 99))["dark"] == pytest.approx((160 - (89 + 98) / 2) / 120)
    assert exposure(np.zeros(100, np.uint8))["dark"] == 1.0


def test_a_night_scene_with_lights_is_less_dark_than_an_underexposed_one() -> None:
    night = np.concatenate([np.full(880, 12, np.uint8), np.full(120, 240, np.uint8)])
    under = np.concatenate([np.full(880, 12, np.uint8), np.full(120, 60, np.uint8)])
    assert exposure(night)["dark"] == 0.0
    assert exposure(under)["dark"] > 0.8


def test_bright_counts_what_is_burnt_out() -> None:
    luma = np.concatenate([np.full(750, 128, np.uint8), np.full(250, 255, np.uint8)])
    assert exposure(luma)["bright"] == pytest.approx(0.5)
    assert exposure(np.full(10, 249, np.uint8))["bright"] == 0.0
    assert exposure(np.full(10, 250, np.uint8))["bright"] == 1.0


def test_low_contrast_is_what_exposing_brighter_would_not_mend() -> None:
    dark_but_contrasty = exposure(ramp(0, 60))
    veiled = exposure(ramp(120, 200))
    assert dark_but_contrasty["low_contrast"] == 0.0
    assert veiled["low_contrast"] > 0.5
    assert exposure(np.full(10, 77, np.uint8))["low_contrast"] == 1.0


@given(st.lists(st.integers(0, 255), min_size=1, max_size=300))
def test_severities_stay_in_range_whatever_comes(values: list[int]) -> None:
    told = exposure(np.array(values, np.uint8))
    assert set(told) < set(CAUSES)
    assert all(0.0 <= value <= 1.0 for value in told.values())


def test_pooling_is_the_sigmoid_of_the_weighted_mean_level() -> None:
    # Two patches, one cause: levels 2 and -4, weights 0 and ln 3, so shares 1/4 and 3/4.
    values = np.array([2.0, 0.0, -4.0, np.log(3.0)])
    expected = 1 / (1 + np.exp(2.5))
    assert pooled(values, ["active"] * 2, ["blur"]) == {"blur": pytest.approx(expected)}


def test_one_patch_that_is_sure_outweighs_the_others() -> None:
    patches = np.array([[4.0, 1.0, 0.0, 0.0]] * 9 + [[-5.0, 1.0, 9.0, 0.0]])
    told = pooled(patches.reshape(-1), ["active"] * 10, ["blur", "noise"])
    assert told["blur"] < 0.02
    assert told["noise"] == pytest.approx(1 / (1 + np.exp(-1.0)))


def test_reduced_patches_cannot_outvote_those_that_show_a_fault() -> None:
    native, reduced = [2.0, 0.0], [-3.0, 5.0]
    views = ["active", "reduced"]
    slight = pooled(np.array(native + reduced), views, ["blur"])["blur"]
    assert slight == pytest.approx(1 / (1 + np.exp(-2.0)))
    # Heavy blur leaves nothing at native resolution, and the reduced patch tells it.
    heavy = pooled(np.array([-1.0, 0.0, 3.0, 2.0]), views, ["blur"])["blur"]
    share = 1 / (1 + np.exp(-2.0))
    assert heavy == pytest.approx(1 / (1 + np.exp(1.0 * (1 - share) - 3.0 * share)))


@given(
    st.lists(st.floats(-700, 700), min_size=12, max_size=12),
    st.permutations(range(3)),
)
def test_the_order_of_patches_does_not_matter(values: list[float], order: list[int]) -> None:
    patches = np.array(values).reshape(3, 4)
    one = pooled(patches.reshape(-1), ["quiet"] * 3, ["blur", "noise"])
    other = pooled(patches[order].reshape(-1), ["quiet"] * 3, ["blur", "noise"])
    for cause in one:
        assert 0.0 <= one[cause] <= 1.0
        assert one[cause] == pytest.approx(other[cause], abs=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        pooled(np.array([bad, 0.0]), ["active"], ["blur"])
