"""Advisory locks: one writer at a time for a file or a folder."""

from __future__ import annotations

import errno
import os
import sys

from edgeiqa.errors import EdgeIQAError

if sys.platform != "win32":
    import fcntl

# What network file systems without locks answer.
_UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)


class LockedError(EdgeIQAError, OSError):
    """Another process holds the lock."""


def lock(descriptor: int) -> None:
    """Locks an open file or folder until it is closed, at the latest by the end of the process.

    Does nothing where there are no locks, on Windows and some network file systems.

    Raises:
        LockedError: Another process holds the lock.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError("another process is writing to it") from error
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise


def open_locked(path: str) -> int:
    """Opens a file for reading and appending, creating it where it is missing, and locks it.

    Returns:
        Its descriptor.

    Raises:
        LockedError: Another process holds the lock.
        OSError: The file cannot be opened.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            lock(descriptor)
            # The previous holder may have replaced the file before releasing the lock.
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def lock_folder(path: str) -> int | None:
    """Locks a folder.

    Returns:
        Its descriptor, to be closed to release the lock; None on Windows.

    Raises:
        LockedError: Another process holds the lock.
        OSError: The folder cannot be opened.
    """
    if sys.platform == "win32":
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        lock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
