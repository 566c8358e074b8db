"""Several worker processes behind one stream of pictures.

Not `concurrent.futures`, whose pool is broken as a whole once one of its processes has died: here
such a process costs the one picture it was working on. And no fork, since the threads of an
inference runtime do not survive it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, TypeVar

from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.batch.worker_process import CHECK_S, WorkerProcess, worker_command
from edgeiqa.imaging.discovery import Item
from edgeiqa.results.row import Row

WINDOW = 1024
"""The most rows that wait for an earlier one, such as that of a picture that hangs."""

_AHEAD = 2
"""Pictures per process that are sent or being scored, so that no process waits for the next."""

T = TypeVar("T", bound=Item)


class Pool:
    """Scores files in several processes; a context manager that terminates them all."""

    def __init__(
        self,
        settings: ScoreSettings,
        workers: int,
        *,
        timeout_s: float,
        command: Sequence[str] | None = None,
    ) -> None:
        """Starts the processes; they open their models while the first pictures are listed.

        Args:
            settings: How rows are made.
            workers: How many processes, at least 1.
            timeout_s: Seconds after which a picture is given up.
            command: Starts a worker; by default this package's own.

        Raises:
            WorkerError: There is no Python to start.
        """
        self._todo: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Row] | Exception] = queue.SimpleQueue()
        command = worker_command() if command is None else command
        self._workers = [WorkerProcess(settings, timeout_s, command) for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._drive, args=(worker,), daemon=True)
            for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Terminates the processes, whatever they are doing."""
        for worker in self._workers:
            worker.kill()
            self._todo.put(None)
        for thread in self._threads:
            thread.join(5.0)

    def rows(
        self,
        items: Iterable[T],
        *,
        in_order: bool,
        here: Callable[[T], Row | None] = lambda item: None,
    ) -> Generator[tuple[T, Row], None, None]:
        """Scores files; takes no more of them than are needed to keep all processes busy.

        Args:
            items: The files.
            in_order: Whether rows come in the order of the files, or as they are ready.
            here: Makes the row of an item in this process, or gives None to leave it to a worker.

        Yields:
            Each item with its row.

        Raises:
            WorkerError: A worker process cannot be started.
        """
        numbered = enumerate(items)
        taken: dict[int, T] = {}
        ready: dict[int, tuple[T, Row]] = {}
        following, more = 0, True
        while True:
            while more and len(taken) < _AHEAD * len(self._workers) and len(ready) < WINDOW:
                try:
                    number, item = next(numbered)
                except StopIteration:
                    more = False
                    break
                taken[number] = item
                row = here(item)
                if row is None:
                    self._todo.put((number, item.path))
                else:
                    self._done.put((number, row))
            if not taken:
                return
            number, row = self._next()
            item = taken.pop(number)
            if not in_order:
                yield item, row
                continue
            ready[number] = item, row
            while following in ready:
                yield ready.pop(following)
                following += 1

    def _next(self) -> tuple[int, Row]:
        """Waits for a row, and meanwhile checks for processes that hang."""
        while True:
            for worker in self._workers:
                worker.check_timeout()
            try:
                result = self._done.get(timeout=CHECK_S)
            except queue.Empty:
                continue
            if isinstance(result, Exception):
                raise result
            return result

    def _drive(self, worker: WorkerProcess) -> None:
        """Gives one process one picture after the other; runs in a thread."""
        try:
            worker.start()
            while (job := self._todo.get()) is not None:
                number, path = job
                self._done.put((number, worker.score(path)))
        except Exception as error:  # Raised in the thread that waits for rows.
            self._done.put(error)
