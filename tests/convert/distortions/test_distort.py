"""Distortions: reproducible, exactly what their docstrings say, and worse at every level."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from convert.distortions.distort import (
    CAUSES,
    DISTORTIONS,
    LEVELS,
    ORIGINAL,
    distort,
    level_strength,
    linear_to_srgb,
    monotone_kinds,
    srgb_to_linear,
)

KINDS = tuple(DISTORTIONS)


def crop(name: str) -> np.ndarray:
    picture = getattr(data, name)()
    return np.ascontiguousarray(picture[:300, :450])


PICTURES = {name: crop(name) for name in ("astronaut", "chelsea", "coffee")}


def mse(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean((a.astype(np.float64) - b) ** 2))


def flat(value: int, side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PICTURES)
def test_each_level_is_further_from_the_source(kind: str, name: str) -> None:
    source = PICTURES[name]
    errors = [mse(source, distort(source, kind, level, seed=3)) for level in LEVELS]
    assert errors[0] > 1.0, "level 1 must be visible"
    # 15%: a step that the eye can see, well above what rounding could make.
    assert all(b > 1.15 * a for a, b in pairwise(errors)), errors


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_picture_and_source_untouched(kind: str) -> None:
    source = PICTURES["coffee"]
    before = source.copy()
    first, second = distort(source, kind, 3, seed=11), distort(source, kind, 3, seed=11)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(source, before)
    differs = not np.array_equal(first, distort(source, kind, 3, seed=12))
    assert differs == DISTORTIONS[kind].seeded


@pytest.mark.parametrize("kind", KINDS)
def test_strength_zero_is_a_copy(kind: str) -> None:
    source = PICTURES["chelsea"]
    result = distort(source, kind, strength=0)
    np.testing.assert_array_equal(result, source)
    assert not np.shares_memory(result, source)


@pytest.mark.parametrize("kind", KINDS)
def test_small_strength_stays_close_to_the_source(kind: str) -> None:
    """The scale has no jump at 0: a hundredth is far milder than level 1."""
    source = PICTURES["astronaut"]
    assert mse(source, distort(source, kind, strength=0.01)) < 0.5 * mse(
        source, distort(source, kind, 1)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
def test_level_is_a_fifth_of_the_strength(kind: str, level: int) -> None:
    source = PICTURES["coffee"][:64, :64]
    assert level_strength(level) == pytest.approx(level / 5)
    np.testing.assert_array_equal(
        distort(source, kind, level), distort(source, kind, strength=level / 5)
    )


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    strength=st.floats(0, 1),
    seed=st.integers(0, 2**63),
)
def test_any_shape_keeps_shape_and_dtype(
    kind: str, height: int, width: int, strength: float, seed: int
) -> None:
    source = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    result = distort(source, kind, strength=strength, seed=seed)
    assert result.shape == source.shape
    assert result.dtype == np.uint8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [1, 2, 3, 7, 16])
def test_tiny_pictures(kind: str, side: int) -> None:
    source = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    for strength in (0.01, 1.0):
        result = distort(source, kind, strength=strength, seed=2)
        assert result.shape == source.shape
        assert result.dtype == np.uint8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(10, 1500, 3), (1500, 10, 3)])
def test_long_strips(kind: str, shape: tuple[int, int, int]) -> None:
    source = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert distort(source, kind, 5).shape == shape


@pytest.mark.parametrize("kind", KINDS)
def test_views_and_read_only_arrays_are_taken(kind: str) -> None:
    source = PICTURES["coffee"][::2, ::-2]
    locked = source.copy()
    locked.setflags(write=False)
    np.testing.assert_array_equal(distort(source, kind, 2), distort(locked, kind, 2))


@pytest.mark.parametrize("kind", ["gaussian_blur", "motion_blur"])
@pytest.mark.parametrize("value", [0, 1, 77, 254, 255])
def test_blur_keeps_a_flat_picture(kind: str, value: int) -> None:
    np.testing.assert_array_equal(distort(flat(value), kind, 5), flat(value))


@pytest.mark.parametrize("kind", ["gaussian_blur", "motion_blur"])
@pytest.mark.parametrize("level", LEVELS)
def test_blur_spreads_a_point_of_light_as_documented(kind: str, level: int) -> None:
    """The light of a point is kept, stays centred and spreads with the stated deviation."""
    source = flat(0, 512)
    source[254:259, 254:259] = 255
    light = srgb_to_linear(distort(source, kind, level, seed=5)[..., 1] / 255.0)
    assert light.sum() == pytest.approx(25, rel=0.03)
    y, x = np.mgrid[:512, :512] - 256.0
    total = light.sum()
    assert abs((light * x).sum() / total) < 0.05
    assert abs((light * y).sum() / total) < 0.05
    spread = (light * (x**2 + y**2)).sum() / total - 2 * (5**2 - 1) / 12  # less the point's own
    if kind == "gaussian_blur":
        expected = 2 * (6.0 * (level / 5) ** 1.25) ** 2
    else:
        expected = (30.0 * (level / 5) ** 1.25) ** 2 / 12
    # 8-bit sRGB drops the faint tails, and the line has a pixel's width.
    assert spread == pytest.approx(expected, rel=0.08, abs=0.5)


def test_blur_scales_with_the_picture() -> None:
    """Twice the pixels, twice the blur: seen at one size, both look alike."""
    small = PICTURES["chelsea"]
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    shrunk = distort(large, "gaussian_blur", 5).reshape(300, 2, 450, 2, 3).mean(axis=(1, 3))
    assert mse(shrunk, distort(small, "gaussian_blur", 5).astype(float)) < 1.0


def test_blur_works_on_light_not_on_codes() -> None:
    """A fine black and white pattern blurs to half the light, code 188, not to code 128."""
    source = np.zeros((128, 128, 3), np.uint8)
    source[:, ::2] = 255
    middle = distort(source, "gaussian_blur", 5)[40:88, 40:88]
    np.testing.assert_allclose(middle, 188, atol=1)


def test_motion_angle_comes_from_the_seed_alone() -> None:
    source = flat(0, 256)
    source[128, 128] = 255

    def angle(level: int, seed: int) -> float:
        light = srgb_to_linear(distort(source, "motion_blur", level, seed=seed)[..., 0] / 255.0)
        y, x = np.mgrid[:256, :256] - 128.0
        xx, yy, xy = (light * x * x).sum(), (light * y * y).sum(), (light * x * y).sum()
        return float(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 180)

    angles = [angle(5, seed) for seed in range(12)]
    assert np.ptp(angles) > 60
    for seed in range(4):
        difference = abs(angle(3, seed) - angles[seed])
        assert min(difference, 180 - difference) < 5


@pytest.mark.parametrize(("kind", "stops"), [("under_exposure", -0.9), ("over_exposure", 0.6)])
@pytest.mark.parametrize("level", LEVELS)
def test_exposure_scales_light_by_stops(kind: str, stops: float, level: int) -> None:
    for value in (20, 100, 180):
        light = srgb_to_linear(np.array(value / 255.0)) * 2.0 ** (stops * level)
        expected = np.rint(linear_to_srgb(np.minimum(light, 1.0)) * 255)
        assert np.unique(distort(flat(value), kind, level)) == expected


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("value", [128, 188])
def test_noise_has_the_stated_deviation(level: int, value: int) -> None:
    noisy = srgb_to_linear(distort(flat(value, 256), "noise", level) / 255.0)
    light = float(srgb_to_linear(np.array(value / 255.0)))
    expected = np.sqrt(light / 20 + 0.03**2) * (level / 5) ** 1.2
    unclipped = expected * 3 < min(light, 1 - light)
    assert noisy.std() == pytest.approx(expected, rel=0.02 if unclipped else 0.25)
    assert noisy.mean() == pytest.approx(light, abs=0.02)
    channels = noisy.reshape(-1, 3) - noisy.mean()
    correlation = np.corrcoef(channels.T)
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 0.02


def test_noise_keeps_its_pattern_over_levels() -> None:
    source = flat(128, 64)
    mild, severe = (distort(source, "noise", k, seed=9).astype(float).ravel() for k in (1, 3))
    assert np.corrcoef(mild, severe)[0, 1] > 0.95


def test_transfer_functions_are_inverse_and_hit_known_values() -> None:
    values = np.arange(256) / 255.0
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-12)
    assert srgb_to_linear(np.array(0.5)) == pytest.approx(0.21404114, abs=1e-7)
    assert srgb_to_linear(np.array(1.0)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("picture", "error", "words"),
    [
        ([[1]], TypeError, "numpy array, got list"),
        (np.zeros((4, 4, 3), np.float32), TypeError, "float32"),
        (np.zeros((4, 4), np.uint8), ValueError, r"\(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"\(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, r"\(0, 4, 3\)"),
    ],
)
def test_bad_pictures(picture: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        distort(picture, "noise", 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, ValueError, "exactly one"),
        ({"level": 1, "strength": 0.2}, ValueError, "exactly one"),
        ({"level": 0}, ValueError, "1 to 5, got 0"),
        ({"level": 6}, ValueError, "1 to 5, got 6"),
        ({"level": 2.0}, TypeError, "float"),
        ({"level": True}, TypeError, "bool"),
        ({"strength": -0.1}, ValueError, "0 to 1"),
        ({"strength": 1.01}, ValueError, "0 to 1"),
        ({"strength": float("nan")}, ValueError, "nan"),
        ({"strength": "1"}, TypeError, "str"),
        ({"level": 1, "seed": -1}, ValueError, "-1"),
        ({"level": 1, "seed": 0.5}, TypeError, "float"),
    ],
)
def test_bad_options(options: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        distort(flat(9), "noise", **options)  # type: ignore[arg-type]


def test_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'fog'.*gaussian_blur.*over_exposure"):
        distort(flat(9), "fog", 1)


def pinned_picture() -> np.ndarray:
    y, x = np.mgrid[:48, :64]
    waves = [128 + 100 * np.sin(x / (3 + c) + y / (5 - c)) for c in range(3)]
    return np.stack(waves, axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ("kind", "total", "middle"),
    [
        ("gaussian_blur", 1177086, (151, 227, 224)),
        ("motion_blur", 1188343, (152, 225, 222)),
        ("jpeg", 1180229, (105, 221, 234)),
        ("noise", 1159703, (164, 187, 246)),
        ("under_exposure", 470194, (62, 96, 95)),
        ("over_exposure", 1708097, (255, 255, 255)),
    ],
)
def test_the_original_six_keep_their_pixels(
    kind: str, total: int, middle: tuple[int, int, int]
) -> None:
    """Ladder reports of different versions can be compared only as long as this holds."""
    result = distort(pinned_picture(), kind, 3, seed=5)
    # An FFT of another build may round a pixel the other way.
    assert int(result.sum(dtype=np.int64)) == pytest.approx(total, abs=20)
    np.testing.assert_allclose(result[24, 32], middle, atol=1)


def test_the_registry_is_complete_and_labelled() -> None:
    assert tuple(DISTORTIONS)[:6] == ORIGINAL
    issue = {
        "defocus", "motion_blur", "motion_shake", "noise", "raw_noise", "denoise_smear",
        "under_exposure", "lifted_shadows", "over_exposure", "white_balance", "jpeg", "webp",
        "upscaling", "sharpening", "haze", "lens_smudge", "low_contrast", "banding",
    }  # fmt: skip
    assert issue <= set(DISTORTIONS)
    assert all(found.cause in CAUSES for found in DISTORTIONS.values())
    assert {found.cause for found in DISTORTIONS.values()} == set(CAUSES)
    assert all(0 < found.margin <= 0.2 for found in DISTORTIONS.values())
    # What the eye may like is no rung of a ladder.
    assert {"white_balance", "sharpening"} == set(DISTORTIONS) - set(monotone_kinds())
    assert not {"avif", "hevc"} & set(monotone_kinds(portable=True))
    assert set(ORIGINAL) <= set(monotone_kinds(portable=True))


@pytest.mark.parametrize("kind", KINDS)
def test_each_level_says_another_amount(kind: str) -> None:
    said = [DISTORTIONS[kind].says(level_strength(level)) for level in LEVELS]
    assert len(set(said)) == 5
    assert all(any(c.isdigit() for c in text) for text in said)
