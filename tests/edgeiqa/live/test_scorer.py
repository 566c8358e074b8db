"""The newest frame wins, bad frames are reported, good ones scored, and it stops on request."""

from __future__ import annotations

import gc
import json
import logging
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgeiqa.errors import ClosedError
from edgeiqa.gating.gate import Gate
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.live.result import LiveResult
from edgeiqa.live.scorer import LiveScorer, Mode
from edgeiqa.live.stats import LiveStats
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer
from edgeiqa.sources.base import Source
from tests.edgeiqa.pictures import photograph

WAIT_S = 20.0


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer("nano")


def picture(value: int | None = None) -> np.ndarray:
    if value is None:
        return np.array(photograph())
    return np.full((8, 8, 3), value, np.uint8)


def frame(number: int, value: int | None = None) -> Frame:
    return Frame(picture(value), timestamp_ns=number * 33_000_000)


class Steps:
    """Scores as the first pixel says, one frame per `step`; 255 raises."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.step = threading.Semaphore(0)

    def score(self, frame: Frame, /) -> Quality:
        self.begun.release()
        assert self.step.acquire(timeout=WAIT_S)
        return pixel_score(frame)


class Now:
    """The same without waiting."""

    def score(self, frame: Frame, /) -> Quality:
        return pixel_score(frame)


def pixel_score(frame: Frame) -> Quality:
    value = int(frame.pixels.flat[0])
    if value == 255:
        raise MemoryError("no room\nfor this one")
    return Quality(float(value), 5.0)


class Frames:
    """A source out of a list; an exception in it is raised, a number is a pause in seconds."""

    def __init__(self, *frames: Frame | float | Exception, live: bool = False) -> None:
        self.name, self.live, self.closed = "frames", live, threading.Event()
        self._frames = frames

    def frames(self) -> Iterator[Frame]:
        for one in self._frames:
            if self.closed.is_set():
                return
            if isinstance(one, Exception):
                raise one
            if isinstance(one, Frame):
                yield one
            else:
                self.closed.wait(one)

    def close(self) -> None:
        self.closed.set()


class Camera:
    """A camera at about 200 frames a second that overwrites its one buffer, until closed."""

    def __init__(self) -> None:
        self.name, self.live, self.closed = "camera", True, threading.Event()

    def frames(self) -> Iterator[Frame]:
        buffer = np.zeros((60, 90, 3), np.uint8)
        number = 0
        while not self.closed.wait(0.005):
            buffer[:] = number % 200
            number += 1
            yield Frame(buffer, timestamp_ns=time.monotonic_ns())

    def close(self) -> None:
        self.closed.set()


def until(live: LiveScorer, scored: int) -> LiveStats:
    deadline = time.monotonic() + WAIT_S
    while (stats := live.stats()).scored + stats.errors < scored:
        assert time.monotonic() < deadline, stats
        time.sleep(0.005)
    return stats


def test_image_mode_scores_each_for_itself(scorer: Scorer) -> None:
    with LiveScorer(scorer, Gate(min_score=100), mode=Mode.IMAGE) as live:
        result = live.score(picture())
        assert result.quality == scorer.score(picture())
        assert result.smoothed is result.quality
        assert result.timestamp_ns is None
        assert result.verdict is not None
        assert not result.verdict.accept
        # No state: neither time nor smoothing.
        assert live.score(frame(5)).timestamp_ns == 5 * 33_000_000
        assert live.score(frame(1)).quality == result.quality
        assert live.score(photograph()).quality == result.quality


def test_video_mode_scores_every_frame_and_smooths() -> None:
    with LiveScorer(Now(), Gate(min_score=50), mode=Mode.VIDEO) as live:
        results = [live.score(frame(n, 70)) for n in range(10)]
        results += [live.score(frame(n, 20)) for n in range(10, 14)]
    assert [r.quality.score for r in results if r.quality] == [70.0] * 10 + [20.0] * 4
    assert [r.smoothed.score for r in results if r.smoothed] == [70.0] * 11 + [20.0] * 3
    # Within two frames of the change.
    assert [r.verdict.accept for r in results if r.verdict is not None] == [True] * 11 + [False] * 3
    assert live.stats().scored == 14
    assert live.latest is results[-1]


def test_live_mode_takes_the_newest_and_never_queues() -> None:
    steps, results = Steps(), list[LiveResult]()
    with LiveScorer(steps, on_result=results.append) as live:
        live.submit(frame(0, 10))
        assert steps.begun.acquire(timeout=WAIT_S)
        for number in range(1, 101):
            live.submit(frame(number, number))
        stats = live.stats()
        assert (stats.frames_in, stats.dropped, stats.scored) == (101, 99, 0)
        steps.step.release(2)
        stats = until(live, 2)
        assert (stats.frames_in, stats.dropped, stats.scored) == (101, 99, 2)
    assert [r.quality.score for r in results if r.quality] == [10.0, 100.0]
    # They were dropped while the first was being scored.
    assert [r.dropped for r in results] == [99, 0]
    assert results[1].latency_ms >= 0


def test_no_more_than_two_frames_are_held() -> None:
    steps = Steps()
    with LiveScorer(steps, copy=False) as live:
        pixels = [picture(number) for number in range(50)]
        alive = [weakref.ref(one) for one in pixels]
        for number in range(50):
            live.submit(pixels.pop(0), number)
            if number == 0:
                assert steps.begun.acquire(timeout=WAIT_S)
        gc.collect()
        assert [ref() is not None for ref in alive] == [True] + [False] * 48 + [True]
        steps.step.release(2)
        until(live, 2)
        assert live.latest is not None
        assert live.latest.frame is None
    del live
    gc.collect()
    assert not any(ref() is not None for ref in alive)


def test_submit_copies_as_cameras_reuse_their_buffers() -> None:
    for copy, expected in ((True, 40.0), (False, 90.0)):
        steps, buffer = Steps(), picture(40)
        with LiveScorer(steps, copy=copy, keep_frames=True) as live:
            live.submit(buffer, 1)
            buffer[:] = 90
            steps.step.release()
            result = next(iter(live))
        assert result.quality == Quality(expected, 5.0)
        assert result.frame is not None
        assert (result.frame.pixels is buffer) is not copy


def test_submit_copies_all_planes(scorer: Scorer) -> None:
    random = np.random.default_rng(0)
    for pixel_format in (PixelFormat.NV21, PixelFormat.I420, PixelFormat.YUYV):
        size = 64 * 48 * 2 if pixel_format is PixelFormat.YUYV else 64 * 48 * 3 // 2
        buffer = bytearray(random.integers(0, 256, size, dtype=np.uint8).tobytes())
        taken = Frame.from_buffer(buffer, 64, 48, pixel_format, rotation=90, timestamp_ns=1)
        expected = scorer.score(taken)
        waiting = Steps()
        with LiveScorer(waiting, keep_frames=True) as live:
            live.submit(frame(0, 10), 0)
            assert waiting.begun.acquire(timeout=WAIT_S)
            live.submit(taken)
            buffer[:] = bytes(size)
            results = iter(live)
            waiting.step.release()
            assert next(results).quality == Quality(10.0, 5.0)
            waiting.step.release()
            kept = next(results).frame
        assert kept is not None
        assert scorer.score(taken) != expected
        assert scorer.score(kept) == expected


def test_results_by_iterating_end_with_close() -> None:
    live = LiveScorer(Now())
    seen = list[LiveResult]()

    def read() -> None:
        seen.extend(live)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 4):
        live.submit(frame(number, number))
        until(live, number)
    live.close()
    reader.join(WAIT_S)
    assert not reader.is_alive()
    assert [r.quality.score for r in seen if r.quality][-1] in (2.0, 3.0)
    assert list(live) == []


def test_a_slow_reader_costs_frames_not_memory() -> None:
    with LiveScorer(Now()) as live:
        results = iter(live)
        live.submit(frame(0, 1))
        assert next(results).quality == Quality(1.0, 5.0)
        live.submit(frame(1, 2))  # Scored, and lies unread.
        until(live, 2)
        for number in range(2, 50):
            live.submit(frame(number, number))
        assert live.stats().dropped == 47
        assert next(results).quality == Quality(2.0, 5.0)
        newest = next(results)
        assert newest.quality == Quality(49.0, 5.0)
        assert newest.dropped == 47


def test_frames_that_fail_are_reported_and_the_others_scored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    results = []

    def on_result(result: LiveResult) -> None:
        results.append(result)
        if result.timestamp_ns == 0:
            raise KeyError("a callback's own fault")

    with caplog.at_level(logging.ERROR), LiveScorer(Now(), on_result=on_result) as live:
        for number, value in enumerate((10, 255, 20, 255, 30)):
            live.submit(frame(number, value))
            stats = until(live, number + 1)
    assert [r.quality.score if r.quality else r.error for r in results] == [
        10.0, "MemoryError: no room for this one", 20.0, "MemoryError: no room for this one", 30.0,
    ]  # fmt: skip
    assert results[1].smoothed is None
    assert results[1].verdict is None
    assert (stats.scored, stats.errors) == (3, 2)
    assert live.stats().callback_errors == 1
    assert "a callback's own fault" in caplog.text


def test_bad_input_between_good_frames(scorer: Scorer) -> None:
    """Wrong sizes, NaN, empty regions, wrong times: each is refused, each good frame is scored."""
    good = picture()
    bad: list[tuple[type[Exception], Any, Any]] = [
        (TypeError, np.full((4, 4, 3), np.nan), None),
        (ValueError, np.zeros((4, 4, 2), np.uint8), None),
        (ValueError, np.zeros((0, 4, 3), np.uint8), None),
        (TypeError, b"\0" * 100, None),
        (TypeError, None, None),
        (ValueError, good, 5),
        (ValueError, good, -1),
        (TypeError, good, 0.5),
    ]
    results: list[LiveResult] = []
    with LiveScorer(scorer, on_result=results.append) as live:
        for number, (error, what, when) in enumerate(bad, 1):
            live.submit(good, number * 10_000_000_000)
            with pytest.raises(error):
                live.submit(what, number * 10_000_000_000 + 1 if when is None else when)
            with pytest.raises(ValueError, match="bytes"):
                live.submit(Frame.from_buffer(b"\0" * 100, 640, 360, PixelFormat.NV12))
            with pytest.raises(ValueError, match="not inside the buffer"):
                live.submit(Frame(good, roi=(0, 0, 0, 5)))
            until(live, len(results) + 1 if len(results) < number else number)
            deadline = time.monotonic() + WAIT_S
            while len(results) < number and time.monotonic() < deadline:
                time.sleep(0.005)
    expected = scorer.score(good)
    assert [r.quality for r in results] == [expected] * len(bad)
    assert live.stats().errors == len(bad) - 2  # Objects that are not frames are not counted.


def test_time_going_backwards_names_both_and_nothing_is_lost() -> None:
    for mode in (Mode.VIDEO, Mode.LIVE):
        with LiveScorer(Now(), mode=mode) as live:
            hand_in = live.submit if mode is Mode.LIVE else live.score
            hand_in(frame(3, 50))
            for number in (3, 2, 0):
                with pytest.raises(ValueError, match=rf"is {number * 33_000_000}, .* 99000000"):
                    hand_in(frame(number, 50))
            hand_in(frame(4, 51))
            stats = until(live, 5) if mode is Mode.VIDEO else live.stats()
            assert stats.errors == 3
            live.reset()
            hand_in(frame(0, 52))


def test_video_mode_needs_a_time_and_live_mode_takes_now() -> None:
    with (
        LiveScorer(Now(), mode=Mode.VIDEO) as live,
        pytest.raises(ValueError, match="timestamp_ns"),
    ):
        live.score(picture(1))
    with LiveScorer(Now()) as live:
        results = iter(live)
        before = time.monotonic_ns()
        live.submit(picture(1))
        result = next(results)
        assert result.timestamp_ns is not None
        assert before <= result.timestamp_ns <= time.monotonic_ns()


def test_video_mode_raises_what_the_scorer_raises_and_goes_on() -> None:
    with LiveScorer(Now(), mode=Mode.VIDEO) as live:
        live.score(frame(0, 10))
        with pytest.raises(MemoryError):
            live.score(frame(1, 255))
        assert live.score(frame(2, 10)).quality == Quality(10.0, 5.0)
        assert live.stats().errors == 1


def test_the_wrong_call_for_the_mode_says_which_is_right() -> None:
    for mode in (Mode.IMAGE, Mode.VIDEO):
        with LiveScorer(Now(), mode=mode) as live:
            with pytest.raises(RuntimeError, match=rf"submit is for Mode\.LIVE; in {mode} use"):
                live.submit(frame(0, 1))
            with pytest.raises(RuntimeError, match=r"iterating is for Mode\.LIVE"):
                iter(live)
        with pytest.raises(ValueError, match=r"on_result is for Mode\.LIVE"):
            LiveScorer(Now(), mode=mode, on_result=print)
    with LiveScorer(Now()) as live, pytest.raises(RuntimeError, match="use submit"):
        live.score(frame(0, 1))
    with (
        LiveScorer(Now(), mode=Mode.IMAGE) as live,
        pytest.raises(RuntimeError, match="run is for"),
    ):
        live.run(Frames())
    with pytest.raises(TypeError, match="'live', expected Mode"):
        LiveScorer(Now(), mode="live")  # type: ignore[arg-type]


def test_after_close_everything_is_refused() -> None:
    for mode in Mode:
        live = LiveScorer(Now(), mode=mode)
        live.close()
        live.close()
        with pytest.raises(ClosedError, match="closed"):
            (live.submit if mode is Mode.LIVE else live.score)(frame(0, 1))
        if mode is not Mode.IMAGE:
            with pytest.raises(ClosedError, match="closed"):
                live.run(Frames())


def test_it_closes_within_a_second_while_frames_come(scorer: Scorer) -> None:
    before = set(threading.enumerate())
    live = LiveScorer(scorer)
    stop = threading.Event()
    refused: list[Exception] = []

    def feed() -> None:
        while not stop.is_set():
            try:
                live.submit(picture())
            except ClosedError as error:
                refused.append(error)
                return

    feeders = [threading.Thread(target=feed) for _ in range(3)]
    for feeder in feeders:
        feeder.start()
    until(live, 5)
    start = time.monotonic()
    live.close()
    elapsed = time.monotonic() - start
    stop.set()
    for feeder in feeders:
        feeder.join(WAIT_S)
    assert elapsed < 1.0
    assert len(refused) == 3
    assert set(threading.enumerate()) <= before


def test_close_from_the_callback() -> None:
    closed = threading.Event()

    def on_result(result: LiveResult) -> None:
        live.close()
        closed.set()

    live = LiveScorer(Now(), on_result=on_result)
    live.submit(frame(0, 1))
    assert closed.wait(WAIT_S)
    with pytest.raises(ClosedError):
        live.submit(frame(1, 1))
    assert live.stats().callback_errors == 0


def test_a_file_is_scored_whole_in_both_modes() -> None:
    for mode in (Mode.VIDEO, Mode.LIVE):
        source = Frames(*(frame(n, n) for n in range(50)), frame(50, 255), frame(51, 51))
        with LiveScorer(Now(), mode=mode) as live:
            results = list(live.run(source))
        assert [r.quality.score for r in results if r.quality] == [*map(float, range(50)), 51.0]
        assert results[50].error == "MemoryError: no room for this one"
        assert source.closed.is_set()
        assert live.stats().dropped == 0


def test_time_going_backwards_in_a_source_is_reported_and_the_stream_continues() -> None:
    back = [*range(5), 2, *range(5, 10)]
    for live_source in (False, True):
        frames = [item for n in back for item in (frame(n, 50), 0.02)]
        with LiveScorer(Now()) as live:
            results = list(live.run(Frames(*frames, live=live_source)))
        scored = [r.timestamp_ns for r in results if r.error is None]
        assert scored == [n * 33_000_000 for n in range(10)]
        errors = [r.error for r in results if r.error is not None]
        assert len(errors) == 1
        assert "timestamp_ns is 66000000" in errors[0]
        assert "132000000" in errors[0]


def test_a_source_whose_clock_was_set_back_begins_a_new_stream() -> None:
    frames = [frame(n, 80) for n in range(100, 110)] + [frame(n, 20) for n in range(20)]
    with LiveScorer(Now()) as live:
        results = list(live.run(Frames(*frames)))
    assert [r.error is None for r in results] == [True] * 10 + [False] * 4 + [True] * 16
    # And its first frame is not smoothed with those of the old one.
    assert results[14].smoothed is not None
    assert results[14].smoothed.score == 20.0


def test_of_a_live_source_the_newest_wins_and_the_last_is_scored() -> None:
    steps = Steps()
    frames: list[Frame | float] = [frame(0, 10), 0.3, *(frame(n, n) for n in range(1, 100))]
    with LiveScorer(steps) as live:
        results = live.run(Frames(*frames, live=True))
        steps.step.release(1)
        assert next(results).quality == Quality(10.0, 5.0)
        deadline = time.monotonic() + WAIT_S
        while live.stats().frames_in < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        steps.step.release(3)
        rest = list(results)
    assert rest[-1].quality == Quality(99.0, 5.0)
    assert len(rest) <= 2
    assert live.stats().dropped == 99 - len(rest)
    assert sum(r.dropped for r in rest) == 99 - len(rest)


def test_what_a_source_raises_reaches_the_caller() -> None:
    for live_source in (False, True):
        source = Frames(frame(0, 10), 0.1, OSError("unplugged"), live=live_source)
        results = list[LiveResult]()
        with LiveScorer(Now()) as live, pytest.raises(OSError, match="unplugged"):
            results.extend(live.run(source))
        assert source.closed.is_set()


def test_a_running_source_is_closed_with_the_scorer_or_its_iterator(scorer: Scorer) -> None:
    camera = Camera()
    with LiveScorer(scorer, Gate(min_score=50)) as live:
        for count, result in enumerate(live.run(camera)):
            assert result.error is None
            with pytest.raises(RuntimeError, match="submit cannot"):
                live.submit(frame(0, 1))
            with pytest.raises(RuntimeError, match="other frames"):
                live.run(Camera())
            if count == 5:
                break
        deadline = time.monotonic() + WAIT_S
        while not camera.closed.is_set() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert camera.closed.is_set()
        second = Camera()
        results = live.run(second)
        next(results)
        start = time.monotonic()
        live.close()
        assert sum(1 for _ in results) <= 2
        assert time.monotonic() - start < 1.0
        assert second.closed.is_set()


def test_results_are_ready_for_json(scorer: Scorer) -> None:
    with LiveScorer(scorer, Gate(min_score=100), mode=Mode.VIDEO) as live:
        result = live.score(frame(1))
    row = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert list(row) == [
        "timestamp_ns", "score", "smoothed", "std", "causes", "accept", "reasons", "latency_ms",
        "dropped", "error",
    ]  # fmt: skip
    assert row["accept"] is False
    assert row["reasons"][0]["cause"] == "low_quality"
    failed = LiveResult(5, error="ValueError: x").to_dict()
    assert (failed["score"], failed["accept"], failed["reasons"]) == (None, None, [])


def test_the_same_scores_as_from_the_scorer_in_any_pixel_format(scorer: Scorer) -> None:
    rgb = picture()
    frames = [
        Frame(rgb, PixelFormat.RGB, timestamp_ns=1),
        Frame(np.ascontiguousarray(rgb[:, :, ::-1]), PixelFormat.BGR, timestamp_ns=2),
        Frame(np.rot90(rgb), PixelFormat.RGB, rotation=90, timestamp_ns=3),
    ]
    with LiveScorer(scorer, keep_frames=True) as live:
        results = list(live.run(Frames(*frames)))
    assert [r.quality for r in results] == [scorer.score(one) for one in frames]
    assert results[0].quality == scorer.score(rgb)
    assert all(r.frame is one for r, one in zip(results, frames, strict=True))


def test_test_sources_are_sources() -> None:
    sources: list[Source] = [Frames(), Camera()]
    assert [source.live for source in sources] == [False, True]


def test_closed_it_lets_go_of_the_scorer_at_once() -> None:
    """Without waiting for Python to look for circles: a model takes megabytes."""
    scorer = _FreshScorer()
    gone = weakref.ref(scorer)
    gc.disable()
    try:
        live = LiveScorer(scorer, mode=Mode.LIVE)
        live.submit(np.zeros((8, 8, 3), np.uint8))
        assert next(iter(live)).error is None
        live.close()
        del live, scorer
        assert gone() is None
    finally:
        gc.enable()


class _FreshScorer:
    def score(self, picture: Any, /) -> Quality:
        return Quality(50.0, 1.0)
