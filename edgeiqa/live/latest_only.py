"""A worker thread that only ever does the newest job; at most one job waits.

Jobs that arrive while it is busy replace each other. Results are handed to iterators one at a
time: while one is unread the next job is not started, so a slow reader costs frames, not memory.
Without an iterator only the newest result is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from edgeiqa.errors import ClosedError

Job = TypeVar("Job")
Result = TypeVar("Result")

_TICK_S = 0.5
"""Longest sleep of an iterator, for systems that deliver Ctrl-C only between waits."""


class LatestOnlyWorker(Generic[Job, Result]):
    """Runs `work` on the newest job in its own thread.

    Args:
        work: Called in the thread with one job at a time; must not raise.
        on_dropped: Called with each job that was replaced, in the thread that submitted the
            newer one.
        name: Name of the thread.
    """

    def __init__(
        self, work: Callable[[Job], Result], *, on_dropped: Callable[[Job], None], name: str
    ) -> None:
        self._on_dropped = on_dropped
        self._changed = threading.Condition()
        self._waiting: list[Job] = []  # Zero or one.
        self._unread: list[Result] = []  # Zero or one.
        self._readers = 0
        self._ending = self._closed = self._done = False
        # A daemon, so that a program that forgets to close can exit. Only the thread holds
        # `work` and drops it when it ends: closing frees the model at once, without waiting for
        # the garbage collector to find a cycle.
        self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether further jobs are refused."""
        return self._closed or self._ending

    def submit(self, job: Job) -> None:
        """Submits a job and returns at once; raises ClosedError after `end` or `close`."""
        with self._changed:
            if self._ending or self._closed:
                raise ClosedError("this worker is closed")
            stale, self._waiting = self._waiting, [job]
            self._changed.notify_all()
        for one in stale:
            self._on_dropped(one)

    def end(self) -> None:
        """Refuses further jobs; the waiting one is still done, then iterators end."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def close(self, timeout: float = 1.0) -> None:
        """Stops from any thread; may be called repeatedly.

        The waiting job is dropped; the running one may finish within `timeout` seconds, unless
        the work itself called this.
        """
        with self._changed:
            self._closed = True
            stale, self._waiting = self._waiting, []
            self._changed.notify_all()
        for one in stale:
            self._on_dropped(one)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def __iter__(self) -> Iterator[Result]:
        """Yields results, each to one iterator, until `end` or `close`."""
        with self._changed:
            self._readers += 1
            self._changed.notify_all()
        try:
            while True:
                with self._changed:
                    while not self._unread and not (self._done or self._closed):
                        self._changed.wait(_TICK_S)
                    if not self._unread:
                        return
                    result = self._unread.pop()
                    self._changed.notify_all()
                yield result
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    def _run(self, work: Callable[[Job], Result]) -> None:
        try:
            while (job := self._next()) is not None:
                result = work(job[0])
                del job
                with self._changed:
                    self._unread = [result]
                    self._changed.notify_all()
                del result
        finally:
            with self._changed:
                self._done = True
                self._changed.notify_all()

    def _next(self) -> list[Job] | None:
        with self._changed:
            while not self._closed:
                free = not (self._readers and self._unread)
                if self._waiting and free:
                    job, self._waiting = self._waiting, []
                    return job
                if self._ending and not self._waiting:
                    return None
                self._changed.wait()
            return None
