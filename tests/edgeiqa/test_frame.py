"""What a frame accepts, and what it says about what it does not."""

from __future__ import annotations

import numpy as np
import pytest

from edgeiqa.frame import Frame, PixelFormat

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
        ({"pixels": RGB, "pixel_format": "RGB"}, TypeError, "'RGB'.*PixelFormat.RGB"),
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
