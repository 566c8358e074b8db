"""A file that grows by whole lines, so that others can follow it while it is written."""

from __future__ import annotations

import os
import stat
from typing import Any

from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import refuse_picture


class WholeLines:
    """Appends text to a file, unbuffered; each `write` is in it completely, or raises.

    What was written stays after `kill -9`. Where the disk fills up in the middle of a write, its
    beginning is removed again.
    """

    def __init__(self, path: str) -> None:
        """Opens or creates the file.

        Args:
            path: A file, a pipe or a device.

        Raises:
            OutputError: It cannot be opened for writing, or is a photograph or a video; an OSError.
        """
        self._path = path
        refuse_picture(path)
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(path, flags, 0o666)
        except (OSError, ValueError) as error:
            raise self._error(error) from error
        self._plain = stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def write(self, text: str) -> int:
        """Appends text as UTF-8; what cannot be encoded is escaped with a backslash.

        Raises:
            OutputError: The disk is full, or the like; the file is as it was before.
            BrokenPipeError: Nobody reads the pipe any more.
        """
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        before = os.fstat(self._descriptor).st_size
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            if self._plain:
                os.ftruncate(self._descriptor, before)
            raise self._error(error) from error
        return len(text)

    def flush(self) -> None:
        """Does nothing, as nothing is buffered."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """The descriptor of the file."""
        return self._descriptor

    def seekable(self) -> bool:
        """Whether it is a regular file."""
        return self._plain

    def truncate(self, size: int) -> int:
        """Truncates a regular file."""
        os.ftruncate(self._descriptor, size)
        return size

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)

    def __enter__(self) -> WholeLines:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _error(self, error: Exception) -> OutputError:
        return OutputError(
            f"cannot write {self._path}: {getattr(error, 'strerror', None) or error}"
        )
