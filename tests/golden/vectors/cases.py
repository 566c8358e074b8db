"""The inputs of the vectors: which bytes, and how they are to be read.

A case is plain JSON: `buffers` as `memory.make` makes them and `frame` as `frames.build` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeiqa import ColorMatrix, ColorRange, PixelFormat
from tests.golden.vectors.internals import golden_pictures, to_yuv

Case = dict[str, Any]

# Slopes of the two waves, their strength, brightness, noise, and how the channels differ.
_STYLES: dict[str, dict[str, Any]] = {
    "smooth": {"slopes": [3, 2, 1, 2], "gain": 256, "base": 0, "noise": 0, "tint": 40},
    "sharp": {"slopes": [97, 31, 53, 71], "gain": 256, "base": 0, "noise": 12, "tint": 90},
    "noisy": {"slopes": [5, 3, 2, 7], "gain": 200, "base": 20, "noise": 160, "tint": 25},
    "dark": {"slopes": [11, 6, 4, 9], "gain": 40, "base": 2, "noise": 8, "tint": 60},
    "bright": {"slopes": [7, 5, 9, 4], "gain": 256, "base": 150, "noise": 4, "tint": 70},
    "faint": {"slopes": [13, 8, 6, 3], "gain": 24, "base": 110, "noise": 2, "tint": 30},
}

_PARTS = ((90, (31, 22, 901, 733)), (180, (8, 6, 1190, 840)), (270, (13, 9, 777, 880)))
_WHOLE = tuple(f for f in PixelFormat if f is not PixelFormat.YUV_420_888)

# Name of a golden picture: (left, top, width, height) cut out, and the formats it is kept in.
_PHOTOS: dict[str, tuple[tuple[int, int, int, int], tuple[PixelFormat, ...]]] = {
    "coffee": ((100, 60, 192, 129), (PixelFormat.RGB, PixelFormat.NV21, PixelFormat.I420)),
    "chelsea+dark": ((120, 40, 191, 128), (PixelFormat.BGR, PixelFormat.NV12)),
    "flower+noisy": ((150, 80, 192, 128), (PixelFormat.RGB, PixelFormat.YUYV)),
    "rocket+blurred": ((130, 20, 160, 121), (PixelFormat.RGB, PixelFormat.NV21)),
    "china+bright": ((60, 90, 192, 128), (PixelFormat.RGB,)),
    "astronaut+mosaic": ((90, 30, 192, 128), (PixelFormat.RGB,)),
    "raccoon": ((180, 130, 480, 360), (PixelFormat.NV21,)),
}


def photo_files() -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files with photographs, as raw pixels without padding."""
    pictures = dict(golden_pictures())
    for title, (box, formats) in _PHOTOS.items():
        left, top, width, height = box
        rgb = np.ascontiguousarray(pictures[title][top : top + height, left : left + width])
        for pixel_format in formats:
            name = f"{title.replace('+', '-')}.{rgb.shape[1]}x{rgb.shape[0]}"
            yield f"bytes/{name}.{pixel_format.value.lower()}", _as_bytes(rgb, pixel_format)


def _as_bytes(rgb: np.ndarray, pixel_format: PixelFormat) -> bytes:
    if pixel_format is PixelFormat.BGR:
        return rgb[:, :, ::-1].tobytes()
    if pixel_format is PixelFormat.RGB:
        return rgb.tobytes()
    y, u, v = to_yuv(rgb, pixel_format)
    if pixel_format is PixelFormat.I420:
        return y.tobytes() + u.tobytes() + v.tobytes()
    if pixel_format is PixelFormat.YUYV:
        even = np.pad(y, ((0, 0), (0, y.shape[1] % 2)), mode="edge")
        return np.stack([even[:, 0::2], u, even[:, 1::2], v], axis=2).tobytes()
    first, second = (u, v) if pixel_format is PixelFormat.NV12 else (v, u)
    return y.tobytes() + np.stack([first, second], axis=2).tobytes()


def cases() -> Iterator[Case]:
    """All of them, each with a name of its own."""
    yield from _photographs()
    yield from _formats()
    yield from _small()
    yield from _turns()
    yield from _colours()
    yield from _strides()
    yield from _planes()
    yield from _large()


def _photographs() -> Iterator[Case]:
    for file, data in photo_files():
        title, size, suffix = file.removeprefix("bytes/").rsplit(".", 2)
        width, height = map(int, size.split("x"))
        frame = {"format": suffix.upper(), "width": width, "height": height, "buffer": 0}
        buffers = [{"kind": "file", "file": file, "length": len(data)}]
        yield {"name": f"photo {title} {suffix}", "buffers": buffers, "frame": frame}


