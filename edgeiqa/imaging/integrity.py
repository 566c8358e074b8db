"""Detects image files that lost data although decoders accept them.

libjpeg fills in whatever is missing and keeps its warnings to itself; Pillow skips the checksums of
PNG pixels; libheif shows gray tiles. So a photograph of which a quarter was lost in a transfer
decodes without an error. Here the files are checked while they are decoded, at next to no cost:

- JPEG: the decoder gets the entropy-coded data of one scan, or of one restart interval, at a time.
  A sound interval leaves it waiting for a marker. If it waits for more data instead, some was lost;
  if it was done before the end of the data, it lost its way in them. If neither shows, a seam does.
- PNG: the checksum of every chunk of pixels.
- HEIC and AVIF: boxes that reach beyond the end of the file.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from edgeiqa.errors import UnreadableImageError

KEY = "edgeiqa_missing"
"""Key in the `info` of a decoded picture that is damaged; the value is the share 0-1 of its rows
that are known to be missing."""

MAX_SCANS = 100
"""A photograph has 10 to 20 scans; a file that repeats them a thousand times takes minutes."""

MAX_JPEG_BYTES = 1 << 28
"""Larger files are decoded without a check, as checking keeps a file in memory."""

_MAX_CHECKS = 256
"""In files with more restart intervals, only every n-th end of an interval is checked."""

# 0xff not followed by a stuffed 0 or by another 0xff, which is padding.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_EOI, _SOS, _DRI = 0xD9, 0xDA, 0xDD
_RESTARTS = range(0xD0, 0xD8)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE_OR_PROGRESSIVE = frozenset((0xC0, 0xC1, 0xC2))

# Bytes at the end of an interval that are handed over one by one, to see whether they are needed.
_TAIL = 16
# A stuffed 0xff: eight 1 bits, which start no Huffman code, and which a decoder that waits for a
# marker skips. The decoder asks for up to 57 bits at a time, hence eight of them; more than twelve
# could pass for the blocks that are missing.
_PADDING = b"\xff\x00"
_PADDINGS = 12
_WAITING = 4
"""Paddings in a row that a decoder must skip entirely to count as waiting for a marker."""

# See `_has_seam`; chosen on damaged photographs so that none of BIQ2021's 12,000 has a seam.
_MIN_STEP = 4.0
_MIN_RATIO = 9.5
_MIN_AGREEMENT = 0.75
_MIN_PART = 0.6
_MAX_OUTSIDE = 0.2
_MARGIN = 4
_SAMPLED = 96
"""Units in a row from which on they are sampled and not averaged."""

_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)


@dataclass
class _Structure:
    """The markers of a JPEG.

    Attributes:
        intervals: (start, stop) of each run of entropy-coded data between two markers.
        scans: The header of each scan.
        end: One past the end marker; None if there is none.
        checkable: Whether the frame is baseline or progressive, with Huffman coding.
        units: (rows, columns) of the units (MCUs) of an interleaved scan.
        interval_units: Units in a restart interval; 0 without.
        ordered: Whether restart markers are numbered in their order.
    """

    intervals: list[tuple[int, int]] = field(default_factory=list)
    scans: list[bytes] = field(default_factory=list)
    end: int | None = None
    checkable: bool = False
    units: tuple[int, int] = (0, 0)
    interval_units: int = 0
    ordered: bool = True

    @property
    def expected(self) -> int:
        """Number of intervals of a whole file."""
        if len(self.scans) != 1 or not self.interval_units:
            return len(self.intervals)
        return -(-self.units[0] * self.units[1] // self.interval_units)

    @property
    def all_there(self) -> bool:
        """Whether no scan and no restart interval is missing."""
        return len(self.intervals) == self.expected and self.ordered and _complete(self.scans)


def load_jpeg(image: ImageFile.ImageFile, stream: BinaryIO) -> float | None:
    """Decodes the pixels of a JPEG and checks that none are missing.

    The pixels are exactly those of `image.load()`. A file that lacks only its end marker is sound.

    Args:
        image: A JPEG that has not been loaded.
        stream: Its file.

    Returns:
        None for a sound file; for a damaged one the share 0-1 of rows known to be missing.

    Raises:
        OSError: The file is truncated, or the decoder failed.
        UnreadableImageError: It has more than `MAX_SCANS` scans.
    """
    (tile,) = image.tile
    stream.seek(tile[2])
    data = stream.read(MAX_JPEG_BYTES + 1)
    found = _structure(data)
    if len(found.scans) > MAX_SCANS:
        raise UnreadableImageError(f"{len(found.scans)} scans, at most {MAX_SCANS} are decoded")
    if len(data) > MAX_JPEG_BYTES or not found.checkable or not found.intervals:
        image.load()
        return None
    feed = _Feed(image, tile[1], tile[3])
    try:
        step = -(-len(found.intervals) // _MAX_CHECKS)
        checked = found.intervals[::-step]
        outcomes = [feed.interval(data, *interval) for interval in reversed(checked)]
        short = outcomes.count("short")
        # Rows are written once they are complete, on a picture that begins as zeros.
        box = image.im.getbbox() if short else None
        if found.end is None and (short or not found.all_there):
            raise OSError("image file is truncated")
        feed.end(data[: found.end])
    finally:
        feed.close()
    image.tile = []
    if outcomes.count("whole") == len(outcomes) and found.all_there:
        unscaled = image.decoderconfig[:1] in ((), (0,), (1,))
        return 0.0 if unscaled and _has_seam(image, found.units) else None
    if found.expected > len(found.scans):
        absent = found.expected - len(found.intervals) + short * step
        return min(max(absent / found.expected, 0.0), 1.0)
    return 1 - (0 if box is None else box[3]) / image.height if short else 0.0


class _Feed:
    """Pillow's JPEG decoder, fed piece by piece, as `ImageFile.load` does with blocks of a file."""

    def __init__(self, image: ImageFile.ImageFile, extents: Any, args: Any) -> None:
        image.load_prepare()
        self._decoder = Image._getdecoder(image.mode, "jpeg", args, image.decoderconfig)
        self._decoder.setimage(image.im, extents)
        self._left = b""
        self._fed = 0
        self._done = False

    def interval(self, data: bytes, start: int, stop: int) -> str:
        """Feeds all up to the end of an interval; returns "whole", "short" or "lost"."""
        tail = max(start, stop - _TAIL)
        self._give(data[self._fed : tail])
        idle = 0
        for at in range(tail, stop):
            self._give(data[at : at + 1])
            idle += not self._left
        self._fed = stop
        # Constant bytes at the end are padding, as some cameras write it.
        lost = idle >= _TAIL - 2 and len(set(data[tail:stop])) > 2
        waiting = 0
        for _ in range(_PADDINGS):
            self._give(_PADDING)
            waiting = 0 if self._left else waiting + 1
            if waiting == _WAITING or self._done:
                return "lost" if lost else "whole"
        return "short"

    def end(self, data: bytes) -> None:
        """Feeds the rest and the end of the file."""
        self._give(data[self._fed :])
        self._give(b"\xff\xd9")

    def close(self) -> None:
        self._decoder.cleanup()

    def _give(self, piece: bytes) -> None:
        if self._done or not piece:
            return
        self._left = self._left + piece if self._left else piece
        taken, code = self._decoder.decode(self._left)
        if taken >= 0:
            self._left = self._left[taken:]
            return
        self._left, self._done = b"", True
        if code < 0:
            raise OSError(f"decoder error {code}")


