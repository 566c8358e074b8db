"""Camera frames: sizes, strides, offsets, rotations and regions that do or do not fit."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from edgeiqa import Frame, PixelFormat, Scorer
from edgeiqa.imaging.frame import ColorMatrix, ColorRange
from edgeiqa.preprocessing.luma import luma_crop, luma_small
from edgeiqa.preprocessing.resize import preprocess, to_rgb
from tests.fuzz.draw import Draw
from tests.fuzz.target import DrawnTarget, has_text

FORMATS = tuple(PixelFormat)
ODD = (0, -1, -7, 1 << 31, 1 << 40, 1 << 63, 1 << 70, True, 2.0, "8", None)


class Frames(DrawnTarget):
    """Every pixel format by every way in."""

    name = "frame"
    about = (
        "`Frame`, `from_array`, `from_buffer`, `from_planes` of every pixel format with sizes, "
        "strides, offsets, lengths, rotations and regions at random; what is accepted goes "
        "through `preprocess`, `luma_crop`, `luma_small`, `to_rgb` and `Scorer.score`"
    )

    def open(self) -> None:
        """Opens the model, and some bytes to look at."""
        self._scorer = Scorer("nano")
        self._spec = dataclasses.replace(self._scorer.contract.input, width=32, height=32)
        self._bytes = np.random.default_rng(0).integers(0, 256, 1 << 18, dtype=np.uint8)

    def run(self, data: bytes) -> str:
        """Makes a frame and looks at it."""
        draw = Draw(data)
        way = draw.choice((self._buffer, self._buffer, self._planes, self._array, self._direct))
        try:
            frame = way(draw)
        except (ValueError, TypeError) as error:
            has_text(error)
            return type(error).__name__
        self._look(frame, draw)
        return "frame"

    def _look(self, frame: Frame, draw: Draw) -> None:
        """Nothing may fail any more."""
        height, width = frame.size
        assert preprocess(frame, self._spec).shape == (1, 32, 32, 3)
        factor = draw.choice((1, 2, 3, 8, 128))
        assert luma_small(frame, factor).shape == (-(-height // factor), -(-width // factor))
        left, top = draw.integer(0, width - 1), draw.integer(0, height - 1)
        box = (left, top, draw.integer(left + 1, width), draw.integer(top + 1, height))
        assert luma_crop(frame, box).shape == (box[3] - top, box[2] - left)
        assert to_rgb(frame).shape == (height, width, 3)
        if draw.chance(4):
            quality = self._scorer.score(frame)
            assert 0 <= quality.score <= 100, quality
            assert math.isfinite(quality.score), quality

    def _number(self, draw: Draw, usual: int) -> int:
        """Mostly as it should be, sometimes a little off, seldom absurd."""
        if draw.chance(40):
            return draw.choice(ODD)  # type: ignore[return-value]
        return usual + (draw.integer(-3, 3) if draw.chance(8) else 0)

    def _side(self, draw: Draw) -> int:
        return self._number(draw, draw.choice((1, 2, 3, 17, 64, draw.integer(1, 120))))

    def _common(self, draw: Draw, width: int, height: int) -> dict[str, object]:
        options: dict[str, object] = {}
        if draw.chance(2):
            options["rotation"] = self._number(draw, draw.choice((0, 90, 180, 270)))
        if draw.chance(3):
            inner = [draw.integer(0, 40), draw.integer(0, 40), draw.integer(1, 80)]
            options["roi"] = tuple(self._number(draw, side) for side in (*inner, 1))
        if draw.chance(3) and isinstance(width, int) and isinstance(height, int):
            options["roi"] = (0, 0, width, height)
        if draw.chance(3):
            options["color_range"] = draw.choice((*ColorRange, "full"))
        if draw.chance(3):
            options["color_matrix"] = draw.choice((*ColorMatrix, 709))
        if draw.chance(6):
            options["timestamp_ns"] = draw.choice((0, -1, 1 << 80, 1.5))
        return options

    def _piece(self, draw: Draw, length: int) -> object:
        """About so many bytes, as a buffer of some kind."""
        if not 0 <= length <= len(self._bytes):
            length = 1000
        length = max(0, length + (draw.integer(-5, 5) if draw.chance(4) else 0))
        piece = self._bytes[:length]
        kind = draw.integer(0, 7)
        if kind == 0:
            return piece.tobytes()
        if kind == 1:
            return bytearray(piece)
        if kind == 2:
            return memoryview(piece.tobytes())
        if kind == 3:
            return self._bytes[: 2 * length : 2]
        if kind == 4 and draw.chance(6):
            return draw.choice((piece.astype(np.uint16), piece.tolist(), None, "text", 5))
        return piece

    def _buffer(self, draw: Draw) -> Frame:
        pixel_format = draw.choice(FORMATS)
        width, height = self._side(draw), self._side(draw)
        plain = all(type(side) is int and 0 < side < 500 for side in (width, height))
        row = pixel_format.row_bytes(width) if plain else 64
        options = self._common(draw, width, height)
        stride = row
        if draw.chance(2):
            stride = row + draw.integer(0, 20)
            options["row_stride"] = self._number(draw, stride)
        rows = height if plain else 8
        if draw.chance(4):
            options["chroma_row_stride"] = self._number(draw, stride)
        start = stride * rows
        if draw.chance(4):
            start += draw.integer(0, 50)
            options["chroma_offset"] = self._number(draw, start)
        length = start + (stride * (rows // 2 + 1) if pixel_format.is_yuv else 0)
        piece = self._piece(draw, length)
        if isinstance(piece, np.ndarray) and draw.chance(3) and stride > 0:
            usable = len(piece) // stride * stride
            piece = piece[:usable].reshape(-1, stride)
            if draw.chance(2):
                piece = piece[:, : max(1, row)]
            if draw.chance(8):
                piece = piece[::-1] if draw.chance(2) else piece.T
        return Frame.from_buffer(piece, width, height, pixel_format, **options)  # type: ignore[arg-type, call-arg, unused-ignore]

    def _planes(self, draw: Draw) -> Frame:
        pixel_format = draw.choice((PixelFormat.YUV_420_888, *FORMATS))
        width, height = self._side(draw), self._side(draw)
        plain = all(type(side) is int and 0 < side < 500 for side in (width, height))
        options = self._common(draw, width, height)
        shapes = [(8, 8)] * 3
        if plain and pixel_format.is_yuv:
            chroma = pixel_format.chroma_shape(height, width)
            shapes = [(height, width), chroma, chroma]
        steps = [draw.choice((1, 1, 2, 4)) for _ in range(3)] if draw.chance(2) else [1, 1, 1]
        strides = [step * shape[1] for step, shape in zip(steps, shapes, strict=True)]
        if draw.chance(2):
            strides = [stride + draw.integer(0, 9) for stride in strides]
            options["row_strides"] = [self._number(draw, stride) for stride in strides]
        if draw.chance(2) or steps != [1, 1, 1]:
            options["pixel_strides"] = tuple(self._number(draw, step) for step in steps)
        planes = [
            self._piece(draw, stride * shape[0])
            for stride, shape in zip(strides, shapes, strict=True)
        ]
        if draw.chance(3):
            options.pop("row_strides", None)
            options.pop("pixel_strides", None)
            planes = [self._grid(draw, shape) for shape in shapes]
        return Frame.from_planes(*planes, width, height, pixel_format=pixel_format, **options)  # type: ignore[arg-type, call-arg, unused-ignore]

    def _grid(self, draw: Draw, shape: tuple[int, int]) -> np.ndarray:
        rows, columns = (max(0, side + draw.choice((0, 0, 0, 0, 1, -1))) for side in shape)
        step = draw.choice((1, 2, -1))
        grid = self._bytes[: 2 * rows * columns].reshape(rows, -1) if rows else self._bytes[:0]
        return grid[:, ::step][:, :columns] if grid.ndim == 2 else grid

    def _array(self, draw: Draw) -> Frame:
        return Frame.from_array(self._shaped(draw, 2 if draw.chance(3) else 3))

    def _direct(self, draw: Draw) -> Frame:
        pixel_format = draw.choice(FORMATS)
        channels = pixel_format.channels
        pixels = self._shaped(draw, 2 if channels == 1 else 3, channels)
        height, width = pixels.shape[:2] if pixels.ndim > 1 else (1, 1)
        options = self._common(draw, width, height)
        if pixel_format.is_yuv or draw.chance(10):
            shape = pixel_format.chroma_shape(height, width)
            options["chroma"] = (self._grid(draw, shape), self._grid(draw, shape))
        return Frame(pixels, pixel_format, **options)  # type: ignore[arg-type, call-arg, unused-ignore]

    def _shaped(self, draw: Draw, axes: int, channels: int | None = None) -> np.ndarray:
        shape = [draw.choice((1, 2, 30, draw.integer(0, 90))) for _ in range(2)]
        if axes == 3:
            shape.append(draw.choice((1, 3, 3, 4, 4, 2)) if channels is None else channels)
        if draw.chance(20):
            shape.append(2)
        pixels = self._bytes[: math.prod(shape)].reshape(shape)
        if draw.chance(3):
            pixels = pixels[::-1, ::2] if pixels.ndim > 1 else pixels
        if draw.chance(4):
            pixels = np.swapaxes(pixels, 0, 1)
        if draw.chance(6):
            pixels = np.broadcast_to(pixels[:1], pixels.shape)
        if draw.chance(20):
            pixels = pixels.astype(draw.choice((np.float32, np.int8, np.uint16, object, bool)))
        return pixels
