"""Processes score as one does, and one that dies or hangs costs one photograph."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeiqa.batch.pool import WINDOW, Pool
from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.errors import WorkerError
from edgeiqa.imaging.discovery import Item
from edgeiqa.results.row import Row
from edgeiqa.results.score_row import score_row
from tests.edgeiqa.batch.trees import children, is_alive, make_tree

RECIPE = ScoreSettings("nano", 57.0, {"blur": 0.5}, False, 200_000_000)

# A worker as it is, but that the names of files say what happens.
_ODD = """
import json, os, signal, sys, time
sys.path[:] = json.loads(sys.argv[1])
from edgeiqa.results import score_row as scorerow
from edgeiqa.batch import worker_main as worker
usual = scorerow.score_row
def odd(path, *arguments, **options):
    if "segfault" in path: os.kill(os.getpid(), signal.SIGSEGV)
    if "killed" in path: os.kill(os.getpid(), signal.SIGKILL)
    if "leaves" in path: os._exit(7)
    if "hangs" in path: time.sleep(1000)
    if "prints" in path: os.write(1, b"chatter\\n")
    return usual(path, *arguments, **options)
scorerow.score_row = odd
worker.main()
"""


def odd_worker() -> list[str]:
    places = [os.path.abspath(place) for place in sys.path]
    return [sys.executable, "-c", _ODD, json.dumps(places)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_tree(tmp_path_factory.mktemp("photos"), 24)


def test_rows_are_those_of_one_process_to_the_last_bit(photos: list[Path]) -> None:
    scorer, gate = RECIPE.open()
    items = [Item(str(path)) for path in photos]
    with Pool(RECIPE, 2, timeout_s=60) as pool:
        got = list(pool.rows(items, in_order=True))
        again = list(pool.rows(items, in_order=False))
    assert [item for item, _ in got] == items
    for item, row in got:
        assert row == score_row(item.path, scorer, gate)
        assert row.error is None
    assert sorted(again, key=lambda pair: pair[0].path) == got


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("in_order", [True, False])
def test_whatever_one_does_the_others_are_scored(photos: list[Path], in_order: bool) -> None:
    names = {
        "segfault": "the decoder crashed on it (SIGSEGV)",
        "killed": "SIGKILL",
        "leaves": "the decoder crashed on it (exit code 7)",
        "hangs": "no answer within 2 s, see --timeout",
    }
    items = [Item(str(path)) for path in photos[:12]]
    for number, name in enumerate(names):
        items.insert(3 * number + 1, Item(name))
    items.append(Item("prints.jpg"))
    with Pool(RECIPE, 2, timeout_s=2, command=odd_worker()) as pool:
        rows = {item.path: row for item, row in pool.rows(items, in_order=in_order)}
    assert len(rows) == len(items)
    if in_order:
        assert list(rows) == [item.path for item in items]
    for path in photos[:12]:
        assert rows[str(path)].error is None
    for name, words in names.items():
        assert words in str(rows[name].error)
    assert rows["prints.jpg"].error == "no such file"


def test_no_more_is_taken_than_is_needed(photos: list[Path]) -> None:
    taken = 0

    def listing() -> Iterator[Item]:
        nonlocal taken
        for _ in range(100_000):
            taken += 1
            yield Item(str(photos[0]))

    with Pool(RECIPE, 1, timeout_s=60) as pool:
        rows = pool.rows(listing(), in_order=True)
        for count in range(1, 11):
            next(rows)
            assert taken <= count + 2
        rows.close()
    assert WINDOW < 100_000


def test_what_no_worker_can_do_is_done_here_in_its_place(photos: list[Path]) -> None:
    items = [Item(str(photos[0])), Item("here"), Item(str(photos[1]))]
    with Pool(RECIPE, 2, timeout_s=60) as pool:
        made = list(
            pool.rows(
                items,
                in_order=True,
                here=lambda item: Row("here", error="x") if item.path == "here" else None,
            )
        )
    assert [row.path for _, row in made] == [item.path for item in items]
    assert made[1][1].error == "x"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_no_process_is_left(photos: list[Path]) -> None:
    others = set(children(os.getpid()))
    with Pool(RECIPE, 2, timeout_s=60, command=odd_worker()) as pool:
        rows = pool.rows([Item(str(photos[0])), Item("hangs"), Item("hangs")], in_order=True)
        next(rows)
        pids = set(children(os.getpid())) - others
        assert len(pids) >= 2
    deadline = time.monotonic() + 20
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, pids))


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_worker_that_is_killed_between_photographs_costs_the_next_at_most(
    photos: list[Path],
) -> None:
    items = [Item(str(path)) for path in photos]
    with Pool(RECIPE, 1, timeout_s=60) as pool:
        rows = []
        for item, row in pool.rows(items, in_order=True):
            rows.append((item, row))
            if len(rows) == 5:
                process = pool._workers[0]._process
                assert process is not None
                process.kill()
    assert len(rows) == len(items)
    assert sum(row.error is not None for _, row in rows) <= 1


def test_a_worker_that_does_not_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeiqa.batch.worker_process._RETRY_DELAYS_S", (0.01,))
    command = [sys.executable, "-c", "import sys; sys.exit(5)"]
    with (
        Pool(RECIPE, 1, timeout_s=60, command=command) as pool,
        pytest.raises(WorkerError, match="did not start, it ended with 5"),
    ):
        list(pool.rows([Item("a.jpg")], in_order=True))
    with (
        Pool(RECIPE, 1, timeout_s=60, command=["/no/such/program"]) as pool,
        pytest.raises(WorkerError, match="cannot be started"),
    ):
        list(pool.rows([Item("a.jpg")], in_order=True))
