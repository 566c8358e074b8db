"""Scores pictures one at a time in a process of its own, as Ray's actors do.

A decoder that crashes, a picture that eats all memory, a kill from outside: none of them can be
caught in Python. Where millions of pictures come from strangers, they must not end the work.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from edgeiqa.batch.protocol import Content
from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.batch.worker_process import CHECK_S, WorkerProcess, worker_command
from edgeiqa.errors import WorkerError
from edgeiqa.results.row import Row

TIMEOUT = 600.0
"""Seconds for one picture; 200 megapixels of JPEG 2000 take less than a minute."""


class IsolatedScorer:
    """A scorer in a process of its own; for one thread at a time.

    A picture that ends the process is tried once more in a new one, since the end may have come
    from outside; if that ends too, the row says so.
    """

    def __init__(self, settings: ScoreSettings, *, timeout: float = TIMEOUT) -> None:
        """Starts the process and waits until it has opened the model.

        Args:
            settings: How rows are made.
            timeout: Seconds after which the process is killed if a picture takes longer.

        Raises:
            WorkerError: The model cannot be opened there; the message says why.
        """
        self._closed = threading.Event()
        self._worker = WorkerProcess(settings, timeout, worker_command(), tries=2)
        # The thread has no reference to this object, which may be collected without `close`.
        watched = (self._worker, self._closed)
        threading.Thread(target=_watch, args=watched, name="edgeiqa-watch", daemon=True).start()
        try:
            self._worker.start()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        """The process ID; None if no process is running."""
        return self._worker.pid

    def score(self, path: str, content: Content | None = None) -> Row:
        """Scores one picture.

        Args:
            path: The file; if there is `content`, only what the row shows.
            content: The bytes of the picture.

        Returns:
            The row of `score_row`, with an error if the process ended.

        Raises:
            WorkerError: No process can be started, or this object is closed.
        """
        if self._closed.is_set():
            raise WorkerError("the scorer is closed")
        return self._worker.score(path, content)

    def close(self) -> None:
        """Terminates the process."""
        self._closed.set()
        self._worker.close()

    def __enter__(self) -> IsolatedScorer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # `__init__` may have failed early.
            self.close()


def _watch(worker: WorkerProcess, closed: threading.Event) -> None:
    while not closed.wait(CHECK_S):
        worker.check_timeout()
