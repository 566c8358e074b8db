"""Sorts photographs into moments: taken one after the other, of the same scene.

Two photographs belong together if one camera took them within a short time and they look alike.
One that does not know when it was taken (an export, a download) also belongs to whatever looks
the same but for small things. What belongs to the same photograph belongs together.

Likeness is the correlation of small gray copies, 16 x 16 pixels: 1 for the same picture, about 0
for unlike ones. Exposure and blur hardly change it; another view does.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import ExifTags, Image

from edgeiqa.imaging.decode import decode_small
from edgeiqa.imaging.thumbprint import _SIDE, SAME, look_of

GAP_S = 2.0
LIKENESS = 0.7

"""Likeness from which on a photograph without a capture time is taken for another's copy."""

_CHUNK = 1024


@dataclass(frozen=True)
class Photo:
    """What is known about a photograph before it is scored.

    Attributes:
        path: As it was named.
        taken: Seconds; by the camera's clock since 1970, in UTC where the file tells the
            offset, or else the file's modification time.
        exif_time: Whether `taken` comes from EXIF.
        camera: Make, model and serial number; empty if unknown.
        look: float32 [256], the small copy with mean 0 and length 1; all 0 for an even area.
        level: Mean of the luma, 0-255.
    """

    path: str
    taken: float
    exif_time: bool
    camera: str
    look: np.ndarray = field(repr=False, compare=False)
    level: float = 0.0

    @property
    def order(self) -> tuple[float, str, str]:
        """By which the photographs of a moment are sorted; moving a file does not change it."""
        return self.taken, os.path.basename(self.path), self.path


def read_photo(path: str) -> Photo:
    """Looks at a file: when, with what, and a small copy.

    Args:
        path: A picture.

    Returns:
        What it says.

    Raises:
        UnreadableImageError: No picture can be had from it.
        OSError: It vanished.
    """
    small, exif = decode_small(path, 4 * _SIDE)
    taken = capture_time(exif)
    look, level = look_of(small)
    seconds = os.stat(path).st_mtime if taken is None else taken
    return Photo(path, seconds, taken is not None, camera_of(exif), look, level)


