"""The one resize, against its written specification, and the colour conversions."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeiqa import preprocess as preprocessing
from edgeiqa.frame import Frame, PixelFormat
from edgeiqa.preprocess import centre_box, over_white, preprocess, resize, tiles, to_rgb
from edgeiqa.samples import sample_paths
from edgeiqa.spec import InputSpec
from tests import reference_resize

SIDES = st.integers(1, 130)
TARGETS = st.integers(1, 40)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


@settings(deadline=None, max_examples=150)
@given(SIDES, SIDES, TARGETS, TARGETS, st.sampled_from(["squash", "crop"]), st.integers(0, 9))
@example(1, 1, 40, 40, "squash", 0)
@example(130, 1, 3, 40, "crop", 0)
@example(97, 100, 1, 1, "squash", 1)
@example(40, 17, 40, 17, "squash", 2)
@example(81, 35, 40, 17, "squash", 3)  # Reduced by 1 in one axis only.
@example(119, 101, 10, 10, "squash", 4)  # Last blocks narrower than the others.
def test_resize_is_what_the_specification_says(
    height: int, width: int, to_height: int, to_width: int, fit: str, seed: int
) -> None:
    rgb = noise(height, width, seed=seed)
    got = resize(rgb, (to_height, to_width), fit)
    np.testing.assert_array_equal(got, reference_resize.resize(rgb, (to_height, to_width), fit))


@settings(deadline=None, max_examples=60)
@given(SIDES, SIDES, TARGETS, TARGETS, st.sampled_from([0, 1, 127, 128, 254, 255]))
def test_a_flat_picture_stays_flat(
    height: int, width: int, to_height: int, to_width: int, value: int
) -> None:
    rgb = np.full((height, width, 3), value, np.uint8)
    got = resize(rgb, (to_height, to_width))
    # Fixed-point weights may sum to a little less or more than one; not by a whole step.
    assert set(np.unique(got)) == {value}
    np.testing.assert_array_equal(got, reference_resize.resize(rgb, (to_height, to_width)))


@pytest.mark.parametrize("name", ["coffee.jpg", "china.jpg"])
def test_a_photograph_at_model_size_matches_the_specification(name: str) -> None:
    path = next(p for p in sample_paths() if p.name == name)
    rgb = np.asarray(Image.open(path).convert("RGB"))[:, :301]
    np.testing.assert_array_equal(resize(rgb, (96, 128)), reference_resize.resize(rgb, (96, 128)))


def test_every_reduction_factor_matches_the_specification() -> None:
    # 97 divides 2**24 + 1: were the multiplier rounded, not truncated, it would show here.
    for factor in range(1, 100):
        rgb = noise(3, factor * 2, seed=factor)
        np.testing.assert_array_equal(
            resize(rgb, (3, 1)), reference_resize.resize(rgb, (3, 1)), err_msg=str(factor)
        )


def test_resize_takes_array_and_pil_alike_and_gives_a_fresh_array() -> None:
    rgb = noise(61, 47)
    from_array = resize(rgb, (16, 16))
    np.testing.assert_array_equal(from_array, resize(Image.fromarray(rgb), (16, 16)))
    from_array[:] = 0
    same_size = resize(rgb, (61, 47))
    np.testing.assert_array_equal(same_size, rgb)
    same_size[:] = 0
    assert rgb.any()


@pytest.mark.parametrize("view", [np.s_[::2], np.s_[:, ::-1], np.s_[::-1, ::3]])
def test_resize_takes_strided_views(view: Any) -> None:
    rgb = noise(60, 90)[view]
    np.testing.assert_array_equal(resize(rgb, (20, 20)), resize(rgb.copy(), (20, 20)))


@given(SIDES, SIDES, TARGETS, TARGETS)
def test_centre_box_is_inside_centred_and_of_the_aspect_ratio(
    width: int, height: int, to_width: int, to_height: int
) -> None:
    left, top, right, bottom = centre_box(width, height, to_width, to_height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert right - left == width or bottom - top == height
    assert 0 <= (width - right) - left <= 1
    assert 0 <= (height - bottom) - top <= 1
    # No larger box of that ratio fits, to the pixel.
    assert abs((right - left) * to_height - (bottom - top) * to_width) <= max(
        to_height, to_width
    ) * max(1, -(-to_height // to_width), -(-to_width // to_height))


def test_crop_keeps_the_middle() -> None:
    rgb = np.zeros((40, 100, 3), np.uint8)
    rgb[:, 30:70] = 200
    assert (resize(rgb, (20, 20), "crop") == 200).all()
    assert (resize(rgb, (20, 20), "squash") == 0).any()


@pytest.mark.parametrize(
    ("rgb", "size", "fit", "error", "message"),
    [
        (np.zeros((4, 4), np.uint8), (2, 2), "squash", ValueError, r"\(4, 4\).*height, width, 3"),
        (np.zeros((4, 4, 4), np.uint8), (2, 2), "squash", ValueError, "height, width, 3"),
        (np.zeros((0, 4, 3), np.uint8), (2, 2), "squash", ValueError, r"\(0, 4, 3\)"),
        (np.zeros((4, 4, 3)), (2, 2), "squash", TypeError, "float64.*uint8"),
        ([[1]], (2, 2), "squash", TypeError, "list"),
        (Image.new("L", (4, 4)), (2, 2), "squash", ValueError, "mode L"),
        (np.zeros((4, 4, 3), np.uint8), (0, 2), "squash", ValueError, "at least 1"),
        (np.zeros((4, 4, 3), np.uint8), (2, 2), "pad", ValueError, "squash, crop"),
    ],
)
def test_resize_says_what_is_wrong(
    rgb: object, size: tuple[int, int], fit: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        resize(rgb, size, fit)  # type: ignore[arg-type]


def test_over_white_is_the_rounded_division_for_every_colour_and_alpha() -> None:
    color, alpha = np.meshgrid(np.arange(256), np.arange(256))
    rgba = np.stack([color, color, color, alpha], axis=-1).astype(np.uint8)
    exact = (2 * (color * alpha + 255 * (255 - alpha)) + 255) // 510
    np.testing.assert_array_equal(over_white(rgba)[:, :, 0], exact)


def test_over_white_is_what_pillow_pastes() -> None:
    rgba = Image.fromarray(noise(50, 60, 4))
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    np.testing.assert_array_equal(over_white(np.asarray(rgba)), np.asarray(white))


@pytest.mark.parametrize("shape", [(1500, 2000), (1, 3_000_000), (3_000_000, 1)])
def test_over_white_takes_little_more_than_its_result(shape: tuple[int, int]) -> None:
    rgba = np.full((*shape, 4), 100, np.uint8)
    tracemalloc.start()
    try:
        got = over_white(rgba)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert got.nbytes <= peak <= got.nbytes + (8 << 20)
    assert (got == 194).all()  # 100 * 100/255 + 155


@given(SIDES, SIDES, st.integers(1, 300))
def test_tiles_cover_every_pixel_once(height: int, width: int, most: int) -> None:
    seen = np.zeros((height, width), int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preprocessing, "_TILE_PIXELS", most)
        for rows, columns in tiles(height, width):
            assert 0 < (rows.stop - rows.start) * (columns.stop - columns.start) <= most
            seen[rows, columns] += 1
    assert (seen == 1).all()


def test_over_white_does_not_depend_on_the_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    rgba = noise(37, 41, 4)
    whole = over_white(rgba)
    for most in (1, 7, 41, 100, 1000):
        monkeypatch.setattr(preprocessing, "_TILE_PIXELS", most)
        np.testing.assert_array_equal(over_white(rgba), whole)
        np.testing.assert_array_equal(over_white(np.rot90(rgba)), np.rot90(whole))


def test_bgra_is_composited_as_rgba_is() -> None:
    rgba = noise(20, 30, 4)
    bgra = Frame(rgba[:, :, [2, 1, 0, 3]], PixelFormat.BGRA)
    np.testing.assert_array_equal(to_rgb(bgra), over_white(rgba))


def test_formats_of_the_same_picture_give_the_same_rgb() -> None:
    rgb = noise(20, 30)
    opaque = np.full((20, 30, 1), 255, np.uint8)
    for pixel_format, pixels in (
        (PixelFormat.RGB, rgb),
        (PixelFormat.BGR, rgb[:, :, ::-1]),
        (PixelFormat.RGBA, np.concatenate([rgb, opaque], axis=2)),
        (PixelFormat.BGRA, np.concatenate([rgb[:, :, ::-1], opaque], axis=2)),
    ):
        np.testing.assert_array_equal(to_rgb(Frame(pixels, pixel_format)), rgb)


def test_gray_becomes_three_equal_channels() -> None:
    gray = noise(20, 30, 1)
    expected = np.concatenate([gray, gray, gray], axis=2)
    np.testing.assert_array_equal(to_rgb(Frame(gray, PixelFormat.GRAY)), expected)
    np.testing.assert_array_equal(to_rgb(Frame(gray[:, :, 0], PixelFormat.GRAY)), expected)


def test_the_region_is_cut_first_and_turned_then() -> None:
    rgb = noise(20, 30)
    frame = Frame(rgb, rotation=90, roi=(5, 2, 10, 6))
    part = Image.fromarray(np.ascontiguousarray(rgb[2:8, 5:15]))
    # PIL counts counter-clockwise.
    expected = np.asarray(part.transpose(Image.Transpose.ROTATE_270))
    np.testing.assert_array_equal(to_rgb(frame), expected)
    assert to_rgb(frame).shape[:2] == frame.size == (10, 6)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_buffer_with_its_rotation_is_the_upright_picture(rotation: int) -> None:
    upright = noise(33, 21)
    buffer = np.rot90(upright, k=rotation // 90)  # Counter-clockwise, so that clockwise undoes it.
    spec = InputSpec(16, 24)
    np.testing.assert_array_equal(
        preprocess(Frame(buffer, rotation=rotation), spec), preprocess(Frame(upright), spec)
    )


def test_preprocess_makes_the_tensor_from_frame_and_pil() -> None:
    rgb = noise(50, 70)
    spec = InputSpec(32, 48)
    tensor = preprocess(Frame(rgb), spec)
    assert tensor.shape == (1, 32, 48, 3)
    assert tensor.dtype == np.uint8
    np.testing.assert_array_equal(tensor, preprocess(Image.fromarray(rgb), spec))
    with pytest.raises(TypeError, match="ndarray"):
        preprocess(rgb, spec)  # type: ignore[arg-type]
