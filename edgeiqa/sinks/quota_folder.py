"""A folder with a quota for our pictures; the oldest are removed for new ones.

Only files that we saved are counted and removed (`edgeiqa.sinks.jpeg.is_ours`); everything else in
the folder is left alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from types import TracebackType

from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import clear_parts, write_atomically
from edgeiqa.files.lock import LockedError, lock_folder
from edgeiqa.files.size import size_words
from edgeiqa.sinks.jpeg import is_ours

_SCAN_INTERVAL_S = 60.0


class SaveError(EdgeIQAError, OSError):
    """Why a picture was not saved; one line for people."""


class QuotaFolder:
    """Our pictures in a folder, oldest first.

    Their total size never exceeds the quota, including the one being written. One process at a
    time may save in a folder.
    """

    def __init__(self, path: str, quota: int, reserve: int = 0) -> None:
        """Creates the folder if necessary, and finds what earlier runs saved in it.

        Args:
            path: Of the folder.
            quota: Maximum bytes of our pictures.
            reserve: Bytes of the disk to keep free.

        Raises:
            SaveError: It cannot be created or written, or another process saves there.
            ValueError: A quota below 1, or a negative reserve.
        """
        if quota < 1 or reserve < 0:
            raise ValueError(
                f"quota is {quota} and reserve {reserve}, expected at least 1 and 0 bytes"
            )
        self.path, self.quota, self.reserve = path, quota, reserve
        self._files: dict[str, int] = {}
        self.used = 0
        """Bytes of our pictures."""
        self._scanned = 0.0
        self.removed = 0
        """Pictures removed for new ones since it was opened."""
        try:
            os.makedirs(path, exist_ok=True)
            if not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self._lock = lock_folder(path)
        except LockedError as error:
            raise SaveError(f"cannot save in {path}: another process saves there") from error
        except OSError as error:
            raise SaveError(f"cannot save in {path}: {error.strerror or error}") from error
        clear_parts(path)
        self._scan()

    @property
    def count(self) -> int:
        """Number of our pictures."""
        return len(self._files)

    def free_name(self, name: str) -> str:
        """The name, with a number if it is taken."""
        stem, suffix = os.path.splitext(name)
        number = 0
        while os.path.lexists(os.path.join(self.path, name)):
            number += 1
            name = f"{stem}-{number}{suffix}"
        return name

    def save(self, name: str, data: bytes) -> str:
        """Writes a picture atomically, removing the oldest ones if necessary.

        Args:
            name: Of the file, from `edgeiqa.sinks.jpeg.name_of`.
            data: From `edgeiqa.sinks.jpeg.encode` with that name.

        Returns:
            Its path.

        Raises:
            SaveError: No room within the quota or on the disk, or a failed write; with the
                `errno` of the cause where there is one.
        """
        size = len(data)
        if size > self.quota:
            raise SaveError(
                f"a picture of {size_words(size)} is larger than the quota of "
                f"{size_words(self.quota)}"
            )
        try:
            self._make_room(size)
            path = os.path.join(self.path, name)
            # A Pi loses its power without warning.
            write_atomically(path, data, overwrite=False, durable=True)
        except SaveError:
            raise
        except OSError as error:
            raise SaveError(error.errno, f"{error.strerror or error}, in {self.path}") from error
        self._files[name] = size
        self.used += size
        return path

    def close(self) -> None:
        """Lets another process save here; may be repeated."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __enter__(self) -> QuotaFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_room(self, size: int) -> None:
        if self.used + size > self.quota and time.monotonic() - self._scanned > _SCAN_INTERVAL_S:
            self._scan()  # Somebody may have removed some.
        victims: list[str] = []
        left = self.used
        for name in sorted(self._files):
            if left + size <= self.quota:
                break
            victims.append(name)
            left -= self._files[name]
        free = shutil.disk_usage(self.path).free + self.used - left
        if free < size:  # Before anything is removed for a picture that does not fit.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if free - size < self.reserve:
            raise SaveError(
                errno.ENOSPC,
                f"less than {size_words(self.reserve)} would be left on the disk of {self.path}",
            )
        for name in victims:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.path, name))
                self.removed += 1
            self.used -= self._files.pop(name)

    def _scan(self) -> None:
        """Finds our pictures; known ones are not read again."""
        found: dict[str, int] = {}
        with os.scandir(self.path) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.name in self._files or is_ours(entry.path):
                        found[entry.name] = entry.stat(follow_symlinks=False).st_size
        self._files, self.used = found, sum(found.values())
        self._scanned = time.monotonic()
