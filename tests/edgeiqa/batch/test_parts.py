"""The small parts: cores, rows between processes, names of settings, counting."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgeiqa import Scorer
from edgeiqa.batch import pool
from edgeiqa.batch.cpu_count import cgroup_cores, usable_cores
from edgeiqa.batch.pool import HANDFUL, Maker
from edgeiqa.batch.protocol import packed, unpacked
from edgeiqa.batch.settings import Recipe, settings
from edgeiqa.cli.progress import Counting
from edgeiqa.gating.gate import Gate, Reason, Verdict
from edgeiqa.imaging.discovery import Item
from edgeiqa.quality import Quality
from edgeiqa.results.row import Row


def test_rows_travel_to_the_last_bit() -> None:
    reason = Reason("blur", 1 / 3, 0.1, decisive=False)
    rows = [
        Row("a.jpg", Quality(100 / 3, 2 / 7, causes={"blur": 1 / 3}), Verdict(False, (reason,))),
        Row("\udcff\n.jpg", error="é \udcfe"),
        Row("b.jpg", Quality(1.0, None), more={"mode": "quick"}),
    ]
    for row in rows:
        line = packed(row)
        assert line.count(b"\n") == 1
        assert unpacked(line) == row


def test_a_recipe_makes_the_same_gate() -> None:
    recipe = Recipe("nano", 41.25, {"blur": 0.5, "newer": 0.25}, True, 1000)
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    _, gate = again.opened()
    assert gate is not None
    assert (gate.min_score, gate.max_causes) == (41.25, {"blur": 0.5, "newer": 0.25})
    assert replace(recipe, min_score=None).opened()[1] is None


def test_a_recipe_may_hold_its_model() -> None:
    data = b"\xffmodel"
    recipe = Recipe(data, None, {}, False, 1000)
    assert "model" in json.loads(recipe.to_json())
    assert Recipe.from_json(recipe.to_json(), data) == recipe
    assert recipe.model_bytes == data
    assert replace(recipe, model="nano").model_bytes is None


def test_settings_change_with_all_that_changes_rows() -> None:
    scorer = Scorer("nano")
    gate = Gate(min_score=50)
    usual = settings(scorer, gate, quick=False, max_pixels=100)
    assert settings(scorer, Gate(min_score=50), quick=False, max_pixels=100) == usual
    others = [
        settings(Scorer("base"), gate, quick=False, max_pixels=100),
        settings(Scorer("nano", causes=False), gate, quick=False, max_pixels=100),
        settings(scorer, None, quick=False, max_pixels=100),
        settings(scorer, Gate(min_score=51), quick=False, max_pixels=100),
        settings(scorer, Gate(min_score=50, max_causes={"blur": 0.5}), quick=False, max_pixels=100),
        settings(scorer, gate, quick=True, max_pixels=100),
        settings(scorer, gate, quick=False, max_pixels=101),
    ]
    assert len({usual.digest, *(one.digest for one in others)}) == len(others) + 1


def cgroup(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.mark.parametrize(
    ("own", "expected"),
    [("0::/a/b\n", 1.5), ("0::/a\n", 3.0), ("0::/\n", None), ("0::/not/seen/in/here\n", None)],
)
def test_quotas_of_version_2_count_upwards(
    own: str, expected: float | None, tmp_path: Path
) -> None:
    root = tmp_path / "cgroup"
    cgroup(root / "a", cpu__max="300000 100000\n")
    cgroup(root / "a" / "b", cpu__max="150000 100000\n")
    cgroup(root / "a" / "b" / "c", cpu__max="max 100000\n")
    (tmp_path / "own").write_text(own)
    assert cgroup_cores(root, tmp_path / "own") == expected


def test_quotas_of_version_1_count_too(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    cgroup(root / "cpu" / "box", cpu__cfs_quota_us="50000", cpu__cfs_period_us="100000")
    cgroup(root / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    (tmp_path / "own").write_text("3:memory:/x\n2:cpu,cpuacct:/box\n")
    assert cgroup_cores(root, tmp_path / "own") == 0.5
    assert cgroup_cores(root, tmp_path / "nothing") is None


def test_there_is_a_core_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores() >= 1
    monkeypatch.setattr("edgeiqa.batch.cpu_count.cgroup_cores", lambda: 0.2)
    assert usable_cores() == 1


def test_counting_tells_once_and_gives_up_at_the_end() -> None:
    told: list[int] = []
    done = threading.Event()

    def tell(count: int) -> None:
        told.append(count)
        done.set()

    with Counting(range(5), tell):
        assert done.wait(20)
    assert told == [5]

    waiting = threading.Event()

    def endless() -> Iterator[int]:
        while True:
            yield 1
            waiting.wait(0.001)

    with Counting(endless(), told.append):
        pass
    assert told == [5]
    assert not any(thread.name == "edgeiqa-count" for thread in threading.enumerate())


@pytest.mark.parametrize("count", [0, 1, HANDFUL])
def test_a_handful_needs_no_process(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "Pool", None)
    recipe = Recipe("nano", None, {}, False, 1000)
    made = Maker(lambda item: Row(item.path), recipe, None, 60)
    items = [Item(str(number)) for number in range(count)]
    assert [item for item, _ in made.rows(items, in_order=True)] == items


def test_rows_of_a_worker_are_json_and_no_pickle() -> None:
    document = json.loads(packed(Row("a.jpg", Quality(50.0))))
    assert document["quality"] == [50.0, None, {}]
