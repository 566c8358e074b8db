"""What a frame accepts, and what it says about what it does not."""

from __future__ import annotations

import array
import dataclasses
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings

from edgeiqa.imaging.frame import ColorMatrix, ColorRange, Frame, PixelFormat
from edgeiqa.preprocessing.resize import to_rgb
from tests.edgeiqa.framing import Case, cases, noise
from tests.edgeiqa.pictures import photograph

RGB = np.zeros((40, 60, 3), np.uint8)


def test_channels_follow_the_format() -> None:
    assert [f.channels for f in PixelFormat] == [3, 3, 4, 4, 1] + [1] * 5


def test_size_is_that_of_the_upright_region() -> None:
    assert Frame(RGB).size == (40, 60)
    assert Frame(RGB, rotation=270).size == (60, 40)
    assert Frame(RGB, rotation=90, roi=(10, 5, 20, 30)).size == (20, 30)
    assert Frame(RGB, rotation=180, roi=(0, 0, 60, 40)).size == (40, 60)


def test_numpy_integers_and_lists_are_welcome() -> None:
    frame = Frame(RGB, rotation=np.int64(90), roi=[np.int32(1), 2, 3, 4], timestamp_ns=np.int64(7))  # type: ignore[arg-type]
    assert (frame.rotation, frame.roi, frame.timestamp_ns) == (90, (1, 2, 3, 4), 7)
    assert type(frame.rotation) is int


@pytest.mark.parametrize(
    ("shape", "pixel_format"),
    [
        ((5, 7), PixelFormat.GRAY),
        ((5, 7, 1), PixelFormat.GRAY),
        ((5, 7, 3), PixelFormat.RGB),
        ((5, 7, 4), PixelFormat.RGBA),
    ],
)
def test_from_array_sees_the_format_in_the_shape(
    shape: tuple[int, ...], pixel_format: PixelFormat
) -> None:
    assert Frame.from_array(np.zeros(shape, np.uint8)).pixel_format is pixel_format


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"pixels": [[0]]}, TypeError, "list.*numpy array"),
        ({"pixels": RGB.astype(np.float32)}, TypeError, r"float32.*uint8.*255 \* pixels"),
        ({"pixels": RGB.astype(np.uint16)}, TypeError, "uint16.*>> 8"),
        ({"pixels": RGB.astype(np.int8)}, TypeError, "int8, expected uint8"),
        ({"pixels": RGB[:, :, 0]}, ValueError, r"\(40, 60\).*height, width, 3.*RGB"),
        ({"pixels": RGB, "pixel_format": PixelFormat.BGRA}, ValueError, "width, 4.*BGRA"),
        ({"pixels": RGB, "pixel_format": PixelFormat.GRAY}, ValueError, "height, width.*GRAY"),
        ({"pixels": RGB[:0]}, ValueError, "at least 1x1"),
        ({"pixels": RGB, "pixel_format": "RGBX"}, TypeError, "'RGBX'.*PixelFormat.RGB"),
        ({"pixels": RGB, "rotation": 45}, ValueError, "45.*0, 90, 180 or 270"),
        ({"pixels": RGB, "rotation": -90}, ValueError, "-90"),
        ({"pixels": RGB, "rotation": 90.0}, TypeError, "90.0.*integer"),
        ({"pixels": RGB, "rotation": True}, TypeError, "True.*integer"),
        ({"pixels": RGB, "roi": (0, 0, 61, 40)}, ValueError, "width=61.*width 60 and height 40"),
        ({"pixels": RGB, "roi": (1, 0, 60, 40)}, ValueError, "x=1"),
        ({"pixels": RGB, "roi": (-1, 0, 5, 5)}, ValueError, "x=-1"),
        ({"pixels": RGB, "roi": (0, 0, 0, 5)}, ValueError, "width=0"),
        ({"pixels": RGB, "roi": (0, 0, 5)}, ValueError, r"\(x, y, width, height\)"),
        ({"pixels": RGB, "roi": (0, 0, 5.5, 5)}, TypeError, "5.5.*integer"),
        ({"pixels": RGB, "timestamp_ns": 1.5}, TypeError, "timestamp_ns is 1.5"),
    ],
)
def test_what_does_not_fit_is_named(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Frame(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 40, 60), "channels come last"),
        ((2, 40, 60, 3), "score_batch"),
        ((40, 60, 2), "RGBA"),
        ((40,), "RGBA"),
    ],
)
def test_from_array_explains_other_shapes(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Frame.from_array(np.zeros(shape, np.uint8))


@settings(max_examples=150)
@given(cases())
def test_every_layout_of_memory_is_read_as_it_lies(case: Case) -> None:
    frame = case.frame
    if case.chroma is not None:
        np.testing.assert_array_equal(frame.pixels, case.luma_or_pixels)
        assert frame.chroma is not None
        for got, expected in zip(frame.chroma, case.chroma, strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("pixel_format", [f for f in PixelFormat if f.value != "YUV_420_888"])
@pytest.mark.parametrize("size", [(6, 4), (7, 5), (1, 1), (1, 2), (2, 1)])
def test_frame_bytes_is_what_from_buffer_needs(
    pixel_format: PixelFormat, size: tuple[int, int]
) -> None:
    needed = pixel_format.frame_bytes(*size)
    data = noise(needed + 5)
    frame = Frame.from_buffer(data[:needed].tobytes(), *size, pixel_format)
    assert frame.size == size[::-1]
    np.testing.assert_array_equal(
        to_rgb(frame), to_rgb(Frame.from_buffer(bytearray(data), *size, pixel_format))
    )
    message = f"{size[0]}x{size[1]} {pixel_format.value}.*needs {needed} bytes, got {needed - 1}"
    with pytest.raises(ValueError, match=message):
        Frame.from_buffer(data[: needed - 1], *size, pixel_format)


def test_known_sizes_of_buffers() -> None:
    assert PixelFormat.NV12.frame_bytes(1920, 1080) == 1920 * 1080 * 3 // 2
    assert PixelFormat.I420.frame_bytes(3, 3) == 9 + 2 * 4
    assert PixelFormat.YUYV.frame_bytes(3, 2) == 2 * 8
    assert PixelFormat.BGRA.frame_bytes(3, 2) == 24
    with pytest.raises(ValueError, match="three planes"):
        PixelFormat.YUV_420_888.frame_bytes(4, 4)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, array.array])
