"""Several worker processes behind one stream of pictures.

Not `concurrent.futures`, whose pool is broken as a whole once one of its processes has died: here
a process that dies costs the one picture that it was at. And no fork, as the threads of an
inference runtime do not survive it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from types import TracebackType
from typing import Protocol, TypeVar

from edgeiqa.batch.cpu_count import usable_cores
from edgeiqa.batch.settings import Recipe
from edgeiqa.batch.worker_process import WorkerProcess, worker_command
from edgeiqa.errors import WorkerError
from edgeiqa.imaging.discovery import STDIN
from edgeiqa.results.row import Row

WINDOW = 1024
"""So many rows at most wait for one before them, such as that of a picture that hangs."""

_AHEAD = 2
"""Pictures per process that are on their way or being scored, so that none waits for the next."""

_LOOK_S = 0.25
"""How often is looked for processes that are overdue."""


class HasPath(Protocol):
    """Anything that stands for a file."""

    @property
    def path(self) -> str:
        """Of the file."""


T = TypeVar("T", bound=HasPath)


class Pool:
    """Scores files in several processes; a context manager that ends them all."""

    def __init__(
        self,
        recipe: Recipe,
        workers: int,
        *,
        timeout_s: float,
        command: Sequence[str] | None = None,
    ) -> None:
        """Starts the processes; they open their models while the first pictures are listed.

        Args:
            recipe: How rows are made.
            workers: How many processes, at least 1.
            timeout_s: Most seconds for one picture.
            command: Starts a worker; by default this package's own.

        Raises:
            WorkerError: There is no Python to start.
        """
        self._todo: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Row] | Exception] = queue.SimpleQueue()
        command = worker_command() if command is None else command
        self._workers = [WorkerProcess(recipe, timeout_s, command) for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._drive, args=(worker,), daemon=True)
            for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes, whatever they are at."""
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
        """Scores files; no more of them are asked for than are needed to keep all cores busy.

        Args:
            items: The files, taken from it one by one as processes get free.
            in_order: Whether rows come in the order of the files, else as they are ready.
            here: Makes the row of what no worker can, and gives None for all else.

        Yields:
            Each file with its row.

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
        """Waits for a row, and meanwhile looks for processes that hang."""
        while True:
            for worker in self._workers:
                worker.overdue()
            try:
                got = self._done.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if isinstance(got, Exception):
                raise got
            return got

    def _drive(self, worker: WorkerProcess) -> None:
        """Gives one process a picture after the other."""
        try:
            worker.start()
            while (job := self._todo.get()) is not None:
                number, path = job
                self._done.put((number, worker.score(path)))
        except Exception as error:  # The thread's end is nobody's to see: it is told of instead.
            self._done.put(error)


HANDFUL = 32
"""So many pictures are scored before worker processes would have opened their models."""


class Listed(Protocol):
    """A picture to score, or a place where none can be had, as `edgeiqa.imaging.discovery.Item`."""

    @property
    def path(self) -> str:
        """As it is to be shown and opened."""

    @property
    def error(self) -> str | None:
        """Why nothing can be scored here."""


L = TypeVar("L", bound=Listed)


@dataclass(frozen=True)
class Maker:
    """Makes rows.

    Attributes:
        here: Makes a row in this process.
        recipe: The same for worker processes; None if only `here` will do.
        workers: How many processes; None for as many as there are cores to use, and for none for
            a handful of pictures.
        timeout_s: Most seconds for one picture in a worker process.
    """

    here: Callable[[Listed], Row]
    recipe: Recipe | None
    workers: int | None
    timeout_s: float

    def rows(self, items: Iterable[L], *, in_order: bool) -> Generator[tuple[L, Row], None, None]:
        """Makes a row of each.

        Args:
            items: What to score; taken one by one, as it is needed.
            in_order: Whether rows come in their order, else as they are ready.

        Yields:
            Each with its row.

        Raises:
            WorkerError: Worker processes cannot be started.
        """
        coming = iter(items)
        first: list[L] = []
        workers = self.workers
        if workers is None:
            first = list(islice(coming, HANDFUL + 1))
            workers = 0 if len(first) <= HANDFUL else usable_cores()
        recipe = self._recipe_for(workers)
        if recipe is None:
            for item in chain(first, coming):
                yield item, self.here(item)
            return
        with Pool(recipe, workers, timeout_s=self.timeout_s) as pool:
            yield from pool.rows(
                chain(first, coming), in_order=in_order, here=self._here_if_need_be
            )

    def _recipe_for(self, workers: int) -> Recipe | None:
        if not workers:
            return None
        try:
            worker_command()
        except WorkerError:
            if self.workers is not None:
                raise
            return None
        return self.recipe

    def _here_if_need_be(self, item: L) -> Row | None:
        """The row of what is no file to open."""
        return self.here(item) if item.error is not None or item.path == STDIN else None
