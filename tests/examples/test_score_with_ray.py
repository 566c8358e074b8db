"""The example scores a folder as `edgeiqa score` does, and says what is wrong with a wish."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeiqa.assets import sample_paths
from examples.score_with_ray import found, main
from scripts.docs.make_samples import ROOT

SCRIPT = ROOT / "examples" / "score_with_ray.py"


def test_folders_addresses_and_lists_become_rows(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.png", "note.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "empty").mkdir()
    listed = tmp_path / "list.txt"
    listed.write_bytes(b"s3://bucket/x.jpg\n\xff.jpg\n")
    rows = found([str(tmp_path), str(tmp_path / "empty")], [str(listed)])
    inside = [os.fsencode(tmp_path / name) for name in ("a.png", "b.jpg")]
    paths = [row["path"] for row in rows]
    assert paths == [*inside, os.fsencode(tmp_path / "empty"), b"s3://bucket/x.jpg", b"\xff.jpg"]
    assert [row["error"] for row in rows if row["error"]] == ["a folder without pictures"]


def test_wrong_wishes_are_told_before_a_cluster_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    assert main(["--output", str(tmp_path / "x.jsonl")]) == 2
    assert "nothing to score" in capsys.readouterr().err
    assert main(["--list", str(tmp_path / "none"), "--output", "x.jsonl"]) == 2
    assert "none" in capsys.readouterr().err
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "part.parquet").write_bytes(b"")
    assert main([str(sample_paths()[0]), "--output", str(tmp_path / "old")]) == 2
    assert "name a new folder" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no Ray")
def test_a_folder_is_scored_as_without_ray(tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(sample_paths()[0].read_bytes()[:3000])
    paths = [str(sample_paths()[0].parent), str(tmp_path)]
    output = tmp_path / "scores.jsonl"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *paths, "--output", str(output), "--model", "nano"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "13 photographs, 1 of them unreadable" in done.stderr
    alone = subprocess.run(
        [sys.executable, "-m", "edgeiqa", "score", *paths, "--format", "jsonl", "--model", "nano"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    expected = [json.loads(line) for line in alone.stdout.splitlines()]
    assert sorted(rows, key=lambda row: row["path"]) == sorted(
        expected, key=lambda row: row["path"]
    )
