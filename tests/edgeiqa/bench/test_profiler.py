"""Time is charged to the right stage, none is lost, and the path is left as it was."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator

import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.bench.inputs import file_subject, frame_subject, sample_picture
from edgeiqa.bench.measure import once
from edgeiqa.bench.profiler import STAGES, TAPS, Lap, Stopwatch, tapped
from edgeiqa.imaging.frame import PixelFormat
from edgeiqa.scorer import Scorer


def clock(*times: int) -> Callable[[], int]:
    """Shows these times, one after the other."""
    ticks: Iterator[int] = iter(times)
    return lambda: next(ticks)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer("nano")


def test_a_stage_is_not_charged_with_what_is_within_it() -> None:
    # Lap begins, outer in, inner in, inner out, outer out, lap ends.
    watch = Stopwatch(clock(0, 10, 13, 33, 34, 40))
    inner = watch.timed("cut", lambda: "found")
    outer = watch.timed("choose", lambda: inner())
    result, lap = watch.lap(outer)
    assert result == "found"
    assert lap == Lap(40, {"rest": 16, "choose": 4, "cut": 20})
    assert sum(lap.stages.values()) == lap.total


def test_a_stage_entered_twice_is_charged_with_both() -> None:
    watch = Stopwatch(clock(0, 1, 3, 10, 15, 20))
    cut = watch.timed("cut", lambda: None)
    _, lap = watch.lap(lambda: (cut(), cut()))
    assert lap.stages == {"rest": 13, "cut": 7}


def test_an_error_leaves_the_clock_in_order() -> None:
    watch = Stopwatch()

    def fails() -> None:
        raise ValueError("no")

    timed = watch.timed("cut", fails)
    with pytest.raises(ValueError, match="no"):
        watch.lap(timed)
    with pytest.raises(ValueError, match="no"):
        timed()  # Outside of a lap it is only itself.
    _, lap = watch.lap(lambda: None)
    assert set(lap.stages) == {"rest"}


def test_other_threads_are_not_timed() -> None:
    watch = Stopwatch()
    cut = watch.timed("cut", lambda: None)

    def elsewhere() -> None:
        thread = threading.Thread(target=cut)
        thread.start()
        thread.join()

    _, lap = watch.lap(elsewhere)
    assert "cut" not in lap.stages


def test_inside_and_outside() -> None:
    lap = Lap(100, {"rest": 5, "colour": 25, "score_network": 50, "causes_network": 20})
    assert (lap.inside, lap.outside) == (50, 30)
    assert Lap(7, {"rest": 7}).inside == 0


def test_every_joint_of_the_path_is_there_and_passed(scorer: Scorer) -> None:
    subject = frame_subject("x", sample_picture(), (320, 200), PixelFormat.NV21)
    watch = Stopwatch()
    with tapped(watch, scorer):
        _, of_frame = once(scorer, subject, watch)
        _, of_file = once(scorer, file_subject(str(sample_paths()[0])), watch)
    assert set(of_frame.stages) == set(STAGES) - {"decode"}
    assert set(of_file.stages) == set(STAGES) - {"frame", "reduce", "colour"}
    assert all(stage in STAGES for _, _, stage in TAPS)
    for lap in (of_frame, of_file):
        assert sum(lap.stages.values()) == lap.total
        assert min(lap.stages.values()) > 0


def test_the_path_is_as_it_was_and_scores_the_same(scorer: Scorer) -> None:
    def joints() -> list[object]:
        found: list[object] = []
        for module, path, _ in TAPS:
            holder: object = importlib.import_module(module)
            for part in path.split("."):
                holder = getattr(holder, part)
            found.append(holder)
        return found

    path = sample_paths()[0]
    before, plain = joints(), scorer.score(path)
    watch = Stopwatch()

    def interrupted() -> None:
        with tapped(watch, scorer):
            assert joints() != before
            quality, _ = watch.lap(lambda: scorer.score(path))
            assert quality == plain
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert joints() == before
    assert "run" not in vars(scorer.model)
    assert scorer.cause_detector is not None
    assert "run" not in vars(scorer.cause_detector.model)


def test_without_causes_their_stages_are_missing() -> None:
    scorer = Scorer("nano", causes=False)
    watch = Stopwatch()
    subject = frame_subject("x", sample_picture(), (64, 48), PixelFormat.GRAY)
    with tapped(watch, scorer):
        _, lap = once(scorer, subject, watch)
    assert not {"causes_network", "view", "choose", "cut", "light"} & set(lap.stages)
