"""Sixteen threads get from one scorer what one thread gets; scripts/stress has the longer run."""

from __future__ import annotations

import json

import pytest

from scripts.docs.fill_tables import ROOT
from scripts.stress.threads import WAYS, compare, main, pictures

REPORT = ROOT / "docs" / "results" / "threads.json"


def test_all_pictures_differ() -> None:
    frames = pictures(60)
    assert len({frame.pixels.tobytes() for frame in frames}) == 60


@pytest.mark.slow
def test_sixteen_threads_get_what_one_gets() -> None:
    run = compare("nano", 16, pictures(40))
    assert run["first"] == []
    assert run["scores"] == 16 * 40
    assert run["different_results"] == 40
    assert run["refused"] == 4 * 2  # In every fourth thread, one after each twentieth.


def test_a_wrong_result_would_be_noticed() -> None:
    import threading

    from edgeiqa import Scorer
    from scripts.stress import threads

    frames = pictures(3)
    scorer = Scorer("nano")
    told = threads.Outcome(lock=threading.Lock())
    threads._run(0, scorer, frames, ["{}"] * 3, told)
    assert len(told.wrong) == 3
    assert main(["--models", "nano", "--threads", "2", "--pictures", "2"]) == 0


def test_16_000_scores_were_the_same_to_the_last_bit() -> None:
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert report["ways"] == list(WAYS)
    assert {run["model"].split()[0] for run in report["runs"]} == {"nano", "base"}
    for run in report["runs"]:
        assert (run["threads"], run["pictures"], run["scores"]) == (16, 1000, 16_000)
        assert run["different_results"] == 1000
        assert run["differ"] == 0
        assert run["refused"] > 0
