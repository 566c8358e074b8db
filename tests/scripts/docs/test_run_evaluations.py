"""run_evaluations.py: which steps run, with which arguments, and what is never repeated."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from convert.evaluation.predictions import causes_sha256
from edgeiqa.inference.model import Model, find
from scripts.docs import run_evaluations
from scripts.docs.run_evaluations import ROOT, identify, is_done, main, step_arguments, wanted
from scripts.docs.tables.reports import STEPS, Measured

FILE = find("base").read_bytes()
FACTS = {
    "flatbuffer_sha256": Model("base").contract.flatbuffer_sha256,
    "model_sha256": hashlib.sha256(FILE).hexdigest(),
    "causes_sha256": causes_sha256(),
}


@pytest.fixture
def student(tmp_path: Path) -> Path:
    file = tmp_path / "student.keras"
    file.touch()
    return file


class Steps:
    """Runs no step, but writes a report as each of them does."""

    def __init__(self, **codes: int) -> None:
        self.codes, self.ran = codes, list[str]()

    def __call__(self, words: Sequence[str]) -> int:
        step = words[0]
        self.ran.append(step)
        code = self.codes.get(step, 0)
        if code in (0, 1, 3):
            file = ROOT / words[words.index("--json") + 1]
            file.write_text(json.dumps({"protocol": FACTS}))
        return code


def run(
    monkeypatch: pytest.MonkeyPatch, results: Path, *words: str, **codes: int
) -> tuple[int, list[str]]:
    steps = Steps(**codes)
    monkeypatch.setattr(run_evaluations, "run_step", steps)
    return main(["base", "--results", str(results), *words]), steps.ran


def test_all_but_the_test_split_then_nothing_then_the_test_split(
    tmp_path: Path, student: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    named = ("--student", str(student))
    assert run(monkeypatch, tmp_path, *named) == (0, list(STEPS[:-1]))
    shown = capsys.readouterr().out
    assert "[1/6] verify: python -m convert verify base" in shown
    assert (
        "still missing: python scripts/docs/run_evaluations.py base --only evaluate --test" in shown
    )
    assert run(monkeypatch, tmp_path) == (0, [])
    assert "verify: there already" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path, "--test") == (0, ["evaluate"])
    assert run(monkeypatch, tmp_path, "--test", "--again", *named) == (0, list(STEPS[:-1]))


def test_a_failed_step_does_not_stop_the_others(
    tmp_path: Path, student: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    named = ("--student", str(student))
    code, ran = run(monkeypatch, tmp_path, *named, ladder=2, maps=1)
    assert (code, ran) == (2, list(STEPS[:-1]))
    shown = capsys.readouterr().out
    assert "ladder: failed with exit code 2" in shown
    assert "maps: measured, and found wanting" in shown
    assert run(monkeypatch, tmp_path, ladder=3) == (3, ["ladder"])


def test_reports_about_another_model_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    for step, facts in (("ladder", {"flatbuffer_sha256": "00"}), ("maps", FACTS)):
        (folder / f"{step}.json").write_text(json.dumps({"protocol": facts}))
    only = ("--only", "maps", "ladder")
    assert run(monkeypatch, tmp_path, *only) == (0, ["ladder"])


def test_half_a_report_is_none(tmp_path: Path) -> None:
    file = tmp_path / "maps.json"
    file.write_text('{"protocol"')
    assert not is_done("maps", file, Measured("a", "b"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-model"], "no-such-model"),
        (["base", "--student", "nowhere.keras"], "nowhere.keras: there is no such file"),
        (["base", "--only", "verify", "--again"], "--student STUDENT.keras"),
        (["base", "--only", "evaluate"], "looks at the test split: say --test"),
    ],
)
def test_what_cannot_run_is_told_before_anything_runs(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    steps = Steps()
    monkeypatch.setattr(run_evaluations, "run_step", steps)
    assert main([*words, "--results", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert steps.ran == []


def test_steps_come_in_their_order() -> None:
    assert wanted(["maps", "verify"], test=False) == ["verify", "maps"]
    assert wanted(None, test=False) == list(STEPS[:-1])
    assert wanted(None, test=True)[-1] == "evaluate"


def test_reports_tell_short_paths() -> None:
    file = ROOT / "docs" / "results" / "nano" / "calibrate.json"
    assert step_arguments("calibrate", "nano", file, None) == [
        *("calibrate", "nano", "--json", "docs/results/nano/calibrate.json"),
        *("--plot", "docs/images/reliability-nano.png"),
    ]
    student = Path("/somewhere/student.keras")
    assert step_arguments("verify", "nano", file, student)[2:4] == ["--keras", str(student)]
    assert step_arguments("evaluate", "nano", file, None)[2:4] == ["--split", "test"]


def test_a_file_goes_where_its_contract_says(tmp_path: Path) -> None:
    file = tmp_path / "candidate.tflite"
    file.write_bytes(FILE)
    word, name, measured = identify(str(file))
    assert (word, name) == (str(file.resolve()), "base")
    assert measured == Measured(FACTS["flatbuffer_sha256"], FACTS["model_sha256"])


def test_it_runs_as_a_program() -> None:
    words = [sys.executable, str(ROOT / "scripts" / "docs" / "run_evaluations.py"), "nothing"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("run_evaluations: error: ")
    assert "base" in done.stderr
