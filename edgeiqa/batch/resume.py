"""What a resumed run has to do, given the journal of the runs before it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from edgeiqa.batch.journal import Journal
from edgeiqa.batch.settings import Fingerprint
from edgeiqa.errors import OutputError
from edgeiqa.imaging.discovery import Item
from edgeiqa.results.row import Row


@dataclass(frozen=True)
class Job(Item):
    """A photograph that has to be scored.

    Attributes:
        number: The journal's number of it.
        stamp: Size in bytes and modification time in ns, from before it is read: whatever is
            written to it after that is noticed by the next run. None if it is not there.
        before: Its row of an earlier run, which is out of date, or None.
    """

    number: int = 0
    stamp: tuple[int, int] | None = None
    before: Row | None = None


@dataclass
class Resumption:
    """Goes on with a journal.

    A photograph is left alone if its row has a score and the same path, size, modification time
    and fingerprint. One with an error is tried again by each run. A score is never replaced by
    the absence of its photograph: a drive may be unplugged.

    Attributes:
        journal: Open.
        fingerprint: What this run makes rows with.
        names: Files and folders as given.
        counts: Numbers of photographs that were "scored" (now), are "unchanged", "missing" (not
            there, but their scores are kept) and "gone" (dropped).
    """

    journal: Journal
    fingerprint: Fingerprint
    names: Sequence[str]
    counts: Counter[str] = field(default_factory=Counter)
    _unsure: list[str] = field(default_factory=list)

    def check_settings(self) -> None:
        """Makes sure that the rows of these photographs were made in the same way.

        Raises:
            OutputError: They were not.
        """
        if self.journal.fingerprints <= {self.fingerprint.digest}:
            return
        count, example = 0, None
        for row in self.journal.unclaimed_rows():
            # Rows of folders that this run does not name do not matter.
            if row.extra.get("settings") != self.fingerprint.digest and self._names(row.path):
                count, example = count + 1, row
        if example is not None:
            raise OutputError(
                f"{self.journal.path} holds {count} {'row' if count == 1 else 'rows'} of these "
                f"photographs {_difference(example, self.fingerprint)}: name another file, or "
                "score them again with --rescore"
            )

    def _names(self, path: str) -> bool:
        """Whether this run names a photograph, or a folder that it is in."""
        return any(is_under(path, name) for name in self.names)

    def jobs(self, items: Iterable[Item]) -> Iterator[Job]:
        """What has to be scored of all that was listed; what is listed twice counts once."""
        for item in items:
            if item.error is not None:  # Of a folder.
                self._unsure.append(item.path)
            claimed = self.journal.claim(item.path)
            if claimed is None:
                continue
            number, before = claimed
            stamp = None if item.error is not None else _stamp(item.path)
            if before is not None and self._is_current(before, stamp):
                self.counts["unchanged"] += 1
                continue
            yield Job(item.path, item.error, number, stamp, before)

    def record(self, job: Job, row: Row) -> None:
        """Writes a row, unless it only says that a photograph with a score is not there.

        Raises:
            OutputError: The disk is full, or the like.
        """
        before = job.before
        had_score = before is not None and before.error is None
        if row.error is not None and had_score and (job.stamp is None or _stamp(job.path) is None):
            self.counts["missing"] += 1
            return
        size, changed = (None, None) if job.stamp is None else job.stamp
        made = self.fingerprint
        facts = {"bytes": size, "mtime_ns": changed, "mode": made.mode, "settings": made.digest}
        row = replace(row, model=made.model, extra={**row.extra, **facts})
        self.counts["scored"] += row.error is None
        # The same error again needs no second line.
        if before is None or row.to_dict() != before.to_dict():
            self.journal.append(job.number, row)

    def finish(self) -> Iterator[Row]:
        """Ends the run; the journal then has one row per path, in the order of the listing.

        A row is dropped if its photograph is not in a folder that this run named. Rows of other
        folders stay, and so do those of folders that are empty or cannot be read, as where a drive
        is not mounted.

        Returns:
            All rows, to be read while the journal is open.

        Raises:
            OutputError: The disk is full, or the like.
        """
        folders = [name for name in self.names if os.path.isdir(name)]
        proven: dict[str, bool] = {}
        gone = set()
        for row in self.journal.unclaimed_rows():
            if not any(is_under(row.path, folder) for folder in folders):
                continue
            unsure = any(is_under(row.path, folder) for folder in self._unsure)
            if row.error is None and not unsure:
                parent = os.path.dirname(row.path)
                if parent not in proven:
                    proven[parent] = _proves_absence(parent)
                unsure = not proven[parent] or os.path.lexists(row.path)
            if unsure:
                self.counts["missing"] += row.error is None
            else:
                gone.add(row.path)
        self.counts["gone"] = len(gone)
        return self.journal.finish(gone)

    def _is_current(self, row: Row, stamp: tuple[int, int] | None) -> bool:
        return (
            row.error is None
            and stamp is not None
            and (row.extra.get("bytes"), row.extra.get("mtime_ns")) == stamp
            and row.extra.get("settings") == self.fingerprint.digest
        )


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def is_under(path: str, folder: str) -> bool:
    """Whether a path is a folder or something in it, as the listing writes them."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def _proves_absence(folder: str) -> bool:
    """Whether a missing file of this folder was deleted for certain.

    It was if the folder, or the nearest one above it that exists, can be read and holds anything
    else. An empty folder may be where a drive is mounted at other times, and a dangling link may
    lead there.
    """
    while True:
        try:
            with os.scandir(folder or ".") as entries:
                return next(entries, None) is not None
        except (FileNotFoundError, NotADirectoryError):
            if os.path.islink(folder) or folder in ("", os.sep):
                return False
            folder = os.path.dirname(folder)
        except (OSError, ValueError):
            return False


def _difference(row: Row, fingerprint: Fingerprint) -> str:
    if "settings" not in row.extra:
        return "that were not written with --resume"
    mode = row.extra.get("mode")
    if (row.model, mode) != (fingerprint.model, fingerprint.mode):
        return (
            f"made with {row.model} ({mode}), and this run would use "
            f"{fingerprint.model} ({fingerprint.mode})"
        )
    return "made with another gate, another network of the same name or another limit of megapixels"
