"""Where the time of one score goes: the real path, with a clock at its joints.

Nothing is written down a second time to be timed. While a clock is running, the functions that
scoring consists of are replaced by themselves with a look at the clock before and after; each
stage is charged with the time that none of the stages within it took, so that the stages of a
run add up to its total.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from edgeiqa.scorer import Scorer

P = ParamSpec("P")
T = TypeVar("T")

STAGES = {
    "decode": "decode the file",
    "frame": "frame from the buffer",
    "reduce": "resize: reduce by whole numbers",
    "resize": "resize: filter",
    "colour": "colour: YUV to RGB",
    "view": "detail: reduced luma",
    "choose": "detail: choose patches",
    "cut": "detail: cut patches",
    "score_network": "inference: score",
    "causes_network": "inference: causes",
    "light": "measure the light",
    "outputs": "read the outputs",
    "rest": "everything else",
}
"""Names of the stages, in the order of the path, and what to call them."""

NETWORKS = ("score_network", "causes_network")

# Module, name in it, stage. Where a caller has imported a function by name, it is that name.
TAPS = (
    ("edgeiqa.scorer", "decode", "decode"),
    ("edgeiqa.scorer", "preprocess", "resize"),
    ("edgeiqa.preprocessing.resize", "reduced", "reduce"),
    ("edgeiqa.preprocessing.yuv", "to_rgb", "colour"),
    ("edgeiqa.analysis.cause_detector", "detail", "choose"),
    ("edgeiqa.analysis.patches", "luma_small", "view"),
    ("edgeiqa.analysis.patches", "_native", "cut"),
    ("edgeiqa.analysis.cause_detector", "exposure", "light"),
    ("edgeiqa.analysis.cause_detector", "pooled", "outputs"),
    ("edgeiqa.scorer", "quality_from_outputs", "outputs"),
    ("edgeiqa.inference.model", "_Runner.dequantise", "outputs"),
)


@dataclass(frozen=True)
class Lap:
    """One run.

    Attributes:
        total: Nanoseconds from beginning to end.
        stages: Nanoseconds per stage that was entered, and of "rest"; they add up to `total`.
    """

    total: int
    stages: dict[str, int]

    @property
    def inside(self) -> int:
        """Nanoseconds in the network that gives the score."""
        return self.stages.get("score_network", 0)

    @property
    def outside(self) -> int:
        """Nanoseconds in none of the networks."""
        return self.total - sum(self.stages.get(name, 0) for name in NETWORKS)


class Stopwatch:
    """Charges time to stages, for the thread that runs a lap."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """Stands still until `lap`.

        Args:
            clock: Nanoseconds since any moment, never going back.
        """
        self._clock = clock
        self._thread: int | None = None
        self._open: list[str] = []
        self._spent: dict[str, int] = {}
        self._since = 0

    def lap(self, call: Callable[[], T]) -> tuple[T, Lap]:
        """Times one call; returns what it returned, and the times."""
        self._thread, self._open, self._spent = threading.get_ident(), ["rest"], {"rest": 0}
        start = self._since = self._clock()
        try:
            result = call()
            self._charge()
            return result, Lap(self._since - start, self._spent)
        finally:
            self._thread = None

    def timed(self, stage: str, function: Callable[P, T]) -> Callable[P, T]:
        """The same function, charging its time to a stage while a lap goes on."""

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            if self._thread != threading.get_ident():
                return function(*args, **kwargs)
            self._charge()
            self._open.append(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._charge()
                self._open.pop()

        return call

    def _charge(self) -> None:
        """Charges the time since the last look at the clock to the innermost stage."""
        now = self._clock()
        stage = self._open[-1]
        self._spent[stage] = self._spent.get(stage, 0) + now - self._since
        self._since = now


@contextlib.contextmanager
def tapped(watch: Stopwatch, scorer: Scorer) -> Iterator[None]:
    """Lets a stopwatch see the stages of a scorer, and takes everything back in the end.

    Args:
        watch: Charges what runs in a lap of it.
        scorer: The networks of others are not told apart.

    Raises:
        AttributeError: The path has another joint than `TAPS` says.
    """
    with contextlib.ExitStack() as stack:
        for module, path, stage in TAPS:
            holder: object = importlib.import_module(module)
            *outer, name = path.split(".")
            for part in outer:
                holder = getattr(holder, part)
            _replace(stack, holder, name, watch, stage)
        _replace(stack, scorer.model, "run", watch, "score_network")
        if scorer.cause_detector is not None:
            _replace(stack, scorer.cause_detector.model, "run", watch, "causes_network")
        yield


def _replace(
    stack: contextlib.ExitStack, holder: object, name: str, watch: Stopwatch, stage: str
) -> None:
    timed = watch.timed(stage, getattr(holder, name))
    if name in vars(holder):
        stack.callback(setattr, holder, name, vars(holder)[name])
    else:
        stack.callback(delattr, holder, name)  # A method of the class, hidden by ours.
    setattr(holder, name, timed)
