"""Luma: patches and small views are what the whole upright picture would give."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeiqa.imaging.frame import ColorRange, Frame, PixelFormat
from edgeiqa.preprocessing.luma import luma_crop, luma_small
from tests import reference_resize
from tests.edgeiqa.framing import FORMATS, Case, cases, pillow_turned


@st.composite
def cases_with_box(draw: st.DrawFn) -> tuple[Case, tuple[int, int, int, int]]:
    case = draw(cases())
    height, width = case.frame.size
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return case, (left, top, right, bottom)


def expected_luma(case: Case, factor: int) -> np.ndarray:
    """From the planes, cut and turned by Pillow, with nothing of the package."""
    image = pillow_turned(case.luma_or_pixels, case.frame.roi, case.frame.rotation)
    small = image if factor == 1 else Image.Image.reduce(image, factor)
    if case.frame.pixel_format.is_yuv:
        y = np.asarray(small).astype(int)
        if case.frame.color_range is ColorRange.FULL:
            return y.astype(np.uint8)
        return np.clip((76309 * (y - 16) + 32768) >> 16, 0, 255).astype(np.uint8)
    return np.asarray(small.convert("L"))


@settings(max_examples=150)
@given(cases_with_box(), st.integers(1, 9))
def test_patches_and_small_views_are_those_of_the_whole(
    drawn: tuple[Case, tuple[int, int, int, int]], factor: int
) -> None:
    case, (left, top, right, bottom) = drawn
    whole = expected_luma(case, 1)
    np.testing.assert_array_equal(luma_small(case.frame, 1), whole)
    np.testing.assert_array_equal(
        luma_crop(case.frame, (left, top, right, bottom)), whole[top:bottom, left:right]
    )
    np.testing.assert_array_equal(luma_small(case.frame, factor), expected_luma(case, factor))


def test_luma_of_rgb_is_the_formula() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8)
    r, g, b = rgb.astype(np.int64).transpose(2, 0, 1)
    expected = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16
    np.testing.assert_array_equal(luma_crop(Frame(rgb), (0, 0, 50, 40)), expected)
    image = Image.fromarray(rgb)
    np.testing.assert_array_equal(luma_crop(image, (3, 5, 20, 9)), expected[5:9, 3:20])
    reduced = reference_resize.reduce(rgb, 7, 7).astype(np.int64)
    expected = (reduced @ np.array([19595, 38470, 7471]) + 32768) >> 16
    for source in (Frame(rgb), image):
        got = luma_small(source, 7)
        assert got.shape == (6, 8)  # ceil(40 / 7), ceil(50 / 7)
        np.testing.assert_array_equal(got, expected)


def test_alpha_is_composited_first() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:, :, 3] = 51  # A fifth of black over white.
    for pixel_format in (PixelFormat.RGBA, PixelFormat.BGRA):
        assert (luma_crop(Frame(rgba, pixel_format), (1, 1, 3, 3)) == 204).all()
        assert (luma_small(Frame(rgba, pixel_format), 2) == 204).all()


def test_limited_luma_reaches_black_and_white() -> None:
    y = np.arange(256, dtype=np.uint8).reshape(16, 16)
    chroma = np.full((8, 8), 77, np.uint8)  # Of no influence.
    limited = Frame.from_planes(y, chroma, chroma, 16, 16)
    full = Frame.from_planes(y, chroma, chroma, 16, 16, color_range=ColorRange.FULL)
    np.testing.assert_array_equal(luma_small(full, 1), y)
    got = luma_small(limited, 1).reshape(-1).astype(int)
    assert list(got[[0, 16, 17, 126, 234, 235, 255]]) == [0, 0, 1, 128, 254, 255, 255]
    assert (np.diff(got) >= 0).all()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("pixel_format", FORMATS)
def test_a_patch_takes_next_to_no_memory(pixel_format: PixelFormat, rotation: int) -> None:
    width, height = 4032, 3024
    if pixel_format is PixelFormat.YUV_420_888:
        y, u = bytes(width * height), bytes(width * height // 4)
        frame = Frame.from_planes(y, u, u, width, height, rotation=rotation)
    else:
        data = bytes(pixel_format.frame_bytes(width, height))
        frame = Frame.from_buffer(data, width, height, pixel_format, rotation=rotation)
    tracemalloc.start()
    try:
        patch = luma_crop(frame, (1000, 900, 1096, 996))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert patch.shape == (96, 96)
    assert peak < 500_000


def test_results_are_writable_and_the_callers_own() -> None:
    gray = np.random.default_rng(4).integers(0, 256, (20, 30), np.uint8)
    for frame in (
        Frame(gray, PixelFormat.GRAY),
        Frame.from_planes(
            gray, gray[:10, :15], gray[:10, :15], 30, 20, color_range=ColorRange.FULL
        ),
    ):
        before = gray.copy()
        for got in (luma_crop(frame, (0, 0, 30, 20)), luma_small(frame, 1)):
            np.testing.assert_array_equal(got, gray)
            got[:] = 0
        np.testing.assert_array_equal(gray, before)


@pytest.mark.parametrize(
    ("box", "error", "message"),
    [
        ((0, 0, 31, 20), ValueError, "right=31.*width 30 and height 20"),
        ((0, 0, 30, 21), ValueError, "bottom=21"),
        ((-1, 0, 3, 3), ValueError, "left=-1"),
        ((5, 5, 5, 9), ValueError, "empty"),
        ((5, 9, 6, 8), ValueError, "empty"),
        ((0, 0, 3), ValueError, r"\(left, top, right, bottom\)"),
        ((0, 0, 3.0, 3), TypeError, "3.0.*integer"),
        ((float("nan"), 0, 3, 3), TypeError, "nan.*integer"),
    ],
)
def test_a_box_that_is_none_is_refused(
    box: tuple[int, int, int, int], error: type[Exception], message: str
) -> None:
    rgb = np.zeros((20, 30, 3), np.uint8)
    for source in (Frame(rgb), Image.fromarray(rgb)):
        with pytest.raises(error, match=message):
            luma_crop(source, box)


def test_the_box_is_in_upright_coordinates() -> None:
    rgb = np.zeros((20, 30, 3), np.uint8)
    luma_crop(Frame(rgb, rotation=90), (0, 0, 20, 30))
    with pytest.raises(ValueError, match="width 20 and height 30"):
        luma_crop(Frame(rgb, rotation=90), (0, 0, 30, 20))
    with pytest.raises(ValueError, match="width 4 and height 5"):
        luma_crop(Frame(rgb, roi=(9, 9, 4, 5)), (0, 0, 5, 5))


def test_other_sources_and_factors_are_refused() -> None:
    rgb = np.zeros((20, 30, 3), np.uint8)
    for wrong, error in ((rgb, TypeError), (None, TypeError), (Image.new("L", (4, 4)), ValueError)):
        with pytest.raises(error, match="expected"):
            luma_crop(wrong, (0, 0, 1, 1))  # type: ignore[arg-type]
        with pytest.raises(error, match="expected"):
            luma_small(wrong, 2)  # type: ignore[arg-type]
    for factor, error in ((0, ValueError), (-1, ValueError), (129, ValueError), (2.0, TypeError)):
        with pytest.raises(error, match="factor is"):
            luma_small(Frame(rgb), factor)  # type: ignore[arg-type]
