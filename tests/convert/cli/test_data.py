"""``python -m convert data`` and how other steps find what it wrote."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.cli.common import add_data_arguments, rows_root_work
from convert.cli.data import summary
from convert.datasets.manifest import DataError, ManifestRow, load_manifest
from convert.datasets.registry import database_rows, manifest_file
from tests.convert.datasets.layouts import (
    make_kadid10k,
    make_live_challenge,
    make_uhd_iqa,
    picture,
    write_csv,
)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    root, work = tmp_path / "data", tmp_path / "work"
    root.mkdir()
    monkeypatch.setenv("EDGEIQA_DATA", str(root))
    monkeypatch.setenv("EDGEIQA_WORK", str(work))
    return root, work


def shared(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_data_arguments(parser)
    return parser.parse_args(words)


def test_a_repeat_has_a_manifest_of_its_own(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root, work = folders
    base = make_kadid10k(root)
    from convert.datasets import kadid10k

    for label in kadid10k.read(base)[:-1]:
        picture(base / label.path)
    for repeat in ("0", "3"):
        words = ["data", "--database", "kadid10k", "--any-count", "--json", "--repeat", repeat]
        assert main(words) == 3  # one picture is missing
        output = capsys.readouterr()
        report = json.loads(output.out)
        assert list(report["unreadable"]) == ["kadid10k/images/I04_25_05.png"]
        assert "unreadable: kadid10k/images/I04_25_05.png" in output.err
        assert Path(report["manifest"]) == manifest_file(work, "kadid10k", int(repeat))
    first, third = (load_manifest(manifest_file(work, "kadid10k", n)) for n in (0, 3))
    assert [row.path for row in first] == [row.path for row in third]
    assert [row.split for row in first] != [row.split for row in third]
    rows, _, _ = rows_root_work(shared("--database", "kadid10k", "--repeat", "3"))
    assert rows == third
    tested = database_rows("kadid10k", root, "test", None, work, 3)
    assert tested == [row for row in third if row.split == "test"]


def test_evaluation_reads_the_official_layout_where_there_is_no_manifest(
    folders: tuple[Path, Path],
) -> None:
    root, work = folders
    make_uhd_iqa(root)
    with pytest.raises(DataError, match="expected 6,073 rated pictures, got 10"):
        database_rows("uhd-iqa", root, "test", None, work)
    with pytest.raises(ValueError, match="not known, expected one of"):
        database_rows("imagenet", root, "test")


def test_a_missing_manifest_says_the_whole_command(folders: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match="convert data --database spaq --repeat 2` first"):
        rows_root_work(shared("--database", "spaq", "--repeat", "2"))
    with pytest.raises(DataError, match="convert data --database csv --csv FILE` first"):
        rows_root_work(shared("--database", "csv"))
    with pytest.raises(DataError, match="convert data` first"):
        rows_root_work(shared())
    with pytest.raises(DataError, match="0 to 9"):
        rows_root_work(shared("--database", "spaq", "--repeat", "11"))


@pytest.mark.parametrize("step", ["teacher", "distill", "quantize"])
def test_steps_that_learn_refuse_the_exam_and_say_why(
    step: str, folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root, _ = folders
    base = make_live_challenge(root)
    for number in range(3, 15):
        picture(base / "Images" / f"{number}.bmp")
    assert main(["data", "--database", "live-challenge", "--any-count"]) == 0
    assert "note: LIVE Challenge is the exam" in capsys.readouterr().out
    assert main([step, "--database", "live-challenge"]) == 2
    assert "LIVE Challenge is the exam" in capsys.readouterr().err


def test_own_ratings_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EDGEIQA_DATA", raising=False)
    monkeypatch.setenv("EDGEIQA_WORK", str(tmp_path / "work"))
    mine = tmp_path / "mine"
    for number in range(5):
        picture(mine / f"{number}.png")
    write_csv(mine / "r.csv", ("path", "mos"), [(f"{n}.png", -2 + n) for n in range(5)])
    words = ["data", "--database", "csv", "--csv", str(mine / "r.csv")]
    assert main([*words, "--mos-range", "-2", "2", "--lower-is-better"]) == 0
    assert f"other steps need --data-root {mine}" in capsys.readouterr().err
    rows = load_manifest(manifest_file(tmp_path / "work", "csv"))
    assert [row.mos for row in rows] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert [row.path for row in rows] == [f"{n}.png" for n in range(5)]
    assert main(["data", "--csv", str(mine / "r.csv")]) == 2
    assert main(["data", "--database", "csv"]) == 2
    assert capsys.readouterr().err.count("go together") == 2


def test_many_subsets_are_lines_and_few_are_columns() -> None:
    def rows(count: int) -> list[ManifestRow]:
        return [
            ManifestRow(f"{s}{n}.png", 0.5, None, s, f"kind {n}")
            for s in ("train", "test")
            for n in range(count)
        ]

    few, many = summary(rows(3)).splitlines(), summary(rows(9)).splitlines()
    assert few[0].split() == ["split", "kind", "0", "kind", "1", "kind", "2"]
    assert len(few) == 4
    assert len(many) == 1 + 9 + 1
    assert many[-1].split() == ["all", "9", "0.500", "0", "-", "9", "0.500"]
