"""The data of the page's script: columns of numbers and texts, as compact JSON.

`edgeiqa/report/web/data.js` describes the keys.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edgeiqa.report.items import Photo, fault_names, folders_of
from edgeiqa.report.thumbnails import Look
from edgeiqa.results.row import printable

CHUNK = 128
"""Thumbnails per element of the page; the script unpacks them element by element."""


def payload(
    photos: Sequence[Photo],
    looks: Mapping[int, Look],
    groups: Sequence[Sequence[int]],
    thumbs: Mapping[int, int],
    *,
    media_type: str,
    beside: str | None,
) -> dict[str, Any]:
    """Collects the columns.

    Args:
        photos: All of them.
        looks: What was found by reading photographs, by index.
        groups: Near-duplicates, the best first.
        thumbs: Numbers of thumbnails, by index.
        media_type: Of the thumbnails.
        beside: The folder of the page: files below it are linked relative to it; None links all
            files by their full path.
    """
    folders = folders_of(photos)
    places = {folder.path: number for number, folder in enumerate(folders)}
    faults = fault_names(photos)
    bits = {name: 1 << number for number, name in enumerate(faults)}
    # Only faults with severities become columns to sort by.
    causes = [name for name in faults if any(name in photo.result.causes for photo in photos)]
    nothing = Look()
    seen = [looks.get(place, nothing) for place in range(len(photos))]
    urls: dict[str, str | None] = {}
    for photo in photos:
        if photo.folder not in urls:
            folder = None if photo.file is None else os.path.dirname(photo.file)
            urls[photo.folder] = None if folder is None else folder_url(folder, beside)
    return {
        "type": media_type,
        "chunk": CHUNK,
        "names": [printable(photo.name) for photo in photos],
        "folder": [places[photo.folder] for photo in photos],
        "folders": [
            {
                "label": printable(folder.label),
                "path": _with_slash(printable(folder.path)),
                "url": urls[folder.path],
                "stats": [
                    folder.count,
                    folder.unreadable,
                    folder.rejected,
                    folder.judged,
                    _rounded(folder.median, 2),
                ],
            }
            for folder in folders
        ],
        "outcome": [photo.outcome for photo in photos],
        "score": [_rounded(photo.result.score, 2) for photo in photos],
        "std": [_rounded(photo.result.std, 2) for photo in photos],
        "causes": [printable(name) for name in causes],
        "severity": [
            [_thousandths(photo.result.causes.get(name)) for photo in photos] for name in causes
        ],
        "faults": [printable(name) for name in faults],
        "wrong": [sum(bits[name] for name in photo.faults) for photo in photos],
        "sentences": {
            str(place): [printable(sentence) for sentence in photo.result.sentences]
            for place, photo in enumerate(photos)
            if photo.result.reasons
        },
        "errors": {
            str(place): printable(error)
            for place, photo in enumerate(photos)
            if (error := photo.result.error or seen[place].error) is not None
        },
        "urls": {
            str(place): odd
            for place, photo in enumerate(photos)
            if (odd := _odd_url(photo, urls[photo.folder])) is not None
        },
        "bytes": [look.size for look in seen],
        "width": [look.width for look in seen],
        "height": [look.height for look in seen],
        "thumb": [thumbs.get(place, -1) for place in range(len(photos))],
        "groups": [list(group) for group in groups],
    }


def script_safe_json(document: object) -> str:
    """JSON that cannot end the script element around it."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def folder_url(folder: str, beside: str | None) -> str | None:
    """The URL of a folder, ending in a slash; None if the name is invalid.

    Args:
        folder: Absolute.
        beside: The folder of the page; anything below it gets a relative URL, so that both can be
            moved together. None for none.
    """
    try:
        if beside is not None and os.path.join(folder, "").startswith(os.path.join(beside, "")):
            rest = os.path.relpath(folder, beside).replace(os.sep, "/")
            return "./" if rest == "." else f"./{quote(os.fsencode(rest))}/"
        url = Path(folder).as_uri()
        return url if url.endswith("/") else f"{url}/"
    except ValueError:  # Half a surrogate pair, or a zero byte.
        return None


def file_url(photo: Photo, beside: str | None) -> str | None:
    """The URL of a photograph; None if it has none."""
    if photo.file is None:
        return None
    folder, name = os.path.split(photo.file)
    above = folder_url(folder, beside)
    return None if above is None else _below(above, name)


def _odd_url(photo: Photo, above: str | None) -> str | None:
    """The URL of a file whose displayed name differs from its real one; "" for none."""
    if above is None or printable(photo.name) == photo.name:
        return None
    return _below(above, photo.name) or ""


def _below(above: str, name: str) -> str | None:
    try:
        # A colon must not turn the first part into a scheme.
        return above + quote(os.fsencode(name), safe="")
    except UnicodeEncodeError:
        return None


def _with_slash(path: str) -> str:
    return path if not path or path.endswith(("/", "\\")) else path + "/"


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _thousandths(severity: float | None) -> int | None:
    return None if severity is None else round(1000 * severity)