def capture_time(exif: Image.Exif) -> float | None:
    """When a photograph was taken: DateTimeOriginal, SubSecTimeOriginal, OffsetTimeOriginal.

    Args:
        exif: Its tags.

    Returns:
        Seconds since 1970; taken for UTC where the offset is unknown, which is right between
        photographs of one camera. None where there is no time, or no valid one.
    """
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    text = str(tags.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
    try:
        moment = datetime.datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:  # Cameras whose clock was never set write zeros or blanks.
        return None
    seconds = moment.replace(tzinfo=datetime.timezone.utc).timestamp()
    digits = str(tags.get(ExifTags.Base.SubsecTimeOriginal, "")).strip("\0 ")
    if digits.isascii() and digits.isdigit():
        seconds += float(f"0.{digits}")
    for tag in (ExifTags.Base.OffsetTimeOriginal, ExifTags.Base.OffsetTime):
        offset = _offset(str(tags.get(tag, "")).strip("\0 "))
        if offset is not None:
            return seconds - offset
    return seconds


def _offset(text: str) -> float | None:
    """Seconds east of Greenwich out of "+02:00"."""
    try:
        found = datetime.datetime.strptime(text, "%z").utcoffset()
    except ValueError:
        return None
    return None if found is None else found.total_seconds()


def camera_of(exif: Image.Exif) -> str:
    """Make, model and serial number, as far as the tags tell."""
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    values = (
        exif.get(ExifTags.Base.Make),
        exif.get(ExifTags.Base.Model),
        tags.get(ExifTags.Base.BodySerialNumber),
    )
    return " ".join(str(value).strip("\0 ") for value in values if value)


def likeness(first: Photo, second: Photo) -> float:
    """How alike two photographs look: -1 to 1; even areas are alike if they are as bright."""
    return float(_likenesses([first], [second])[0, 0])


def _likenesses(some: Sequence[Photo], others: Sequence[Photo]) -> np.ndarray:
    """float32 [some, others]."""
    a, b = (np.stack([photo.look for photo in photos]) for photos in (some, others))
    even_a, even_b = ~a.any(axis=1), ~b.any(axis=1)
    found = a @ b.T
    levels = [np.array([photo.level for photo in photos]) for photos in (some, others)]
    as_bright = np.abs(levels[0][:, np.newaxis] - levels[1]) < 32
    return np.where(np.outer(even_a, even_b) & as_bright, np.float32(1), found)


def moments(
    photos: Sequence[Photo], *, gap_s: float = GAP_S, least_likeness: float = LIKENESS
) -> list[list[Photo]]:
    """Groups photographs into moments.

    Args:
        photos: In any order, which does not matter.
        gap_s: How many seconds may lie between two photographs of a moment. A longer burst is
            one moment, as each of its photographs is near to the next.
        least_likeness: How alike these two have to be, -1 to 1.

    Returns:
        The moments by time, each sorted by time; every photograph is in exactly one.

    Raises:
        ValueError: A negative gap, or a likeness outside -1 to 1.
    """
    if not gap_s >= 0:
        raise ValueError(f"the gap is {gap_s!r} s, expected 0 or more")
    if not -1 <= least_likeness <= 1:
        raise ValueError(f"the likeness is {least_likeness!r}, expected -1 to 1")
    ordered = sorted(photos, key=lambda photo: photo.order)
    links = _Links(len(ordered))
    cameras: dict[tuple[str, bool], list[int]] = {}
    for index, photo in enumerate(ordered):
        cameras.setdefault((photo.camera, photo.exif_time), []).append(index)
    for members in cameras.values():
        _link_near(ordered, members, gap_s, least_likeness, links)
    _link_copies(ordered, max(SAME, least_likeness), links)
    found: dict[int, list[Photo]] = {}
    for index, photo in enumerate(ordered):
        found.setdefault(links.root(index), []).append(photo)
    return list(found.values())


def _link_near(
    photos: Sequence[Photo], members: list[int], gap_s: float, least: float, links: _Links
) -> None:
    """Links photographs of one camera, sorted by time, that are near in time and alike."""
    times = np.array([photos[index].taken for index in members])
    # A thousandth of slack: decimal fractions of a second are no exact binary ones.
    ends = np.searchsorted(times, times + gap_s + 1e-3, side="right")
    for start in range(0, len(members), _CHUNK):
        rows = members[start : start + _CHUNK]
        for left in range(start, int(ends[start + len(rows) - 1]), _CHUNK):
            columns = members[left : left + _CHUNK]
            alike = _likenesses([photos[i] for i in rows], [photos[i] for i in columns]) >= least
            places = np.arange(left, left + len(columns))
            alike &= places < ends[start : start + len(rows), np.newaxis]
            alike &= places > np.arange(start, start + len(rows))[:, np.newaxis]
            for i, j in np.argwhere(alike):
                links.join(rows[i], columns[j])


def _link_copies(photos: Sequence[Photo], least: float, links: _Links) -> None:
    """Links photographs that do not know when they were taken to what looks the same."""
    undated = [i for i, photo in enumerate(photos) if not photo.exif_time and photo.look.any()]
    for start in range(0, len(undated), _CHUNK):
        rows = undated[start : start + _CHUNK]
        for left in range(0, len(photos), _CHUNK):
            columns = range(left, min(left + _CHUNK, len(photos)))
            alike = _likenesses([photos[i] for i in rows], [photos[i] for i in columns]) >= least
            for i, j in np.argwhere(alike):
                links.join(rows[i], columns[j])


class _Links:
    """Which things belong together (union-find)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, index: int) -> int:
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def join(self, first: int, second: int) -> None:
        a, b = sorted((self.root(first), self.root(second)))
        self._parents[b] = a
