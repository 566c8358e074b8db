"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from edgeiqa.errors import OutputError


@contextlib.contextmanager
def opened(path: str | None, *, binary: bool = False) -> Iterator[Any]:
    """Opens the place for results.

    A file appears whole or not at all: it is written beside its place and moved there at the
    end; if something goes wrong on the way, an older file of that name stays as it was.

    Args:
        path: A file to write; None, "-" or /dev/stdout for standard output.
        binary: Whether bytes are to be written, which standard output does not take.

    Yields:
        A text stream, UTF-8 for files; what cannot be encoded is escaped with a backslash. A
        stream of bytes if `binary`.

    Raises:
        OutputError: The file cannot be written; an OSError.
    """
    if is_stdout(path):
        if binary:
            raise OutputError("this format is no text: name a file with --output")
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        sys.stdout.flush()
        return
    assert path is not None
    options: dict[str, Any] = {}
    if not binary:
        options = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    kind = "b" if binary else ""
    if _is_special(path):
        try:
            stream = open(path, "a" + kind, **options)  # noqa: SIM115 - closed below
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        with stream:
            yield stream
        return
    target = os.path.realpath(path)  # A link stays one; what it points at is replaced.
    if os.path.isdir(target):
        raise OutputError(f"cannot write {path}: it is a folder")
    folder, name = os.path.split(target)
    part = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        with open(part, "w" + kind, **options) as stream:
            yield stream
        os.replace(part, target)  # Now that it is whole.
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        if isinstance(error, BrokenPipeError) or not isinstance(error, OSError):
            raise
        if error.strerror and error.filename in (None, part):
            # Of this file: it cannot be made, or the disk has no room for more of it.
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        raise


def is_stdout(path: str | None) -> bool:
    """Whether results go to standard output."""
    return path is None or path in ("-", "/dev/stdout")


def _is_special(path: str) -> bool:
    """Whether this is a pipe or a device, which can only be written to as it is.

    What /dev/fd/3 leads to may well be a plain file, but one that somebody else holds open.
    """
    if os.path.abspath(path).startswith(("/dev/", "/proc/")):
        return True
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
