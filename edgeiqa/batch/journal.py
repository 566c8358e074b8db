"""A file of rows that survives any end of a run, and from which the next run goes on.

The file is JSON lines, the same that `--format jsonl` writes, with what shows whether a photograph
has changed since: its size, its modification time and the fingerprint of the settings. Rows are
appended as they are ready, a whole line at a time. While a run goes on there may be two lines for
one path, of which the later counts; `finish` leaves one line per path, in the order of the listing.

Guarantees, whatever ends a run (kill -9, a crash, a full disk, a power cut): no line that was
there before is changed or lost; a line that was written only in part is at the end of the file and
is cut off by the next run. Lines reach the operating system at once, so that the end of the process
loses none; they are forced to the disk every five seconds, so that the end of the machine loses no
more than those of that time. If another program deletes the file meanwhile, it is written again; if
one replaces it, the run stops and leaves its rows beside it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import time
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import AtomicFile, clear_parts
from edgeiqa.files.lock import LockedError, open_locked
from edgeiqa.results.row import Row, json_line

SYNC_S = 5.0
"""Seconds after which lines are forced to the disk, and the file is checked for other writers."""

_MISSING = (1 << 64) - 1


class Journal:
    """An open journal; a context manager that closes it and releases its lock.

    Memory: an index of some 250 bytes per path.

    Attributes:
        path: As given.
        damaged: How many lines were not valid rows, which `finish` drops.
        fingerprints: What the lines were made with, see `Fingerprint.digest`; None among them for
            lines that do not say.
    """

    def __init__(self, path: str) -> None:
        """Opens or creates the file, reads it, and cuts off a torn last line.

        Raises:
            OutputError: The file cannot be opened or read, another process is writing to it, or it
                contains something other than rows and is left as it is.
        """
        self.path = path
        self._target = os.path.realpath(path)  # A link stays one; its target is used.
        if os.path.exists(self._target) and not os.path.isfile(self._target):
            raise OutputError(f"cannot resume {path}: it is not a regular file")
        try:
            self._file = open_locked(self._target)
        except LockedError as error:
            raise OutputError(
                f"cannot resume {path}: another edgeiqa is writing to it; wait until it has "
                "finished, or name another file"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        clear_parts(*os.path.split(self._target))
        self.damaged = 0
        self.fingerprints: set[str | None] = set()
        # Path to the offset of its last line, of paths that this run has not come to.
        self._old: dict[str, int] = {}
        # The offset of the line of each path that this run has come to, in its order.
        self._offsets = array("Q")
        self._numbers: dict[str, int] = {}
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
            self._sync()
        self._reader.close()
        os.close(self._file)

    def unclaimed_rows(self) -> Iterator[Row]:
        """The rows of paths that this run has not come to."""
        return map(self._row, self._old.values())

    def claim(self, path: str) -> tuple[int, Row | None] | None:
        """Records that this run has come to a path; `finish` keeps the order of these calls.

        Args:
            path: As listed.

        Returns:
            A number for `append`, and the row of an earlier run or None. None if the path has been
            claimed before.
        """
        if path in self._numbers:
            return None
        number = len(self._offsets)
        offset = self._old.pop(path, None)
        self._numbers[path] = number
        self._offsets.append(_MISSING if offset is None else offset)
        return number, None if offset is None else self._row(offset)

    def append(self, number: int, row: Row) -> None:
        """Writes the row of a path that has been claimed.

        Args:
            number: As `claim` gave it.
            row: The row.

        Raises:
            OutputError: The disk is full, or the like; the file ends with the last whole line. Or
                another program has replaced or changed the file.
        """
        line = json_line(row.to_dict()).encode("utf-8", "backslashreplace") + b"\n"
        try:
            view = memoryview(line)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise self._unwritable(error) from error
        self._offsets[number] = self._size
        self._size += len(line)
        self._lines += 1
        if time.monotonic() - self._synced >= SYNC_S:
            try:
                self._sync()
            except OSError as error:
                raise self._unwritable(error) from error

    def finish(self, gone: Collection[str] = ()) -> Iterator[Row]:
        """Leaves one line per path, in the order of this run, then those that it did not list.

        The file is replaced as a whole; until then, and if that fails, the old one stays as it is.
        To be called once, at the end.

        Args:
            gone: Paths that this run has not come to and that are to be dropped.

        Returns:
            All rows in their order, to be read while the journal is open.

        Raises:
            OutputError: As `append`.
            RuntimeError: It was called before.
        """
        if self._finished:
            raise RuntimeError("the journal is finished; open it again")
        self._finished = True
        kept = array("Q", (offset for offset in self._offsets if offset != _MISSING))
        kept.extend(offset for path, offset in self._old.items() if path not in gone)
        ordered = all(first < second for first, second in itertools.pairwise(kept))
        try:
            self._sync()
            if len(kept) != self._lines or self.damaged or not ordered:
                self._replace(kept)
        except OSError as error:
            raise self._unwritable(error) from error
        self._reader.seek(0)
        return map(_parse, self._reader)

    def _replace(self, offsets: Sequence[int]) -> None:
        """Puts a file with these lines in the place of the old one, and goes on with it."""
        with AtomicFile(self._target, durable=True) as new:
            self._copy_lines(offsets, new)
            new.stream.flush()
            file = os.dup(new.stream.fileno())  # Keeps the lock of the new file.
        self._reader.close()
        os.close(self._file)
        self._file = file
        self._size = os.fstat(file).st_size
        self._reader = open(self._target, "rb")  # noqa: SIM115 - closed with the journal

    def _copy_lines(self, offsets: Iterable[int], new: AtomicFile) -> None:
        for offset in offsets:
            self._reader.seek(offset)
            new.stream.write(self._reader.readline())

    def _sync(self) -> None:
        """Forces lines to the disk, and makes sure that they are in the file of this name."""
        os.fsync(self._file)
        self._synced = time.monotonic()
        ours = os.fstat(self._file)
        if ours.st_size != self._size:
            raise OutputError(
                f"{self.path} was changed by another program while this run wrote to it; look at "
                "what is in it, then run the same command again"
            )
        try:
            present = os.stat(self._target)
        except FileNotFoundError:
            self._restore()
            return
        if not os.path.samestat(ours, present):
            rescued = f"{self._target}.rescued-{os.getpid()}.jsonl"
            with AtomicFile(rescued, overwrite=False, durable=True) as new:
                self._copy_lines(self._line_offsets(), new)
            raise OutputError(
                f"{self.path} was replaced by another program while this run wrote to it; the "
                f"rows of this run are in {rescued}"
            )

    def _restore(self) -> None:
        """Writes a file that was deleted again, all lines at their offsets."""
        with AtomicFile(self._target, overwrite=False, durable=True) as new:
            self._copy_lines(self._line_offsets(), new)
        self._reader.close()
        os.close(self._file)
        self._file = open_locked(self._target)
        self._reader = open(self._target, "rb")  # noqa: SIM115 - closed with the journal

    def _line_offsets(self) -> Iterator[int]:
        offset = 0
        while offset < self._size:
            yield offset
            offset = self._reader.tell()

    def _read(self) -> int:
        """Fills the index; returns the size of the file without what is torn at its end."""
        offset = valid = 0
        for line in self._reader:
            row = None
            with contextlib.suppress(ValueError, RecursionError, OSError):
                row = _parse(line)
                if not line.endswith(b"\n"):  # Whole, as some editors leave the last line.
                    os.write(self._file, b"\n")
                    line += b"\n"
            if row is not None:
                self.fingerprints.add(row.extra.get("settings"))
                # Moved to the end, so that rows of other folders keep the file's order.
                self._old.pop(row.path, None)
                self._old[row.path] = offset
                valid = offset + len(line)
            elif self._lines == 0 and (line.endswith(b"\n") or not _may_begin_a_row(line)):
                raise OutputError(
                    f"cannot resume {self.path}: its first line is not a row of results, so this "
                    "may be something else; name another file"
                )
            else:
                self.damaged += 1
            self._lines += 1
            offset += len(line)
        # What follows the last valid row was torn; damage before it stays until `finish`.
        if valid < offset:
            self._reader.seek(valid)
            torn = sum(1 for _ in self._reader)
            self.damaged -= torn
            self._lines -= torn
            try:
                os.ftruncate(self._file, valid)
            except OSError as error:
                raise self._unwritable(error) from error
        return valid

    def _row(self, offset: int) -> Row:
        self._reader.seek(offset)
        return _parse(self._reader.readline())

    def _unwritable(self, error: OSError) -> OutputError:
        if isinstance(error, OutputError):
            return error
        return OutputError(
            f"cannot write {self.path}: {error.strerror or error}; what is in it stays, and the "
            "same command goes on from there"
        )


_EXTRA = {"bytes": int, "mtime_ns": int, "mode": str, "settings": str}
"""The keys that a journal has besides those of every row."""


def _parse(line: bytes) -> Row:
    """A row of a journal; raises ValueError or RecursionError for anything else."""
    document = json.loads(line)
    if not isinstance(document, dict):
        raise ValueError("not a row of results")
    row = Row.from_dict(document)
    if not isinstance(row.extra.get("settings"), str | None):
        raise ValueError("settings were edited")
    # Without a stamp, a row is out of date, but its score stays if the photograph is away.
    extra = {
        key: _checked(row.extra[key], kind) for key, kind in _EXTRA.items() if key in row.extra
    }
    return replace(row, extra=extra)


def _checked(value: object, kind: type) -> object:
    if type(value) is not kind or (isinstance(value, int) and abs(value) >= 1 << 63):
        return None
    return value


def _may_begin_a_row(line: bytes) -> bool:
    """Whether a last line without an end may be the beginning of a row."""
    start = b'{"path": '
    # After a power cut a file may have its length, but zeros where nothing had been written.
    written = line.rstrip(b"\0")
    return written.startswith(start) or start.startswith(written)
