"""Result files that are either whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


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