def _formats() -> Iterator[Case]:
    """Every format, small and upright; large; and in turned regions at odd and even pixels."""
    styles = list(_STYLES)
    for number, pixel_format in enumerate(PixelFormat):
        name, style = pixel_format.value, styles[number % len(styles)]
        yield _case(f"{name} small odd", pixel_format, 129, 97, style, padding=7)
        yield _case(f"{name} whole", pixel_format, 1201, 903, style, padding=10)
        for rotation, roi in _PARTS:
            title = f"{name} {rotation} roi {' '.join(map(str, roi))}"
            more: Case = {"rotation": rotation, "roi": list(roi)}
            yield _case(title, pixel_format, 1201, 903, style, padding=10, **more)


def _small() -> Iterator[Case]:
    for pixel_format in PixelFormat:
        yield _case(f"{pixel_format.value} 1x1", pixel_format, 1, 1, "bright")
    for pixel_format, width, height in (
        (PixelFormat.RGB, 700, 1),
        (PixelFormat.NV21, 1, 700),
        (PixelFormat.I420, 3, 3),
        (PixelFormat.NV12, 2, 2),
        (PixelFormat.YUYV, 5, 1),
        (PixelFormat.RGBA, 1, 5),
        (PixelFormat.GRAY, 63, 65),
        (PixelFormat.YUV_420_888, 65, 63),
        (PixelFormat.RGB, 9001, 3),
        (PixelFormat.NV12, 3, 9001),
    ):
        title = f"{pixel_format.value} {width}x{height}"
        yield _case(title, pixel_format, width, height, "sharp")


def _turns() -> Iterator[Case]:
    for pixel_format in (PixelFormat.NV21, PixelFormat.YUYV, PixelFormat.BGRA):
        for rotation in (90, 180, 270):
            title = f"{pixel_format.value} {rotation} odd"
            yield _case(title, pixel_format, 641, 479, "sharp", rotation=rotation)


def _colours() -> Iterator[Case]:
    kinds = (PixelFormat.NV21, PixelFormat.I420, PixelFormat.YUYV, PixelFormat.YUV_420_888)
    for number, pixel_format in enumerate(kinds):
        style = list(_STYLES)[number]
        for matrix in ColorMatrix:
            for color_range in ColorRange:
                title = f"{pixel_format.value} {matrix.value} {color_range.value}"
                more: Case = {"matrix": matrix.value, "range": color_range.value}
                yield _case(title, pixel_format, 320, 240, style, **more)


def _strides() -> Iterator[Case]:
    layouts: tuple[tuple[str, PixelFormat, Case], ...] = (
        ("NV21 last row unpadded", PixelFormat.NV21, {"padding": 32, "last": False}),
        ("NV12 own chroma stride", PixelFormat.NV12, {"padding": 3, "chroma_padding": 45}),
        ("NV21 padded height", PixelFormat.NV21, {"padding": 0, "gap": 8 * 417}),
        ("I420 odd stride", PixelFormat.I420, {"padding": 8}),
        ("I420 own chroma stride", PixelFormat.I420, {"padding": 0, "chroma_padding": 23}),
        ("I420 padded height", PixelFormat.I420, {"padding": 15, "gap": 999}),
        ("YUYV padded", PixelFormat.YUYV, {"padding": 62, "last": False}),
        ("RGB padded", PixelFormat.RGB, {"padding": 1, "last": False}),
        ("GRAY padded", PixelFormat.GRAY, {"padding": 95, "last": False}),
        ("RGBA more bytes than needed", PixelFormat.RGBA, {"padding": 0, "surplus": 1234}),
    )
    for name, pixel_format, more in layouts:
        yield _case(f"stride {name}", pixel_format, 417, 311, "smooth", **more)


