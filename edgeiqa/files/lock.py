"""One writer at a time for a file that is appended to and, now and then, replaced."""

from __future__ import annotations

import errno
import os
import sys

if sys.platform != "win32":
    import fcntl

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
"""What network file systems say that have no locks."""


class LockedError(OSError):
    """Another process holds the lock."""


def lock(descriptor: int) -> None:
    """Locks an open file until it is closed, which the end of the process does in any case.

    Where there are no locks, on Windows and some network file systems, this does nothing.

    Raises:
        LockedError: Another process holds it.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError("another process is writing to it") from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise


def open_locked(path: str) -> int:
    """Opens a file for reading and appending, makes it where it is missing, and locks it.

    Returns:
        Its descriptor.

    Raises:
        LockedError: Another process holds it.
        OSError: It cannot be opened.
    """
    while True:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            lock(descriptor)
            # Whoever held it may have put another file in its place before letting go.
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
