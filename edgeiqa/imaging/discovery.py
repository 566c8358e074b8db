"""Finds the pictures that the arguments of a command refer to."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch

STDIN = "-"

# Suffixes of pictures in searched folders; a file named explicitly is always tried.
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
"""Camera raws: pictures on request, otherwise companions of a picture."""

SYSTEM_FOLDERS = frozenset(
    ("@eadir", "#recycle", "$recycle.bin", "__macosx", "lost+found", "system volume information")
)
"""Folders, in lower case, that file servers and systems fill with thumbnails, copies and deleted
files. Hidden folders, such as .Trash-1000 and .thumbnails, are skipped as well."""


@dataclass(frozen=True)
class Item:
    """One picture to score, or a path without one.

    Attributes:
        path: The path to show and to open; "-" for standard input.
        error: Why there is nothing to score; None if the path should be tried.
    """

    path: str
    error: str | None = None


@dataclass
class PathFilter:
    """Selects files and folders inside a searched folder.

    A glob is matched against the name of a file or folder, and against its path below the searched
    folder.

    Attributes:
        exclude: Globs of files and folders to skip.
        include: If given, only files that match these globs; matching system folders are entered.
        system_folders: The `SYSTEM_FOLDERS` skipped so far.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    system_folders: set[str] = field(default_factory=set, compare=False)

    def takes_folder(self, path: str) -> bool:
        """Whether to enter a folder, given its path below the searched one."""
        return not os.path.basename(path).startswith(".") and self._takes_folder(path)

    def takes_file(self, path: str) -> bool:
        """Whether to take a file, given its path below the searched folder."""
        return not os.path.basename(path).startswith(".") and self._takes_file(path)

    def takes(self, path: str) -> bool:
        """Whether to take a file that was found before, hidden or not, given any path to it."""
        parts = path.replace(os.sep, "/").strip("/").split("/")
        folders = ("/".join(parts[:end]) for end in range(1, len(parts)))
        return all(map(self._takes_folder, folders)) and self._takes_file("/".join(parts))

    def _takes_folder(self, path: str) -> bool:
        if _matches(path, self.exclude):
            return False
        if os.path.basename(path).lower() in SYSTEM_FOLDERS and not _matches(path, self.include):
            self.system_folders.add(path)
            return False
        return True

    def _takes_file(self, path: str) -> bool:
        if _matches(path, self.exclude):
            return False
        return not self.include or _matches(path, self.include)


def expand(
    names: Iterable[str], *, raws: bool = False, path_filter: PathFilter | None = None
) -> Iterator[Item]:
    """Lists the pictures behind names; folders are searched recursively.

    Within a folder the order is alphabetical. Hidden files and folders, `SYSTEM_FOLDERS`, files
    with other suffixes, and everything that is not a regular file (pipes, sockets, devices: they
    may never end) are skipped. Links are followed, but no folder is entered twice, so cycles of
    links are harmless. A dangling link is listed, so that its error is reported.

    Folders are read lazily: memory holds the names in the current folder and in those above it,
    about 100 bytes each.

    Args:
        names: Files, folders and "-".
        raws: Whether to list camera raws in folders.
        path_filter: What to skip in folders.

    Yields:
        One item per picture; one with an error for a folder that is unreadable or has no pictures.
    """
    path_filter = PathFilter() if path_filter is None else path_filter
    suffixes = SUFFIXES | RAW_SUFFIXES if raws else SUFFIXES
    for name in names:
        if name == STDIN or not os.path.isdir(name):
            yield Item(name)
            continue
        found = False
        for item in _folder(name, suffixes, path_filter):
            found = True
            yield item
        if not found:
            yield Item(name, "a folder without pictures")


def _folder(top: str, suffixes: frozenset[str], path_filter: PathFilter) -> Iterator[Item]:
    seen: set[tuple[int, int]] = set()
    # Folders being read, each with its remaining names, the next one last; a list instead of
    # recursion, as folders may be nested deeper than Python's calls.
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
            open_folders.append((path, *_wanted(path, suffixes, path_filter, len(top))))
        except OSError as error:
            yield Item(path, f"the folder cannot be read: {error.strerror}")


def _wanted(
    folder: str, suffixes: frozenset[str], path_filter: PathFilter, top: int
) -> tuple[list[str], set[str]]:
    """The names in a folder that are folders or may be pictures, last first, and which are folders.

    Most file systems report the type along with the name, which saves a call per file.
    """
    below = folder[top:].replace(os.sep, "/").strip("/")
    names: list[str] = []
    folders: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            path = f"{below}/{name}" if below else name
            is_picture = os.path.splitext(name)[1].lower() in suffixes
            try:
                if entry.is_dir():
                    if not path_filter.takes_folder(path):
                        continue
                    folders.add(name)
                # A dangling link is reported, not silently skipped.
                elif (
                    not is_picture
                    or (not entry.is_file() and _exists(entry.path))
                    or not path_filter.takes_file(path)
                ):
                    continue
            except OSError as error:
                # A path that is too long may belong to a folder.
                if not is_picture and error.errno != errno.ENAMETOOLONG:
                    continue
            names.append(name)
    names.sort(reverse=True)
    return names, folders


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    if not globs:
        return False
    name = path.rpartition("/")[2]
    return any(fnmatch(name, glob) or fnmatch(path, glob.rstrip("/")) for glob in globs)


def _exists(path: str) -> bool:
    """Whether a path exists after following all links."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True
