"""The one resize, against its written specification, and the colour conversions."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeiqa.assets import sample_paths
from edgeiqa.imaging import alpha
from edgeiqa.imaging.alpha import over_white, tiles
from edgeiqa.imaging.frame import ColorRange, Frame, PixelFormat
from edgeiqa.inference.contract_spec import InputSpec
from edgeiqa.preprocessing import box_reduce
from edgeiqa.preprocessing import resize as preprocessing
from edgeiqa.preprocessing.resize import centre_box, preprocess, resize, to_rgb
from tests import reference_resize
from tests.edgeiqa.framing import (
    RGB_LIKE,
    YUV,
    YUV_420,
    Case,
    cases,
    noise,
    pillow_turned,
    yuv_frame,
)

SIDES = st.integers(1, 130)
TARGETS = st.integers(1, 40)


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
    rgb = noise(height, width, 3, seed=seed)
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
        rgb = noise(3, factor * 2, 3, seed=factor)
        np.testing.assert_array_equal(
            resize(rgb, (3, 1)), reference_resize.resize(rgb, (3, 1)), err_msg=str(factor)
        )


def test_resize_takes_array_and_pil_alike_and_gives_a_fresh_array() -> None:
    rgb = noise(61, 47, 3)
    from_array = resize(rgb, (16, 16))
    np.testing.assert_array_equal(from_array, resize(Image.fromarray(rgb), (16, 16)))
    from_array[:] = 0
    same_size = resize(rgb, (61, 47))
    np.testing.assert_array_equal(same_size, rgb)
    same_size[:] = 0
    assert rgb.any()


@pytest.mark.parametrize("view", [np.s_[::2], np.s_[:, ::-1], np.s_[::-1, ::3]])
def test_resize_takes_strided_views(view: Any) -> None:
    rgb = noise(60, 90, 3)[view]
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
        patch.setattr(alpha, "_TILE_PIXELS", most)
        for rows, columns in tiles(height, width):
            assert 0 < (rows.stop - rows.start) * (columns.stop - columns.start) <= most
            seen[rows, columns] += 1
    assert (seen == 1).all()


def test_over_white_does_not_depend_on_the_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    rgba = noise(37, 41, 4)
    whole = over_white(rgba)
    for most in (1, 7, 41, 100, 1000):
        monkeypatch.setattr(alpha, "_TILE_PIXELS", most)
        np.testing.assert_array_equal(over_white(rgba), whole)
        np.testing.assert_array_equal(over_white(np.rot90(rgba)), np.rot90(whole))


def test_bgra_is_composited_as_rgba_is() -> None:
    rgba = noise(20, 30, 4)
    bgra = Frame(rgba[:, :, [2, 1, 0, 3]], PixelFormat.BGRA)
    np.testing.assert_array_equal(to_rgb(bgra), over_white(rgba))


def test_formats_of_the_same_picture_give_the_same_rgb() -> None:
    rgb = noise(20, 30, 3)
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
    rgb = noise(20, 30, 3)
    frame = Frame(rgb, rotation=90, roi=(5, 2, 10, 6))
    part = Image.fromarray(np.ascontiguousarray(rgb[2:8, 5:15]))
    # PIL counts counter-clockwise.
    expected = np.asarray(part.transpose(Image.Transpose.ROTATE_270))
    np.testing.assert_array_equal(to_rgb(frame), expected)
    assert to_rgb(frame).shape[:2] == frame.size == (10, 6)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_buffer_with_its_rotation_is_the_upright_picture(rotation: int) -> None:
    upright = noise(33, 21, 3)
    buffer = np.rot90(upright, k=rotation // 90)  # Counter-clockwise, so that clockwise undoes it.
    spec = InputSpec(16, 24)
    np.testing.assert_array_equal(
        preprocess(Frame(buffer, rotation=rotation), spec), preprocess(Frame(upright), spec)
    )


def test_preprocess_makes_the_tensor_from_frame_and_pil() -> None:
    rgb = noise(50, 70, 3)
    spec = InputSpec(32, 48)
    tensor = preprocess(Frame(rgb), spec)
    assert tensor.shape == (1, 32, 48, 3)
    assert tensor.dtype == np.uint8
    np.testing.assert_array_equal(tensor, preprocess(Image.fromarray(rgb), spec))
    with pytest.raises(TypeError, match="ndarray"):
        preprocess(rgb, spec)  # type: ignore[arg-type]


@settings(max_examples=200)
@given(cases(formats=RGB_LIKE), TARGETS, TARGETS, st.sampled_from(["squash", "crop"]))
def test_a_frame_is_what_pillow_cuts_and_turns(
    case: Case, to_height: int, to_width: int, fit: str
) -> None:
    frame = case.frame
    upright = pillow_turned(case.luma_or_pixels, frame.roi, frame.rotation).convert("RGB")
    assert frame.size == (upright.height, upright.width)
    np.testing.assert_array_equal(to_rgb(frame), np.asarray(upright))
    tensor = preprocess(frame, InputSpec(to_height, to_width, fit=fit))
    np.testing.assert_array_equal(tensor[0], resize(upright, (to_height, to_width), fit))
    assert tensor.flags.writeable
    assert tensor.flags.c_contiguous


@settings(max_examples=120)
@given(cases(formats=YUV, most=50), TARGETS, TARGETS, st.sampled_from(["squash", "crop"]))
def test_a_yuv_frame_is_what_the_specification_says(
    case: Case, to_height: int, to_width: int, fit: str
) -> None:
    frame = case.frame
    assert case.chroma is not None
    height, width = case.luma_or_pixels.shape
    expected = reference_resize.yuv(
        [case.luma_or_pixels, *case.chroma],
        frame.pixel_format.chroma_step,
        (to_height, to_width),
        matrix=frame.color_matrix.value,
        color_range=frame.color_range.value,
        roi=frame.roi or (0, 0, width, height),
        rotation=frame.rotation,
        fit=fit,
    )
    tensor = preprocess(frame, InputSpec(to_height, to_width, fit=fit))
    np.testing.assert_array_equal(tensor[0], expected)


@settings(max_examples=100)
@given(cases(formats=YUV_420, even_roi=True), TARGETS, TARGETS)
def test_an_even_region_of_yuv_is_what_pillow_cuts_and_turns(
    case: Case, to_height: int, to_width: int
) -> None:
    frame = case.frame
    assert case.chroma is not None
    height, width = case.luma_or_pixels.shape
    x, y, wide, tall = frame.roi or (0, 0, width, height)
    assert wide % 2 == tall % 2 == 0
    box = (x // 2, y // 2, wide // 2, tall // 2)
    luma = pillow_turned(case.luma_or_pixels, frame.roi, frame.rotation)
    u, v = (np.asarray(pillow_turned(plane, box, frame.rotation)) for plane in case.chroma)
    upright = Frame(
        *(np.asarray(luma), PixelFormat.I420),
        chroma=(u, v),
        color_matrix=frame.color_matrix,
        color_range=frame.color_range,
    )
    spec = InputSpec(to_height, to_width)
    np.testing.assert_array_equal(preprocess(frame, spec), preprocess(upright, spec))
    np.testing.assert_array_equal(to_rgb(frame), to_rgb(upright))


@settings(max_examples=60)
@given(cases(formats=(PixelFormat.NV12,)), TARGETS, TARGETS)
def test_formats_of_the_same_planes_agree_exactly(
    case: Case, to_height: int, to_width: int
) -> None:
    frame = case.frame
    assert case.chroma is not None
    options = {
        name: getattr(frame, name) for name in ("roi", "rotation", "color_matrix", "color_range")
    }
    spec = InputSpec(to_height, to_width)
    expected = preprocess(frame, spec)
    for pixel_format in YUV_420:
        other = yuv_frame(case.luma_or_pixels, *case.chroma, pixel_format, **options)
        np.testing.assert_array_equal(preprocess(other, spec), expected)


@settings(max_examples=60)
@given(cases(formats=(PixelFormat.GRAY,)), TARGETS, TARGETS, st.sampled_from(YUV))
def test_neutral_chroma_of_full_range_is_gray(
    case: Case, to_height: int, to_width: int, pixel_format: PixelFormat
) -> None:
    gray = case.luma_or_pixels
    neutral = np.full(pixel_format.chroma_shape(*gray.shape), 128, np.uint8)
    frame = yuv_frame(
        *(gray, neutral, neutral, pixel_format),
        rotation=case.frame.rotation,
        roi=case.frame.roi,
        color_range=ColorRange.FULL,
    )
    spec = InputSpec(to_height, to_width)
    np.testing.assert_array_equal(preprocess(frame, spec), preprocess(case.frame, spec))
    np.testing.assert_array_equal(to_rgb(frame), to_rgb(case.frame))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_chroma_stays_where_the_luma_is(rotation: int) -> None:
    # A red left half: its border must stay at the same place in every region and rotation.
    y = np.full((65, 64), 100, np.uint8)
    v = np.full((33, 32), 128, np.uint8)
    v[:, :16] = 200
    for x in range(0, 31):
        frame = Frame(
            *(y, PixelFormat.I420, rotation, (x, x % 5, 64 - x, 60)),
            chroma=(np.full_like(v, 128), v),
            color_range=ColorRange.FULL,
        )
        red = np.rot90(to_rgb(frame)[:, :, 0], k=rotation // 90).astype(float)
        assert red.shape == (60, 64 - x)
        border = (red.mean(axis=0) - 100).sum() / (1.402 * 72)
        assert border == pytest.approx(32 - x, abs=0.35), x


def test_no_array_of_full_resolution_is_made() -> None:
    # 12 megapixels in every format; nothing as large as the luma alone may come to be.
    height, width = 3024, 4032
    spec = InputSpec(392, 392)
    for pixel_format in (f for f in PixelFormat if f is not PixelFormat.YUV_420_888):
        data = bytes(pixel_format.frame_bytes(width, height))
        for rotation in (0, 90):
            frame = Frame.from_buffer(data, width, height, pixel_format, rotation=rotation)
            tracemalloc.start()
            try:
                preprocess(frame, spec)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < 4_000_000, pixel_format


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    luma, u, v = noise(91, 77), noise(46, 39, seed=1), noise(46, 39, seed=2)
    frames = [yuv_frame(luma, u, v, PixelFormat.NV21, rotation=r) for r in (0, 90, 180, 270)]
    frames += [Frame(noise(91, 77, 4), PixelFormat.BGRA, rotation=r) for r in (0, 90, 180, 270)]
    spec = InputSpec(20, 15)
    whole = [preprocess(frame, spec) for frame in frames]
    for pixels in (1, 77, 500):
        monkeypatch.setattr(preprocessing, "_BAND_PIXELS", pixels)
        monkeypatch.setattr(box_reduce, "_BAND_BYTES", pixels)
        for frame, expected in zip(frames, whole, strict=True):
            np.testing.assert_array_equal(preprocess(frame, spec), expected)
