"""Sensor, air, light and codecs: each distortion does what its formula says."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from convert.distortions import light, sensor, tone
from convert.distortions.distort import DISTORTIONS, LEVELS, distort, linear_to_srgb, srgb_to_linear


def flat(value: int, side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


def to_light(rgb: np.ndarray) -> np.ndarray:
    return srgb_to_linear(rgb / 255.0)


# --- sensor ----------------------------------------------------------------------------------


def test_demosaicing_reproduces_smooth_colour() -> None:
    """A plane in each channel lies in the reach of linear interpolation (borders apart)."""
    y, x = np.mgrid[:24, :31].astype(np.float32)
    # Malvar's filters assume that channels differ by a constant.
    base = 0.2 + 0.01 * x + 0.005 * y
    picture = np.stack([base + 0.1, base, base - 0.05], axis=-1).astype(np.float32)
    result = sensor.demosaic(sensor.bayer(picture))
    np.testing.assert_allclose(result[3:-3, 3:-3], picture[3:-3, 3:-3], atol=1e-5)


def test_the_mosaic_is_kept_where_it_was_measured() -> None:
    picture = np.random.default_rng(0).random((10, 12, 3), dtype=np.float32)
    mosaic = sensor.bayer(picture)
    np.testing.assert_array_equal(mosaic[::2, ::2], picture[::2, ::2, 0])
    np.testing.assert_array_equal(mosaic[1::2, 1::2], picture[1::2, 1::2, 2])
    np.testing.assert_array_equal(mosaic[::2, 1::2], picture[::2, 1::2, 1])
    result = sensor.demosaic(mosaic)
    np.testing.assert_array_equal(sensor.bayer(result), mosaic)


def test_raw_noise_has_the_variance_of_its_formula() -> None:
    """At red pixels the noise is the matrix applied to known filters of independent samples."""
    value, strength = 140, 0.4
    noise = sensor._raw_noise_light(flat(value, 512), strength, np.random.default_rng(1))
    level = float(srgb_to_linear(np.array(value / 255.0)))
    gains = np.array([2.0, 1.0, 1.7])
    red, green, blue = level * gains / 60 + (0.02 * gains) ** 2
    # Squared weights of the 5x5 filters for green and blue at a red pixel, by the sites' colour.
    square = np.array(
        [
            [1.0, 0.0, 0.0],
            [(4**2 + 4 * 1) / 64, 4 * 2**2 / 64, 0.0],
            [(6**2 + 4 * 1.5**2) / 64, 0.0, 4 * 2**2 / 64],
        ]
    )
    # Covariances through the red samples that all three filters share.
    shared = np.array(
        [
            [1.0, 4 / 8, 6 / 8],
            [4 / 8, square[1, 0], (4 * 6 + 4 * 1.5) / 64],
            [6 / 8, (4 * 6 + 4 * 1.5) / 64, square[2, 0]],
        ]
    )
    covariance = red * shared + np.diag([0.0, square[1, 1] * green, square[2, 2] * blue])
    matrix = sensor._CAMERA_TO_SRGB.astype(float)
    expected = np.diag(matrix @ covariance @ matrix.T) * strength**2.4
    measured = noise[2:-2:2, 2:-2:2].reshape(-1, 3).var(axis=0)
    np.testing.assert_allclose(measured, expected, rtol=0.03)


def test_raw_noise_is_coloured_and_correlated_unlike_plain_noise() -> None:
    grey = flat(128, 256)
    raw, plain = (
        distort(grey, kind, 3, seed=4).astype(float) - 128 for kind in ("raw_noise", "noise")
    )

    def neighbours(noise: np.ndarray) -> float:
        return float(np.corrcoef(noise[:, :-1, 0].ravel(), noise[:, 1:, 0].ravel())[0, 1])

    assert neighbours(raw) > 0.15
    assert abs(neighbours(plain)) < 0.02


@pytest.mark.parametrize("value", [100, 150])
def test_lifted_shadows_have_the_variance_of_their_formula(value: int) -> None:
    level = float(srgb_to_linear(np.array(value / 255.0)))
    gain = 2.0 ** (6 * 0.6)
    result = to_light(distort(flat(value, 256), "lifted_shadows", 3, seed=1))
    read = (2 / 1500) ** 2 * (gain**2 - 1)
    step = (gain - 1) / 1023
    expected = level * (gain - 1) / 1500 + read + step**2 / 12
    assert result.var() == pytest.approx(expected, rel=0.06)
    assert result.mean() == pytest.approx(level, rel=0.02)
    # A quarter of the readout's variance is common to a row.
    rows = result.mean(axis=(1, 2)).var()
    assert rows == pytest.approx(0.25 * read + (expected - 0.25 * read) / (3 * 256), rel=0.35)


def test_lifted_shadows_spoil_the_dark_more_than_the_light() -> None:
    dark, bright = (
        float(distort(flat(value, 128), "lifted_shadows", 4).std()) for value in (30, 220)
    )
    assert dark > 1.5 * bright


def test_denoising_takes_texture_and_leaves_edges() -> None:
    source = flat(60, 128)
    source[:, 64:] = 190
    source[::2, :64] += 12
    result = distort(source, "denoise_smear", 4, seed=3).astype(float)[8:-8]
    texture = result[:, 10:50, 1].std(axis=0).mean()
    assert texture < 4
    assert result[:, 68:72].mean() - result[:, 56:60].mean() > 90


def test_guided_filter_limits() -> None:
    plane = np.random.default_rng(2).random((40, 50), dtype=np.float32) * 255
    np.testing.assert_allclose(sensor.guided_filter(plane, 3, 0.0), plane, atol=0.05)
    wide = sensor.guided_filter(plane, 3, 1e4)
    assert wide.std() < 0.15 * plane.std()


# --- exposure and colour ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_white_balance_scales_each_channel_and_keeps_the_luminance_of_grey(seed: int) -> None:
    grey = 128
    gains = to_light(distort(flat(grey, 4), "white_balance", 3, seed=seed))[0, 0] / float(
        srgb_to_linear(np.array(grey / 255.0))
    )
    assert gains @ np.array([0.2126, 0.7152, 0.0722]) == pytest.approx(1, abs=0.02)
    assert abs(np.log2(gains[0] / gains[2])) == pytest.approx(2 * 1.1 * 0.6, abs=0.06)


def test_white_balance_goes_both_ways() -> None:
    warm = [
        bool(np.diff(distort(flat(128, 1), "white_balance", 3, seed=seed)[0, 0, ::2].astype(int)))
        and distort(flat(128, 1), "white_balance", 3, seed=seed)[0, 0, 0] > 128
        for seed in range(20)
    ]
    assert 4 <= sum(warm) <= 18


@pytest.mark.parametrize("level", LEVELS)
def test_low_contrast_scales_differences_of_codes(level: int) -> None:
    source = np.zeros((2, 2, 3), np.uint8)
    source[0], source[1] = 60, 196  # mean 128
    result = distort(source, "low_contrast", level).astype(int)
    contrast = 1 - 0.88 * level / 5
    np.testing.assert_allclose(result[:, 0, 0], 128 + contrast * np.array([-68, 68]), atol=0.51)


@pytest.mark.parametrize(("level", "count"), [(1, 44), (2, 21), (3, 12), (4, 8), (5, 5)])
def test_banding_leaves_the_stated_levels_with_black_and_white(level: int, count: int) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    found = np.unique(distort(ramp, "banding", level))
    assert abs(len(found) - count) <= 1
    assert found[0] == 0
    assert found[-1] >= 255 - 255 / count / 1.5


def test_sharpening_makes_halos_at_edges_only() -> None:
    source = flat(80, 64)
    source[:, 32:] = 170
    result = distort(source, "sharpening", 3).astype(int)
    assert result[:, :16].min() == result[:, :16].max() == 80
    assert result[32, 31, 0] < 80
    assert result[32, 32, 0] > 170
    assert np.ptp(result, axis=2).max() == 0, "halos of a grey edge are grey"


# --- air and glass ---------------------------------------------------------------------------


def test_haze_follows_koschmieder() -> None:
    """Contrast of light between two surfaces falls by the transmission, whatever their light."""
    source = flat(20, 64)
    source[:, ::2] = 200
    source_light = to_light(source)
    hazed = to_light(distort(source, "haze", 4, seed=2))
    before = source_light[:, 0] - source_light[:, 1]
    passed = (hazed[:, 0] - hazed[:, 1]) / before
    depth = -np.log(passed).mean(axis=1)
    expected = 1.8 * 0.8**1.6
    assert depth[-4:].mean() < depth[:4].mean(), "farther at the top"
    assert 0.15 * expected < depth.min()
    assert depth.max() < 1.2 * expected


def test_a_smudge_keeps_the_light() -> None:
    source = np.ascontiguousarray(data.astronaut()[:256, :256])
    before, after = to_light(source).mean(), to_light(distort(source, "lens_smudge", 5)).mean()
    assert after == pytest.approx(before, rel=0.05)
    np.testing.assert_allclose(distort(flat(90), "lens_smudge", 5).astype(int), 90, atol=1)


def test_smooth_field_fills_its_range_and_is_smooth() -> None:
    field = light.smooth_field((90, 120), 5, np.random.default_rng(0))
    assert field.shape == (90, 120)
    assert (field.min(), field.max()) == (0.0, 1.0)
    assert np.abs(np.diff(field, axis=0)).max() < 0.1


@pytest.mark.parametrize("kind", ["defocus", "motion_shake", "lens_smudge"])
@pytest.mark.parametrize("value", [0, 77, 255])
def test_optics_keep_a_flat_picture(kind: str, value: int) -> None:
    np.testing.assert_allclose(distort(flat(value), kind, 5).astype(int), value, atol=1)


# --- storage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [k for k in ("webp", "avif", "hevc") if k in DISTORTIONS])
def test_codecs_come_close_at_the_mildest(kind: str) -> None:
    source = np.ascontiguousarray(data.chelsea()[:128, :160])
    mild = distort(source, kind, strength=0.01).astype(float)
    assert np.mean((mild - source) ** 2) < 40
    assert abs(mild.mean() - source.mean()) < 1.5, "no shift of colour or range"


def test_upscaling_loses_what_the_small_picture_cannot_hold() -> None:
    source = np.zeros((96, 96, 3), np.uint8)
    source[:, ::2] = 255
    result = distort(source, "upscaling", 5)[12:-12, 12:-12]
    assert np.ptp(result) < 40
    np.testing.assert_array_equal(distort(flat(99), "upscaling", 5), flat(99))


@pytest.mark.parametrize("stops", [-2.0, -0.5, 0.5, 2.0])
def test_exposure_is_exact_on_greys(stops: float) -> None:
    codes = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    light_ = np.clip(to_light(codes) * 2.0**stops, 0, 1)
    np.testing.assert_array_equal(
        tone._expose(codes, stops), np.rint(linear_to_srgb(light_) * 255).astype(np.uint8)
    )