def _structure(data: bytes) -> _Structure:
    """Walks the markers of a JPEG."""
    found = _Structure()
    at, start, restart = 0, -1, 0
    while match := _MARKER.search(data, at):
        code = match[0][1]
        if start >= 0:
            found.intervals.append((start, match.start()))
            start = -1
            if code in _RESTARTS:
                start = match.end()
                found.ordered &= code == _RESTARTS[restart % 8]
                restart += 1
        at = match.end()
        if code == _EOI:
            found.end = at
            return found
        if code in _RESTARTS or code in (0x01, 0xD8):
            continue
        stop = at + int.from_bytes(data[at : at + 2], "big")
        body = data[at + 2 : stop]
        if code in _FRAMES:
            found.checkable = code in _BASELINE_OR_PROGRESSIVE and len(body) >= 9
            if found.checkable:
                found.units = _units(body)
        elif code == _DRI:
            found.interval_units = int.from_bytes(body[:2], "big")
        elif code == _SOS:
            found.scans.append(body)
            start, restart = stop, 0
        at = stop
    if start >= 0:
        found.intervals.append((start, len(data)))
    return found


def _units(frame: bytes) -> tuple[int, int]:
    """Returns (rows, columns) of units from the header of a frame."""
    sides = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    factors = frame[7::3] if frame[5] > 1 else b"\x11"
    down = max((factor & 15 for factor in factors), default=1) or 1
    across = max((factor >> 4 for factor in factors), default=1) or 1
    return -(-sides[0] // (8 * down)), -(-sides[1] // (8 * across))


def _complete(scans: list[bytes]) -> bool:
    """Returns whether scans transmit all coefficients to their last bit."""
    missing: dict[int, list[bool]] = {}
    for scan in scans:
        count = scan[0] if scan else 0
        if len(scan) < 4 + 2 * count:
            return False
        first, last, approximation = scan[1 + 2 * count : 4 + 2 * count]
        for component in scan[1 : 1 + 2 * count : 2]:
            rest = missing.setdefault(component, [True] * 64)
            for coefficient in range(first, min(last, 63) + 1):
                rest[coefficient] = bool(approximation & 15)
    return not any(any(rest) for rest in missing.values())


def _has_seam(image: Image.Image, units: tuple[int, int]) -> bool:
    """Returns whether brightness or colour jumps at one unit of a JPEG and stays changed.

    The mean of each block is coded as a difference to the one before. Where data are lost and the
    decoder finds its way again after as many blocks as there were, all that follows is too bright
    by a constant: along a seam that runs to the right below one row of units, and to the left
    below the next, as no edge of a photograph does.

    Args:
        image: Decoded at full size.
        units: (rows, columns) of units.
    """
    rows, columns = units
    if image.mode not in ("L", "RGB") or rows < 4 or columns < 9:
        return False
    height, width = (-(-side // n) for side, n in ((image.height, rows), (image.width, columns)))
    height, width = (8 if side <= 8 else -(-side // 8) * 8 for side in (height, width))
    columns = image.width // width
    while columns >= 2 * _SAMPLED:
        columns, width = columns // 2, 2 * width
    tops = np.arange(1, (image.height - height // 2 - 1) // height + 1) * height
    tops = tops[tops < image.height - 1]
    if columns < _SAMPLED:
        # Means over the width of a unit. Not image.reduce: JPEG 2000 has a number of that name.
        small = np.asarray(Image.Image.reduce(image, (width, 1)))[:, :columns]
        values = small[tops + np.array([[-2], [-1], [0], [1]])].astype(np.float32)
    else:
        # Of so many units, one pixel of each is enough: the middle of blocks that begin half a
        # unit before the rows in question.
        size, right = (columns, len(tops)), columns * width
        starts = range(height // 2 - 2, height // 2 + 2)
        boxes = [(0, start, right, start + len(tops) * height) for start in starts]
        samples = [image.resize(size, Image.Resampling.NEAREST, box) for box in boxes]
        values = np.stack([np.asarray(sample) for sample in samples]).astype(np.float32)
    values = values @ _YCBCR.T if values.ndim == 4 else values[..., np.newaxis]
    above2, above, below, below2 = values
    # The step between two units, less the slope on both sides of it.
    steps = 1.5 * (below - above) - 0.5 * (below2 - above2)
    return any(_is_seam(channel, columns) for channel in steps.reshape(-1, values.shape[3]).T)


def _is_seam(steps: np.ndarray, columns: int) -> bool:
    """Returns whether a run of steps, one row of units long, agrees and stands out."""
    steps = steps.astype(np.float64)
    sums, squares = (np.concatenate([[0.0], np.cumsum(x)]) for x in (steps, steps * steps))
    means = (sums[columns:] - sums[:-columns]) / columns
    variances = (squares[columns:] - squares[:-columns]) / columns - means * means
    ratios = np.abs(means) / np.sqrt(np.maximum(variances, 0.0) / columns + 0.05)
    at = int(np.argmax(ratios))
    mean, split = float(means[at]), columns - at % columns
    if ratios[at] < _MIN_RATIO or abs(mean) < _MIN_STEP:
        return False
    if not _MARGIN <= split <= columns - _MARGIN:
        return False  # The edge of a horizon, a frame or a caption.
    inside = steps[at : at + columns] / mean
    beside = max(2, columns // 8)
    outside = np.concatenate([steps[max(0, at - beside) : at], steps[at + columns :][:beside]])
    parts = inside[:split], inside[split:]
    return bool(
        (inside > 0.5).mean() > _MIN_AGREEMENT
        and min((part > 0.5).mean() for part in parts) > _MIN_PART
        and max(abs(np.median(part) - 1) for part in parts) < 1 - _MIN_PART
        and (not len(outside) or abs(np.median(outside) / mean) < _MAX_OUTSIDE)
    )


def is_png_damaged(stream: BinaryIO) -> bool:
    """Returns whether the checksum of a chunk of PNG pixels is wrong."""
    stream.seek(8)
    while len(header := stream.read(8)) == 8:
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        if kind == b"IEND":
            return False
        if kind not in (b"IDAT", b"fdAT"):
            stream.seek(length + 4, 1)
            continue
        checksum = zlib.crc32(kind)
        while length > 0:
            piece = stream.read(min(length, 1 << 20))
            if not piece:
                return True
            checksum = zlib.crc32(piece, checksum)
            length -= len(piece)
        if stream.read(4) != checksum.to_bytes(4, "big"):
            return True
    return False


def is_heif_damaged(stream: BinaryIO) -> bool:
    """Returns whether a box of an ISO media file, such as HEIC or AVIF, is cut short."""
    size = stream.seek(0, 2)
    at = 0
    while at + 8 <= size:
        stream.seek(at)
        header = stream.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length == 0:  # Up to the end of the file.
            return False
        if length < 8:
            return True
        at += length
    return at != size
