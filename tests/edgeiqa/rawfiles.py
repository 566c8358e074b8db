"""Camera raws for the tests: the smallest DNG that LibRaw takes for one."""

from __future__ import annotations

import struct

# Type numbers of TIFF, and how values of a type are packed.
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
_PACKED = {BYTE: "B", SHORT: "H", LONG: "I"}

Tag = tuple[int, int, object]


def dng(
    preview: bytes | None,
    preview_size: tuple[int, int] = (0, 0),
    *,
    orientation: int = 1,
    raw_size: tuple[int, int] = (96, 64),
) -> bytes:
    """A little-endian DNG of gray sensor data with a thumbnail and, if there is one, a preview.

    Args:
        preview: A JPEG, or None.
        preview_size: Its (width, height).
        orientation: As of EXIF, of the sensor's picture and of the previews that say nothing.
        raw_size: (width, height) of the sensor.
    """
    width, height = raw_size
    sensor = struct.pack("<H", 2000) * (width * height)
    blobs: list[bytes] = [sensor]
    raw_tags: list[Tag] = [
        (254, LONG, [0]),
        (256, LONG, [width]),
        (257, LONG, [height]),
        (258, SHORT, [16]),
        (259, SHORT, [1]),
        (262, SHORT, [32803]),
        (273, LONG, ["blob 0"]),
        (277, SHORT, [1]),
        (278, LONG, [height]),
        (279, LONG, [len(sensor)]),
        (33421, SHORT, [2, 2]),
        (33422, BYTE, [0, 1, 1, 2]),
    ]
    directories = [raw_tags]
    if preview is not None:
        blobs.append(preview)
        directories.append(
            [
                (254, LONG, [1]),
                (256, LONG, [preview_size[0]]),
                (257, LONG, [preview_size[1]]),
                (258, SHORT, [8, 8, 8]),
                (259, SHORT, [7]),
                (262, SHORT, [6]),
                (273, LONG, ["blob 1"]),
                (277, SHORT, [3]),
                (278, LONG, [preview_size[1]]),
                (279, LONG, [len(preview)]),
            ]
        )
    thumbnail = bytes(12 * 8 * 3)
    blobs.append(thumbnail)
    first: list[Tag] = [
        (254, LONG, [1]),
        (256, LONG, [12]),
        (257, LONG, [8]),
        (258, SHORT, [8, 8, 8]),
        (259, SHORT, [1]),
        (262, SHORT, [2]),
        (271, ASCII, b"Edge\0"),
        (272, ASCII, b"Model One\0"),
        (273, LONG, [f"blob {len(blobs) - 1}"]),
        (274, SHORT, [orientation]),
        (277, SHORT, [3]),
        (278, LONG, [8]),
        (279, LONG, [len(thumbnail)]),
        (330, LONG, [f"directory {n + 1}" for n in range(len(directories))]),
        (50706, BYTE, [1, 4, 0, 0]),
        (50708, ASCII, b"Edge Model One\0"),
        (50721, SRATIONAL, [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1]),
        (50778, SHORT, [21]),
    ]
    if preview is None:
        # Without any picture for people but the sensor's own.
        first = [t for t in first if t[0] not in (254, 258, 273, 278, 279, 256, 257, 277, 262, 259)]
        blobs.pop()
        sub = next(t for t in first if t[0] == 330)
        first = sorted([*(t for t in first if t is not sub), *raw_tags], key=lambda tag: tag[0])
        directories = []
    return _written([first, *directories], blobs)


def _written(directories: list[list[Tag]], blobs: list[bytes]) -> bytes:
    """A TIFF file; values "blob N" and "directory N" become the places of these."""
    places: dict[str, int] = {}
    at = 8
    for number, tags in enumerate(directories):
        places[f"directory {number}"] = at
        at += 2 + 12 * len(tags) + 4
    extra_at = at
    extra_size = sum(len(_packed(tag, {})) + 1 for tags in directories for tag in tags)
    at += extra_size
    for number, blob in enumerate(blobs):
        places[f"blob {number}"] = at
        at += len(blob)
    body, extra = b"", b""
    for tags in directories:
        body += struct.pack("<H", len(tags))
        for tag in tags:
            data = _packed(tag, places)
            count = len(data) // {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8}.get(tag[1], 8)
            if len(data) > 4:
                value = struct.pack("<I", extra_at + len(extra))
                extra += data
            else:
                value = data.ljust(4, b"\0")
            body += struct.pack("<HHI", tag[0], tag[1], count) + value
        body += struct.pack("<I", 0)
    extra = extra.ljust(extra_size, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + body + extra + b"".join(blobs)


def _packed(tag: Tag, places: dict[str, int]) -> bytes:
    _, kind, values = tag
    if isinstance(values, bytes):
        return values
    assert isinstance(values, list)
    numbers = [places.get(value, 0) if isinstance(value, str) else value for value in values]
    return struct.pack(f"<{len(numbers)}{_PACKED.get(kind, 'i')}", *numbers)
