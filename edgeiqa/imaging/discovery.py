"""From what was named on the command line to the pictures that are there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

STDIN = "-"

# What counts as a picture while a folder is searched; a file named outright is always tried.
SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif"),
        *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi"),
        *(".avif", ".heic", ".heif", ".hif", ".jp2", ".j2k", ".jpx"),
    )
)

RAW_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "gpr", "iiq", "k25", "kdc"),
        *("mef", "mos", "mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2"),
        *("srf", "srw", "x3f"),
    )
)
"""Camera raws: pictures to whoever asks for them, and what lies beside a picture to others."""


@dataclass(frozen=True)
class Item:
    """One picture to score, or a place where none can be had.

    Attributes:
        path: As it is to be shown and opened; "-" for standard input.
        error: Why nothing can be scored here; None if it is worth a try.
    """

    path: str
    error: str | None = None


def expand(names: Iterable[str], *, raws: bool = False) -> Iterator[Item]:
    """Lists the pictures behind names, folders searched to their depths.

    Within a folder the order is alphabetical; hidden files and folders and files whose suffix
    is not a picture's are skipped, and so is whatever is no regular file (pipes, sockets,
    devices), as it may never end; links are followed, but no folder is entered twice, so that
    circles of links end. A link to nowhere is listed, for its error to be reported.

    Nothing is listed ahead: memory holds the names of the folder that is being read and of those
    that it lies in, some 100 bytes each.

    Args:
        names: Files, folders and "-".
        raws: Whether camera raws in folders are listed, too.

    Yields:
        One item per picture; one with an error for a folder that cannot be read or holds none.
    """
    suffixes = SUFFIXES | RAW_SUFFIXES if raws else SUFFIXES
    for name in names:
        if name == STDIN or not os.path.isdir(name):
            yield Item(name)
            continue
        found = False
        for item in _folder(name, suffixes):
            found = True
            yield item
        if not found:
            yield Item(name, "a folder without pictures")


def _folder(top: str, suffixes: frozenset[str]) -> Iterator[Item]:
    seen: set[tuple[int, int]] = set()
    # Folders that are being read, each with the names that are still to come, the next one last;
    # a list and no recursion, as folders may lie deeper than Python's calls may nest.
    open_folders: list[tuple[str, list[str], set[str]]] = [("", [top], {top})]
    while open_folders:
        parent, names, folders = open_folders[-1]
        if not names:
            open_folders.pop()
            continue
        name = names.pop()
        path = os.path.join(parent, name)
        if name not in folders:
            yield Item(path)
            continue
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            open_folders.append((path, *_wanted(path, suffixes)))
        except OSError as error:
            yield Item(path, f"the folder cannot be read: {error.strerror}")


def _wanted(folder: str, suffixes: frozenset[str]) -> tuple[list[str], set[str]]:
    """The names in a folder that are folders or may be pictures, last first, and which are folders.

    Most file systems tell what a name is along with the name, so that nothing is asked per file.
    """
    names: list[str] = []
    folders: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            is_picture = os.path.splitext(name)[1].lower() in suffixes
            try:
                if entry.is_dir():
                    folders.add(name)
                # A link to nowhere, say, is to be reported, not to be missed in silence.
                elif not is_picture or (not entry.is_file() and _exists(entry.path)):
                    continue
            except OSError as error:
                # A path that became too long may be that of a folder.
                if not is_picture and error.errno != errno.ENAMETOOLONG:
                    continue
            names.append(name)
    names.sort(reverse=True)
    return names, folders


def _exists(path: str) -> bool:
    """Whether there is something at the end of all links."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True
