"""Scores a stream of frames: the newest frame wins, and verdicts are stable."""

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
from edgeiqa.live.latest_only import LatestOnlyWorker
from edgeiqa.live.result import LiveResult
from edgeiqa.live.smoothing import Smoother
from edgeiqa.live.stats import LiveMeter, LiveStats
from edgeiqa.live.timestamps import StreamClock
from edgeiqa.quality import Quality

if TYPE_CHECKING:
    from edgeiqa.sources.base import Source

AnyGate: TypeAlias = Gate | LiveGate | Callable[[Quality], Verdict]

_MAX_REFUSALS = 8  # Results of refused frames kept for a reader that is busy.

_log = logging.getLogger(__name__)


class Mode(enum.Enum):
    """How frames arrive and what happens to them.

    | mode | call | time | frames |
    | --- | --- | --- | --- |
    | IMAGE | `score` | ignored | independent: no smoothing, no hysteresis |
    | VIDEO | `score`, `run` | must increase | every frame is scored, smoothed over time |
    | LIVE | `submit`, `run` | must increase | in a thread; the newest frame wins, others drop |
    """

    IMAGE = "image"
    VIDEO = "video"
    LIVE = "live"


class FrameScorer(Protocol):
    """Anything that scores a frame: a `Scorer`, or your own."""

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
    """Scores frames as they arrive, in its own thread in `Mode.LIVE`.

    Nothing queues: at most one frame waits while another is scored, and a newer one replaces it.
    A frame that cannot be scored gives a result with an `error`, and the stream continues.

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
        """Prepares scoring; the thread starts with the first frame.

        Args:
            scorer: Such as `Scorer()`; it may be shared.
            gate: A `Gate` gets hysteresis with the defaults of `LiveGate`; pass a `LiveGate` to
                choose them, or any other callable to have it called as it is.
            mode: See `Mode`.
            on_result: Called with each result in the scoring thread, in `Mode.LIVE`. It should
                return quickly, as no frame is scored meanwhile. Its exceptions are counted and
                logged to "edgeiqa.live.scorer", and scoring continues.
            smoother: Replaces the default `Smoother()`; `Smoother(0)` does not smooth.
            copy: In `Mode.LIVE`, copy the pixels in `submit`, because cameras reuse their
                buffers. False saves the copy (3 MB for 1080p NV21) if nothing writes to a
                submitted buffer.
            keep_frames: Include frames in results.

        Raises:
            TypeError: `mode` is not a `Mode`.
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
        self._judge = _Judge(gate, None if mode is Mode.IMAGE else (smoother or Smoother()))
        self._on_result = on_result
        self._copy = copy
        self._keep_frames = keep_frames
        self._meter = LiveMeter()
        self._clock = StreamClock()
        self._submitting = threading.Lock()
        self._lifecycle = threading.Lock()
        self._reported_drops = 0
        self._worker: LatestOnlyWorker[_Job, LiveResult] | None = None
        self._source: Source | None = None
        self._closed = False
        self.latest: LiveResult | None = None
        """The newest result; None before the first."""

    def score(self, picture: Any, timestamp_ns: int | None = None) -> LiveResult:
        """Scores one picture now, in `Mode.IMAGE` and `Mode.VIDEO`.

        Args:
            picture: A `Frame`, or anything else the scorer accepts.
            timestamp_ns: When it was taken, in nanoseconds; by default the frame's own. In
                `Mode.VIDEO` it must be later than the previous one.

        Returns:
            The result.

        Raises:
            RuntimeError: In `Mode.LIVE`; or closed (`ClosedError`).
            ValueError: A missing or non-increasing timestamp. The state is unchanged.
            Exception: Whatever the scorer raises. The state is unchanged.
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
        """Submits a frame to be scored and returns at once, in `Mode.LIVE`.

        Args:
            frame: A `Frame`, or a uint8 array accepted by `Frame.from_array`.
            timestamp_ns: When it was taken, in nanoseconds; by default the frame's own, or the
                monotonic clock. Must be later than the previous one.

        Raises:
            RuntimeError: In another mode; or closed (`ClosedError`).
            TypeError: Not a frame, or pixels that are not uint8.
            ValueError: A non-increasing timestamp or a wrong array shape. The state is unchanged.
        """
        if self.mode is not Mode.LIVE:
            raise RuntimeError(f"submit is for Mode.LIVE; in Mode.{self.mode.name} use score")
        with self._lifecycle:
            self._refuse_if_closed()
            if self._source is not None:
                raise RuntimeError("run is reading frames from a source; submit cannot add others")
            worker = self._worker = self._worker or self._new_worker()
        if not isinstance(frame, (Frame, np.ndarray)):
            raise TypeError(f"submit got a {type(frame).__name__}, expected a Frame or an array")
        self._submit(worker, frame, timestamp_ns)

    def __iter__(self) -> Iterator[LiveResult]:
        """Yields results of submitted frames in `Mode.LIVE`, until `close`."""
        if self.mode is not Mode.LIVE:
            raise RuntimeError(f"iterating is for Mode.LIVE; in Mode.{self.mode.name} use score")
        with self._lifecycle:
            if self._closed and self._worker is None:
                return iter(())
            worker = self._worker = self._worker or self._new_worker()
        return iter(worker)

    def run(self, source: Source) -> Generator[LiveResult, None, None]:
        """Scores the frames of a source until it ends.

        From a live source in `Mode.LIVE` the newest frame wins; of any other source every frame
        is scored. A frame that is refused or cannot be scored gives a result with an `error`.
        When a source's clock is set back, a few frames are refused before a new stream starts
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
                raise RuntimeError("this LiveScorer is scoring other frames; create another one")
            self._source = source
        self.reset()
        live = source.live and self.mode is Mode.LIVE
        return self._run_newest(source) if live else self._run_all(source)

    def reset(self) -> None:
        """Resets time, smoothing and hysteresis: the next frame starts a new stream."""
        self._clock.reset()

    def stats(self) -> LiveStats:
        """Returns counts, rates and latencies."""
        return self._meter.stats()

    def close(self) -> None:
        """Stops within a second, from any thread including the callback; may be repeated.

        The waiting frame is dropped, the one being scored still gets its result, iterators end,
        and a running source is closed.
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

    def _run_all(self, source: Source) -> Generator[LiveResult, None, None]:
        try:
            for frame in source.frames():
                if self._closed:
                    return
                try:
                    job = self._admit(frame, None, restarts=True)
                except (TypeError, ValueError) as error:
                    yield self._refused(frame, error)
                else:
                    yield self._work(job)
        finally:
            source.close()
            self._source = None

    def _run_newest(self, source: Source) -> Generator[LiveResult, None, None]:
        worker = self._worker = self._new_worker()
        refusals: list[LiveResult] = []
        failure: list[BaseException] = []

        def read() -> None:
            try:
                for frame in source.frames():
                    try:
                        self._submit(worker, frame, restarts=True)
                    except ClosedError:
                        return
                    except (TypeError, ValueError) as error:
                        refusals[_MAX_REFUSALS:] = [self._refused(frame, error)]
            except BaseException as error:  # Re-raised in the caller's thread.
                failure.append(error)
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
            if failure:
                raise failure[0]
        finally:
            source.close()
            worker.close()
            reader.join(1.0)
            self._worker = self._source = None

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ClosedError("this LiveScorer is closed; create another one")

    def _new_worker(self) -> LatestOnlyWorker[_Job, LiveResult]:
        meter = self._meter  # Not `self`, which would create a reference cycle.
        return LatestOnlyWorker(
            self._work, on_dropped=lambda job: meter.dropped(), name="edgeiqa-live"
        )

    def _admit(self, frame: Any, timestamp_ns: int | None, *, restarts: bool = False) -> _Job:
        """Counts a frame and checks its timestamp."""
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
                raise ValueError("the frame has no timestamp_ns, which Mode.VIDEO requires")
            stream = self._clock.admit(timestamp_ns, restarts=restarts)
            return _Job(frame, timestamp_ns, stream, start)
        except (TypeError, ValueError):
            self._meter.failed()
            raise

    def _submit(
        self,
        worker: LatestOnlyWorker[_Job, LiveResult],
        frame: Any,
        timestamp_ns: int | None = None,
        *,
        restarts: bool = False,
    ) -> None:
        """Admits a frame and passes it, or a copy, to the worker."""
        with self._submitting:  # Frames must reach the worker in the order of their timestamps.
            job = self._admit(frame, timestamp_ns, restarts=restarts)
            worker.submit(replace(job, frame=job.frame.copy()) if self._copy else job)

    def _work(self, job: _Job) -> LiveResult:
        """Scores a frame; never raises."""
        try:
            result = self._finish(job, self._scorer.score(job.frame))
        except Exception as error:  # One bad frame must not end the stream.
            self._meter.failed()
            result = self._failed(job.timestamp_ns, error, job)
        self._notify(result)
        return result

    def _refused(self, frame: Frame, error: Exception) -> LiveResult:
        """The result for a frame that was not admitted."""
        result = self._failed(frame.timestamp_ns, error)
        self._notify(result)
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
        before, self._reported_drops = self._reported_drops, self._meter.dropped_so_far
        return self._reported_drops - before

    def _notify(self, result: LiveResult) -> None:
        if self._on_result is None:
            return
        try:
            self._on_result(result)
        except Exception:
            self._meter.callback_failed()
            _log.exception("on_result raised; scoring continues")


class _Judge:
    """Smooths a quality, then applies the gate.

    Args:
        gate: With a smoother, a `Gate` gets the hysteresis of `LiveGate`.
        smoother: None judges every picture independently.
    """

    def __init__(self, gate: AnyGate | None, smoother: Smoother | None) -> None:
        self._gate = LiveGate(gate) if smoother is not None and isinstance(gate, Gate) else gate
        self._forgets = self._gate is not gate  # A LiveGate of the caller's keeps its own time.
        self._smoother = smoother
        self._stream = 0
        self._lock = threading.Lock()

    def __call__(
        self, quality: Quality, timestamp_ns: int | None, stream: int
    ) -> tuple[Quality, Verdict | None]:
        """Returns the smoothed quality and the verdict on it; a new `stream` starts over."""
        with self._lock:
            if stream != self._stream:
                self._stream = stream
                if self._smoother is not None:
                    self._smoother.reset()
                if isinstance(self._gate, LiveGate):
                    self._gate.reset()
            if self._smoother is not None and timestamp_ns is not None:
                if self._forgets and self._smoother.is_stale(timestamp_ns):
                    assert isinstance(self._gate, LiveGate)
                    self._gate.reset()
                quality = self._smoother.update(quality, timestamp_ns)
            if self._gate is None:
                return quality, None
            if isinstance(self._gate, LiveGate):
                return quality, self._gate(quality, timestamp_ns or 0)
            return quality, self._gate(quality)