def _planes() -> Iterator[Case]:
    """Planes as phones hand them over, and some that nobody does but everybody may."""
    for name, width, height, row_strides, pixel_strides, more in (
        ("pixel stride 1", 640, 480, (640, 320, 320), (1, 1, 1), {}),
        ("row stride 896", 864, 480, (896, 896, 896), (1, 2, 2), {"rotation": 90}),
        ("odd, pixel stride 2", 351, 289, (384, 384, 384), (1, 2, 2), {"rotation": 270}),
        ("pixel stride 3", 99, 77, (300, 170, 200), (3, 3, 4), {"rotation": 180}),
        ("crop rectangle", 640, 480, (640, 640, 640), (1, 2, 2), {"roi": [3, 5, 501, 401]}),
    ):
        shapes = [(height, width), *[(-(-height // 2), -(-width // 2))] * 2]
        buffers, planes = [], []
        for number, (rows, columns) in enumerate(shapes):
            row, pixel = row_strides[number], pixel_strides[number]
            length = row * (rows - 1) + pixel * (columns - 1) + 1
            buffers.append(_waves("sharp", length, row, pixel, seed=number))
            planes.append({"buffer": number, "rowStride": row, "pixelStride": pixel})
        frame = {"format": "YUV_420_888", "width": width, "height": height, "planes": planes}
        frame |= {"matrix": "BT.601", "range": "full", **more}
        yield {"name": f"planes {name}", "buffers": buffers, "frame": frame}


def _large() -> Iterator[Case]:
    for pixel_format, width, height, style, more in (
        (PixelFormat.NV21, 1920, 1080, "sharp", {}),
        (PixelFormat.I420, 1920, 1080, "smooth", {}),
        (PixelFormat.NV12, 1920, 1080, "noisy", {"rotation": 90, "matrix": "BT.709"}),
        (PixelFormat.RGBA, 1920, 1080, "faint", {"rotation": 180}),
        (PixelFormat.YUV_420_888, 1920, 1080, "dark", {"rotation": 270, "range": "full"}),
        (PixelFormat.RGB, 4032, 3024, "sharp", {}),
        (PixelFormat.RGBA, 4000, 3000, "noisy", {"roi": [1, 2, 3997, 2995]}),
        (PixelFormat.NV21, 4032, 3024, "smooth", {"rotation": 90, "range": "full"}),
        (PixelFormat.I420, 4033, 3025, "sharp", {}),
        (PixelFormat.YUV_420_888, 4032, 3024, "noisy", {"rotation": 270, "range": "full"}),
        (PixelFormat.GRAY, 4032, 3024, "sharp", {"rotation": 180}),
    ):
        title = f"{pixel_format.value} {width}x{height}"
        yield _case(title, pixel_format, width, height, style, **more)
    yield {
        "name": "RGB noise 1000x750",
        "buffers": [{"kind": "lcg", "seed": 7, "length": 1000 * 750 * 3}],
        "frame": {"format": "RGB", "width": 1000, "height": 750, "buffer": 0},
    }


def _case(
    name: str,
    pixel_format: PixelFormat,
    width: int,
    height: int,
    style: str,
    *,
    padding: int = 0,
    chroma_padding: int | None = None,
    last: bool = True,
    gap: int = 0,
    surplus: int = 0,
    **more: Any,
) -> Case:
    """A case in one buffer, or for YUV_420_888 in the two of which Android makes three planes.

    Args:
        name: Of the case.
        pixel_format: Any.
        width: Of the buffer in pixels.
        height: As `width`.
        style: One of `_STYLES`.
        padding: Bytes after each row.
        chroma_padding: The same of rows of chroma, where it is to be told from the default.
        last: Whether the last row of all is padded as well.
        gap: Bytes between luma and chroma.
        surplus: Bytes after everything.
        more: Further keys of the frame.
    """
    frame: dict[str, Any] = {"format": pixel_format.value, "width": width, "height": height}
    if pixel_format is PixelFormat.YUV_420_888:
        return _android(name, frame | more, style, padding)
    row = pixel_format.row_bytes(width)
    stride = row + padding
    frame["buffer"] = 0
    if padding:
        frame["rowStride"] = stride
    rows, columns = pixel_format.chroma_shape(height, width)
    length = stride * height - (0 if last else padding)
    if pixel_format in (PixelFormat.NV12, PixelFormat.NV21, PixelFormat.I420):
        planar = pixel_format is PixelFormat.I420
        chroma_row = columns if planar else 2 * columns
        chroma_stride = max(chroma_row, -(-stride // 2) if planar else stride)
        if chroma_padding is not None:
            chroma_stride = chroma_row + chroma_padding
            frame["chromaRowStride"] = chroma_stride
        start = stride * height + gap
        if gap:
            frame["chromaOffset"] = start
        length = start + chroma_stride * rows * (2 if planar else 1)
        length -= 0 if last else chroma_stride - chroma_row
    unit = {PixelFormat.YUYV: 2}.get(pixel_format, pixel_format.channels)
    buffers = [_waves(style, length + surplus, stride, unit)]
    return {"name": name, "buffers": buffers, "frame": frame | more}


def _android(name: str, frame: dict[str, Any], style: str, padding: int) -> Case:
    """Y for itself; V and U in one memory of V U V U ..., in which U begins one byte later."""
    width, height = frame["width"], frame["height"]
    rows, columns = -(-height // 2), -(-width // 2)
    stride, chroma_stride = width + padding, 2 * columns + padding
    chroma_length = chroma_stride * (rows - 1) + 2 * columns
    buffers = [
        _waves(style, stride * (height - 1) + width, stride, 1),
        _waves(style, chroma_length, chroma_stride, 2, seed=1),
    ]
    frame["planes"] = [
        {"buffer": 0, "rowStride": stride, "pixelStride": 1},
        {"buffer": 1, "offset": 1, "rowStride": chroma_stride, "pixelStride": 2},
        {"buffer": 1, "rowStride": chroma_stride, "pixelStride": 2, "length": chroma_length - 1},
    ]
    return {"name": name, "buffers": buffers, "frame": frame}


def _waves(style: str, length: int, stride: int, unit: int, seed: int = 0) -> dict[str, Any]:
    numbers = {"length": length, "stride": stride, "unit": unit, "seed": seed}
    return {"kind": "waves", **numbers, **_STYLES[style]}
