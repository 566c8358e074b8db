"""Silences native libraries that write to the process's file descriptors."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def quiet(enabled: bool = True) -> Iterator[IO[bytes]]:
    """Send everything written to stdout and stderr, C++ included, to a temporary file.

    TensorFlow's converter logs from C++ straight to file descriptors 1 and 2, where Python's
    ``redirect_stderr`` cannot reach; in a notebook Python's own streams lead elsewhere, so both
    are redirected. Not for use while another thread prints.

    Args:
        enabled: False makes this a no-operation, for ``--verbose`` runs.

    Yields:
        The file with what was swallowed, so that an error can quote it.
    """
    with tempfile.TemporaryFile() as sink:
        if not enabled:
            yield sink
            return
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        saved = []
        try:
            for descriptor in (1, 2):
                with contextlib.suppress(OSError):  # closed, as under some service managers
                    saved.append((descriptor, os.dup(descriptor)))
                    os.dup2(sink.fileno(), descriptor)
            with (
                open(os.dup(sink.fileno()), "w", encoding="utf-8", errors="replace") as text,
                contextlib.redirect_stdout(text),
                contextlib.redirect_stderr(text),
            ):
                yield sink
        finally:
            for descriptor, copy in saved:
                os.dup2(copy, descriptor)
                os.close(copy)


def tail(sink: IO[bytes], characters: int = 600) -> str:
    """The last characters of what `quiet` swallowed.

    Args:
        sink: The file that `quiet` yielded, still open.
        characters: How many to return at most.

    Returns:
        Decoded text, stripped.
    """
    size = sink.seek(0, os.SEEK_END)
    sink.seek(max(0, size - characters))
    return sink.read().decode("utf-8", "replace").strip()
