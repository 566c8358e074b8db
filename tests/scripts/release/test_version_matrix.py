"""The matrix of Pythons and versions: its cases, its words, and one cheap corner for real."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scripts.release import version_matrix
from scripts.release.version_matrix import Case, find_pythons, line, main

HERE = "{}.{}".format(*sys.version_info[:2])


def test_this_python_is_found() -> None:
    assert find_pythons()[HERE] == Path(sys.executable)


def test_a_wheel_that_does_not_exist_is_told_as_such() -> None:
    row = {"python": "3.13", "numpy": "oldest", "pillow": "newest", "fallback": False}
    text = line({**row, "state": "no wheel", "why": "numpy==1.26.*"})
    assert text.endswith("no wheel: numpy==1.26.*")
    assert Case("3.11", "oldest", "newest", True).requirements() == [
        *("numpy==1.26.*", "pillow", "tflite-runtime==2.14.0")
    ]


@pytest.mark.parametrize("words", [["--every", "0"], ["--jobs", "0"], ["--python", "3.9"]])
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2


def test_no_python_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(version_matrix, "find_pythons", dict)
    with pytest.raises(SystemExit):
        main(["--python", "3.12"])
    assert "no Python 3.12 on this machine" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] > (3, 12), reason="NumPy 1.26 ends at Python 3.12")
def test_oldest_libraries_give_the_golden_scores(tmp_path: Path) -> None:
    file = tmp_path / "matrix.json"
    words = ["--python", HERE, "--numpy", "oldest", "--pillow", "oldest", "--no-fallback"]
    assert main([*words, "--every", "3", "--json", str(file)]) == 0
    report = json.loads(file.read_text(encoding="utf-8"))
    (row,) = report["rows"]
    assert row["state"] == "equal"
    assert row["versions"]["numpy"].startswith("1.26.")
    assert row["versions"]["pillow"].startswith("10.1.")
    assert row["total"]["compared"] == 66 + 22 + 44 + 22 + 44
    assert row["total"]["not_golden"] == row["total"]["integer_step"] == 0
