"""Atomic writes: a file appears whole or not at all, and an interrupt leaves nothing behind."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

from edgeiqa.errors import OutputError
from edgeiqa.files.lock import LockedError, lock
from edgeiqa.files.plain import is_picture

PART = ".edgeiqa-part"
"""Suffix of the hidden files that are still being written."""

_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
# File systems take names of 255 bytes; this leaves room for the random part and the suffix.
_MAX_NAME = 200


_unfinished: set[str] = set()


class AtomicFile:
    """A new version of a file under a temporary name, which `commit` moves into place.

    The temporary name is random and never follows a link, so that nobody can plant one. As a
    context manager it commits at the end of the block, or discards the file after an exception.

    Attributes:
        target: The final path, with links resolved: a link stays one.
        path: The temporary path in the same folder, for libraries that open files themselves.
        stream: The temporary file, opened for writing and reading bytes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = True,
        durable: bool = False,
        mode: int | None = None,
    ) -> None:
        """Creates the temporary file.

        Args:
            path: The final path.
            overwrite: Whether an existing file is replaced; otherwise `commit` raises
                FileExistsError.
            durable: Whether the file and its name are forced to the disk, to survive a power cut.
            mode: Permissions; by default those of the file it replaces, or the usual ones.

        Raises:
            OSError: The file cannot be created; IsADirectoryError where a folder has its name.
        """
        self.target = os.path.realpath(path)
        if os.path.isdir(self.target):
            raise IsADirectoryError("it is a folder")
        self._folder, name = os.path.split(self.target)
        self._overwrite = overwrite
        self._durable = durable
        self.path = os.path.join(self._folder, f"{_prefix(name)}{secrets.token_hex(8)}{PART}")
        _unfinished.add(self.path)
        try:
            self.stream: BinaryIO = os.fdopen(os.open(self.path, _FLAGS, 0o666), "w+b")
            # Held until the end, so that `clear_parts` of another process spares the file.
            lock(self.stream.fileno())
            with contextlib.suppress(OSError):  # No such file; or no permissions on this disk.
                os.chmod(self.path, os.stat(self.target).st_mode & 0o777 if mode is None else mode)
        except FileExistsError:
            _unfinished.discard(self.path)  # Somebody else's file.
            raise
        except BaseException:
            self.discard()
            raise

    def commit(self) -> None:
        """Completes the file and gives it its name.

        Raises:
            OSError: It cannot be completed; the temporary file is gone, and an older file of
                that name stays as it was.
        """
        try:
            self.stream.flush()
            if self._durable:
                os.fsync(self.stream.fileno())
            if os.name == "nt":
                self.stream.close()  # Open files cannot be renamed there.
            if self._overwrite:
                os.replace(self.path, self.target)
            else:
                _rename_without_overwriting(self.path, self.target)
        except BaseException:
            self.discard()
            raise
        _unfinished.discard(self.path)
        self.stream.close()
        if self._durable:
            sync_folder(self._folder)

    def discard(self) -> None:
        """Removes the temporary file."""
        with contextlib.suppress(OSError, AttributeError):
            self.stream.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        _unfinished.discard(self.path)

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()


def write_atomically(path: str | os.PathLike[str], data: bytes, **options: Any) -> None:
    """Writes a whole file; the options are those of `AtomicFile`.

    Raises:
        OSError: It cannot be written; an older file of that name stays as it was.
    """
    with AtomicFile(path, **options) as file:
        file.stream.write(data)


def discard_unfinished() -> None:
    """Removes all temporary files of this process, for the end of a program that is interrupted."""
    for path in list(_unfinished):
        with contextlib.suppress(OSError):
            os.unlink(path)
        _unfinished.discard(path)


@contextlib.contextmanager
def open_output(
    path: str | None, *, binary: bool = False, replace_picture: bool = False
) -> Iterator[Any]:
    """Opens the destination of results.

    A regular file is written atomically, pipes and devices directly.

    Args:
        path: A file; None, "-" or /dev/stdout for standard output.
        binary: Whether bytes are written, which standard output does not take.
        replace_picture: Whether a photograph or a video may be replaced.

    Yields:
        A text stream, UTF-8 for files; what cannot be encoded is escaped with a backslash. With
        `binary`, a stream of bytes.

    Raises:
        OutputError: The file cannot be written, is a photograph or a video, or another edgeiqa is
            writing to it; an OSError.
    """
    if is_stdout(path):
        if binary:
            raise OutputError("this format is not text: name a file with --output")
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        sys.stdout.flush()
        return
    assert path is not None
    try:
        if _is_special(path):
            with open(path, "ab") as device:
                yield from _stream(device, binary)
            return
        if not replace_picture:
            refuse_picture(path)
        _check_unlocked(path)
        clear_parts(*os.path.split(os.path.realpath(path)))
        with AtomicFile(path, durable=True) as file:
            yield from _stream(file.stream, binary)
            _check_unlocked(path)
    except OSError as error:
        if isinstance(error, (BrokenPipeError, OutputError)):
            raise
        # Only errors of this file, not those of what the caller does meanwhile.
        if error.filename in (None, path) or str(error.filename).endswith(PART):
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        raise


def refuse_picture(path: str) -> None:
    """Raises OutputError where results would replace a photograph or a video."""
    if is_picture(path):
        raise OutputError(
            f"cannot write {path}: it is a photograph or a video, which results never replace; "
            "name another file"
        )


def is_stdout(path: str | None) -> bool:
    """Whether results go to standard output."""
    return path is None or path in ("-", "/dev/stdout")


def clear_parts(folder: str, name: str | None = None) -> None:
    """Removes temporary files of runs that were killed, but none that is still in use.

    Args:
        folder: The folder to clear.
        name: Only temporary versions of the file of this name.
    """
    prefix = "." if name is None else _prefix(name)
    with contextlib.suppress(OSError):
        for entry in os.listdir(folder or "."):
            if entry.startswith(prefix) and entry.endswith(PART):
                with contextlib.suppress(OSError):
                    path = os.path.join(folder, entry)
                    if not _is_locked(path):
                        os.unlink(path)


def sync_folder(folder: str) -> None:
    """Forces the names in a folder to the disk, on systems that can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stream(raw: BinaryIO, binary: bool) -> Iterator[Any]:
    if binary:
        yield raw
        return
    text = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="")
    yield text
    text.flush()
    text.detach()


def _rename_without_overwriting(path: str, target: str) -> None:
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:  # No hard links here, as on the cards of cameras.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(path, target)
    else:
        os.unlink(path)


def _prefix(name: str) -> str:
    return f".{os.fsdecode(os.fsencode(name)[:_MAX_NAME])}."


def _is_locked(path: str) -> bool:
    """Whether another process holds the lock of a regular file."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:  # Missing, or unreadable.
        return False
    try:
        lock(descriptor)
    except LockedError:
        return True
    finally:
        os.close(descriptor)
    return False


def _check_unlocked(path: str) -> None:
    if _is_locked(os.path.realpath(path)):
        raise OutputError(
            f"cannot write {path}: another edgeiqa is writing to it; wait until it has finished, "
            "or name another file"
        )


def _is_special(path: str) -> bool:
    """Whether this is a pipe or a device, or a file that another program holds open (/dev/fd/3)."""
    if os.path.abspath(path).startswith(("/dev/", "/proc/")):
        return True
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
