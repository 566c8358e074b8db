"""A worker process beside a program that scores one picture at a time, as Ray's actors do.

A decoder that crashes, a picture that eats all memory, a kill from outside: none of them can be
caught in Python. Where millions of pictures come from strangers, that must not end the work.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from edgeiqa.batch.protocol import Content
from edgeiqa.batch.settings import Recipe
from edgeiqa.batch.worker_process import WorkerProcess, worker_command
from edgeiqa.errors import WorkerError

TIMEOUT = 600.0
"""Seconds for one picture; 200 megapixels of JPEG 2000 take less than a minute."""

_LOOK_S = 0.25
"""How often is looked whether the process is overdue."""


class ApartScorer:
    """A scorer in a process of its own; for one thread at a time.

    A picture that ends the process is tried once more in a new one, as the end may have come
    from outside; if that ends, too, the picture's row says so.
    """

    def __init__(self, recipe: Recipe, *, timeout: float = TIMEOUT) -> None:
        """Starts the process and waits until it has opened the model.

        Args:
            recipe: How rows are made.
            timeout: Seconds that one picture may take before its process is ended.

        Raises:
            WorkerError: The model cannot be opened there; the message says why. A RuntimeError.
        """
        self._closed = threading.Event()
        self._worker = WorkerProcess(recipe, timeout, worker_command(), tries=2)
        # Holds nothing of this object, which may go without having been closed.
        watching = (self._worker, self._closed)
        threading.Thread(target=_watch, args=watching, name="edgeiqa-watch", daemon=True).start()
        try:
            self._worker.start()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        """The number of the process; None if none is running."""
        return self._worker.pid

    def row(self, path: str, content: Content | None = None) -> dict[str, Any]:
        """Scores one picture.

        Args:
            path: Of a file, or only as the row is to show it.
            content: The bytes of the picture.

        Returns:
            What `Row.to_dict` makes of `score_row`; with an error where the process ended.

        Raises:
            WorkerError: No process can be started, or this was closed.
        """
        if self._closed.is_set():
            raise WorkerError("the scorer is closed")
        return self._worker.score(path, content).to_dict()

    def close(self) -> None:
        """Ends the process for good."""
        self._closed.set()
        self._worker.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # It may not have come to a worker.
            self.close()


def _watch(worker: WorkerProcess, closed: threading.Event) -> None:
    while not closed.wait(_LOOK_S):
        worker.overdue()
