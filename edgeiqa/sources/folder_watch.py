"""Watches a folder and reports new pictures once they are complete.

Polling works on every file system, including network shares, and needs only the standard library.
Uploads, cameras and tethering programs write slowly, rename, rewrite and abort; a file has arrived
when its size and modification time have been stable for `settle_s`.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from edgeiqa.imaging.discovery import SUFFIXES, PathFilter

INTERVAL_S = 1.0
SETTLE_S = 1.0

Stamp = tuple[int, int, int]
"""Identifies a version of a file: size, modification time in ns, inode."""


@dataclass(frozen=True)
class Arrival:
    """A file that has stopped changing.

    Attributes:
        path: Of the file.
        stamp: Its state on arrival.
        first: Whether it may still be postponed, see `FolderWatch.postpone`.
    """

    path: str
    stamp: Stamp
    first: bool = True


@dataclass
class _Seen:
    stamp: Stamp
    since: float
    reported: bool = False
    postponed: bool = False


@dataclass
class FolderWatch:
    """Polls a folder.

    Every file is reported once for each time it was written: again after a rewrite, but not
    after a rename. Memory use is about 300 bytes per file in the folder.

    Attributes:
        folder: The watched folder.
        interval_s: Poll interval in seconds.
        settle_s: Seconds for which size and modification time must be stable.
        recursive: Whether to watch subfolders.
        existing: Whether to report the files that are there at the start.
        on_event: Called with (kind, message): "lost" when the folder becomes unreadable, "opened"
            when it is readable again, "skipped" for an unreadable subfolder.
        path_filter: What to skip in the folder.
    """

    folder: str
    interval_s: float = INTERVAL_S
    settle_s: float = SETTLE_S
    recursive: bool = False
    existing: bool = False
    on_event: Callable[[str, str], None] = lambda kind, message: None
    path_filter: PathFilter = field(default_factory=PathFilter)
    _seen: dict[str, _Seen] = field(default_factory=dict, init=False, repr=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _there: bool = field(default=True, init=False, repr=False)
    _skipped: set[str] = field(default_factory=set, init=False, repr=False)

    def close(self) -> None:
        """Ends `arrivals` at once, from any thread."""
        self._closed.set()

    def arrivals(self) -> Iterator[Arrival]:
        """Yields files as they arrive, until `close`.

        Nothing is queued while the consumer is busy: the files stay in the folder.
        """
        if not self.existing:
            for path, stamp in self._scan() or ():
                self._seen[path] = _Seen(stamp, 0.0, reported=True)
        while not self._closed.is_set():
            started = time.monotonic()
            for path in self._settled():
                if self._closed.is_set():
                    return
                # Some time may have passed since the scan.
                seen = self._seen[path]
                if stamp_of(path) == seen.stamp:
                    seen.reported = True
                    yield Arrival(path, seen.stamp, not seen.postponed)
            self._closed.wait(max(0.0, started + self.interval_s - time.monotonic()))

    def changed(self, arrival: Arrival) -> bool:
        """Whether a file changed or vanished since it arrived; if changed, it will arrive again."""
        return stamp_of(arrival.path) != arrival.stamp

    def postpone(self, arrival: Arrival) -> bool:
        """Gives an unreadable file, whose writer may have stalled, a second chance.

        Returns:
            Whether it will arrive again: after four more times `settle_s`, or when it changes.
            False if it has already had its second chance.
        """
        seen = self._seen.get(arrival.path)
        if seen is None or seen.stamp != arrival.stamp or not arrival.first:
            return False
        seen.reported, seen.postponed = False, True
        seen.since = time.monotonic() + 3 * self.settle_s
        return True

    def _settled(self) -> list[str]:
        """Updates the state of all files; returns the stable ones, sorted by name."""
        listing = self._scan()
        if listing is None:
            return []  # Keep the state: the same files may reappear.
        now = time.monotonic()
        before, self._seen = self._seen, {}
        by_stamp = {seen.stamp: seen for seen in before.values()}
        ready = []
        for path, stamp in listing:
            seen = before.get(path)
            if seen is None and stamp in by_stamp and by_stamp[stamp].reported and stamp[2]:
                seen = _Seen(stamp, now, reported=True)  # Renamed, or another hard link.
            if seen is None or seen.stamp != stamp:
                seen = _Seen(stamp, now)
            self._seen[path] = seen
            if not seen.reported and now - seen.since >= self.settle_s:
                ready.append(path)
        return sorted(ready)

    def _scan(self) -> list[tuple[str, Stamp]] | None:
        """The pictures in the folder with their stamps; None if it cannot be read."""
        found: list[tuple[str, Stamp]] = []
        waiting = [self.folder]
        entered: set[tuple[int, int]] = set()
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in entered:
                    continue  # A cycle of links.
                entered.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._note(entry, found, waiting)
            except OSError as error:
                if folder == self.folder:
                    if self._there:
                        self._there = False
                        reason = error.strerror or error
                        self.on_event("lost", f"{self.folder}: {reason}; waiting until it is back")
                    return None
                if os.path.isdir(folder) and folder not in self._skipped:
                    self._skipped.add(folder)
                    self.on_event("skipped", f"{folder}: {error.strerror or error}")
        if not self._there:
            self._there = True
            self.on_event("opened", f"{self.folder} is back")
        return found

    def _note(
        self, entry: os.DirEntry[str], found: list[tuple[str, Stamp]], waiting: list[str]
    ) -> None:
        path = os.path.relpath(entry.path, self.folder).replace(os.sep, "/")
        try:
            if entry.is_dir():
                if self.recursive and self.path_filter.takes_folder(path):
                    waiting.append(entry.path)
            elif os.path.splitext(entry.name)[
                1
            ].lower() in SUFFIXES and self.path_filter.takes_file(path):
                # Not entry.stat(): on network shares and Windows it may be outdated.
                stamp = stamp_of(entry.path)
                if stamp is not None:
                    found.append((entry.path, stamp))
        except OSError:  # The entry vanished during the scan.
            return


def stamp_of(path: str) -> Stamp | None:
    """Size, modification time and inode of a regular file; None for anything else."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
