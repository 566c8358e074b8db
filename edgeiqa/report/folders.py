"""Photographs by folder: how many, how good, how many rejected."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from edgeiqa.report.photos import REJECTED, UNREADABLE, Photo, median


@dataclass(frozen=True)
class Folder:
    """One row of the table.

    Attributes:
        path: As in the results.
        label: The same less what all folders have in common.
        count: Photographs directly in it, unreadable ones too.
        unreadable: How many of these could not be read.
        rejected: How many were rejected.
        judged: How many have a verdict.
        median: Of the scores, 0-100; None where none could be read.
    """

    path: str
    label: str
    count: int
    unreadable: int
    rejected: int
    judged: int
    median: float | None

    @property
    def share_rejected(self) -> float | None:
        """Of those with a verdict, 0-1; None where there is none."""
        return self.rejected / self.judged if self.judged else None


def folders_of(photos: Sequence[Photo]) -> list[Folder]:
    """Counts per folder.

    Args:
        photos: In any order.

    Returns:
        The folders by path. A photograph counts in the one that it lies in, not in those above.
    """
    members: dict[str, list[Photo]] = {}
    for photo in photos:
        members.setdefault(photo.folder, []).append(photo)
    shared = common_folder(list(members))
    found = []
    for path in sorted(members):
        inside = members[path]
        found.append(
            Folder(
                path,
                label_of(path, shared),
                len(inside),
                sum(photo.outcome == UNREADABLE for photo in inside),
                sum(photo.outcome == REJECTED for photo in inside),
                sum(photo.result.accept is not None for photo in inside),
                median(p.result.score for p in inside if p.result.score is not None),
            )
        )
    return found


def common_folder(paths: Sequence[str]) -> str:
    """The deepest folder that all lie in or are; "" where there is none."""
    try:
        return os.path.commonpath(paths) if paths else ""
    except ValueError:  # Absolute and relative ones, or different drives.
        return ""


def label_of(path: str, shared: str) -> str:
    """A folder's name within what all share; "." for that itself."""
    if not path:
        return "."
    if not shared:
        return path
    # Not relpath, which would resolve what is written in the path.
    rest = path[len(shared) :].lstrip("/\\") if path.startswith(shared) else path
    return rest or os.path.basename(shared) or path
