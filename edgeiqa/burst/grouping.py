"""Sorts photographs into moments: taken one after the other, of the same scene.

Two photographs belong together if one camera took them within a short time and they show the same
scene. A photograph without a capture time (an export, a download, a scan) only joins its
near-copies: the time of its file says when it was copied, not when it was taken.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import ExifTags, Image

from edgeiqa.burst.scene import COPY, SAME_SCENE, Scene, agreement, load_scene
from edgeiqa.imaging.decode import decode_small
from edgeiqa.imaging.likeness import (
    SAME,
    SIDE,
    DisjointSets,
    correlations,
    similar_pairs,
    thumbprint,
)

GAP_S = 2.0
LIKENESS = 0.7

_CHUNK = 1024
_AUTO_BRACKET = 2

LoadScene = Callable[[str], Scene]


@dataclass(frozen=True)
class Photo:
    """What is known about a photograph before it is scored.

    Attributes:
        path: As it was named.
        taken: Seconds since 1970; by the camera's clock, in UTC if the offset is recorded, or the
            modification time of the file.
        exif_time: Whether `taken` comes from EXIF.
        camera: Make, model and serial number; empty if unknown.
        print: Thumbprint, see `edgeiqa.imaging.likeness`.
        level: Mean luma, 0-255.
        exposure_bias: Exposure compensation in stops; None if unknown.
        bracket: Whether the camera took it as part of an exposure bracket.
    """

    path: str
    taken: float
    exif_time: bool
    camera: str
    print: np.ndarray = field(repr=False, compare=False)
    level: float = 0.0
    exposure_bias: float | None = None
    bracket: bool = False

    @property
    def order(self) -> tuple[float, str, str]:
        """Sort key within a moment; moving a file does not change it."""
        return self.taken, os.path.basename(self.path), self.path


def read_photo(path: str) -> Photo:
    """Reads capture time, camera and thumbprint of a file.

    Raises:
        UnreadableImageError: It cannot be decoded.
        OSError: It vanished.
    """
    small, exif = decode_small(path, 4 * SIDE)
    taken = capture_time(exif)
    print_, level = thumbprint(small)
    seconds = os.stat(path).st_mtime if taken is None else taken
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    return Photo(
        path,
        seconds,
        taken is not None,
        camera_of(exif),
        print_,
        level,
        _number(tags.get(ExifTags.Base.ExposureBiasValue)),
        _number(tags.get(ExifTags.Base.ExposureMode)) == _AUTO_BRACKET,
    )


def capture_time(exif: Image.Exif) -> float | None:
    """When a photograph was taken: DateTimeOriginal, SubSecTimeOriginal, OffsetTimeOriginal.

    Returns:
        Seconds since 1970, interpreted as UTC without an offset, which is right between
        photographs of one camera. None without a valid time.
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


def camera_of(exif: Image.Exif) -> str:
    """Make, model and serial number, as far as recorded."""
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    values = (
        exif.get(ExifTags.Base.Make),
        exif.get(ExifTags.Base.Model),
        tags.get(ExifTags.Base.BodySerialNumber),
    )
    return " ".join(str(value).strip("\0 ") for value in values if value)


def likeness(first: Photo, second: Photo) -> float:
    """Correlation of two thumbprints, -1 to 1; flat areas of similar brightness are alike."""
    return float(_correlations([first], [second])[0, 0])


