"""Prepares what the page shows of photographs: thumbnails and near-duplicates."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgeiqa.report.items import Photo, worst_first
from edgeiqa.report.near_duplicates import near_duplicates
from edgeiqa.report.thumbnails import Job, Look, look_at_all


def planned(
    photos: Sequence[Photo], *, side: int, limit: int, duplicates: bool
) -> tuple[list[Job], int]:
    """Plans which photographs to read.

    Args:
        photos: Those without a score or a file are left out.
        side: Longest side of thumbnails in pixels; 0 for none.
        limit: Maximum number of thumbnails: half for the worst, half for the best.
        duplicates: Whether to read the others as well, for near-duplicates.

    Returns:
        The jobs, and how many photographs get no thumbnail because of the limit.
    """
    ordered = [place for place in worst_first(photos) if photos[place].file is not None]
    half = limit // 2
    chosen = set(ordered)
    if len(ordered) > limit:
        chosen = {*ordered[: limit - half], *ordered[len(ordered) - half :]}
    jobs = []
    for place in ordered:
        own = side if place in chosen else 0
        if own or duplicates:
            jobs.append(Job(place, photos[place].file or "", own))
    return jobs, len(ordered) - len(chosen) if side else 0


def looked_at(
    photos: Sequence[Photo],
    jobs: Sequence[Job],
    *,
    workers: int = 0,
    on_step: Callable[[], None] = lambda: None,
) -> dict[int, Look]:
    """Reads photographs; for those without a job only the file size.

    Args:
        photos: All of them.
        jobs: From `planned`.
        workers: See `edgeiqa.report.thumbnails.look_at_all`.
        on_step: Called after each job.

    Returns:
        What was found, by index, for every scored photograph that is a file.
    """
    looks: dict[int, Look] = {}
    with contextlib.closing(look_at_all(jobs, workers=workers)) as found:
        for place, look in found:
            looks[place] = look
            on_step()
    for place, photo in enumerate(photos):
        if place not in looks and photo.file is not None and photo.result.error is None:
            looks[place] = _only_size(photo.file)
    return looks


def groups_of(photos: Sequence[Photo], looks: Mapping[int, Look]) -> list[list[int]]:
    """Groups of near-duplicates by index, the best score first; the largest group first."""
    signatures = {p: s for p in sorted(looks) if (s := looks[p].signature) is not None}
    if not signatures:
        return []
    places = list(signatures)
    levels = np.array([looks[place].level for place in places])
    groups = [
        sorted((places[one] for one in group), key=lambda place: (-_score(photos[place]), place))
        for group in near_duplicates(np.stack(list(signatures.values())), levels)
    ]
    return sorted(groups, key=lambda group: (-len(group), group[0]))


def _score(photo: Photo) -> float:
    return -1.0 if photo.result.score is None else photo.result.score


def _only_size(file: str) -> Look:
    try:
        return Look(size=os.stat(file).st_size)
    except FileNotFoundError:
        return Look(error="no such file")
    except UnicodeEncodeError:
        return Look(error="invalid file name")
    except (OSError, ValueError) as error:
        return Look(error=" ".join(str(getattr(error, "strerror", None) or error).split()))
