"""The upright region of interest of a frame, as views of its planes.

Cropping and rotating are free here: NumPy only changes the start and the strides of a view. What
reads a view later (`edgeiqa.preprocessing.box_reduce`) sees from its strides how the memory
really lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeiqa.imaging.frame import Frame, PixelFormat

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Plane:
    """Samples over the area of a picture, one per pixel or fewer.

    Attributes:
        samples: uint8 [rows, columns], [rows, columns, 3] or [rows, columns, 4], a view.
        size: (height, width) of the picture, in its pixels.
        step: (down, across) pixels of the picture that a sample stands for.
        lead: (top, left) pixels by which the first sample begins before the picture: where a
            region of YUV starts at an odd pixel, half of its first chroma sample is outside.
        bgr: Whether the channels are blue first.
    """

    samples: np.ndarray
    size: tuple[int, int]
    step: tuple[int, int] = (1, 1)
    lead: tuple[int, int] = (0, 0)
    bgr: bool = False

    def cut(self, box: Box) -> Plane:
        """The part of it that lies over a box of the picture.

        Args:
            box: (left, top, right, bottom) in pixels of the picture, inside of it; right and
                bottom are exclusive.
        """
        left, top, right, bottom = box
        (first_y, last_y, lead_y), (first_x, last_x, lead_x) = (
            _covering(start + lead, stop + lead, step)
            for start, stop, lead, step in zip(
                (top, left), (bottom, right), self.lead, self.step, strict=True
            )
        )
        samples = self.samples[first_y:last_y, first_x:last_x]
        size = bottom - top, right - left
        return Plane(samples, size, self.step, (lead_y, lead_x), self.bgr)

    def turned(self, rotation: int) -> Plane:
        """The same turned clockwise by 0, 90, 180 or 270 degrees."""
        plane = self
        for _ in range(rotation // 90):
            # What was at the bottom comes to the left, and what sticks out there with it.
            below = len(plane.samples) * plane.step[0] - plane.size[0] - plane.lead[0]
            plane = Plane(
                np.rot90(plane.samples, k=-1),
                plane.size[::-1],
                plane.step[::-1],
                (plane.lead[1], below),
                self.bgr,
            )
        return plane


def planes(frame: Frame) -> tuple[Plane, ...]:
    """What a frame consists of, cut to its region of interest and turned upright.

    Args:
        frame: Any frame.

    Returns:
        One plane of pixels, of shape [height, width] for GRAY and else with channels; or three
        planes Y, U and V.
    """
    pixels = frame.pixels
    if frame.pixel_format is PixelFormat.GRAY and pixels.ndim == 3:
        pixels = pixels[:, :, 0]
    size = (pixels.shape[0], pixels.shape[1])
    bgr = frame.pixel_format in (PixelFormat.BGR, PixelFormat.BGRA)
    found = [Plane(pixels, size, bgr=bgr)]
    step = frame.pixel_format.chroma_step
    found += [Plane(samples, size, step) for samples in frame.chroma or ()]
    if frame.roi is not None:
        x, y, width, height = frame.roi
        found = [plane.cut((x, y, x + width, y + height)) for plane in found]
    return tuple(plane.turned(frame.rotation) for plane in found)


def _covering(start: int, stop: int, step: int) -> tuple[int, int, int]:
    """First and last (exclusive) sample over a stretch of pixels, and how much is before it."""
    first = start // step
    return first, -(-stop // step), start - first * step
