"""The script runs the command in all cases and writes its report whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgeiqa.cli.main import make_parser
from scripts.bench import bench_matrix
from scripts.bench.bench_matrix import CASES, PHOTOGRAPH, main, make_photograph


def test_every_case_is_a_command() -> None:
    for words in CASES.values():
        assert make_parser().parse_args(["bench", *words]).threads in (1, 2)


def test_the_photograph_has_12_megapixels(tmp_path: Path) -> None:
    with Image.open(make_photograph(tmp_path)) as image:
        assert image.size == (4000, 3000)
        assert image.format == "JPEG"
    assert [file.name for file in tmp_path.iterdir()] == [PHOTOGRAPH]


def test_a_case_is_run_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["nano", "--runs", "1", "--only", "480p-yuyv", "--folder", str(tmp_path)]
    assert main(words) == 0
    (file,) = tmp_path.iterdir()
    assert file.name == "bench-nano.json"
    (case,) = json.loads(file.read_text())["cases"].values()
    assert case["subjects"][0]["pixel_format"] == "YUYV"
    assert "nano, 480p-yuyv" in capsys.readouterr().err


def test_a_failure_leaves_the_older_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*args: Any) -> Any:
        raise RuntimeError("edgeiqa bench ended with 2")

    monkeypatch.setattr(bench_matrix, "run_case", fails)
    (tmp_path / "bench-base.json").write_text("older")
    assert main(["base", "--folder", str(tmp_path)]) == 2
    assert [file.read_text() for file in tmp_path.iterdir()] == ["older"]
    assert "ended with 2" in capsys.readouterr().err


def test_an_unknown_model_is_told_by_the_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["none-such", "--runs", "1", "--folder", str(tmp_path)]) == 2
    assert "no model 'none-such'" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
