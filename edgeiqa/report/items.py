"""What the page knows about each photograph, and the few decisions that all its parts share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgeiqa.causes import CAUSES
from edgeiqa.gating.gate import LOW_QUALITY
from edgeiqa.results.reader import Result

UNREADABLE, REJECTED, ACCEPTED, UNJUDGED = range(4)
"""What became of a photograph; UNJUDGED has a score, but there was no gate."""

OUTCOMES = ("unreadable", "rejected", "accepted", "scored")

SEVERE = 0.5
"""From this severity on a photograph without a verdict counts as having a cause."""


@dataclass(frozen=True)
class Photo:
    """A photograph of the report.

    Attributes:
        result: What the results say.
        file: Where it lies, absolute; None where it came from standard input.
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
        """What is wrong with it: the reasons of its verdict.

        Where there was no gate, what has a severity of at least `SEVERE`.
        """
        if self.outcome == UNJUDGED:
            return tuple(cause for cause, value in self.result.causes.items() if value >= SEVERE)
        return tuple(dict.fromkeys(reason.cause for reason in self.result.reasons))


def photos_of(results: Iterable[Result], root: str) -> tuple[list[Photo], int]:
    """Finds the files of results.

    Args:
        results: A path that occurs again replaces what was said of it before, as a run that goes
            on after an earlier one says what it found last.
        root: Where relative paths begin.

    Returns:
        The photographs in the order of the results; and how many results were replaced.
    """
    latest: dict[str, Result] = {}
    count = 0
    for result in results:
        latest[result.path] = result
        count += 1
    found = []
    for path, result in latest.items():
        file = None if path == "-" else os.path.abspath(os.path.join(root, path))
        folder, name = os.path.split(path)
        found.append(Photo(result, file, folder, name or path))
    return found, count - len(found)


def worst_first(photos: Sequence[Photo]) -> list[int]:
    """Places of the photographs that have a score, the lowest first; equal ones as they came."""
    scored = [(p.result.score, i) for i, p in enumerate(photos) if p.result.score is not None]
    return [place for _, place in sorted(scored)]


def fault_names(photos: Iterable[Photo]) -> list[str]:
    """All causes and reasons that occur, the known ones in their order, then others by name."""
    seen = {name for photo in photos for name in (*photo.result.causes, *photo.faults)}
    known = [name for name in (*CAUSES, LOW_QUALITY) if name in seen]
    return known + sorted(seen - set(known))


def median(values: Iterable[float]) -> float | None:
    """The middle value, or the mean of the two in the middle; None of nothing."""
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
