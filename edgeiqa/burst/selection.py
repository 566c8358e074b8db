"""Plans which photographs of a folder are worth keeping, and carries the plan out.

A plan changes nothing. Carrying it out copies or moves those to keep, or writes ratings; no
photograph is ever deleted or overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeiqa.burst import xmp
from edgeiqa.burst.grouping import GAP_S, LIKENESS, Photo, moments, read_photo
from edgeiqa.burst.ranking import Moment, Ranked
from edgeiqa.errors import UnreadableImageError
from edgeiqa.files.transfer import copy_file, free_names, move_file, same_content
from edgeiqa.imaging.discovery import RAW_SUFFIXES, expand
from edgeiqa.scorer import Scorer

NEARLY = 0.7
"""Below these log odds, two to one, a frame is nearly as good as the best and nothing is named."""

OnStep = Callable[[], None]


@dataclass(frozen=True)
class Pick:
    """A photograph in the plan.

    Attributes:
        path: As found.
        moment: Number of its moment, from 1 on by time; 0 if it cannot be read.
        size: How many photographs the moment has.
        rank: 1 for the best of its moment; 0 if it cannot be read.
        score: 0-100; None if it cannot be read.
        value: See `edgeiqa.burst.ranking.Ranked`; None if it cannot be read.
        keep: Whether it is among the best of its moment.
        why: For people.
        error: Why it cannot be read; it is then left alone. Else None.
        taken: Seconds since 1970, see `edgeiqa.burst.grouping.Photo`.
        remark: What else is to be known, such as that its time is that of the file.
        done: What carrying out did, for people; None before.
        failed: Why it was not done, or None.
    """

    path: str
    moment: int = 0
    size: int = 0
    rank: int = 0
    score: float | None = None
    value: float | None = None
    keep: bool = False
    why: str = ""
    error: str | None = None
    taken: float | None = None
    remark: str = ""
    done: str | None = None
    failed: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "path": self.path,
            "moment": self.moment or None,
            "of": self.size or None,
            "rank": self.rank or None,
            "score": None if self.score is None else round(self.score, 2),
            "value": None if self.value is None else round(self.value, 3),
            "keep": None if self.error is not None else self.keep,
            "why": self.why or None,
            "taken": None if self.taken is None else round(self.taken, 3),
            "remark": self.remark or None,
            "done": self.done,
            "error": self.error if self.error is not None else self.failed,
        }


def make_plan(
    folder: str,
    scorer: Scorer,
    *,
    keep: int = 1,
    gap_s: float = GAP_S,
    least_likeness: float = LIKENESS,
    moved_to: str | None = None,
    skip: str | None = None,
    on_step: OnStep = lambda: None,
    on_total: Callable[[int], None] = lambda total: None,
) -> list[Pick]:
    """Groups the photographs of a folder into moments and ranks each.

    Args:
        folder: Searched to its depths.
        scorer: The model.
        keep: How many of each moment to keep.
        gap_s: See `edgeiqa.burst.grouping.moments`.
        least_likeness: See `edgeiqa.burst.grouping.moments`.
        moved_to: Where an earlier run, whole or interrupted, may have moved the best ones: they
            count as if they were still in the folder, or the second best would be moved next.
        skip: A folder to leave out, where copies go.
        on_step: Told twice for every photograph, when it was looked at and when it was scored.
        on_total: Told how many photographs there are, before the first step.

    Returns:
        One entry per photograph, moment by moment, the best first; the unreadable ones at the
        end. Those in `moved_to` are among them.
    """
    paths = list(_listed(folder, moved_to, skip))
    on_total(len(paths))
    photos: list[Photo] = []
    failures: list[Pick] = []
    for path, error in paths:
        if error is None:
            try:
                photos.append(read_photo(path))
            except Exception as caught:  # Whatever one file does, the others go on.
                error = _reason(caught)
        if error is not None:
            failures.append(Pick(path, error=error))
            on_step()
        on_step()
    plan: list[Pick] = []
    number = 0
    for group in moments(photos, gap_s=gap_s, least_likeness=least_likeness):
        picks, failed = _ranked(group, number + 1, scorer, keep, on_step)
        failures += failed
        plan += picks
        number += bool(picks)
    return plan + sorted(failures, key=lambda pick: pick.path)


def _listed(
    folder: str, moved_to: str | None, skip: str | None
) -> Iterable[tuple[str, str | None]]:
    hidden = [os.path.realpath(place) for place in (moved_to, skip) if place is not None]
    for item in expand([folder]):
        real = os.path.realpath(item.path)
        if item.error is not None and item.path == folder:
            # A folder without pictures is no error where all were moved before.
            if moved_to is None or not os.path.isdir(moved_to):
                yield item.path, item.error
        elif not any(_inside(real, place) for place in hidden):
            yield item.path, item.error
    if moved_to is None or not os.path.isdir(moved_to):
        return
    for item in expand([moved_to]):
        here = os.path.join(folder, os.path.relpath(item.path, moved_to))
        # A move that was interrupted between the copy and the end: one photograph, not two.
        if item.error is None and not same_content(item.path, here):
            yield item.path, None


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _ranked(
    group: Sequence[Photo], number: int, scorer: Scorer, keep: int, on_step: OnStep
) -> tuple[list[Pick], list[Pick]]:
    """Ranks a moment; those that turn out to be unreadable now are listed apart."""
    moment = Moment(scorer)
    failed = []
    for index, photo in enumerate(group):
        try:
            moment.add(photo.path, index)
        except Exception as error:  # Truncated where the small copy did not look, say.
            failed.append(Pick(photo.path, error=_reason(error), taken=photo.taken))
        on_step()
    ranking = moment.ranking()
    picks = []
    for ranked in ranking:
        photo = group[ranked.index]
        picks.append(
            Pick(
                photo.path,
                number,
                len(ranking),
                ranked.rank,
                ranked.quality.score,
                ranked.value,
                ranked.rank <= keep,
                why(ranked, len(ranking)),
                taken=photo.taken,
                remark="" if photo.exif_time else "no capture time, the file's time counts",
            )
        )
    return picks, failed


def why(ranked: Ranked, size: int) -> str:
    """What put a frame in its place, for people."""
    if size == 1:
        return "alone in its moment"
    if ranked.rank == 1:
        return f"best of {size}"
    if sum(ranked.against_best.values()) > -NEARLY:
        return "nearly as good as the best"
    worst = sorted(ranked.against_best.items(), key=lambda item: item[1])[:2]
    behind = [name for name, odds in worst if odds < -0.1]
    return f"behind the best in {' and '.join(behind)}" if behind else "nearly as good as the best"


def carry_out(
    plan: Sequence[Pick],
    folder: str,
    *,
    copy_to: str | None = None,
    move_to: str | None = None,
    ratings: bool = False,
    on_step: OnStep = lambda: None,
) -> Iterable[Pick]:
    """Does what the plan says, one photograph after the other.

    Ratings are written first, so that they travel along. What fails is told, and the rest is
    done all the same. Unreadable photographs are left alone.

    Args:
        plan: Of `make_plan`.
        folder: That the plan is of; what lies in a folder within it keeps it at its new place.
        copy_to: A folder to copy those to keep into, their sidecars too.
        move_to: A folder to move those to keep into, with sidecars and raw files.
        ratings: Whether to write XMP sidecars, see `edgeiqa.burst.xmp.rate`.
        on_step: Told after each photograph.

    Yields:
        The entries, with `done` or `failed` filled in; what is not among those to keep is
        yielded as it is, unless it was rated.
    """
    stems = _stems(plan)
    for pick in plan:
        if pick.error is None:
            done: list[str] = []
            failed: list[str] = []
            if ratings:
                _rate(pick, done, failed)
            if pick.keep:
                _carry(pick, folder, copy_to, move_to, stems, done, failed)
            pick = replace(pick, done="; ".join(done) or None, failed="; ".join(failed) or None)
        on_step()
        yield pick


def _rate(pick: Pick, done: list[str], failed: list[str]) -> None:
    path = xmp.sidecar_of(pick.path)
    try:
        remark = xmp.rate(path, pick.keep, pick.score or 0.0)
        done.append(f"rated in {path}" if remark is None else f"{path} {remark}")
    except (xmp.XmpError, OSError) as error:
        failed.append(f"not rated, {path}: {_reason(error)}")


def _carry(
    pick: Pick,
    folder: str,
    copy_to: str | None,
    move_to: str | None,
    stems: dict[str, int],
    done: list[str],
    failed: list[str],
) -> None:
    to = copy_to or move_to
    if to is None:
        return
    if move_to is not None and _inside(os.path.realpath(pick.path), os.path.realpath(move_to)):
        done.append("moved before")
        return
    sources = [pick.path, *companions(pick.path, raw=move_to is not None, stems=stems)]
    home = os.path.dirname(os.path.join(to, os.path.relpath(pick.path, folder)))
    try:
        wanted = [os.path.join(home, os.path.basename(source)) for source in sources]
        targets = free_names(wanted, sources)
        # The photograph goes last: while it is there, the next run knows what is left to do.
        for source, target in reversed(list(zip(sources, targets, strict=True))):
            new = copy_file(source, target) if move_to is None else move_file(source, target)
        verb = "copied" if move_to is None else "moved"
        along = f" with {len(sources) - 1} more" if len(sources) > 1 else ""
        done.append(f"{verb} to {targets[0]}{along}" if new else f"there before: {targets[0]}")
    except OSError as error:
        failed.append(f"not {'copied' if move_to is None else 'moved'}: {_reason(error)}")


def companions(photo: str, *, raw: bool, stems: dict[str, int]) -> list[str]:
    """The files that belong to a photograph.

    Args:
        photo: Its path.
        raw: Whether the raw file of the same stem counts.
        stems: How many photographs have which path without suffix: what could belong to
            several, such as IMG_1.xmp beside IMG_1.jpg and IMG_1.png, stays where it is.

    Returns:
        Paths of sidecars ("IMG_1.jpg.xmp", "IMG_1.xmp") and of raw files, sorted.
    """
    folder, name = os.path.split(photo)
    stem = os.path.splitext(name)[0]
    alone = stems.get(os.path.splitext(photo)[0], 1) == 1
    found = []
    for other in os.listdir(folder or "."):
        base, suffix = os.path.splitext(other)
        suffix = suffix.lower()
        mine = suffix == ".xmp" and base == name
        shared = base == stem and alone and (suffix == ".xmp" or (raw and suffix in RAW_SUFFIXES))
        if other != name and (mine or shared):
            found.append(os.path.join(folder, other))
    return sorted(found)


def _stems(plan: Sequence[Pick]) -> dict[str, int]:
    stems: dict[str, int] = {}
    for pick in plan:
        stem = os.path.splitext(pick.path)[0]
        stems[stem] = stems.get(stem, 0) + 1
    return stems


def _reason(error: Exception) -> str:
    if isinstance(error, UnreadableImageError):
        return error.reason
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__
