"""Copies and moves files so that nothing is lost, overwritten or left half written.

Whatever interrupts it, a file is afterwards at its old place, or whole at its new one, or at
both; doing the same again finishes the work.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Sequence

PART = ".edgeiqa-part"
"""Ends the names of files that are still being written; hidden files that only we make."""

_CHUNK = 1 << 20


class CarryError(OSError):
    """A file that stays where it was, and why; one line for people."""


def same_content(first: str, second: str) -> bool:
    """Whether two files hold the same bytes; False if one is missing or cannot be read."""
    try:
        with open(first, "rb") as a, open(second, "rb") as b:
            if os.path.samestat(os.fstat(a.fileno()), os.fstat(b.fileno())):
                return True
            if os.fstat(a.fileno()).st_size != os.fstat(b.fileno()).st_size:
                return False
            while True:
                piece = a.read(_CHUNK)
                if piece != b.read(_CHUNK):
                    return False
                if not piece:
                    return True
    except OSError:
        return False


def free_names(wanted: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Numbers a set of files that belong together, so that none of them meets another file.

    Args:
        wanted: Paths that all begin with one stem: "to/a.jpg", "to/a.cr2", "to/a.jpg.xmp".
        sources: What is to go there, the photograph first. A place that holds the same bytes
            already is no obstacle: that is an earlier run's work.

    Returns:
        The paths as wanted, or all with the same number: "to/a-1.jpg", "to/a-1.cr2", ...
    """
    stem = os.path.splitext(wanted[0])[0]
    for number in range(100_000):
        middle = f"-{number}" if number else ""
        names = [f"{stem}{middle}{path[len(stem) :]}" for path in wanted]
        if same_content(sources[0], names[0]):
            return names  # The first of them decides where the others belong.
        if all(
            not os.path.lexists(name) or same_content(source, name)
            for source, name in zip(sources, names, strict=True)
        ):
            return names
    raise CarryError(f"no free name for {wanted[0]}")


def copy_file(source: str, target: str) -> bool:
    """Copies a file with its times and permissions.

    Args:
        source: A file.
        target: Its new path; missing folders are made.

    Returns:
        False if the same bytes were there already.

    Raises:
        CarryError: Another file is there.
        OSError: It cannot be read or written; nothing is at the target then.
    """
    if os.path.lexists(target):
        if same_content(source, target):
            return False
        raise CarryError(f"{target} is there already, and another file")
    folder, name = os.path.split(target)
    os.makedirs(folder or ".", exist_ok=True)
    part = os.path.join(folder, f".{name}{PART}")
    try:
        with open(source, "rb") as stream, open(part, "wb") as copy:
            shutil.copyfileobj(stream, copy, _CHUNK)
            copy.flush()
            os.fsync(copy.fileno())
        with contextlib.suppress(OSError):  # Some file systems keep no permissions.
            shutil.copystat(source, part)
        publish(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    _sync(folder)
    return True


def move_file(source: str, target: str) -> bool:
    """Moves a file, also to another file system.

    The old one goes only when the new one is there: the same file by another name, or a copy
    that was read back and found the same.

    Args:
        source: A file, no link.
        target: Its new path; missing folders are made.

    Returns:
        False if the same bytes were at the target already and only the old name went.

    Raises:
        CarryError: Another file is at the target, the source is a link, or the copy came out
            different.
        OSError: It cannot be read or written; the source is then as it was.
    """
    if os.path.islink(source):
        raise CarryError("a link, which would point elsewhere after a move")
    if os.path.lexists(target):
        if not same_content(source, target):
            raise CarryError(f"{target} is there already, and another file")
        _forget(source, target)
        return False
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise CarryError(f"{target} is there already") from error
        # Another file system, or one without hard links.
        copy_file(source, target)
    _forget(source, target)
    return True


def _forget(source: str, target: str) -> None:
    """Takes away the old name of what is at the new one."""
    if os.path.realpath(source) == os.path.realpath(target):
        raise CarryError(f"{target} is the file itself")
    if not same_content(source, target):
        raise CarryError(f"the copy {target} came out different; the file stays where it was")
    _sync(os.path.dirname(target))  # The new name is on the disk before the old one goes.
    os.unlink(source)


def clear_parts(folders: Iterable[str]) -> None:
    """Takes away what a killed run had half written; never a file under its own name."""
    for folder in folders:
        with contextlib.suppress(OSError):
            for name in os.listdir(folder or "."):
                if name.startswith(".") and name.endswith(PART):
                    with contextlib.suppress(OSError):
                        os.unlink(os.path.join(folder, name))


def publish(part: str, target: str) -> None:
    """Gives a whole file its name, unless the name is taken.

    Args:
        part: Its name so far, in the same folder.
        target: Its new name.

    Raises:
        CarryError: Another file has that name.
        OSError: It cannot be given.
    """
    try:
        os.link(part, target)
    except FileExistsError as error:
        raise CarryError(f"{target} is there already") from error
    except OSError:  # No hard links here, as on the cards of cameras.
        if os.path.lexists(target):
            raise CarryError(f"{target} is there already") from None
        os.rename(part, target)
    else:
        os.unlink(part)


def _sync(folder: str) -> None:
    with contextlib.suppress(OSError, AttributeError):  # Not on every system.
        descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
