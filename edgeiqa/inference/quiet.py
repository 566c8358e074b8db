"""Keeps off the terminal what the inference runtime says about itself."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_runtime() -> Iterator[None]:
    """Keeps the runtime's INFO lines, which C++ writes to descriptor 2, off the terminal.

    Warnings and errors come through. For this command only: a library must not touch the
    descriptors of the program that uses it.
    """
    with contextlib.ExitStack() as stack:
        try:
            sys.stderr.flush()
            saved = os.dup(2)
            stack.callback(os.close, saved)
            caught = stack.enter_context(tempfile.TemporaryFile())
        except (OSError, ValueError, AttributeError):
            # No standard error, as under some services, or no place for a temporary file.
            yield
            return
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            caught.seek(0)
            lines = [line for line in caught if not line.startswith((b"INFO:", b"I0000"))]
            if lines:
                os.write(2, b"".join(lines))
