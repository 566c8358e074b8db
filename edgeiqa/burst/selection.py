"""Plans which photographs of a folder to keep, and carries the plan out.

A plan changes nothing. Carrying it out copies or moves the photographs to keep, or writes ratings;
no photograph is ever deleted or overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeiqa.burst import xmp
from edgeiqa.burst.companions import companions
from edgeiqa.burst.grouping import GAP_S, LIKENESS, Photo, moments, read_photo
from edgeiqa.burst.ranking import Moment, Ranked
from edgeiqa.burst.series import kind_of_series
from edgeiqa.errors import UnreadableImageError
from edgeiqa.files.transfer import copy_file, free_names, move_file, same_content
from edgeiqa.imaging.discovery import PathFilter, expand
from edgeiqa.scorer import Scorer

NEARLY = 0.7
"""Below these log odds, two to one, a frame counts as nearly as good as the best."""

OnStep = Callable[[], None]


@dataclass(frozen=True)
class Pick:
    """A photograph in the plan.

    Attributes:
        path: As found.
        moment: Number of its moment by time, starting at 1; 0 if it cannot be read.
        size: Number of photographs in the moment.
        rank: 1 for the best of its moment; 0 if it cannot be read.
        score: 0-100; None if it cannot be read.
        value: See `edgeiqa.burst.ranking.Ranked`; None if it cannot be read.
        keep: Whether to keep it: one of the best of its moment, or part of a series.
        why: The reason, for people.
        error: Why it cannot be read, in which case it is left alone; None otherwise.
        taken: Seconds since 1970, see `edgeiqa.burst.grouping.Photo`.
        remark: Further remarks, such as a missing capture time.
        done: What was done, for people; None before.
        failed: Why something was not done, or None.
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
        """Returns a JSON-ready dict."""
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
    min_likeness: float = LIKENESS,
    moved_to: str | None = None,
    skip: str | None = None,
    path_filter: PathFilter | None = None,
    on_step: OnStep = lambda: None,
    on_total: Callable[[int], None] = lambda total: None,
) -> list[Pick]:
    """Groups the photographs of a folder into moments and ranks each.

    Args:
        folder: Searched recursively.
        scorer: The model.
        keep: How many photographs of each moment to keep.
        gap_s: See `edgeiqa.burst.grouping.moments`.
        min_likeness: See `edgeiqa.burst.grouping.moments`.
        moved_to: Where an earlier run, complete or interrupted, may have moved the best ones: they
            count as if they were still in the folder, or the second best would be moved next.
        skip: A folder to leave out, the destination of copies.
        path_filter: What to leave out of the folder.
        on_step: Called twice per photograph, after reading and after scoring.
        on_total: Called with the number of photographs before the first step.

    Returns:
        One entry per photograph, moment by moment, the best first; unreadable ones at the end.
        Those in `moved_to` are included.
    """
    paths = list(_listed(folder, moved_to, skip, path_filter))
    on_total(len(paths))
    photos: list[Photo] = []
    failures: list[Pick] = []
    for path, error in paths:
        if error is None:
            try:
                photos.append(read_photo(path))
            except Exception as caught:  # One bad file must not end the run.
                error = _reason(caught)
        if error is not None:
            failures.append(Pick(path, error=error))
            on_step()
        on_step()
    plan: list[Pick] = []
    number = 0
    for group in moments(photos, gap_s=gap_s, min_likeness=min_likeness):
        picks, failed = _ranked(group, number + 1, scorer, keep, on_step)
        failures += failed
        plan += picks
        number += bool(picks)
    return plan + sorted(failures, key=lambda pick: pick.path)


