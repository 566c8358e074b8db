"""From a decoder's picture to a `Frame`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeiqa.frame import Frame, PixelFormat


@dataclass(frozen=True)
class ColorHint:
    """What the colours of YUV mean where the stream does not say."""


def to_frame(picture: Any, color: ColorHint, timestamp_ns: int) -> Frame:
    """Wraps a decoded picture.

    Args:
        picture: An `av.VideoFrame`.
        color: For YUV whose stream does not say.
        timestamp_ns: When it was taken.
    """
    return Frame(picture.to_ndarray(format="rgb24"), PixelFormat.RGB, timestamp_ns=timestamp_ns)
