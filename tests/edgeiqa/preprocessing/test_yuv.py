"""The colour arithmetic against the standards it comes from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from edgeiqa.imaging.frame import ColorMatrix, ColorRange
from edgeiqa.preprocessing import yuv
from tests import reference_resize

# ITU-R BT.601-7 and BT.709-6: shares of R and B in luma.
SHARES = {ColorMatrix.BT601: (0.299, 0.114), ColorMatrix.BT709: (0.2126, 0.0722)}
KINDS = [(matrix, color_range) for matrix in ColorMatrix for color_range in ColorRange]


def encoded(rgb: np.ndarray, matrix: ColorMatrix, color_range: ColorRange) -> np.ndarray:
    """R'G'B' [..., 3] to Y'CbCr as the Recommendations define it, in floating point, rounded."""
    red, blue = SHARES[matrix]
    r, g, b = np.moveaxis(rgb.astype(np.float64) / 255, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    pb, pr = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    if color_range is ColorRange.LIMITED:
        values = 16 + 219 * y, 128 + 224 * pb, 128 + 224 * pr
    else:
        values = 255 * y, 128 + 255 * pb, 128 + 255 * pr
    return np.clip(np.rint(np.stack(values)), 0, 255).astype(np.uint8)


def converted(
    y: np.ndarray, u: np.ndarray, v: np.ndarray, matrix: ColorMatrix, color_range: ColorRange
) -> np.ndarray:
    """Whole samples to RGB."""
    wide = y.astype(np.int32) << 13, u.astype(np.int32) << 5, v.astype(np.int32) << 5
    return yuv.to_rgb(*wide, matrix=matrix, color_range=color_range)


def every_color() -> np.ndarray:
    steps = np.append(np.arange(0, 255, 5), 255).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    return cube.reshape(len(steps), -1, 3)


@pytest.mark.parametrize(("matrix", "color_range"), KINDS)
def test_coefficients_are_those_of_the_written_specification(
    matrix: ColorMatrix, color_range: ColorRange
) -> None:
    numbers = yuv.coefficients(matrix, color_range)
    assert (
        *(numbers.black, numbers.luma, numbers.red_v),
        *(numbers.green_u, numbers.green_v, numbers.blue_u),
    ) == reference_resize.COEFFICIENTS[matrix.value, color_range.value]


@pytest.mark.parametrize(("matrix", "color_range"), KINDS)
def test_colors_come_back(matrix: ColorMatrix, color_range: ColorRange) -> None:
    rgb = every_color()
    y, u, v = encoded(rgb, matrix, color_range)
    back = converted(y, u, v, matrix, color_range)
    # What rounding to 8 bits costs, in limited range a little more.
    difference = np.abs(back.astype(int) - rgb)
    assert difference.max() <= (3 if color_range is ColorRange.LIMITED else 2)
    assert difference.mean() < 0.65


@pytest.mark.parametrize(("matrix", "color_range"), KINDS)
def test_every_triple_is_what_the_specification_says(
    matrix: ColorMatrix, color_range: ColorRange
) -> None:
    values = np.array([0, 1, 15, 16, 17, 100, 127, 128, 129, 200, 235, 236, 240, 254, 255])
    y, u, v = np.stack(np.meshgrid(values, values, values)).reshape(3, 15, -1).astype(np.int32)
    # Some fraction, from nothing to the most that 255 can have.
    y, u, v = (y << 13) + y * y % 8000, (u << 5) + u * 3 % 32, (v << 5) + v * 7 % 32
    got = yuv.to_rgb(y, u, v, matrix, color_range)
    numbers = reference_resize.COEFFICIENTS[matrix.value, color_range.value]
    for place in np.ndindex(y.shape):
        triple = [int(plane[place]) for plane in (y, u, v)]
        assert tuple(got[place]) == reference_resize.color(triple, numbers)


def test_bt601_agrees_with_opencv_and_pillow() -> None:
    rng = np.random.default_rng(1)
    y, u, v = rng.integers(16, 236, (3, 40, 60), np.uint8)  # OpenCV clips what is beyond black.
    ours = converted(y, u, v, ColorMatrix.BT601, ColorRange.FULL)
    opencv = cv2.cvtColor(np.stack([y, v, u], axis=2), cv2.COLOR_YCrCb2RGB)
    assert np.abs(ours.astype(int) - opencv).max() <= 1
    bands = [Image.fromarray(plane) for plane in (y, u, v)]
    pillow = np.asarray(Image.merge("YCbCr", bands).convert("RGB"))
    assert np.abs(ours.astype(int) - pillow).max() <= 1
    u, v = u[:20, :30], v[:20, :30]
    i420 = np.concatenate([y.ravel(), u.ravel(), v.ravel()]).reshape(60, 60)
    opencv = cv2.cvtColor(i420, cv2.COLOR_YUV2RGB_I420)
    u, v = (plane.repeat(2, axis=0).repeat(2, axis=1) for plane in (u, v))
    ours = converted(y, u, v, ColorMatrix.BT601, ColorRange.LIMITED)
    assert np.abs(ours.astype(int) - opencv).max() <= 1


@pytest.mark.parametrize("color_range", ColorRange)
def test_full_range_luma_is_gray_of_neutral_chroma(color_range: ColorRange) -> None:
    y = np.arange(256, dtype=np.uint8).reshape(16, 16)
    neutral = np.full_like(y, 128)
    luma = yuv.full_range_luma(y, color_range)
    for matrix in ColorMatrix:
        rgb = converted(y, neutral, neutral, matrix, color_range)
        for channel in range(3):
            np.testing.assert_array_equal(rgb[:, :, channel], luma)
    exact = (y.astype(float) - 16) * 255 / 219 if color_range is ColorRange.LIMITED else y
    np.testing.assert_array_equal(luma, np.clip(np.rint(exact), 0, 255))
    luma[:] = 0  # The caller's own: the next one is right.
    assert yuv.full_range_luma(y, color_range).any()