def moments(
    photos: Sequence[Photo],
    *,
    gap_s: float = GAP_S,
    min_likeness: float = LIKENESS,
    scene: LoadScene = load_scene,
) -> list[list[Photo]]:
    """Groups photographs into moments.

    Args:
        photos: In any order, which does not matter.
        gap_s: Maximum seconds between two neighbours of a moment. A longer burst is one moment.
        min_likeness: Minimum correlation of the neighbours' thumbprints, -1 to 1; their content
            must agree as well, see `edgeiqa.burst.scene`.
        scene: Loads the content of a photograph.

    Returns:
        The moments by time, each sorted by time; every photograph is in exactly one.

    Raises:
        ValueError: A negative gap, or a likeness outside -1 to 1.
    """
    if not gap_s >= 0:
        raise ValueError(f"gap_s is {gap_s!r}, expected 0 or more seconds")
    if not -1 <= min_likeness <= 1:
        raise ValueError(f"min_likeness is {min_likeness!r}, expected -1 to 1")
    ordered = sorted(photos, key=lambda photo: photo.order)
    sets = DisjointSets(len(ordered))
    cameras: dict[str, list[int]] = {}
    for index, photo in enumerate(ordered):
        if photo.exif_time:
            cameras.setdefault(photo.camera, []).append(index)
    for members in cameras.values():
        for i, j in _near(ordered, members, gap_s, min_likeness):
            if sets.root(i) != sets.root(j) and _agreement(ordered, i, j, scene) >= SAME_SCENE:
                sets.join(i, j)
    for i, j in _copies(ordered, max(SAME, min_likeness)):
        # Two without a time must agree with the first of their moments, or small steps would
        # chain a whole film. One with a time belongs to a burst, whose frames may differ.
        a, b = (k if ordered[k].exif_time else sets.root(k) for k in (i, j))
        if sets.root(i) != sets.root(j) and _agreement(ordered, a, b, scene, copies=True) >= COPY:
            sets.join(i, j)
    return [[ordered[index] for index in members] for members in sets.sets()]


def _near(
    photos: Sequence[Photo], members: list[int], gap_s: float, min_likeness: float
) -> Iterator[tuple[int, int]]:
    """Pairs from one camera, sorted by time, that are close in time and look alike."""
    times = np.array([photos[index].taken for index in members])
    # A millisecond of tolerance: decimal fractions of a second are not exact in binary.
    ends = np.searchsorted(times, times + gap_s + 1e-3, side="right")
    for start in range(0, len(members), _CHUNK):
        rows = members[start : start + _CHUNK]
        for left in range(start, int(ends[start + len(rows) - 1]), _CHUNK):
            columns = members[left : left + _CHUNK]
            found = _correlations([photos[i] for i in rows], [photos[i] for i in columns])
            places = np.arange(left, left + len(columns))
            alike = found >= min_likeness
            alike &= places < ends[start : start + len(rows), np.newaxis]
            alike &= places > np.arange(start, start + len(rows))[:, np.newaxis]
            for i, j in np.argwhere(alike):
                yield rows[i], columns[j]


def _copies(photos: Sequence[Photo], min_likeness: float) -> Iterator[tuple[int, int]]:
    """Pairs that look the same, at least one of which has no capture time."""
    undated = np.array([not photo.exif_time for photo in photos])
    places = np.flatnonzero([photo.print.any() for photo in photos])
    if not undated.any() or len(places) < 2:
        return
    points = np.stack([photo.print for photo in photos])[places]
    pairs: list[tuple[int, int]] = []
    for rows, columns, found in similar_pairs(points, min_likeness):
        for i, j in np.argwhere(found > 0):
            a, b = sorted((int(places[rows[i]]), int(places[columns[j]])))
            if undated[a] or undated[b]:
                pairs.append((a, b))
    yield from sorted(pairs)


def _agreement(
    photos: Sequence[Photo], i: int, j: int, scene: LoadScene, *, copies: bool = False
) -> float:
    first, second = photos[i], photos[j]
    if not (first.print.any() or second.print.any()):
        return 1.0  # Flat areas, which their brightness has compared.
    try:
        return agreement(scene(first.path), scene(second.path), copies=copies)
    except (OSError, ValueError):  # One became unreadable meanwhile.
        return 0.0


def _correlations(some: Sequence[Photo], others: Sequence[Photo]) -> np.ndarray:
    return correlations(
        np.stack([photo.print for photo in some]),
        np.array([photo.level for photo in some]),
        np.stack([photo.print for photo in others]),
        np.array([photo.level for photo in others]),
    )


def _offset(text: str) -> float | None:
    """Seconds east of Greenwich from "+02:00"."""
    try:
        found = datetime.datetime.strptime(text, "%z").utcoffset()
    except ValueError:
        return None
    return None if found is None else found.total_seconds()


def _number(value: object) -> float | None:
    """A numeric tag; None if it is missing or invalid, such as a fraction over 0."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if np.isfinite(number) else None