def test_buffers_of_every_kind_are_looked_at_not_copied(kind: Any) -> None:
    data = noise(6 * 4 * 3 // 2).tobytes()
    made: Any = kind(data) if kind is not array.array else array.array("B", data)
    frame = Frame.from_buffer(made, 6, 4, PixelFormat.NV21)
    assert frame.chroma is not None
    memory = np.frombuffer(made, np.uint8)
    for view in (frame.pixels, *frame.chroma):
        assert np.shares_memory(view, memory)
    assert frame.pixels[1, 2] == data[8]
    assert frame.chroma[1][0, 0] == data[24]  # V first.
    assert frame.chroma[0][1, 2] == data[35]


@pytest.mark.parametrize("name", ["NV12", "NV21", "I420"])
def test_the_single_array_of_opencv_and_pyav(name: str) -> None:
    rgb = noise(12, 20, 3)
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    y, u, v = np.split(i420.ravel(), [240, 300])
    data = {
        "I420": i420,
        "NV12": np.concatenate([y, np.stack([u, v], 1).ravel()]).reshape(18, 20),
        "NV21": np.concatenate([y, np.stack([v, u], 1).ravel()]).reshape(18, 20),
    }[name]
    frame = Frame.from_buffer(data, 20, 12, PixelFormat[name])
    opencv = cv2.cvtColor(data, getattr(cv2, f"COLOR_YUV2RGB_{name}"))
    np.testing.assert_array_equal(frame.pixels, i420[:12])
    assert frame.chroma is not None
    np.testing.assert_array_equal(frame.chroma[0].ravel(), u)
    np.testing.assert_array_equal(frame.chroma[1].ravel(), v)
    assert opencv.shape == to_rgb(frame).shape
    # Columns cut out of wider rows: no copy where the rows of chroma are as long as those of luma.
    wide = np.pad(data, ((0, 0), (0, 12)))
    if name != "I420":
        cut = Frame.from_buffer(wide[:, :20], 20, 12, PixelFormat[name])
        assert np.shares_memory(cut.pixels, wide)
        np.testing.assert_array_equal(to_rgb(cut), to_rgb(frame))
        whole = Frame.from_buffer(wide, 20, 12, PixelFormat[name])
        np.testing.assert_array_equal(to_rgb(whole), to_rgb(frame))
    np.testing.assert_array_equal(
        to_rgb(Frame.from_buffer(wide[:, :20], 20, 12, PixelFormat[name])), to_rgb(frame)
    )


def test_ffmpegs_planes_of_any_format_agree_with_frames() -> None:
    rgb = np.asarray(photograph())
    for name, pixel_format in (
        *(("nv12", PixelFormat.NV12), ("nv21", PixelFormat.NV21), ("yuv420p", PixelFormat.I420)),
        *(("yuyv422", PixelFormat.YUYV), ("bgr24", PixelFormat.BGR)),
    ):
        video = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=name)
        plane = video.planes[0]
        data = b"".join(bytes(plane) for plane in video.planes)
        options: dict[str, Any] = {}
        if len(video.planes) > 1:
            options["chroma_row_stride"] = video.planes[1].line_size
            options["chroma_offset"] = plane.line_size * plane.height
        frame = Frame.from_buffer(
            *(data, video.width, video.height, pixel_format), row_stride=plane.line_size, **options
        )
        difference = np.abs(to_rgb(frame).astype(int) - rgb)
        assert difference.mean() < 4, name


