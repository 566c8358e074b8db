"""Copies and moves files so that nothing is lost, overwritten or left half written.

Whatever interrupts it, a file is afterwards at its old place, or whole at its new one, or at
both; running it again finishes the work.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Sequence

from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import PART, AtomicFile, sync_folder
from edgeiqa.files.plain import open_plain

_CHUNK = 1 << 20


class TransferError(EdgeIQAError, OSError):
    """A file that stays where it was, and why, in one line for the user."""


def same_content(first: str, second: str) -> bool:
    """Whether two files hold the same bytes; False if one is missing or cannot be read."""
    try:
        with open_plain(first) as a, open_plain(second) as b:
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
    """Numbers a set of files that belong together, so that none of them overwrites another file.

    Args:
        wanted: Paths that all begin with one stem: "to/a.jpg", "to/a.cr2", "to/a.jpg.xmp".
        sources: The files to go there, the photograph first. A target that holds the same bytes
            already is free: it is an earlier run's work.

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
    raise TransferError(f"no free name for {wanted[0]}")


def copy_file(source: str, target: str) -> bool:
    """Copies a file with its times and permissions.

    Args:
        source: A file.
        target: Its new path; missing folders are created.

    Returns:
        False if the same bytes were there already.

    Raises:
        TransferError: Another file is there.
        OSError: It cannot be read or written; nothing is at the target then.
    """
    if os.path.lexists(target):
        if same_content(source, target):
            return False
        raise TransferError(f"{target} already exists and is another file")
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    try:
        with AtomicFile(target, overwrite=False, durable=True) as copy:
            with open_plain(source) as stream:
                shutil.copyfileobj(stream, copy.stream, _CHUNK)
            copy.stream.flush()
            with contextlib.suppress(OSError):  # Some file systems keep no permissions.
                shutil.copystat(source, copy.path)
    except FileExistsError as error:
        raise TransferError(f"{target} already exists") from error
    return True


def move_file(source: str, target: str) -> bool:
    """Moves a file, also to another file system.

    The old name is removed only when the new one is there: the same file under another name, or a
    copy that was read back and found identical.

    Args:
        source: A file, not a link.
        target: Its new path; missing folders are created.

    Returns:
        False if the same bytes were at the target already and only the old name was removed.

    Raises:
        TransferError: Another file is at the target, the source is a link, both paths may lead to
            one directory entry, or the copy differs.
        OSError: It cannot be read or written; the source is then as it was.
    """
    if os.path.islink(source):
        raise TransferError("a link, which would point elsewhere after a move")
    if os.path.lexists(target):
        if not same_content(source, target):
            raise TransferError(f"{target} already exists and is another file")
        if _may_be_one_entry(source, target):
            raise TransferError(f"{target} is the file itself")
        _remove_source(source, target)
        return False
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise TransferError(f"{target} already exists") from error
        # Another file system, or one without hard links.
        copy_file(source, target)
    _remove_source(source, target)
    return True


def _remove_source(source: str, target: str) -> None:
    if not same_content(source, target):
        raise TransferError(f"the copy {target} differs; the file stays where it was")
    sync_folder(os.path.dirname(target))  # The new name is on the disk before the old one goes.
    os.unlink(source)


def _may_be_one_entry(source: str, target: str) -> bool:
    """Whether two paths may lead to one directory entry, so that removing one removes both.

    They do through links, through two mounts of one folder, and through names that differ only
    in case on some file systems.
    """
    if os.path.realpath(source) == os.path.realpath(target):
        return True
    status, other = os.stat(source), os.stat(target)
    if os.path.samestat(status, other) and status.st_nlink < 2:  # A mount of this one file.
        return True
    folder, name = os.path.split(os.path.abspath(source))
    other_folder, other_name = os.path.split(os.path.realpath(target))
    if not _is_one_folder(folder, other_folder):
        return False
    return name == other_name or not {name, other_name} <= set(os.listdir(folder))


def _is_one_folder(first: str, second: str) -> bool:
    if os.path.samefile(first, second):
        return True
    if os.stat(first).st_dev == os.stat(second).st_dev:
        return False
    # A share that is mounted twice has two device numbers: what appears in one, is in the other.
    probe = f".{secrets.token_hex(8)}{PART}"
    path = os.path.join(first, probe)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        return os.path.lexists(os.path.join(second, probe))
    finally:
        os.unlink(path)
