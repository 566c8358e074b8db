"""A file of rows that a run appends to, that any end leaves readable, and that the next takes up.

The file is JSON lines, the same that `--format jsonl` gives, with what tells whether a picture has
changed since: its size, the time of its last change, and what the row was made with. Rows are
written as they are ready, a whole line at a time. While a run goes on there may be two lines for
one path, of which the later counts; `finish` leaves one line per path, in the order of the listing.

What holds, whatever ends a run (kill -9, a crash, a full disk, a lost power supply): no line that
was there before is changed or lost; a line that was written only in part is at the end of the file
and is cut off by the next run. Lines are handed to the operating system at once, so that the end
of the process loses none; they are forced to the disk every five seconds, so that the end of the
machine loses no more than those of that time.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import time
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import AtomicFile, clear_parts
from edgeiqa.files.lock import LockedError, open_locked
from edgeiqa.results.row import json_line

SYNC_S = 5.0
"""Seconds after which lines are forced to the disk."""

_NOT_YET = (1 << 64) - 1


class Journal:
    """An open journal; a context manager that closes it and lets go of its lock.

    Memory: an index of some 250 bytes per path.

    Attributes:
        path: As given.
        damaged: How many lines were no rows, and are dropped by `finish`.
        digests: What the lines were made with, see `Settings.digest`; None among them for lines
            that do not say.
    """

    def __init__(self, path: str) -> None:
        """Opens the file, makes it where it is missing, reads it and cuts a torn last line off.

        Raises:
            OutputError: It cannot be opened or read, another process is writing to it, or it holds
                something else than rows, and is left as it is.
        """
        self.path = path
        self._target = os.path.realpath(path)  # A link stays one; what it points at is used.
        if os.path.exists(self._target) and not os.path.isfile(self._target):
            raise OutputError(f"cannot resume {path}: it is no regular file")
        try:
            self._file = open_locked(self._target)
        except LockedError as error:
            raise OutputError(
                f"cannot resume {path}: another edgeiqa is writing to it; let that end first, or "
                "name another file"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        clear_parts(*os.path.split(self._target))
        self.damaged = 0
        self.digests: set[str | None] = set()
        self._old: dict[str, int] = {}
        """Path to the place of its last line, of those that this run has not come to."""
        self._places = array("Q")
        """Per path that this run has come to, in its order, the place of its line."""
        self._numbers: dict[str, int] = {}
        """Path to its index in `_places`."""
        self._lines = 0
        self._finished = False
        self._synced = time.monotonic()
        try:
            self._reader = open(self._target, "rb")  # noqa: SIM115 - closed with the journal
            self._size = self._read()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forces what was written to the disk, and closes the file."""
        with contextlib.suppress(OSError):
            os.fsync(self._file)
        self._reader.close()
        os.close(self._file)

    def unlisted(self) -> Iterator[str]:
        """The paths that this run has not come to."""
        return iter(self._old)

    def remaining(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows of all paths that this run has not come to."""
        for path, place in self._old.items():
            yield path, self._row(place)

    def claim(self, path: str) -> tuple[int, dict[str, Any] | None] | None:
        """Says that this run has come to a path.

        Args:
            path: As listed; the order of these calls is the order that `finish` makes.

        Returns:
            A number to name the path by, and its row of an earlier run or None. None if the path
            has been claimed before.
        """
        if path in self._numbers:
            return None
        number = len(self._places)
        place = self._old.pop(path, None)
        self._numbers[path] = number
        self._places.append(_NOT_YET if place is None else place)
        return number, None if place is None else self._row(place)

    def append(self, number: int, row: Mapping[str, Any]) -> None:
        """Writes the row of a path that has been claimed.

        Args:
            number: As `claim` gave it.
            row: Ready for JSON.

        Raises:
            OutputError: The disk is full, or the like. The file ends with the last whole line.
        """
        line = json_line(row).encode("utf-8", "backslashreplace") + b"\n"
        try:
            _write(self._file, line)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise self._unwritable(error) from error
        self._places[number] = self._size
        self._size += len(line)
        self._lines += 1
        if time.monotonic() - self._synced >= SYNC_S:
            self._sync()

    def finish(self, gone: Collection[str] = ()) -> Iterator[dict[str, Any]]:
        """Leaves one line per path, in the order of this run, then those that it did not list.

        The file is replaced as a whole; until then, and if that fails, the old one is what it was.

        Called once, at the end.

        Args:
            gone: Paths that this run has not come to and that are to be dropped.

        Returns:
            All rows, in their order, to be read while the journal is open.

        Raises:
            OutputError: The disk is full, or the like.
            RuntimeError: It was called before.
        """
        if self._finished:
            raise RuntimeError("the journal is finished; open it anew")
        self._finished = True
        kept = array("Q", (place for place in self._places if place != _NOT_YET))
        kept.extend(place for path, place in self._old.items() if path not in gone)
        try:
            self._sync()
            if len(kept) != self._lines or self.damaged or not _ascends(kept):
                self._rewrite(kept)
        except OSError as error:
            raise self._unwritable(error) from error
        return self._rows()

    def _rows(self) -> Iterator[dict[str, Any]]:
        self._reader.seek(0)
        for line in self._reader:
            yield json.loads(line)

    def _rewrite(self, places: Sequence[int]) -> None:
        """Puts a file with these lines in the place of the old one."""
        with AtomicFile(self._target, durable=True) as new:
            for place in places:
                self._reader.seek(place)
                new.stream.write(self._reader.readline())
            file = os.dup(new.stream.fileno())  # Holds the lock of the new file.
        self._reader.close()
        os.close(self._file)
        self._file = file
        self._reader = open(self._target, "rb")  # noqa: SIM115 - closed with the journal

    def _read(self) -> int:
        """Fills the index; returns the size of the file without what is torn at its end."""
        place = good = 0
        for line in self._reader:
            row = _row_of(line)
            if row is not None:
                path = row["path"]
                self.digests.add(row.get("settings"))
                # Put at the end, so that what is kept of other folders keeps the file's order.
                self._old.pop(path, None)
                self._old[path] = place
                good = place + len(line)
            elif self._lines == 0 and (line.endswith(b"\n") or not _may_begin_a_row(line)):
                raise OutputError(
                    f"cannot resume {self.path}: its first line is no row of results, so that "
                    "this may be something else; name another file"
                )
            else:
                self.damaged += 1
            self._lines += 1
            place += len(line)
        # What follows the last whole row was torn; damage before it stays until `finish`.
        if good < place:
            torn = self._count_from(good)
            self.damaged -= torn
            self._lines -= torn
            try:
                os.ftruncate(self._file, good)
            except OSError as error:
                raise self._unwritable(error) from error
        return good

    def _count_from(self, place: int) -> int:
        self._reader.seek(place)
        return sum(1 for _ in self._reader)

    def _row(self, place: int) -> dict[str, Any]:
        self._reader.seek(place)
        row: dict[str, Any] = json.loads(self._reader.readline())
        return row

    def _sync(self) -> None:
        os.fsync(self._file)
        self._synced = time.monotonic()

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write {self.path}: {error.strerror or error}; what is in it stays, and the "
            "same command goes on from there"
        )


def _row_of(line: bytes) -> dict[str, Any] | None:
    """A row; None if this is not a whole one."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except ValueError:  # No JSON, or no UTF-8.
        return None
    if not isinstance(row, dict) or "score" not in row or "error" not in row:
        return None
    return row if isinstance(row.get("path"), str) else None


def _may_begin_a_row(line: bytes) -> bool:
    """Whether a last line without an end may be the beginning of a row."""
    start = b'{"path": '
    # After a power cut a file may have its length, but zeros for what had not been written.
    written = line.rstrip(b"\0")
    return written.startswith(start) or start.startswith(written)


def _ascends(places: Sequence[int]) -> bool:
    return all(one < other for one, other in itertools.pairwise(places))


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
