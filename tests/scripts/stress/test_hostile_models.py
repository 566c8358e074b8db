"""The campaign finds what kills a process, and its committed report has no findings."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from edgeiqa.inference.model import find
from scripts.docs.fill_tables import ROOT
from scripts.stress import hostile_models
from scripts.stress.hostile_models import HARMLESS, SHARES, Campaign, Child, judge, main
from tests.edgeiqa.inference.verifier.made import shipped

REPORT = ROOT / "docs" / "results" / "models.json"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")


def test_a_small_campaign(tmp_path: Path) -> None:
    path, kept = tmp_path / "models.json", tmp_path / "kept"
    arguments = ["--files", "80", "--models", "causes", "--seed", "4"]
    assert main([*arguments, "--json", str(path), "--keep", str(kept)]) == 0
    (report,) = json.loads(path.read_text())["runs"]
    assert set(report["outcomes"]) == set(SHARES)
    assert report["findings"] == []
    assert not kept.exists()
    assert report["outcomes"]["cut"] == {"refused": 4}
    assert main(["--files", "20", "--models", "causes", "--json", str(path), "--add"]) == 0
    assert [run["files"] > 10 for run in json.loads(path.read_text())["runs"]] == [True, True]


def test_a_child_that_dies_is_told_and_made_anew() -> None:
    process = Child()
    good = find("causes").read_bytes()
    outcome, mb = process.run(good)
    assert outcome == "ran"
    assert 20 < mb < 1000
    assert process._process is not None
    os.kill(process._process.pid, 11)
    process._process.wait()
    assert process.run(good)[0].startswith("killed its process")
    assert process.run(good)[0] == "ran"
    assert process.deaths == 1
    process.close()


def test_errors_that_are_not_ours_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(hostile_models, "open_checked", broken)
    outcome = judge(b"", shipped(), Child(), Campaign())
    assert outcome == "raised ZeroDivisionError when checked"
    assert outcome not in HARMLESS


def test_tens_of_thousand_files_did_no_harm() -> None:
    runs = json.loads(REPORT.read_text(encoding="utf-8"))["runs"]
    assert sum(run["files"] for run in runs) >= 20_000
    for run in runs:
        assert run["findings"] == []
        assert set(run["outcomes"]) == set(SHARES)
        assert set(run["outcomes"]["cut"]) == {"refused"}
        for outcomes in run["outcomes"].values():
            assert set(outcomes) <= {"refused", "could not be written", *HARMLESS}
