"""A file that grows by whole lines, so that others can follow it and nothing in it is half."""

from __future__ import annotations

import os
import stat
from types import TracebackType

from edgeiqa.errors import OutputError


class WholeLines:
    """Appends text to a file; each `write` is in it whole, or not at all and raises.

    Not buffered: what was written is there, also after `kill -9`. Where the disk fills up in the
    middle of a write, what came of it is taken back.
    """

    def __init__(self, path: str) -> None:
        """Opens the file, or makes it.

        Args:
            path: A file, a pipe or a device.

        Raises:
            OutputError: It cannot be opened for writing; an OSError.
        """
        self._path = path
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(path, flags, 0o666)
        except (OSError, ValueError) as error:
            raise self._error(error) from error
        self._plain = stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def write(self, text: str) -> int:
        """Appends text, UTF-8; what cannot be encoded is escaped with a backslash.

        Raises:
            OutputError: The disk is full, say; the file is as it was before.
            BrokenPipeError: Whoever reads a pipe has gone.
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
        """Nothing is held back."""

    def fileno(self) -> int:
        """The descriptor of the file."""
        return self._descriptor

    def seekable(self) -> bool:
        """Whether it is a plain file."""
        return self._plain

    def truncate(self, size: int) -> int:
        """Cuts a plain file."""
        os.ftruncate(self._descriptor, size)
        return size

    def close(self) -> None:
        """Closes it."""
        os.close(self._descriptor)

    def __enter__(self) -> WholeLines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _error(self, error: Exception) -> OutputError:
        return OutputError(
            f"cannot write {self._path}: {getattr(error, 'strerror', None) or error}"
        )
