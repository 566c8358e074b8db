"""Extracts the preview of a camera raw: the photograph as the camera developed it.

A raw contains sensor data, which every program develops differently. What can be scored is the
JPEG that the camera embedded in the file.
"""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO

from PIL import Image

from edgeiqa.errors import EdgeIQAError
from edgeiqa.imaging.discovery import RAW_SUFFIXES

_TIFF = (b"II*\0", b"MM\0*")
_MAGICS = (
    *(b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb", b"\0MRM"),
    *(b"II\x1a\0\0\0HEAPCCDR", b"IIII"),
)
"""First bytes of RAF, RW2, ORF (three kinds), X3F, MRW, CRW and IIQ; CR3 and CR2 see below."""

_ORIENTATIONS = {3: 3, 5: 8, 6: 6}
"""LibRaw's `flip` (180 degrees, 90 counter-clockwise, 90 clockwise) as an EXIF orientation."""

_ORIENTATION_TAG = 0x0112
_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706


class RawError(EdgeIQAError, ValueError):
    """A camera raw has no usable preview."""


def is_raw(prefix: bytes, path: str | None) -> bool:
    """Returns whether a file is a camera raw, by its first bytes and, if TIFF-like, its name.

    Args:
        prefix: Its first 16 bytes or more.
        path: Its path, if any; see `is_raw_tiff` for files without one.
    """
    if prefix.startswith(_MAGICS) or prefix[4:12] == b"ftypcrx ":
        return True
    if not prefix.startswith(_TIFF):
        return False
    if prefix[8:10] == b"CR":  # CR2
        return True
    # Pillow would decode a tiny thumbnail instead of the photograph.
    return path is not None and os.path.splitext(path)[1].lower() in RAW_SUFFIXES


def is_raw_tiff(image: Image.Image) -> bool:
    """Returns whether an open TIFF is a raw: a DNG, or a thumbnail followed by sub-images."""
    tags: Any = getattr(image, "tag_v2", None)
    if tags is None:
        return False
    try:
        kind = tags.get(_SUBFILE_TYPE, 0)
        return _DNG_VERSION in tags or (bool(int(kind) & 1) and _SUB_IFDS in tags)
    except (TypeError, ValueError):
        return False


def open_preview(stream: BinaryIO, path: str | None) -> tuple[bytes | Image.Image, int]:
    """Reads the largest preview of a raw, but not the raw data itself.

    Args:
        stream: The file, at any position.
        path: Its path, if any, which avoids reading the whole file.

    Returns:
        The bytes of a JPEG, or an uncompressed preview as a picture of mode RGB; and the EXIF
        orientation that turns it upright if it has none of its own.

    Raises:
        RawError: rawpy is not installed, the file is damaged or from an unknown camera, or it has
            no preview.
    """
    try:
        import rawpy
    except ImportError as error:
        raise RawError(
            'a camera raw: its preview needs rawpy, pip install "edgeiqa[raw]"'
        ) from error
    try:
        with rawpy.imread(_source(stream, path)) as raw:
            preview = raw.extract_thumb()
            sizes = raw.sizes
            if preview.format == rawpy.ThumbFormat.JPEG:
                jpeg = _as_the_camera_wrote_it(bytes(preview.data))
                data: bytes | Image.Image = jpeg
                size = _jpeg_size(jpeg)
            else:
                data = Image.fromarray(preview.data.copy()).convert("RGB")
                size = data.size
    except rawpy.LibRawNoThumbnailError as error:
        raise RawError("a camera raw without a preview") from error
    except rawpy.LibRawUnsupportedThumbnailError as error:
        raise RawError("a camera raw with a preview of an unknown kind") from error
    except Exception as error:  # LibRaw's errors, and others caused by invalid sizes.
        raise RawError(f"a camera raw that cannot be read ({_text(error)})") from error
    sideways = sizes.flip in (5, 6)
    if sideways and size is not None and (size[0] > size[1]) != (sizes.width > sizes.height):
        return data, 1  # The camera has already turned the preview.
    return data, _ORIENTATIONS.get(sizes.flip, 1)


def turn(image: Image.Image, orientation: int) -> None:
    """Applies the orientation of the raw to a preview that has none.

    Args:
        image: The preview, not yet decoded.
        orientation: EXIF orientation, 1-8.
    """
    exif = image.getexif()
    if _ORIENTATION_TAG not in exif:
        exif[_ORIENTATION_TAG] = orientation


def _source(stream: BinaryIO, path: str | None) -> str | BinaryIO:
    if path is not None:
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            path = None
    if path is not None and os.path.isfile(path):
        return path
    stream.seek(0)
    return stream


def _as_the_camera_wrote_it(data: bytes) -> bytes:
    """Removes the EXIF segment that LibRaw prepends to previews that do not begin with one.

    It repeats the orientation of the raw and would override the preview's own, further back.
    """
    if data[:4] != b"\xff\xd8\xff\xe1" or data[6:10] != b"Exif":
        return data
    end = 4 + int.from_bytes(data[4:6], "big")
    return data[:2] + data[end:] if b"dcraw v" in data[:end] else data


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except Exception:  # Reported when the preview is decoded.
        return None


def _text(error: Exception) -> str:
    words: object = error.args[0] if error.args else ""
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return " ".join(said.split())[:200] or type(error).__name__
