"""The upright region of interest of a frame, as views of its planes.

Cropping and rotating cost nothing here: NumPy only changes the start and the strides of a view.
The code that reads a view later (`edgeiqa.preprocessing.box_reduce`) recovers the memory layout
from its strides.
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
        step: (down, across) pixels of the picture per sample.
        lead: (top, left) pixels by which the first sample extends beyond the picture: if a region
            of YUV starts at an odd pixel, half of its first chroma sample is outside.
        bgr: Whether the channels are blue first.
    """

    samples: np.ndarray
    size: tuple[int, int]
    step: tuple[int, int] = (1, 1)
    lead: tuple[int, int] = (0, 0)
    bgr: bool = False

    def cut(self, box: Box) -> Plane:
        """Returns the part of the plane that covers a box of the picture.

        Args:
            box: (left, top, right, bottom) in pixels, inside the picture; right and bottom are
                exclusive.
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
        """Returns the plane turned clockwise by 0, 90, 180 or 270 degrees."""
        plane = self
        for _ in range(rotation // 90):
            # The bottom becomes the left side, including what extends beyond the picture there.
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
    """Returns the planes of a frame, cropped to its region of interest and turned upright.

    Args:
        frame: Any frame.

    Returns:
        One plane of pixels, [height, width] for GRAY and otherwise with channels; or the three
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
    """Returns the first and last (exclusive) sample that cover a stretch, and the lead."""
    first = start // step
    return first, -(-stop // step), start - first * step
