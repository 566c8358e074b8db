"""Decoded pictures of every kind become frames with the same pixels."""

from __future__ import annotations

import av
import numpy as np
import pytest

from edgeiqa.imaging.frame import Frame
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
from edgeiqa.preprocessing.resize import to_rgb
from edgeiqa.sources.av_frame import ColorHint, to_frame
from tests.edgeiqa.sources.videos import picture, scene

BT601, BT709, BT2020 = 5, 1, 9
LIMITED, FULL = 1, 2


def decoded(
    pixels: np.ndarray, pixel_format: str, matrix: int = BT601, values: int = LIMITED
) -> av.VideoFrame:
    """An RGB picture as a decoder would hand it over, tagged."""
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
        format=pixel_format, dst_colorspace=matrix, dst_color_range=values
    )
    frame.colorspace, frame.color_range = matrix, values
    return frame


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1), (17, 2)])
@pytest.mark.parametrize(
    "name", ["rgb24", "bgr24", "rgba", "bgra", "rgb0", "bgr0", "0rgb", "gbrp", "rgb48le", "gbrap"]
)
def test_rgb_of_any_order_is_exact(name: str, size: tuple[int, int]) -> None:
    pixels = picture(*size)
    frame = to_frame(decoded(pixels, name), ColorHint(), 7)
    assert frame.timestamp_ns == 7
    np.testing.assert_array_equal(to_rgb(frame), pixels)


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("yuv420p", PixelFormat.I420),
        ("yuvj420p", PixelFormat.I420),
        ("yuv422p", PixelFormat.YUYV),
        ("nv12", PixelFormat.NV12),
        ("nv21", PixelFormat.NV21),
        ("yuyv422", PixelFormat.YUYV),
        ("gray", PixelFormat.GRAY),
    ],
)
def test_planes_are_looked_at_where_they_lie(
    name: str, kind: PixelFormat, size: tuple[int, int]
) -> None:
    values = FULL if name in ("yuvj420p", "gray") else LIMITED
    source = decoded(picture(*size), name, values=values)
    frame = to_frame(source, ColorHint(), 0)
    assert frame.pixel_format is kind
    assert frame.color_range is (ColorRange.FULL if name == "yuvj420p" else ColorRange.LIMITED)
    # The same bytes, packed by PyAV and read by the way that has its own tests.
    packed = b"".join(
        bytes(
            np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : width(plane, name, index)]
        )
        for index, plane in enumerate(source.planes)
    )
    if name == "yuv422p":
        columns = -(-size[0] // 2)
        luma, half = size[0] * size[1], columns * size[1]
        expected = [
            np.frombuffer(packed[start : start + rows * size[1]], np.uint8).reshape(size[1], rows)
            for start, rows in ((0, size[0]), (luma, columns), (luma + half, columns))
        ]
    else:
        same = Frame.from_buffer(packed, *size, kind)
        expected = [same.pixels, *(same.chroma or ())]
    got = [frame.pixels, *(frame.chroma or ())]
    for plane, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(plane, wanted)
        assert not plane.flags.writeable
    # No copy: what the decoder writes is seen.
    np.frombuffer(source.planes[0], np.uint8)[0] ^= 255
    assert frame.pixels[0, 0] != expected[0][0, 0]


def width(plane: av.video.plane.VideoPlane, name: str, index: int) -> int:
    """Bytes of a row without its padding."""
    if name == "yuyv422":
        return 4 * -(-plane.width // 2)
    return plane.width * (2 if name.startswith("nv") and index == 1 else 1)


@pytest.mark.parametrize("values", [LIMITED, FULL])
@pytest.mark.parametrize("matrix", [BT601, BT709])
@pytest.mark.parametrize(
    "name",
    [
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "nv12",
        "nv16",
        "uyvy422",
        "yuv420p10le",
        "p010le",
        "yuv411p",
    ],
)
def test_colours_survive_matrix_and_range(name: str, matrix: int, values: int) -> None:
    pixels = np.full((48, 64, 3), (200, 60, 30), np.uint8)
    pixels[24:] = (20, 90, 220)
    frame = to_frame(decoded(pixels, name, matrix, values), ColorHint(), 0)
    assert frame.color_matrix is (ColorMatrix.BT709 if matrix == BT709 else ColorMatrix.BT601)
    assert frame.color_range is (ColorRange.FULL if values == FULL else ColorRange.LIMITED)
    got = to_rgb(frame).astype(int)
    # Away from the edge between the colours, where chroma is shared.
    for rows in (slice(0, 20), slice(28, 48)):
        assert np.abs(got[rows] - pixels[rows]).max() <= 4


def test_alpha_goes_to_rgba_and_wide_gamut_to_rgb() -> None:
    pixels = scene()
    alpha = to_frame(decoded(pixels, "yuva420p"), ColorHint(), 0)
    assert alpha.pixel_format is PixelFormat.RGBA
    assert np.abs(to_rgb(alpha).astype(int) - pixels).mean() < 3
    wide = to_frame(decoded(pixels, "yuv420p", BT2020), ColorHint(), 0)
    assert wide.pixel_format is PixelFormat.RGB
    assert np.abs(to_rgb(wide).astype(int) - pixels).mean() < 3


def test_limited_gray_is_stretched() -> None:
    gray = np.repeat(np.arange(16, 236, dtype=np.uint8)[None, :], 4, axis=0)
    source = av.VideoFrame.from_ndarray(gray, format="gray")
    source.color_range = LIMITED
    frame = to_frame(source, ColorHint(), 0)
    assert frame.color_range is ColorRange.LIMITED
    np.testing.assert_array_equal(to_rgb(frame)[0, [0, -1]], [[0, 0, 0], [255, 255, 255]])
    source.color_range = FULL
    full = to_frame(source, ColorHint(), 0)
    np.testing.assert_array_equal(to_rgb(full)[:, :, 0], gray)


@pytest.mark.parametrize(
    ("size", "expected"), [((640, 480), ColorMatrix.BT601), ((1280, 720), ColorMatrix.BT709)]
)
def test_what_the_stream_does_not_say(size: tuple[int, int], expected: ColorMatrix) -> None:
    source = av.VideoFrame(*size, "yuv420p")
    frame = to_frame(source, ColorHint(), 0)
    assert (frame.color_matrix, frame.color_range) == (expected, ColorRange.LIMITED)
    hint = ColorHint(ColorMatrix.BT601, ColorRange.FULL)
    frame = to_frame(source, hint, 0)
    assert (frame.color_matrix, frame.color_range) == (ColorMatrix.BT601, ColorRange.FULL)
