"""Result files that are either whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(file: str | os.PathLike[str]) -> Iterator[Path]:
    """A scratch path that takes the place of a file once the block has ended well.

    For writers that want a path or an open file, and for arrays too large to hold in memory.

    Args:
        file: Target; its folder is created when missing.

    Yields:
        Path beside the target; removed if the block raises.
    """
    target = Path(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield scratch
        scratch.replace(target)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def prepare_targets(*files: str | os.PathLike[str] | None) -> None:
    """Make sure that results can be written, before the work that makes them.

    Args:
        *files: Targets; their folders are created when missing. None and ``-`` are passed over.

    Raises:
        OSError: a folder cannot be created or written to, or a target is itself a folder.
    """
    for file in files:
        if file is None or file == "-":
            continue
        target = Path(file)
        if target.is_dir():
            raise IsADirectoryError(f"cannot write {target}: it is a folder")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(f"cannot create the folder {target.parent}: {error}") from error
        if not os.access(target.parent, os.W_OK):
            raise PermissionError(f"cannot write {target}: no permission for {target.parent}")


def write_bytes(file: str | os.PathLike[str], data: bytes) -> None:
    """Write a file atomically: an interrupted run leaves the old one, never half a new one.

    Args:
        file: Target; its folder must exist.
        data: Whole content.

    Raises:
        OSError: the folder is missing or not writable.
    """
    target = Path(file)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: the folder {target.parent} is missing")
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(scratch, 0o666 & ~mask)  # mkstemp makes private files
        os.replace(scratch, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise


def write_text(file: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text atomically; errors as `write_bytes`."""
    write_bytes(file, text.encode("utf-8"))


def write_json(file: str | os.PathLike[str], value: Any) -> None:
    """Write indented JSON atomically.

    Raises:
        ValueError: the value holds NaN or infinity, which JSON cannot.
        OSError: as `write_bytes`.
    """
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
