"""What a file says about its picture without being decoded: size and capture time."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass

from PIL import ExifTags, Image

from edgeiqa.imaging.decode import open_picture
from edgeiqa.imaging.openers import identify

_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


@dataclass(frozen=True)
class Metadata:
    """What the header of a file says.

    Attributes:
        width: Of the upright picture, in pixels; None if it is unknown.
        height: As `width`.
        taken: The capture time as ISO 8601, with an offset if the camera recorded one.
    """

    width: int | None = None
    height: int | None = None
    taken: str | None = None


def read_metadata(source: str | bytes | bytearray | memoryview) -> Metadata:
    """Reads the header of a file, given by its path or its bytes; never raises for its content."""
    # A pipe could be read only once.
    if isinstance(source, str) and not os.path.isfile(source):
        return Metadata()
    try:
        with open_picture(source) if isinstance(source, str) else io.BytesIO(source) as stream:
            image = identify(stream, None)
            if image is None:
                return Metadata()
            with image:
                width, height = image.size
                exif = image.getexif()
                if exif.get(ExifTags.Base.Orientation, 1) in _TURNED:
                    width, height = height, width
                return Metadata(width, height, _taken(exif))
    except Exception:  # Broken metadata is no reason for an error.
        return Metadata()


def _taken(exif: Image.Exif) -> str | None:
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    day, _, time = _text(tags.get(ExifTags.Base.DateTimeOriginal))[:19].partition(" ")
    digits = (day + time).replace(":", "")
    if len(digits) != 14 or not digits.isdecimal() or not digits.isascii() or digits[:4] == "0000":
        return None
    fraction = _text(tags.get(ExifTags.Base.SubsecTimeOriginal))
    fraction = f".{fraction[:9]}" if fraction.isascii() and fraction.isdigit() else ""
    offset = _text(tags.get(ExifTags.Base.OffsetTimeOriginal))
    with contextlib.suppress(ValueError):
        if len(offset) == 6 and offset[0] in "+-" and offset[3] == ":":
            int(offset[1:3]), int(offset[4:])
            return f"{day.replace(':', '-')}T{time}{fraction}{offset}"
    return f"{day.replace(':', '-')}T{time}{fraction}"


def _text(value: object) -> str:
    return str(value or "").strip("\0 ")