def test_a_decoder_that_pads_the_height() -> None:
    y, uv = noise(8, 10), noise(4, 10, seed=1)
    data = np.concatenate([np.pad(y[:6], ((0, 2), (0, 6))), np.pad(uv[:3], ((0, 1), (0, 6)))])
    frame = Frame.from_buffer(data.tobytes(), 10, 6, PixelFormat.NV12, row_stride=16,
                              chroma_offset=8 * 16)  # fmt: skip
    np.testing.assert_array_equal(frame.pixels, y[:6])
    assert frame.chroma is not None
    np.testing.assert_array_equal(frame.chroma[0], uv[:3, 0::2])
    np.testing.assert_array_equal(frame.chroma[1], uv[:3, 1::2])


def test_android_planes_may_end_with_the_last_sample() -> None:
    u = bytes(20 * 2 + 2 * 4 + 1)
    Frame.from_planes(bytes(16 * 5 + 9), u, u, 9, 6, row_strides=[16, 20, 20],
                      pixel_strides=(1, 2, 2))  # fmt: skip
    with pytest.raises(
        ValueError, match=r"plane V of 5x3 samples.*stride 20.*needs 49 bytes, got 48"
    ):
        Frame.from_planes(bytes(16 * 5 + 9), u, u[1:], 9, 6, row_strides=[16, 20, 20],
                          pixel_strides=(1, 2, 2))  # fmt: skip


