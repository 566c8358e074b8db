"""Where the time of one score goes: the real scoring path, timed at its stages.

Each stage is charged with the time that none of the stages inside it took, so that the stages of a
run add up to its total. The stages themselves are declared where they happen (`edgeiqa.stages`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

STAGES = {
    "decode": "decode the file",
    "frame": "frame from the buffer",
    "reduce": "resize: integer reduction",
    "resize": "resize: filter",
    "colour": "colour: YUV to RGB",
    "view": "detail: reduced luma",
    "choose": "detail: choose patches",
    "cut": "detail: cut patches",
    "score_network": "inference: score",
    "causes_network": "inference: causes",
    "light": "measure exposure",
    "outputs": "read the outputs",
    "rest": "everything else",
}
"""Names of the stages, in the order of the path, with their labels."""

NETWORKS = ("score_network", "causes_network")


@dataclass(frozen=True)
class Lap:
    """The times of one run.

    Attributes:
        total: Nanoseconds from start to end.
        stages: Nanoseconds per stage entered, and of "rest"; they add up to `total`.
    """

    total: int
    stages: dict[str, int]

    @property
    def inside(self) -> int:
        """Nanoseconds in the scoring network."""
        return self.stages.get("score_network", 0)

    @property
    def outside(self) -> int:
        """Nanoseconds outside both networks."""
        return self.total - sum(self.stages.get(name, 0) for name in NETWORKS)


class Stopwatch:
    """Charges time to stages, in the thread that runs a lap; an `edgeiqa.stages.Watch`.

    Args:
        clock: Monotonic nanoseconds.
    """

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._thread: int | None = None
        self._open: list[str] = []
        self._spent: dict[str, int] = {}
        self._since = 0

    def lap(self, call: Callable[[], T]) -> tuple[T, Lap]:
        """Times one call; returns its result and the times."""
        self._thread, self._open, self._spent = threading.get_ident(), ["rest"], {"rest": 0}
        start = self._since = self._clock()
        try:
            result = call()
            self._charge()
            return result, Lap(self._since - start, self._spent)
        finally:
            self._thread = None

    def enter(self, stage: str, /) -> None:
        """Starts charging a stage."""
        if self._thread == threading.get_ident():
            self._charge()
            self._open.append(stage)

    def leave(self, stage: str, /) -> None:
        """Ends the stage entered last."""
        if self._thread == threading.get_ident():
            self._charge()
            self._open.pop()

    def _charge(self) -> None:
        """Charges the time since the last call to the innermost stage."""
        now = self._clock()
        innermost = self._open[-1]
        self._spent[innermost] = self._spent.get(innermost, 0) + now - self._since
        self._since = now
