"""The small parts: cores, rows between processes, names of settings, counting."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgeiqa import Scorer
from edgeiqa.batch import run
from edgeiqa.batch.cpu_count import cgroup_cores, usable_cores
from edgeiqa.batch.protocol import pack_row, unpack_row
from edgeiqa.batch.run import SMALL_BATCH, BatchRun, counting
from edgeiqa.batch.settings import Fingerprint, ScoreSettings
from edgeiqa.gating.gate import Gate, Reason
from edgeiqa.results.row import Row


def test_rows_travel_to_the_last_bit() -> None:
    reason = Reason("blur", 1 / 3, 0.1, decisive=False)
    rows = [
        Row("a.jpg", 100 / 3, 2 / 7, {"blur": 1 / 3}, False, (reason,)),
        Row("\udcff\n.jpg", error="é \udcfe"),
        Row("b.jpg", 1.0, extra={"mode": "quick"}),
    ]
    for row in rows:
        line = pack_row(row)
        assert line.count(b"\n") == 1
        assert unpack_row(line) == row


def test_settings_make_the_same_gate() -> None:
    chosen = ScoreSettings("nano", 41.25, {"blur": 0.5, "newer": 0.25}, True, 1000)
    again = ScoreSettings.from_json(chosen.to_json())
    assert again == chosen
    _, gate = again.open()
    assert gate is not None
    assert (gate.min_score, gate.max_causes) == (41.25, {"blur": 0.5, "newer": 0.25})
    assert replace(chosen, min_score=None).open()[1] is None


@pytest.mark.parametrize("reject_damaged", [True, False])
def test_settings_keep_what_becomes_of_damaged_pictures(reject_damaged: bool) -> None:
    chosen = ScoreSettings.of("nano", Gate(min_score=50, reject_damaged=reject_damaged))
    _, gate = ScoreSettings.from_json(chosen.to_json()).open()
    assert gate is not None
    assert gate.reject_damaged is reject_damaged


def test_settings_change_with_the_whole_contract() -> None:
    scorer, other = Scorer("nano"), Scorer("nano")
    usual = Fingerprint.of(scorer, None, quick=False, max_pixels=100)
    contract = scorer.contract
    (output,) = contract.outputs
    assert output.bins is not None
    for changed in (
        replace(contract, input=replace(contract.input, fit="crop")),
        replace(contract, outputs=(replace(output, bins=tuple(b / 2 for b in output.bins)),)),
    ):
        other.model.contract = changed
        assert Fingerprint.of(other, None, quick=False, max_pixels=100) != usual


def test_settings_may_hold_the_model() -> None:
    data = b"\xffmodel"
    chosen = ScoreSettings(data, None, {}, False, 1000)
    assert "model" in json.loads(chosen.to_json())
    assert ScoreSettings.from_json(chosen.to_json(), data) == chosen
    assert chosen.model_bytes == data
    assert replace(chosen, model="nano").model_bytes is None


def test_settings_change_with_all_that_changes_rows() -> None:
    scorer = Scorer("nano")
    gate, blur = Gate(min_score=50), Gate(min_score=50, max_causes={"blur": 0.5})
    usual = Fingerprint.of(scorer, gate, quick=False, max_pixels=100)
    assert Fingerprint.of(scorer, Gate(min_score=50), quick=False, max_pixels=100) == usual
    others = [
        Fingerprint.of(Scorer("base"), gate, quick=False, max_pixels=100),
        Fingerprint.of(Scorer("nano", causes=False), gate, quick=False, max_pixels=100),
        Fingerprint.of(scorer, None, quick=False, max_pixels=100),
        Fingerprint.of(scorer, Gate(min_score=51), quick=False, max_pixels=100),
        Fingerprint.of(scorer, blur, quick=False, max_pixels=100),
        Fingerprint.of(
            scorer, Gate(min_score=50, reject_damaged=False), quick=False, max_pixels=100
        ),
        Fingerprint.of(scorer, gate, quick=True, max_pixels=100),
        Fingerprint.of(scorer, gate, quick=False, max_pixels=101),
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


def test_the_count_comes_once_and_gives_up_at_the_end() -> None:
    counts: list[int] = []
    done = threading.Event()

    def on_count(count: int) -> None:
        counts.append(count)
        done.set()

    with counting(range(5), on_count):
        assert done.wait(20)
    assert counts == [5]

    waiting = threading.Event()

    def endless() -> Iterator[int]:
        while True:
            yield 1
            waiting.wait(0.001)

    with counting(endless(), counts.append):
        pass
    assert counts == [5]
    assert not any(thread.name == "edgeiqa-count" for thread in threading.enumerate())


@pytest.mark.parametrize("count", [0, 1, SMALL_BATCH])
def test_a_small_batch_needs_no_process(
    count: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "Pool", None)
    names = [str(tmp_path / f"{number}.jpg") for number in range(count)]
    batch = BatchRun(names, Scorer("nano"), None, ScoreSettings("nano"), str(tmp_path / "out.csv"))
    assert batch.score_all().counts["unreadable"] == count


def test_rows_of_a_worker_are_json_and_no_pickle() -> None:
    document = json.loads(pack_row(Row("a.jpg", 50.0)))
    assert (document["path"], document["score"], document["causes"]) == ("a.jpg", 50.0, {})
