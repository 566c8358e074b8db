"""Time is charged to the right stage, none is lost, and scores stay the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from edgeiqa import stages
from edgeiqa.assets import sample_paths
from edgeiqa.bench.inputs import file_subject, frame_subject, sample_picture
from edgeiqa.bench.measure import once
from edgeiqa.bench.profiler import STAGES, Lap, Stopwatch
from edgeiqa.imaging.frame import PixelFormat
from edgeiqa.scorer import Scorer
from edgeiqa.stages import stage, watched


def clock(*times: int) -> Callable[[], int]:
    """Shows these times, one after the other."""
    ticks: Iterator[int] = iter(times)
    return lambda: next(ticks)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer("nano")


@stage("cut")
def cut() -> str:
    return "found"


@stage("choose")
def choose() -> str:
    return cut()


@stage("cut")
def fails() -> None:
    raise ValueError("no")


def test_a_stage_is_not_charged_with_those_inside_it() -> None:
    # The lap starts, choose in, cut in, cut out, choose out, the lap ends.
    watch = Stopwatch(clock(0, 10, 13, 33, 34, 40))
    with watched(watch):
        result, lap = watch.lap(choose)
    assert result == "found"
    assert lap == Lap(40, {"rest": 16, "choose": 4, "cut": 20})
    assert sum(lap.stages.values()) == lap.total


def test_a_stage_entered_twice_is_charged_with_both() -> None:
    watch = Stopwatch(clock(0, 1, 3, 10, 15, 20))
    with watched(watch):
        _, lap = watch.lap(lambda: (cut(), cut()))
    assert lap.stages == {"rest": 13, "cut": 7}


def test_an_error_leaves_the_watch_in_order() -> None:
    watch = Stopwatch()
    with watched(watch):
        with pytest.raises(ValueError, match="no"):
            watch.lap(fails)
        with pytest.raises(ValueError, match="no"):
            fails()
        _, lap = watch.lap(lambda: None)
    assert set(lap.stages) == {"rest"}


def test_other_threads_are_not_timed() -> None:
    watch = Stopwatch()

    def elsewhere() -> None:
        thread = threading.Thread(target=cut)
        thread.start()
        thread.join()

    with watched(watch):
        _, lap = watch.lap(elsewhere)
    assert "cut" not in lap.stages


def test_inside_and_outside() -> None:
    lap = Lap(100, {"rest": 5, "colour": 25, "score_network": 50, "causes_network": 20})
    assert (lap.inside, lap.outside) == (50, 30)
    assert Lap(7, {"rest": 7}).inside == 0


def test_every_stage_of_the_path_is_entered(scorer: Scorer) -> None:
    subject = frame_subject("x", sample_picture(), (320, 200), PixelFormat.NV21)
    watch = Stopwatch()
    with watched(watch):
        _, of_frame = once(scorer, subject, watch)
        _, of_file = once(scorer, file_subject(str(sample_paths()[0])), watch)
    assert set(of_frame.stages) == set(STAGES) - {"decode"}
    assert set(of_file.stages) == set(STAGES) - {"frame", "reduce", "colour"}
    for lap in (of_frame, of_file):
        assert sum(lap.stages.values()) == lap.total
        assert min(lap.stages.values()) > 0


def test_a_watch_changes_no_score_and_is_gone_after_an_interrupt(scorer: Scorer) -> None:
    path = sample_paths()[0]
    plain = scorer.score(path)
    watch = Stopwatch()

    def interrupted() -> None:
        with watched(watch):
            quality, _ = watch.lap(lambda: scorer.score(path))
            assert quality == plain
            with pytest.raises(RuntimeError, match="another watch"), watched(Stopwatch()):
                pass
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stages._watch is None


def test_without_causes_their_stages_are_missing() -> None:
    scorer = Scorer("nano", causes=False)
    watch = Stopwatch()
    subject = frame_subject("x", sample_picture(), (64, 48), PixelFormat.GRAY)
    with watched(watch):
        _, lap = once(scorer, subject, watch)
    assert not {"causes_network", "view", "choose", "cut", "light"} & set(lap.stages)
