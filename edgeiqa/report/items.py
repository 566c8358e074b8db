"""The photographs of a report, and the decisions that all parts of the page share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgeiqa.causes import CAUSES
from edgeiqa.gating.gate import LOW_QUALITY
from edgeiqa.imaging.discovery import PathFilter
from edgeiqa.results.reader import Result

UNREADABLE, REJECTED, ACCEPTED, UNJUDGED = range(4)
"""Outcomes; UNJUDGED has a score, but there was no gate."""

OUTCOMES = ("unreadable", "rejected", "accepted", "scored")

SEVERE = 0.5
"""Minimum severity at which a photograph without a verdict counts as having a cause."""


@dataclass(frozen=True)
class Photo:
    """A photograph of the report.

    Attributes:
        result: Its row in the results.
        file: Absolute path; None for standard input.
        folder: As in the results, "" for none.
        name: Of the file.
    """

    result: Result
    file: str | None
    folder: str
    name: str

    @property
    def outcome(self) -> int:
        """One of UNREADABLE, REJECTED, ACCEPTED and UNJUDGED."""
        if self.result.error is not None or self.result.score is None:
            return UNREADABLE
        if self.result.accept is None:
            return UNJUDGED
        return ACCEPTED if self.result.accept else REJECTED

    @property
    def faults(self) -> tuple[str, ...]:
        """The reasons of its verdict; without a gate, causes of at least `SEVERE`."""
        if self.outcome == UNJUDGED:
            return tuple(cause for cause, value in self.result.causes.items() if value >= SEVERE)
        return tuple(dict.fromkeys(reason.cause for reason in self.result.reasons))


def photos_of(
    results: Iterable[Result], root: str, path_filter: PathFilter | None = None
) -> tuple[list[Photo], int]:
    """Finds the files of results.

    Args:
        results: A later result of the same file replaces an earlier one, also under another path,
            such as an absolute one after a relative one.
        root: Where relative paths start.
        path_filter: Which results to leave out.

    Returns:
        The photographs in the order of the results; and how many results were replaced.
    """
    path_filter = PathFilter() if path_filter is None else path_filter
    latest: dict[str, Photo] = {}
    real_folders: dict[str, str] = {}
    count = 0
    for result in results:
        path = result.path
        folder, name = os.path.split(path)
        if path == "-":
            latest[path] = Photo(result, None, folder, path)
        elif path_filter.takes(path):
            file = os.path.abspath(os.path.join(root, path))
            home = os.path.dirname(file)
            if home not in real_folders:
                real_folders[home] = _real(home)
            key = os.path.join(real_folders[home], os.path.basename(file))
            latest[key] = Photo(result, file, folder, name or path)
        else:
            continue
        count += 1
    return list(latest.values()), count - len(latest)


def _real(folder: str) -> str:
    try:
        return os.path.realpath(folder)
    except (OSError, ValueError):  # A zero byte, for instance.
        return folder


def worst_first(photos: Sequence[Photo]) -> list[int]:
    """Indices of the photographs with a score, the lowest first; equal ones in their order."""
    scored = [(p.result.score, i) for i, p in enumerate(photos) if p.result.score is not None]
    return [place for _, place in sorted(scored)]


def fault_names(photos: Iterable[Photo]) -> list[str]:
    """All causes and reasons that occur, the known ones first, then others by name."""
    seen = {name for photo in photos for name in (*photo.result.causes, *photo.faults)}
    known = [name for name in (*CAUSES, LOW_QUALITY) if name in seen]
    return known + sorted(seen - set(known))


def median(values: Iterable[float]) -> float | None:
    """The median; None for no values."""
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


@dataclass(frozen=True)
class Folder:
    """One row of the table.

    Attributes:
        path: As in the results.
        label: The path without the part that all folders share.
        count: Photographs directly in it, including unreadable ones.
        unreadable: Unreadable photographs.
        rejected: Rejected photographs.
        judged: Photographs with a verdict.
        median: Of the scores, 0-100; None if none could be read.
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
        """Rejected share of those with a verdict, 0-1; None without verdicts."""
        return self.rejected / self.judged if self.judged else None


def folders_of(photos: Sequence[Photo]) -> list[Folder]:
    """Statistics per folder, sorted by path; photographs count in their own folder only."""
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
    """The deepest common folder; "" if there is none."""
    try:
        return os.path.commonpath(paths) if paths else ""
    except ValueError:  # Absolute and relative paths, or different drives.
        return ""


def label_of(path: str, shared: str) -> str:
    """The path of a folder below the shared one; "." for no path."""
    if not path:
        return "."
    if not shared:
        return path
    # Not relpath, which would resolve parts of the path.
    rest = path[len(shared) :].lstrip("/\\") if path.startswith(shared) else path
    return rest or os.path.basename(shared) or path
