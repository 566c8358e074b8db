"""A short campaign over every target, and what earlier ones found."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.edgeiqa.pictures import png
from tests.fuzz import campaign
from tests.fuzz.__main__ import main
from tests.fuzz.campaign import Campaign
from tests.fuzz.draw import Draw
from tests.fuzz.mutate import MAX_BYTES, mutated, with_right_sums
from tests.fuzz.target import DrawnTarget, number
from tests.fuzz.targets import NAMES, target

CORPUS = Path(__file__).parent / "corpus"
QUICK = {
    **{"decode": 800, "frame": 1200, "contract": 2000, "cli": 80, "http": 1000, "xmp": 600},
    **{"raw": 1000, "video": 500, "address": 2000, "results": 300, "journal": 400},
}


@pytest.mark.parametrize("name", NAMES)
def test_mutated_input_gives_documented_outcomes_only(name: str) -> None:
    tally = Campaign(20, limit_s=20).run(name, QUICK[name])
    assert not tally.findings, tally.findings[0]["details"]
    assert tally.inputs == QUICK[name] == sum(tally.outcomes.values())
    assert len(tally.outcomes) > 1


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*/*.bin")), ids=lambda file: file.name)
def test_what_was_found_stays_mended(file: Path) -> None:
    entry = target(file.parent.name)
    entry.open()
    try:
        assert entry.run(file.read_bytes())
    finally:
        entry.close()


def test_inputs_depend_on_seed_and_number_alone() -> None:
    for name in NAMES:
        first = [target(name).make(number(3, name, index)) for index in (0, 7)]
        entry = target(name)
        assert [entry.make(number(3, name, index)) for index in (0, 7)] == first
        assert first[0] != first[1]


def test_mutation_is_bounded_and_keeps_checksums() -> None:
    data = png(4, 4, raw=b"\0" * 52)
    assert with_right_sums(data) == data
    broken = data[:20] + b"\xff" + data[21:]
    assert with_right_sums(broken)[29:33] != data[29:33]
    rng = random.Random(1)
    made = {mutated(data, rng, [bytes(MAX_BYTES)], [b"token"]) for _ in range(300)}
    assert len(made) > 250
    assert max(map(len, made)) <= MAX_BYTES


def test_choices_follow_from_bytes() -> None:
    draw = Draw(bytes([5, 1, 2, 3]))
    assert [draw.integer(0, 9), draw.integer(10, 19)] == [(5 << 8 | 1) % 10, 10 + (2 << 8 | 3) % 10]
    assert {Draw(bytes([value] * 4)).choice("abc") for value in range(50)} == set("abc")
    assert Draw(b"").integer(-3, 9) == -3
    assert Draw(b"").piece(10) == b""


class Mean(DrawnTarget):
    """Does what a target must never do."""

    name = "mean"
    about = "a test's own"

    def seeds(self) -> Sequence[bytes]:
        return (b"",)

    def make(self, rng: random.Random) -> bytes:
        return bytes([rng.randrange(256)])

    def run(self, data: bytes) -> str:
        if data[0] < 20:
            os.kill(os.getpid(), signal.SIGSEGV)
        if data[0] < 40:
            time.sleep(100)
        if data[0] < 80:
            raise KeyError("secret")
        return "fine"


def test_crashes_hangs_and_exceptions_are_counted_and_the_rest_is_fed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(campaign, "target", lambda name: Mean())
    monkeypatch.setattr(campaign, "work", _mean_work)
    tally = Campaign(1, limit_s=0.2, keep=tmp_path / "kept", most_findings=99).run("mean", 24)
    kinds = [found["kind"] for found in tally.findings]
    expected: list[str] = []
    for index in range(24):
        value = number(1, "mean", index).randrange(256)
        kind = "crash" if value < 20 else "hang" if value < 40 else "undocumented"
        expected += [kind] * (value < 80)
    assert kinds == expected
    assert {"crash", "hang", "undocumented"} <= set(kinds)
    assert tally.inputs == 24
    assert tally.outcomes == {"fine": 24 - len(expected)}
    assert len(list((tmp_path / "kept").glob("*.bin"))) > 2
    assert "SIGSEGV" in next(f["details"] for f in tally.findings if f["kind"] == "crash")


def _mean_work(*arguments: Any) -> None:
    from tests.fuzz import worker

    worker.target = lambda name: Mean()  # type: ignore[attr-defined]
    worker.work(*arguments)


def test_the_command_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fuzz.json"
    words = ["--inputs", "40", "--target", "raw", "--target", "address", "--json", str(path)]
    assert main(words) == 0
    assert "raw: 20 inputs" in capsys.readouterr().out
    report = json.loads(path.read_text())
    assert [entry["target"] for entry in report["targets"]] == ["raw", "address"]
    assert report["inputs"] == 40
    assert report["findings"] == 0
    assert main(["--inputs", "9", "--target", "raw", "--json", str(path)]) == 0
    report = json.loads(path.read_text())
    assert [entry["inputs"] for entry in report["targets"]] == [9, 20]
    assert report["inputs"] == 29
    assert main(["--target", "raw", "--only", "3"]) == 0
    assert "80 bytes: " in capsys.readouterr().out
