"""`edgeiqa fit-gate`, from folders and tables to a threshold."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgeiqa.assets import sample_paths
from edgeiqa.cli.main import main
from edgeiqa.gating.gate import Gate
from edgeiqa.scorer import Scorer


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twelve crops of good samples, and the same ones strongly blurred."""
    root = tmp_path_factory.mktemp("shots")
    kept, rejected = root / "kept", root / "rejected"
    kept.mkdir()
    rejected.mkdir()
    sharp = [path for path in sample_paths() if "-" not in path.stem][:6]
    for index in range(12):
        with Image.open(sharp[index % 6]) as image:
            left = 60 * (index // 6)
            crop = image.convert("RGB").crop((left, 0, left + 300, 240))
        crop.save(kept / f"{index:02d}.png")
        crop.filter(ImageFilter.GaussianBlur(4)).save(rejected / f"{index:02d}.png")
    return kept, rejected


@pytest.fixture
def table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    scores = generator.uniform(20, 95, 60)
    with (tmp_path / "shots.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "score", "error", "keep"])
        for score in scores:
            keep = generator.random() < 1 / (1 + np.exp(-0.15 * (score - 60)))
            writer.writerow(["x.jpg", f"{score:.2f}", "", "Yes" if keep else "no"])
    return tmp_path / "shots.csv"


def test_folders_give_what_python_gives(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    kept, rejected = folders
    words = ["fit-gate", "--kept", str(kept), "--rejected", str(rejected)]
    assert main([*words, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    scorer = Scorer()
    scores = [
        scorer.score(path).score for path in (*sorted(kept.iterdir()), *sorted(rejected.iterdir()))
    ]
    fit = Gate.fit(scores, [True] * 12 + [False] * 12)
    assert found == {**fit.to_dict(), "unreadable": 0}
    assert main(words) == 0
    text = capsys.readouterr().out
    assert f"keep from {fit.threshold:.1f}; 95% interval {fit.interval[0]:.1f} to" in text
    assert f"{fit.kept_right} of the 12 that you kept" in text
    # What is to be typed next is a command that keeps what the fit keeps.
    assert f"edgeiqa score --min-score {int(fit.threshold * 10) / 10} ..." in text


def test_unreadable_files_are_named_and_the_others_count(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"words")
    words = ["fit-gate", "--kept", str(folders[0]), str(broken), str(tmp_path / "missing.jpg")]
    assert main([*words, "--rejected", str(folders[1])]) == 3
    captured = capsys.readouterr()
    assert "broken.jpg: not a picture" in captured.err
    assert "missing.jpg: no such file" in captured.err
    assert "2 more could not be read" in captured.out


def test_a_table_of_scores_needs_no_model(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit-gate", "--csv", str(table), "--model", "none", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 60
    assert found["interval"][0] < 60 < found["interval"][1]
    assert main(["fit-gate", "--csv", str(table), "--keep-share", "1", "--format", "json"]) == 0
    with table.open() as stream:
        lowest = min(float(row["score"]) for row in csv.DictReader(stream) if row["keep"] == "Yes")
    assert json.loads(capsys.readouterr().out)["threshold"] == lowest


def test_what_score_writes_is_a_table_once_it_has_a_column_keep(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.csv"
    (tmp_path / "broken.jpg").write_bytes(b"")
    assert (
        main(["score", *map(str, folders), str(tmp_path / "broken.jpg"), "--output", str(out)]) == 3
    )
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "keep"])
        writer.writeheader()
        writer.writerows({**row, "keep": "kept" in row["path"]} for row in rows)
    assert main(["fit-gate", "--csv", str(out), "--format", "json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["kept"], found["unreadable"]) == (24, 12, 1)


def test_a_table_of_paths_is_scored_from_its_folder_on(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = folders[0].parent
    lines = [f"{f.name}/{n:02d}.png,{f.name}" for f in folders for n in range(12)]
    (root / "list.csv").write_text("\n".join(["path,keep", *lines]))
    assert main(["fit-gate", "--csv", str(root / "list.csv"), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    words = ["fit-gate", "--kept", str(folders[0]), "--rejected", str(folders[1])]
    assert main([*words, "--format", "json"]) == 0
    assert found == json.loads(capsys.readouterr().out)


def test_scores_that_hardly_tell_are_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{score},{keep}" for score in range(30, 50) for keep in (score % 2, 1 - score % 2)]
    (tmp_path / "x.csv").write_text("\n".join(["score,keep", *lines, "60,1"]))
    assert main(["fit-gate", "--csv", str(tmp_path / "x.csv")]) == 0
    out = capsys.readouterr().out
    assert "caution: " in out
    assert "95% interval 0.0 to 100.0" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name both --kept and --rejected"),
        (["--kept", "a.jpg"], "name both"),
        (["--csv", "x.csv", "--kept", "a.jpg"], "--csv goes without"),
        (["--csv", "missing.csv"], "missing.csv: No such file"),
        (["--kept", "-", "--rejected", "b.jpg"], "standard input"),
        (["--kept", "a.jpg", "--rejected", "a.jpg"], "a.jpg is among the kept and"),
        (["--kept", "a.jpg", "--rejected", "b.jpg", "--model", "odd"], "no model 'odd'"),
        (["--kept", "a.jpg", "--rejected", "b.jpg"], "0 shots are too few"),
        (["--csv", "x.csv", "--keep-share", "1.5"], "argument --keep"),
    ],
)
def test_wrong_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit-gate", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns (none); expected keep, and score or path"),
        ("score\n5\n", "has the columns score; expected keep"),
        ("score,keep\n5,perhaps\n", "row 2: keep is 'perhaps', expected true or false"),
        ("score,keep\nfive,1\n", "row 2: score is 'five', expected a number"),
        ("score,keep\n" + "5,1\n101,0\n" * 20, "score 101.0 of shot 1"),
        ("score,keep\n" + "5,1\n80,0\n" * 20, "5.0 for kept and 80.0"),
        ("score,keep\n5,1\n,0\n", "1 shots are too few, expected at least 20 (1 more have no"),
    ],
)
def test_wrong_tables(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    assert main(["fit-gate", "--csv", str(file)]) == 2
    assert message in capsys.readouterr().err
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["fit-gate", "--csv", str(file)]) == 2


@pytest.mark.parametrize(
    ("delimiter", "encoding", "columns", "words", "end"),
    [
        (",", "utf-8", ("score", "keep"), ("1", "0"), ""),
        (";", "utf-8-sig", ("Score", "Keep"), ("Y", "N"), ""),
        ("\t", "utf-16", ("SCORE ", " keep"), ("y", "n"), ""),
        (",", "utf-8", ("score", "keep"), ("Yes", "No"), ","),
    ],
)
def test_tables_of_spreadsheets(
    delimiter: str,
    encoding: str,
    columns: tuple[str, str],
    words: tuple[str, str],
    end: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [columns, *((str(score), words[score < 50]) for score in range(20, 80))]
    file = tmp_path / "table.csv"
    text = "\r\n".join(delimiter.join(line) + end for line in lines) + "\r\n\r\n"
    file.write_bytes(text.encode(encoding))
    assert main(["fit-gate", "--csv", str(file), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == pytest.approx(49.5, abs=0.1)


def test_a_fitted_gate_is_saved_with_the_limits_of_causes(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gate.json"
    assert main(["fit-gate", "--csv", str(table), "-o", str(out)]) == 0
    assert f"--gate {out}" in capsys.readouterr().out
    gate = Gate.load(out)
    assert gate.max_causes == Gate("normal").max_causes != {}
    assert main(["fit-gate", "--csv", str(table), "--format", "json"]) == 0
    assert gate.min_score == json.loads(capsys.readouterr().out)["threshold"]
    assert main(["fit-gate", "--csv", str(table), "-o", str(tmp_path / "gate.txt")]) == 2


def test_scores_of_0_to_1_are_refused_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.csv"
    file.write_text("score,keep\n" + "".join(f"0.{n},{int(n > 50)}\n" for n in range(20, 80)))
    assert main(["fit-gate", "--csv", str(file)]) == 2
    assert "100" in capsys.readouterr().err
    assert main(["score", str(file), "--min-score", "0.6"]) == 2
    assert "60" in capsys.readouterr().err
