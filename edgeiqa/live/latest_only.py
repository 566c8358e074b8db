"""A worker thread that does the newest job: never a queue, at most one job waits.

Jobs that come while it is busy replace each other. Results are handed to iterators one at a
time: while one lies unread the next job is not begun, so that slow readers cost fresh frames,
not memory. Where nobody iterates, results are not kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from edgeiqa.errors import ClosedError

Job = TypeVar("Job")
Result = TypeVar("Result")

_TICK_S = 0.5
"""How long an iterator sleeps at most, for systems that notice Ctrl-C only in between."""


class NewestWins(Generic[Job, Result]):
    """Runs `work` on the newest job, in a thread of its own."""

    def __init__(
        self,
        work: Callable[[Job], Result],
        *,
        on_dropped: Callable[[Job], None],
        name: str,
    ) -> None:
        """Starts the thread.

        Args:
            work: Called in the thread with one job at a time; must not raise.
            on_dropped: Told of each job that gave way to a newer one, in the thread that
                handed in the newer one.
            name: Of the thread, for debuggers.
        """
        self._on_dropped = on_dropped
        self._changed = threading.Condition()
        self._waiting: list[Job] = []  # None or one.
        self._unread: list[Result] = []  # None or one.
        self._readers = 0
        self._ending = self._closed = self._done = False
        # A daemon, so that a program that forgets to close can end.
        # The thread alone holds `work`, and lets go of it when it ends: who closes this is freed
        # at once, with the model that it holds, and not when Python looks for circles.
        self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether nothing can be handed in any more."""
        return self._closed or self._ending

    def submit(self, job: Job) -> None:
        """Hands in a job and returns at once.

        Raises:
            ClosedError: After `end` or `close`.
        """
        with self._changed:
            if self._ending or self._closed:
                raise ClosedError("this worker is closed")
            stale, self._waiting = self._waiting, [job]
            self._changed.notify_all()
        for one in stale:
            self._on_dropped(one)

    def end(self) -> None:
        """No more jobs come; the one that waits is still done, then iterators end."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def close(self, timeout: float = 1.0) -> None:
        """Ends at once, from any thread, any number of times.

        What waits is dropped; what is being worked on is finished, for up to `timeout` seconds,
        unless this is called by the work itself.
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
        """Results as they come, each to one iterator; it ends after `end` or `close`."""
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
                    # Without a reader only the newest is kept, for one who comes now.
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
