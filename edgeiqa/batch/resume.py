"""What a run that resumes has to do, given the journal of the runs before it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgeiqa.batch.journal import Journal
from edgeiqa.batch.settings import Settings
from edgeiqa.errors import EdgeIQAError
from edgeiqa.imaging.discovery import Item
from edgeiqa.results.row import Row


class OtherSettingsError(EdgeIQAError, ValueError):
    """The journal has rows of these photographs made with other settings; for the user."""


@dataclass(frozen=True)
class Job:
    """A picture that has to be scored.

    Attributes:
        path: Of the file.
        error: Why nothing can be scored here; None if it is worth a try.
        number: The journal's number of it.
        stamp: Size in bytes and time of the last change in ns since 1970, from before it is read:
            whatever is written to it after that is noticed by the next run. None if it is not
            there.
        before: Its row of an earlier run, which no longer holds, or None.
    """

    path: str
    error: str | None
    number: int
    stamp: tuple[int, int] | None
    before: dict[str, Any] | None


@dataclass
class Resumption:
    """Takes a journal up again.

    A photograph is left alone if its path, size and time of last change are those of its row, if
    the row has a score and if it was made with the same settings. One with an error is tried again
    by each run, as what was missing may be there now.

    Attributes:
        journal: Open.
        settings: What this run makes rows with.
        names: Files and folders as given.
        counts: Of "scored" (now), "unchanged" and "gone".
    """

    journal: Journal
    settings: Settings
    names: Sequence[str]
    counts: Counter[str] = field(default_factory=Counter)
    _unsure: list[str] = field(default_factory=list)

    def check_settings(self) -> None:
        """Looks whether rows that this run would go on with were made in the same way.

        Raises:
            OtherSettingsError: They were not.
        """
        if self.journal.digests <= {self.settings.digest}:
            return
        count, example = 0, {}
        for path, row in self.journal.remaining():
            # Those of folders that this run does not name are none of its business.
            if row.get("settings") != self.settings.digest and self._names(path):
                count, example = count + 1, row
        if not count:
            return
        raise OtherSettingsError(
            f"{self.journal.path} holds {count} {'row' if count == 1 else 'rows'} of these "
            f"photographs {_difference(example, self.settings)}: name another file, or score them "
            "anew with --rescore"
        )

    def _names(self, path: str) -> bool:
        """Whether this run names a photograph, or a folder that it is in."""
        return any(_under(path, name) for name in self.names)

    def jobs(self, items: Iterable[Item]) -> Iterator[Job]:
        """What has to be scored.

        Args:
            items: All that was listed. What is listed twice counts once.
        """
        for item in items:
            if item.error is not None:  # Of a folder.
                self._unsure.append(item.path)
            claimed = self.journal.claim(item.path)
            if claimed is None:
                continue
            number, before = claimed
            stamp = None if item.error is not None else _stamp(item.path)
            if before is not None and self._holds(before, stamp):
                self.counts["unchanged"] += 1
                continue
            yield Job(item.path, item.error, number, stamp, before)

    def record(self, job: Job, row: Row) -> None:
        """Writes a row.

        Raises:
            OutputError: The disk is full, or the like.
        """
        size, changed = (None, None) if job.stamp is None else job.stamp
        document = {
            **row.to_dict(),
            "bytes": size,
            "mtime_ns": changed,
            **self.settings.keys(),
        }
        self.counts["scored"] += row.error is None
        if document != job.before:  # The same error again needs no second line.
            self.journal.append(job.number, document)

    def finish(self) -> Iterator[dict[str, Any]]:
        """Ends the run; the journal then has one row per path, in the order of the listing.

        A row is dropped if its photograph was not found in a folder that this run named. Rows of
        other folders stay, and so do those below a folder that could not be read or in which there
        is no picture at all, as one that is not mounted.

        Returns:
            All rows, to be read while the journal is open.

        Raises:
            OutputError: The disk is full, or the like.
        """
        folders = [name for name in self.names if os.path.isdir(name)]
        gone = {
            path
            for path in self.journal.unlisted()
            if any(_under(path, folder) for folder in folders)
            and not any(_under(path, folder) for folder in self._unsure)
        }
        self.counts["gone"] = len(gone)
        return self.journal.finish(gone)

    def _holds(self, row: dict[str, Any], stamp: tuple[int, int] | None) -> bool:
        return (
            row["error"] is None
            and stamp is not None
            and (row.get("bytes"), row.get("mtime_ns")) == stamp
            and row.get("settings") == self.settings.digest
        )


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _under(path: str, folder: str) -> bool:
    """Whether a path is that of a folder, or of something in it, as the listing writes them."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def _difference(row: dict[str, Any], settings: Settings) -> str:
    if "settings" not in row:
        return "that were not written with --resume"
    if (row.get("model"), row.get("mode")) != (settings.model, settings.mode):
        return (
            f"made with {row.get('model')} ({row.get('mode')}), and this run would use "
            f"{settings.model} ({settings.mode})"
        )
    return "made with another gate, another network of the same name or another limit of megapixels"
