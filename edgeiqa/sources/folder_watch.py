"""Notices pictures that arrive in a folder, when they are whole.

By looking at the folder every so often, which works on every file system, network shares too,
and needs nothing but the standard library. Uploads, cameras and tethering programs write slowly,
rename, rewrite and give up; a file counts as arrived when its size and time have been still for a
while, and the network is spared whatever vanishes before that.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from edgeiqa.imaging.discovery import SUFFIXES

INTERVAL_S = 1.0
SETTLE_S = 1.0

Stamp = tuple[int, int, int]
"""What changes when a file is written anew: size, modification time in ns, inode."""


@dataclass(frozen=True)
class Arrival:
    """A file that has stopped changing.

    Attributes:
        path: Of the file.
        stamp: What it was when it arrived.
        patience: Whether it may be put off, see `FolderWatch.put_off`.
    """

    path: str
    stamp: Stamp
    patience: bool = True


@dataclass
class _Seen:
    """A file that is there, whether told of or not."""

    stamp: Stamp
    since: float
    told: bool = False
    put_off: bool = False


@dataclass
class FolderWatch:
    """Looks at a folder again and again.

    Every file is told of once for each time that it was written: one that is rewritten is told
    of again, one that is renamed is not, as it is the same file by another name. Memory grows
    with the number of files that are in the folder, some 300 bytes each, and with nothing else.

    Attributes:
        folder: What is watched.
        interval_s: Seconds between two looks.
        settle_s: Seconds for which size and time have to stand still.
        recursive: Whether folders within count.
        existing: Whether to tell of the files that are there at the start.
        on_event: Told (kind, message): "lost" when the folder cannot be read any more, "opened"
            when it can again, "skipped" about a folder within that cannot be read.
    """

    folder: str
    interval_s: float = INTERVAL_S
    settle_s: float = SETTLE_S
    recursive: bool = False
    existing: bool = False
    on_event: Callable[[str, str], None] = lambda kind, message: None
    _seen: dict[str, _Seen] = field(default_factory=dict, init=False, repr=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _there: bool = field(default=True, init=False, repr=False)
    _skipped: set[str] = field(default_factory=set, init=False, repr=False)

    def close(self) -> None:
        """Ends `arrivals`, from any thread, at once."""
        self._closed.set()

    def arrivals(self) -> Iterator[Arrival]:
        """Yields files as they arrive, until `close`.

        While the one who takes them is busy, nothing queues up: the files lie in the folder.
        """
        if not self.existing:
            for path, stamp in self._look() or ():
                self._seen[path] = _Seen(stamp, 0.0, told=True)
        while not self._closed.is_set():
            started = time.monotonic()
            for path in self._settled():
                if self._closed.is_set():
                    return
                # A while may have passed since the folder was looked at.
                seen = self._seen[path]
                if stamp_of(path) == seen.stamp:
                    seen.told = True
                    yield Arrival(path, seen.stamp, not seen.put_off)
            self._closed.wait(max(0.0, started + self.interval_s - time.monotonic()))

    def changed(self, arrival: Arrival) -> bool:
        """Whether a file is no longer what it was when it arrived, or gone.

        What changed will be told of again, once it stands still.
        """
        return stamp_of(arrival.path) != arrival.stamp

    def put_off(self, arrival: Arrival) -> bool:
        """Asks once more for a file that could not be read: its writer may only have stalled.

        Args:
            arrival: What was told of.

        Returns:
            Whether it will be told of again: after four more times `settle_s`, or when it has
            changed. False if it had its second chance already.
        """
        seen = self._seen.get(arrival.path)
        if seen is None or seen.stamp != arrival.stamp or not arrival.patience:
            return False
        seen.told, seen.put_off = False, True
        seen.since = time.monotonic() + 3 * self.settle_s
        return True

    def _settled(self) -> list[str]:
        """Takes note of what is there now; returns what has stood still, in order of names."""
        listing = self._look()
        if listing is None:
            return []  # What was told of stays so: the same files may come back.
        now = time.monotonic()
        before, self._seen = self._seen, {}
        names = {seen.stamp: seen for path, seen in before.items()}
        ready = []
        for path, stamp in listing:
            seen = before.get(path)
            if seen is None and stamp in names and names[stamp].told and stamp[2]:
                seen = _Seen(stamp, now, told=True)  # Renamed, or a second name for it.
            if seen is None or seen.stamp != stamp:
                seen = _Seen(stamp, now)
            self._seen[path] = seen
            if not seen.told and now - seen.since >= self.settle_s:
                ready.append(path)
        return sorted(ready)

    def _look(self) -> list[tuple[str, Stamp]] | None:
        """The pictures in the folder with their stamps; None if it cannot be read."""
        found: list[tuple[str, Stamp]] = []
        waiting = [self.folder]
        entered: set[tuple[int, int]] = set()
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in entered:
                    continue  # A circle of links.
                entered.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._note(entry, found, waiting)
            except OSError as error:
                if folder == self.folder:
                    self._lose(error)
                    return None
                if os.path.isdir(folder) and folder not in self._skipped:
                    self._skipped.add(folder)
                    self.on_event("skipped", f"{folder}: {error.strerror or error}")
        if not self._there:
            self._there = True
            self.on_event("opened", f"{self.folder} is there again")
        return found

    def _note(
        self, entry: os.DirEntry[str], found: list[tuple[str, Stamp]], waiting: list[str]
    ) -> None:
        if entry.name.startswith("."):
            return
        try:
            if entry.is_dir():
                if self.recursive:
                    waiting.append(entry.path)
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                # Not entry.stat(): on network shares and Windows it may be an old answer.
                stamp = stamp_of(entry.path)
                if stamp is not None:
                    found.append((entry.path, stamp))
        except OSError:  # It vanished while we looked.
            return

    def _lose(self, error: OSError) -> None:
        if self._there:
            self._there = False
            self.on_event("lost", f"{self.folder}: {error.strerror or error}; waiting for it")


def stamp_of(path: str) -> Stamp | None:
    """Size, modification time and inode of a regular file; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
