"""The files that belong to a photograph and must travel with it.

| file | of |
| --- | --- |
| `IMG_1.jpg.xmp`, `IMG_1.xmp` | metadata of Lightroom, darktable, digiKam |
| `IMG_1.jpg.pp3`, `IMG_1.jpg.dop` | edits of RawTherapee, DxO |
| `IMG_1.AAE`, `IMG_1.MOV` | edits and the motion of a Live Photo, Apple |
| `IMG_1.jpg.json`, `IMG_1.jpg.supplemental-metadata.json` | metadata of Google Takeout |
| `IMG_1.THM`, `IMG_1.WAV` | thumbnail and voice memo of a camera |
| `IMG_1.CR2`, `IMG_1.CR2.xmp` | the camera raw, and its own companions |
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from edgeiqa.imaging.discovery import RAW_SUFFIXES

_SIDECARS = frozenset((".xmp", ".pp3", ".dop", ".json"))
"""Suffixes of files named after the whole photograph, or after its stem."""

_TWINS = frozenset((".aae", ".mov", ".mp4", ".thm", ".wav"))
"""Suffixes of files with the stem of the photograph."""

# Takeout shortens long names: IMG_1.jpg.supplemental-metada.json.
_TAKEOUT = re.compile(r"\.supplemental-metadata|\.[a-z-]*")
_NUMBERED = re.compile(r"(?P<stem>.*)(?P<number>\(\d+\))(?P<suffix>\.\w+)")


def companions(photo: str, *, raw: bool, stems: Mapping[str, int]) -> list[str]:
    """The files that belong to a photograph.

    Args:
        photo: Its path.
        raw: Whether the camera raw of the same stem counts, with its own companions.
        stems: How many photographs share a path without suffix: what may belong to several, such
            as IMG_1.xmp beside IMG_1.jpg and IMG_1.png, stays in place.

    Returns:
        Paths, sorted.
    """
    folder, name = os.path.split(photo)
    stem = os.path.splitext(name)[0]
    alone = stems.get(os.path.splitext(photo)[0], 1) == 1
    others = [other for other in os.listdir(folder or ".") if other != name]
    owners = [name]
    if raw and alone:
        owners += [
            other
            for other in others
            if os.path.splitext(other)[0] == stem
            and os.path.splitext(other)[1].lower() in RAW_SUFFIXES
        ]
    found = set(owners[1:])
    for other in others:
        base, suffix = os.path.splitext(other)
        suffix = suffix.lower()
        if (
            suffix in _SIDECARS and (base in owners or (suffix == ".json" and _takeout(base, name)))
        ) or (alone and base == stem and suffix in _SIDECARS | _TWINS):
            found.add(other)
    return sorted(os.path.join(folder, other) for other in found)


def _takeout(base: str, name: str) -> bool:
    """Whether Takeout gives the metadata of a photograph this name, less its .json."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered:  # IMG_1(2).jpg has IMG_1.jpg(2).json.
        plain = numbered["stem"] + numbered["suffix"]
        if base.endswith(numbered["number"]):
            return _takeout(base[: -len(numbered["number"])], plain) or base == (
                plain + numbered["number"]
            )
    return base.startswith(name) and bool(_TAKEOUT.fullmatch(base[len(name) :]))