GRAY = np.zeros((4, 6), np.uint8)
HALF = np.zeros((2, 3), np.uint8)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"data": [1, 2]}, TypeError, "list, expected bytes"),
        ({"data": "text"}, TypeError, "str, expected bytes"),
        ({"data": np.full(36, np.nan)}, TypeError, "float64.*uint8"),
        ({"data": memoryview(array.array("f", [0.0] * 36))}, TypeError, "format 'f'.*single bytes"),
        ({"data": np.zeros((4, 6), np.uint16)}, TypeError, "uint16.*>> 8"),
        ({"data": b""}, ValueError, "needs 36 bytes, got 0: 36 are missing"),
        ({"data": np.zeros((6, 5), np.uint8)}, ValueError, "rows of 5 bytes.*6 bytes"),
        ({"data": np.zeros((6, 6, 1, 1), np.uint8)}, ValueError, r"\(6, 6, 1, 1\)"),
        ({"data": np.zeros((6, 8), np.uint8), "row_stride": 6}, ValueError, "8 bytes apart"),
        ({"width": 0}, ValueError, "width is 0"),
        ({"height": -4}, ValueError, "height is -4"),
        ({"width": 6.0}, TypeError, "width is 6.0"),
        ({"row_stride": 5}, ValueError, "row_stride is 5 bytes.*6"),
        ({"row_stride": "8"}, TypeError, "row_stride is '8'"),
        ({"chroma_row_stride": 5}, ValueError, "chroma_row_stride is 5"),
        ({"chroma_offset": 20}, ValueError, "chroma_offset is 20, inside the Y plane"),
        ({"pixel_format": PixelFormat.GRAY, "chroma_offset": 24}, ValueError, "no chroma"),
        ({"pixel_format": PixelFormat.YUV_420_888}, ValueError, "from_planes"),
        ({"pixel_format": "NV13"}, TypeError, "'NV13'.*PixelFormat.NV12"),
        ({"color_matrix": 709}, TypeError, "ColorMatrix.BT709"),
        ({"color_range": "half"}, TypeError, "ColorRange.FULL"),
        ({"roi": (0, 0, 6, 0)}, ValueError, "height=0"),
        ({"roi": (0, 0, 7, 4)}, ValueError, "width 6 and height 4"),
        ({"rotation": 91}, ValueError, "91"),
    ],
)
def test_buffers_that_do_not_fit_are_named(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    fitting = {"data": bytes(36), "width": 6, "height": 4, "pixel_format": PixelFormat.NV12}
    with pytest.raises(error, match=message):
        Frame.from_buffer(**{**fitting, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y": GRAY[:3]}, ValueError, r"Y has the shape \(3, 6\), expected \(4, 6\)"),
        ({"u": HALF.T}, ValueError, r"U has the shape \(3, 2\), expected \(2, 3\).*6x4"),
        ({"v": HALF.astype(float)}, TypeError, "V are float64"),
        ({"v": None}, TypeError, "V is a NoneType"),
        ({"row_strides": (6, 3)}, ValueError, "three: of Y, U and V"),
        ({"row_strides": (6, 3, 3)}, ValueError, "its own strides"),
        ({"y": bytes(24), "row_strides": (5, 3, 3)}, ValueError, "row stride of Y is 5"),
        ({"y": bytes(24), "pixel_strides": (0, 1, 1)}, ValueError, "pixel stride of Y is 0"),
        ({"y": bytes(24), "pixel_strides": (1.0, 1, 1)}, TypeError, "1.0"),
        ({"pixel_format": PixelFormat.RGB}, ValueError, "RGB, expected one of YUV"),
        ({"width": 0}, ValueError, "0x4"),
        ({"pixel_format": PixelFormat.YUYV}, ValueError, r"expected \(4, 3\)"),
    ],
)
def test_planes_that_do_not_fit_are_named(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    fitting: dict[str, Any] = {"y": GRAY, "u": HALF, "v": HALF, "width": 6, "height": 4}
    with pytest.raises(error, match=message):
        Frame.from_planes(**{**fitting, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"pixel_format": PixelFormat.NV12}, ValueError, r"chroma is None.*from_buffer\("),
        ({"pixel_format": PixelFormat.NV12, "chroma": HALF}, ValueError, "a ndarray, expected"),
        ({"pixel_format": PixelFormat.GRAY, "chroma": (HALF, HALF)}, ValueError, "YUV only"),
        ({"pixel_format": PixelFormat.NV12, "pixels": RGB}, ValueError, "of luma.*from_buffer"),
    ],
)
def test_chroma_belongs_to_yuv(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Frame(**{"pixels": GRAY, **arguments})


def test_a_frame_can_be_made_over_with_another_region() -> None:
    frame = Frame.from_buffer(noise(36), 6, 4, PixelFormat.NV12, timestamp_ns=5)
    part = dataclasses.replace(frame, roi=(1, 1, 3, 2), rotation=90)
    assert part.size == (3, 2)
    assert part.timestamp_ns == 5
    assert part.chroma is not None
    assert frame.chroma is not None
    assert all(a is b for a, b in zip(part.chroma, frame.chroma, strict=True))


@pytest.mark.parametrize("name", ["nv21", "NV21"])
def test_formats_are_accepted_by_name(name: str) -> None:
    data = bytes(range(6))
    frame = Frame.from_buffer(data, 2, 2, name, color_matrix="bt709", color_range="full")  # type: ignore[arg-type]
    expected = Frame.from_buffer(
        data,
        *(2, 2, PixelFormat.NV21),
        color_matrix=ColorMatrix.BT709,
        color_range=ColorRange.FULL,
    )
    assert (frame.pixel_format, frame.color_matrix, frame.color_range) == (
        *(expected.pixel_format, expected.color_matrix, expected.color_range),
    )
    assert ColorMatrix("BT.709") is ColorMatrix.BT709


def test_a_frame_has_a_short_repr() -> None:
    pixels = np.zeros((30, 40, 3), np.uint8)
    assert repr(Frame(pixels)) == "Frame(40x30 RGB)"
    turned = Frame(pixels, PixelFormat.BGR, rotation=90, timestamp_ns=5)
    assert repr(turned) == "Frame(30x40 BGR, rotation=90, timestamp_ns=5)"
