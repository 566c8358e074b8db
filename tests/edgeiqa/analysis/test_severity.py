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


def two_levels(low: int, high: int, share_of_low: float) -> np.ndarray:
    """1000 pixels of two lumas."""
    luma = np.full(1000, high, np.uint8)
    luma[: round(share_of_low * 1000)] = low
    return luma


@pytest.mark.parametrize(
    ("luma", "low_contrast"),
    [
        # 5 in 1000 are the black point, 4 are not: 0.75 - (200 - 50) / 200 = 0 against 0.75.
        (two_levels(50, 200, 0.005), 0.0),
        (two_levels(50, 200, 0.004), 1.0),
        # The white point is what 995 in 1000 do not exceed: 5 brighter ones are not enough.
        (two_levels(50, 200, 0.995), 1.0),
        (two_levels(50, 200, 0.994), 0.0),
        # In between the formula: (0.75 - (200 - 140) / 200) / 0.6.
        (two_levels(140, 200, 0.5), 0.75),
    ],
)
def test_low_contrast_is_measured_between_half_a_percent_at_either_end(
    luma: np.ndarray, low_contrast: float
) -> None:
    assert exposure(luma)["low_contrast"] == pytest.approx(low_contrast)


@pytest.mark.parametrize(
    ("luma", "dark"),
    [
        # The tenth brightest pixel in 100 and the very brightest one count half each.
        (two_levels(0, 200, 0.900), (160 - (0 + 200) / 2) / 120),
        (two_levels(0, 200, 0.899), 0.0),
        (two_levels(0, 200, 0.989), (160 - (0 + 200) / 2) / 120),
        (two_levels(0, 200, 0.990), 1.0),
    ],
)
def test_dark_is_measured_at_a_tenth_and_a_hundredth(luma: np.ndarray, dark: float) -> None:
    assert exposure(luma)["dark"] == pytest.approx(dark)


def test_black_has_no_contrast_to_divide_by() -> None:
    assert exposure(np.zeros(10, np.uint8))["low_contrast"] == 1.0


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
