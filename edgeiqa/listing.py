"""From what was named on the command line to the pictures that are there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

STDIN = "-"

# What counts as a picture while a folder is searched; a file named outright is always tried.
SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif"),
        *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi"),
        *(".avif", ".heic", ".heif", ".jp2", ".j2k", ".jpx"),
    )
)


@dataclass(frozen=True)
class Item:
    """One picture to score, or a place where none can be had.

    Attributes:
        path: As it is to be shown and opened; "-" for standard input.
        error: Why nothing can be scored here; None if it is worth a try.
    """

    path: str
    error: str | None = None


def expand(names: Iterable[str]) -> Iterator[Item]:
    """Lists the pictures behind names, folders searched to their depths.

    Within a folder the order is alphabetical; hidden files and folders and files whose suffix
    is not a picture's are skipped, and so is whatever is no regular file (pipes, sockets,
    devices), as it may never end; links are followed, but no folder is entered twice, so that
    circles of links end. A link to nowhere is listed, for its error to be reported.

    Args:
        names: Files, folders and "-".

    Yields:
        One item per picture; one with an error for a folder that cannot be read or holds none.
    """
    for name in names:
        if name == STDIN or not os.path.isdir(name):
            yield Item(name)
            continue
        found = False
        for item in _folder(name):
            found = True
            yield item
        if not found:
            yield Item(name, "a folder without pictures")


def _folder(top: str) -> Iterator[Item]:
    seen: set[tuple[int, int]] = set()
    waiting = [top]  # A stack: folders may lie deeper than Python's calls may nest.
    while waiting:
        path = waiting.pop()
        if not os.path.isdir(path):
            yield Item(path)
            continue
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            names = sorted(os.listdir(path), reverse=True)
        except OSError as error:
            yield Item(path, f"the folder cannot be read: {error.strerror}")
            continue
        for name in names:
            inner = os.path.join(path, name)
            if not name.startswith(".") and _is_wanted(inner):
                waiting.append(inner)


def _is_wanted(path: str) -> bool:
    """Whether something in a searched folder is a folder, or may be a picture."""
    is_picture = os.path.splitext(path)[1].lower() in SUFFIXES
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        # A link to nowhere, a path that became too long: to be reported, not missed in silence.
        return is_picture or error.errno == errno.ENAMETOOLONG
    return stat.S_ISDIR(mode) or (is_picture and stat.S_ISREG(mode))
