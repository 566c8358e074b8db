"""Scores a stream of frames: the newest frame wins, verdicts are steady, bad frames are told."""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from edgeiqa.errors import ClosedError
from edgeiqa.gating.gate import Gate, Verdict
from edgeiqa.gating.hysteresis import LiveGate
from edgeiqa.imaging.frame import Frame
from edgeiqa.live.latest_only import NewestWins
from edgeiqa.live.result import LiveResult
from edgeiqa.live.smoothing import Smoother
from edgeiqa.live.stats import LiveMeter, LiveStats
from edgeiqa.live.timestamps import StreamClock
from edgeiqa.quality import Quality

if TYPE_CHECKING:
    from edgeiqa.sources.base import Source


AnyGate: TypeAlias = Gate | LiveGate | Callable[[Quality], Verdict]


class SteadyJudge:
    """Smooths a quality, then asks the gate; from one thread at a time."""

    def __init__(self, gate: AnyGate | None, smoother: Smoother | None) -> None:
        """Takes the parts.

        Args:
            gate: A `Gate` gets the hysteresis of `LiveGate` where there is a smoother.
            smoother: None judges every picture for itself.
        """
        steady = smoother is not None
        self._gate = LiveGate(gate) if steady and isinstance(gate, Gate) else gate
        self._smoother = smoother
        self._stream = 0
        self._lock = threading.Lock()

    def __call__(
        self, quality: Quality, timestamp_ns: int | None, stream: int
    ) -> tuple[Quality, Verdict | None]:
        """Judges the next frame.

        Args:
            quality: Of the frame.
            timestamp_ns: Rising within a stream; may be None where there is no smoother.
            stream: Another number than before begins anew.

        Returns:
            The smoothed quality; and the verdict on it, or None without a gate.
        """
        with self._lock:
            if stream != self._stream:
                self._stream = stream
                if self._smoother is not None:
                    self._smoother.reset()
                if isinstance(self._gate, LiveGate):
                    self._gate.reset()
            if self._smoother is not None and timestamp_ns is not None:
                quality = self._smoother.update(quality, timestamp_ns)
            if self._gate is None:
                return quality, None
            if isinstance(self._gate, LiveGate):
                return quality, self._gate(quality, timestamp_ns or 0)
            return quality, self._gate(quality)


class Mode(enum.Enum):
    """How frames come; see the module."""

    IMAGE = "image"
    VIDEO = "video"
    LIVE = "live"


_log = logging.getLogger(__name__)


class FrameScorer(Protocol):
    """What gives a frame its quality: a `Scorer`, or something of your own."""

    def score(self, picture: Any, /) -> Quality:
        """Scores one frame."""
        ...


@dataclass(frozen=True)
class _Job:
    frame: Any
    timestamp_ns: int | None
    stream: int
    start: float


