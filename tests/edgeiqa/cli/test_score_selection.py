"""`edgeiqa score --only, --sort, --top, --move-rejected-to, --xmp`."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.burst.xmp import OURS, properties
from edgeiqa.cli.main import main

GOOD = ("astronaut.jpg", "china.jpg")
POOR = ("astronaut-dark.jpg", "chelsea-noisy.jpg")
GATE = ("--model", "nano", "--min-score", "70")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two good and two poor photographs in two folders, each with a sidecar, and a broken file."""
    folder = tmp_path / "photos"
    for path in sample_paths():
        if path.name in (*GOOD, *POOR):
            target = folder / ("a" if path.name in GOOD else "b") / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    (folder / "b" / "chelsea-noisy.nef").write_bytes(b"raw")
    (folder / "b" / "broken.jpg").write_bytes(b"broken")
    return folder


def rows(photos: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict]:
    assert main(["score", str(photos), *GATE, "--format", "json", *words]) in (0, 3)
    found: list[dict] = json.loads(capsys.readouterr().out)
    return found


def names(found: list[dict]) -> list[str]:
    return [os.path.basename(row["path"]) for row in found]


def test_rows_are_selected_sorted_and_cut(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "b" / "chelsea-noisy.nef").unlink()
    assert set(names(rows(photos, capsys, "--only", "rejected"))) == set(POOR)
    assert set(names(rows(photos, capsys, "--only", "accepted"))) == set(GOOD)
    assert names(rows(photos, capsys, "--only", "unreadable")) == ["broken.jpg"]
    best = rows(photos, capsys, "--sort", "best")
    scores = [row["score"] for row in best]
    assert scores[:-1] == sorted(scores[:-1], reverse=True)
    assert scores[-1] is None
    worst = rows(photos, capsys, "--sort", "worst")
    assert worst == [*best[-2::-1], best[-1]]
    by_path = rows(photos, capsys, "--sort", "path")
    assert names(by_path) == sorted(names(by_path), key=lambda name: (name not in GOOD, name))
    assert rows(photos, capsys, "--top", "2") == best[:2]
    assert rows(photos, capsys, "--top", "1", "--sort", "worst") == worst[:1]


def test_the_counts_are_those_of_all_rows(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(photos / "a"), *GATE, "--top", "1"]) == 0
    out = capsys.readouterr().out
    assert "2 photographs: 2 accepted" in out
    assert out.count(".jpg") == 1


def test_rejected_photographs_move_with_what_belongs_to_them(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "poor"
    before = {path.name: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    words = ["score", str(photos), *GATE, "--format", "json", "--move-rejected-to", str(to)]
    assert main(words) == 3
    assert not to.exists()
    assert "--apply" in capsys.readouterr().err
    assert main([*words, "--apply"]) == 3
    moved = {str(path.relative_to(to)) for path in to.rglob("*") if path.is_file()}
    assert moved == {f"b/{name}" for name in (*POOR, "chelsea-noisy.nef")}
    left = {path.name for path in photos.rglob("*") if path.is_file()}
    assert left == {*GOOD, "broken.jpg"}
    after = [*photos.rglob("*"), *to.rglob("*")]
    assert {path.name: path.read_bytes() for path in after if path.is_file()} == before


def test_a_target_within_the_folder_is_not_scored_again(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--move-rejected-to", str(photos / "poor"), "--apply"]
    assert len(rows(photos, capsys, *words)) == 6
    assert set(names(rows(photos, capsys, *words))) == {*GOOD, "broken.jpg"}


def test_another_file_of_the_same_name_is_not_overwritten(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "poor" / "b" / POOR[0]
    other.parent.mkdir(parents=True)
    other.write_bytes(b"mine")
    rows(photos, capsys, "--move-rejected-to", str(tmp_path / "poor"), "--apply")
    assert other.read_bytes() == b"mine"
    assert other.with_name("astronaut-dark-1.jpg").exists()


def test_verdicts_become_ratings(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(photos / "a", capsys, "--xmp")
    assert not list(photos.rglob("*.xmp"))
    rows(photos, capsys, "--xmp", "--apply")
    for folder, pick in (("a", "keep"), ("b", "leave")):
        for name in GOOD if folder == "a" else POOR:
            sidecar = photos / folder / f"{name}.xmp"
            assert properties(sidecar.read_text(encoding="utf-8"))[OURS, "pick"] == pick


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--apply"], "--apply needs"),
        (["--move-rejected-to", "file"], "name a folder"),
        (["--move-rejected-to", "photos"], "in there"),
        (["--move-rejected-to", "."], "in there"),
        (["--move-rejected-to", "link"], "in there"),
        (["--xmp", "--resume", "-o", "x.jsonl"], "--resume"),
        (["--top", "3", "--resume", "-o", "x.jsonl"], "--resume"),
        (["--only", "best"], "invalid choice"),
        (["--top", "0"], "argument --top"),
    ],
)
def test_what_cannot_be_combined_is_said(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("photos")
    assert main(["score", "photos", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_journal_keeps_all_rows_behind_a_selection(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    words = ["score", str(photos / "a"), str(photos / "b"), *GATE, "--resume", "-q"]
    assert main([*words, "-o", str(out), "--only", "accepted"]) == 3
    with out.open(newline="") as stream:
        assert {os.path.basename(row["path"]) for row in csv.DictReader(stream)} == set(GOOD)
    journal = (tmp_path / "out.csv.journal.jsonl").read_text()
    assert len(journal.splitlines()) == 6
