"""Counts what is to be done while the first of it is being done, for a progress line to tell."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any


class Counting:
    """Counts something in a thread; a context manager that gives up at its end."""

    def __init__(self, things: Iterable[Any], tell: Callable[[int], None]) -> None:
        """Takes what to count.

        Args:
            things: To be counted; read by another thread.
            tell: Told how many there were, once, unless the run is over before.
        """
        self._things = things
        self._tell = tell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True, name="edgeiqa-count")

    def __enter__(self) -> Counting:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(5.0)

    def _count(self) -> None:
        count = 0
        # Whatever goes wrong there goes wrong for whoever does the work, too, and is told there.
        with contextlib.suppress(Exception):
            for _ in self._things:
                if self._over.is_set():
                    return
                count += 1
            self._tell(count)