class LiveScorer:
    """Scores frames as they come, in a thread of its own in `Mode.LIVE`.

    Never queues: at most one frame waits while one is scored, and a newer one takes its place.
    A frame that cannot be scored gives a result with an `error`; the ones after it go on.

    >>> with LiveScorer(scorer, scorer.gate()) as live:  # doctest: +SKIP
    ...     for result in live.run(source):
    ...         print(result.smoothed.score, result.verdict.accept)
    """

    def __init__(
        self,
        scorer: FrameScorer,
        gate: AnyGate | None = None,
        *,
        mode: Mode = Mode.LIVE,
        on_result: Callable[[LiveResult], None] | None = None,
        smoother: Smoother | None = None,
        copy: bool = True,
        keep_frames: bool = False,
    ) -> None:
        """Makes it ready; its thread starts with the first frame.

        Args:
            scorer: Such as `Scorer()`; it may serve others at the same time.
            gate: A `Gate` gets hysteresis with the defaults of `LiveGate`; give a `LiveGate`
                for your own, or any other callable to have it asked as it is.
            mode: See `edgeiqa.mode`.
            on_result: Called with each result, in the scoring thread, in `Mode.LIVE`. It should
                return soon: while it runs no frame is scored. What it raises is logged to the
                logger "edgeiqa.live.scorer" and counted, and scoring goes on.
            smoother: With constants of your own.
            copy: In `Mode.LIVE`, copy each frame's pixels in `submit`, as cameras reuse their
                buffers and scoring begins after `submit` has returned. False spares the copy
                (3 MB for 1080p NV21) where nobody writes into a buffer once handed in.
            keep_frames: Put frames into results.

        Raises:
            TypeError: `mode` is no `Mode`.
            ValueError: `on_result` in a mode without a thread.
        """
        if not isinstance(mode, Mode):
            raise TypeError(f"mode is {mode!r}, expected Mode.IMAGE, Mode.VIDEO or Mode.LIVE")
        if on_result is not None and mode is not Mode.LIVE:
            raise ValueError(
                f"on_result is for Mode.LIVE; in Mode.{mode.name} `score` returns the result"
            )
        self.mode = mode
        self._scorer = scorer
        self._judge = SteadyJudge(gate, None if mode is Mode.IMAGE else (smoother or Smoother()))
        self._on_result = on_result
        self._copy = copy
        self._keep_frames = keep_frames
        self._meter = LiveMeter()
        self._clock = StreamClock()
        self._submitting = threading.Lock()
        self._lifecycle = threading.Lock()
        self._told_dropped = 0
        self._worker: NewestWins[_Job, LiveResult] | None = None
        self._source: Source | None = None
        self._closed = False
        self.latest: LiveResult | None = None
        """The newest result; None before the first."""

    def score(self, picture: Any, timestamp_ns: int | None = None) -> LiveResult:
        """Scores one picture now, in `Mode.IMAGE` and `Mode.VIDEO`.

        Args:
            picture: A `Frame`, or whatever else the scorer takes.
            timestamp_ns: When it was taken, in nanoseconds; by default the frame's own. In
                `Mode.VIDEO` it has to be later than the one before.

        Returns:
            The result.

        Raises:
            RuntimeError: In `Mode.LIVE`; or closed (`ClosedError`).
            ValueError: No timestamp, or one that does not rise. Nothing has changed then, and
                the next frame may come.
            Exception: Whatever the scorer raises, such as TypeError for pixels that are not
                uint8. The next frame may come.
        """
        if self.mode is Mode.LIVE:
            raise RuntimeError("score is for Mode.IMAGE and Mode.VIDEO; in Mode.LIVE use submit")
        self._refuse_if_closed()
        job = self._admit(picture, timestamp_ns)
        try:
            return self._finish(job, self._scorer.score(job.frame))
        except Exception:
            self._meter.failed()
            raise

    def submit(self, frame: Frame | np.ndarray, timestamp_ns: int | None = None) -> None:
        """Hands in a frame to be scored and returns at once, in `Mode.LIVE`.

        Args:
            frame: A `Frame`, or a uint8 array as `Frame.from_array` takes it.
            timestamp_ns: When it was taken, in nanoseconds; by default the frame's own, or now
                by the monotonic clock. It has to be later than the one before.

        Raises:
            RuntimeError: In another mode; or closed (`ClosedError`).
            TypeError: No frame, or pixels that are not uint8.
            ValueError: A timestamp that does not rise, or an array of another shape. Nothing has
                changed then, and the next frame may come.
        """
        if self.mode is not Mode.LIVE:
            raise RuntimeError(f"submit is for Mode.LIVE; in Mode.{self.mode.name} use score")
        with self._lifecycle:
            self._refuse_if_closed()
            if self._source is not None:
                raise RuntimeError("frames come from the source given to run; submit none as well")
            worker = self._worker = self._worker or self._new_worker()
        if not isinstance(frame, (Frame, np.ndarray)):
            raise TypeError(f"submit got a {type(frame).__name__}, expected a Frame or an array")
        self._hand_in(worker, frame, timestamp_ns)

    def __iter__(self) -> Iterator[LiveResult]:
        """Results of submitted frames as they come; ends with `close`.

        Raises:
            RuntimeError: In another mode than `Mode.LIVE`.
        """
        if self.mode is not Mode.LIVE:
            raise RuntimeError(f"iterating is for Mode.LIVE; in Mode.{self.mode.name} use score")
        with self._lifecycle:
            if self._closed and self._worker is None:
                return iter(())
            worker = self._worker = self._worker or self._new_worker()
        return iter(worker)

    def run(self, source: Source) -> Generator[LiveResult, None, None]:
        """Scores what a source gives, from its first frame to its end.

        Of a live source in `Mode.LIVE` the newest frame wins; every frame of any other source is
        scored. A frame that is refused or cannot be scored gives a result with an `error`. When
        the clock of a source is set back, a few frames are refused and then a new stream begins
        (`edgeiqa.live.timestamps.RESTART_AFTER`). The source is closed at the end, or when the
        iterator is.

        Args:
            source: See `edgeiqa.sources`.

        Returns:
            An iterator of results; `on_result` is called with each as well.

        Raises:
            RuntimeError: In `Mode.IMAGE`; another source is running; or closed (`ClosedError`).
        """
        if self.mode is Mode.IMAGE:
            raise RuntimeError("run is for Mode.VIDEO and Mode.LIVE; in Mode.IMAGE use score")
        with self._lifecycle:
            self._refuse_if_closed()
            if self._source is not None or self._worker is not None:
                raise RuntimeError("this LiveScorer is scoring other frames; make another one")
            self._source = source
        self.reset()
        live = source.live and self.mode is Mode.LIVE
        return self._run_newest(source) if live else self._run_all(source)

    def reset(self) -> None:
        """Forgets time, smoothing and hysteresis: the next frame begins a new stream."""
        self._clock.reset()

    def stats(self) -> LiveStats:
        """How it goes: counts, rates, latencies."""
        return self._meter.stats()

    def close(self) -> None:
        """Ends it within a second, from any thread, the callback's too, any number of times.

        The frame that waits is dropped, the one being scored still gets its result; iterators
        end, and a running source is closed.
        """
        with self._lifecycle:
            self._closed = True
            worker, source = self._worker, self._source
        if worker is not None:
            worker.close()
        if source is not None:
            source.close()

    def __enter__(self) -> LiveScorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ClosedError("this LiveScorer is closed; make another one")

    def _new_worker(self) -> NewestWins[_Job, LiveResult]:
        meter = self._meter  # Not `self`, which would tie the two into a circle.
        return NewestWins(self._work, on_dropped=lambda job: meter.dropped(), name="edgeiqa-live")

    def _admit(self, frame: Any, timestamp_ns: int | None, *, restarts: bool = False) -> _Job:
        """Counts a frame and checks its time."""
        start = time.monotonic()
        self._meter.arrived()
        try:
            if isinstance(frame, np.ndarray):
                frame = Frame.from_array(frame)
            if timestamp_ns is None and isinstance(frame, Frame):
                timestamp_ns = frame.timestamp_ns
            if self.mode is Mode.IMAGE:
                return _Job(frame, timestamp_ns, 0, start)
            if timestamp_ns is None and self.mode is Mode.LIVE:
                timestamp_ns = time.monotonic_ns()
            if timestamp_ns is None:
                raise ValueError("a frame without timestamp_ns, which Mode.VIDEO needs")
            return _Job(
                frame, timestamp_ns, self._clock.admit(timestamp_ns, restarts=restarts), start
            )
        except (TypeError, ValueError):
            self._meter.failed()
            raise

    def _hand_in(
        self,
        worker: NewestWins[_Job, LiveResult],
        frame: Any,
        timestamp_ns: int | None = None,
        *,
        restarts: bool = False,
    ) -> None:
        """Admits a frame and gives it, or a copy, to the worker."""
        with self._submitting:  # So that frames reach the worker in the order of their times.
            job = self._admit(frame, timestamp_ns, restarts=restarts)
            worker.submit(replace(job, frame=_own(job.frame)) if self._copy else job)

    def _work(self, job: _Job) -> LiveResult:
        """Scores in the thread; never raises."""
        try:
            result = self._finish(job, self._scorer.score(job.frame))
        except Exception as error:  # Whatever one frame does, the others are still to come.
            self._meter.failed()
            result = self._failed(job.timestamp_ns, error, job)
        self._tell(result)
        return result

    def _finish(self, job: _Job, quality: Quality) -> LiveResult:
        smoothed, verdict = self._judge(quality, job.timestamp_ns, job.stream)
        latency = 1000.0 * (time.monotonic() - job.start)
        self._meter.scored(latency)
        self.latest = LiveResult(
            job.timestamp_ns,
            quality,
            smoothed,
            verdict,
            latency,
            frame=self._kept(job),
            dropped=self._new_drops(),
        )
        return self.latest

    def _failed(
        self, timestamp_ns: int | None, error: Exception, job: _Job | None = None
    ) -> LiveResult:
        text = " ".join(str(error).split())
        self.latest = LiveResult(
            timestamp_ns,
            latency_ms=0.0 if job is None else 1000.0 * (time.monotonic() - job.start),
            error=f"{type(error).__name__}: {text}",
            frame=None if job is None else self._kept(job),
            dropped=self._new_drops(),
        )
        return self.latest

    def _kept(self, job: _Job) -> Frame | None:
        return job.frame if self._keep_frames and isinstance(job.frame, Frame) else None

    def _new_drops(self) -> int:
        before, self._told_dropped = self._told_dropped, self._meter.dropped_so_far
        return self._told_dropped - before

    def _tell(self, result: LiveResult) -> None:
        if self._on_result is None:
            return
        try:
            self._on_result(result)
        except Exception:
            self._meter.callback_failed()
            _log.exception("on_result raised; scoring goes on")

    def _run_all(self, source: Source) -> Generator[LiveResult, None, None]:
        try:
            for frame in source.frames():
                if self._closed:
                    return
                try:
                    job = self._admit(frame, None, restarts=True)
                except (TypeError, ValueError) as error:
                    result = self._failed(frame.timestamp_ns, error)
                    self._tell(result)
                else:
                    result = self._work(job)
                yield result
        finally:
            source.close()
            self._source = None

    def _run_newest(self, source: Source) -> Generator[LiveResult, None, None]:
        worker = self._worker = self._new_worker()
        refusals: list[LiveResult] = []  # Bounded by what the reader below takes out.
        broken: list[BaseException] = []

        def read() -> None:
            try:
                for frame in source.frames():
                    try:
                        self._hand_in(worker, frame, restarts=True)
                    except ClosedError:
                        return
                    except (TypeError, ValueError) as error:
                        result = self._failed(frame.timestamp_ns, error)
                        self._tell(result)
                        refusals[8:] = [result]
            except BaseException as error:  # The source's own; told in the caller's thread.
                broken.append(error)
            finally:
                worker.end()

        reader = threading.Thread(target=read, name="edgeiqa-source", daemon=True)
        reader.start()
        try:
            for result in worker:
                while refusals:
                    yield refusals.pop(0)
                yield result
            yield from refusals
            if broken:
                raise broken[0]
        finally:
            source.close()
            worker.close()
            reader.join(1.0)
            self._worker = self._source = None


def _own(frame: Frame) -> Frame:
    """The frame with pixels that nobody else writes to."""
    chroma = None if frame.chroma is None else (frame.chroma[0].copy(), frame.chroma[1].copy())
    return replace(frame, pixels=frame.pixels.copy(), chroma=chroma)
