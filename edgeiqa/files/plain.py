"""Regular files: opened without waiting for a pipe, and recognised as photographs or videos."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"BM"),
    *(b"II*\0", b"MM\0*", b"II\x55\0", b"IIRO", b"FUJIFILM"),
    *(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"8BPS", b"\x1aE\xdf\xa3"),
)
# The ISO base media format, of HEIC, AVIF, CR3, MP4 and MOV, has its name at byte 4.
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide")


def open_plain(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a regular file for reading; a pipe would be waited for, and a device may never end.

    Raises:
        OSError: It cannot be opened, or is not a regular file.
    """
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return os.fdopen(descriptor, "rb")


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as photographs and videos do."""
    try:
        with open_plain(path) as stream:
            start = stream.read(16)
    except OSError:
        return False
    return start.startswith(_SIGNATURES) or start[4:8] in _BOXES