def _listed(
    folder: str, moved_to: str | None, skip: str | None, path_filter: PathFilter | None
) -> Iterable[tuple[str, str | None]]:
    hidden = [place for place in (moved_to, skip) if place is not None and os.path.isdir(place)]
    is_hidden: dict[str, bool] = {}
    for item in expand([folder], path_filter=path_filter):
        if item.error is not None and item.path == folder:
            # A folder without pictures is not an error if all were moved before.
            if moved_to is None or not os.path.isdir(moved_to):
                yield item.path, item.error
            continue
        home = os.path.dirname(item.path)
        if home not in is_hidden:
            is_hidden[home] = any(is_within(home, place) for place in hidden)
        if not is_hidden[home]:
            yield item.path, item.error
    if moved_to is None or not os.path.isdir(moved_to):
        return
    for item in expand([moved_to]):
        here = os.path.join(folder, os.path.relpath(item.path, moved_to))
        # A move interrupted between copying and unlinking: one photograph, not two.
        if item.error is None and not same_content(item.path, here):
            yield item.path, None


def is_within(path: str, folder: str) -> bool:
    """Whether an existing path is a folder or lies inside it, also through mounts and links."""
    status = os.stat(folder)
    path = os.path.realpath(path)
    while True:
        if os.path.samestat(os.stat(path), status):
            return True
        path, below = os.path.dirname(path), path
        if path == below:
            return False


def _ranked(
    group: Sequence[Photo], number: int, scorer: Scorer, keep: int, on_step: OnStep
) -> tuple[list[Pick], list[Pick]]:
    """Ranks a moment; photographs that turn out to be unreadable are listed separately."""
    moment = Moment(scorer)
    failed = []
    for index, photo in enumerate(group):
        try:
            moment.add(photo.path, index)
        except Exception as error:  # Truncated beyond what the small copy needed, for instance.
            failed.append(Pick(photo.path, error=_reason(error), taken=photo.taken))
        on_step()
    ranking = moment.ranking()
    series = kind_of_series(group) if len(ranking) > 1 else None
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
                ranked.rank <= keep or series is not None,
                why(ranked, len(ranking)) if series is None else f"{series}, kept whole",
                taken=photo.taken,
                remark="" if photo.exif_time else "no capture time, compared with copies only",
            )
        )
    return picks, failed


def why(ranked: Ranked, size: int) -> str:
    """Explains the rank of a frame, for people."""
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
    """Carries out a plan, one photograph after the other.

    Ratings are written first, so that they travel along. A failure is recorded, and the others are
    still carried out. Unreadable photographs are left alone.

    Args:
        plan: From `make_plan`.
        folder: The folder of the plan; subfolders are recreated at the destination.
        copy_to: Where to copy the photographs to keep, with their companions.
        move_to: Where to move the photographs to keep, with their companions and raw files.
        ratings: Whether to write XMP sidecars, see `edgeiqa.burst.xmp.rate`.
        on_step: Called after each photograph.

    Yields:
        The entries with `done` or `failed` set; those that nothing was done to are unchanged.
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
        embedded = xmp.embedded_rating(pick.path)
        if embedded is not None:
            done.append(f"not rated, it contains a rating of its own ({embedded})")
            return
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
    if move_to is not None and os.path.isdir(move_to) and is_within(pick.path, move_to):
        done.append("moved before")
        return
    sources = [pick.path, *companions(pick.path, raw=move_to is not None, stems=stems)]
    home = os.path.dirname(os.path.join(to, os.path.relpath(pick.path, folder)))
    try:
        wanted = [os.path.join(home, os.path.basename(source)) for source in sources]
        targets = free_names(wanted, sources)
        # The photograph goes last: as long as it is there, the next run knows what is left to do.
        for source, target in reversed(list(zip(sources, targets, strict=True))):
            new = copy_file(source, target) if move_to is None else move_file(source, target)
        verb = "copied" if move_to is None else "moved"
        along = f" with {len(sources) - 1} more" if len(sources) > 1 else ""
        done.append(f"{verb} to {targets[0]}{along}" if new else f"there before: {targets[0]}")
    except OSError as error:
        failed.append(f"not {'copied' if move_to is None else 'moved'}: {_reason(error)}")


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
