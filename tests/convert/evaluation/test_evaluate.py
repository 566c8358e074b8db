from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.__main__ import main
from convert.common.metrics import plcc, rmse, srocc
from convert.datasets.manifest import ManifestRow, save_manifest
from convert.evaluation.evaluate import Prediction, evaluate, measure
from edgeiqa.inference.contract import Calibration, Contract, InputSpec, OutputSpec, append
from edgeiqa.scorer import Scorer
from tests.convert.tiny import TEST, make_biq2021


@pytest.fixture(scope="module")
def brightness_model(tmp_path_factory: pytest.TempPathFactory, export_pixels: np.ndarray) -> Path:
    """An int8 model whose score is the picture's brightness in percent."""
    import keras

    from convert.quantization.tflite_export import to_tflite

    image = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    last = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="level")
    model = keras.Model(image, last(x))
    contract = Contract(
        name="brightness",
        version="1",
        input=InputSpec(32, 32),
        outputs=(OutputSpec("level", "scalar"),),
        calibration=Calibration(100 / 765, 0),
    )
    file = tmp_path_factory.mktemp("model") / "brightness.tflite"
    file.write_bytes(append(to_tflite(model, representative=[export_pixels]), contract))
    return file


@pytest.fixture
def rated(export_folder: Path, tmp_path: Path) -> tuple[Path, list[ManifestRow]]:
    """A data root with 48 pictures in two subsets, the MOS near the brightness."""
    root = tmp_path / "data"
    shutil.copytree(export_folder, root / "set")
    noise = np.random.default_rng(0).normal(0, 0.05, 48)
    rows = [
        ManifestRow(
            f"set/{index:02d}.jpg",
            float(np.clip(index / 47 + noise[index], 0, 1)),
            None,
            "test" if index % 4 else "validation",
            "even" if index % 2 == 0 else "odd",
        )
        for index in range(48)
    ]
    save_manifest(rows, root / "manifest.csv")
    return root, rows


def test_scores_are_the_scorers_and_metrics_are_theirs(
    brightness_model: Path, rated: tuple[Path, list[ManifestRow]]
) -> None:
    root, rows = rated
    result = evaluate(brightness_model, rows, root, repeats=50, jobs=3)
    scorer = Scorer(model=brightness_model)
    assert [p.score for p in result.predictions] == [
        scorer.score(root / row.path).score for row in rows
    ]
    assert [(g.name, g.pictures) for g in result.groups] == [
        ("pooled", 48), ("even", 24), ("odd", 24),
    ]  # fmt: skip
    predicted = np.array([p.score for p in result.predictions]) / 100
    mos = np.array([row.mos for row in rows])
    pooled = result.groups[0].metrics
    assert pooled["SROCC"].value == srocc(predicted, mos) > 0.95
    assert pooled["RMSE"].value == rmse(predicted, mos)
    assert pooled["PLCC logistic"].value >= plcc(predicted, mos) - 1e-3
    assert pooled["RMSE logistic"].value <= pooled["RMSE"].value + 1e-9
    assert pooled["spread"].value == pytest.approx(predicted.std() / mos.std())
    odd = [p for p in result.predictions if p.subset == "odd"]
    again = measure("odd", odd, repeats=50)
    assert again == result.groups[2]


def test_number_of_jobs_changes_nothing(
    brightness_model: Path, rated: tuple[Path, list[ManifestRow]]
) -> None:
    root, rows = rated
    one, many = (evaluate(brightness_model, rows, root, repeats=20, jobs=n) for n in (1, 8))
    assert one.predictions == many.predictions
    assert one.groups == many.groups


def run(arguments: list[str]) -> int:
    return main(["evaluate", *arguments])


def test_command_writes_table_json_and_scores(
    brightness_model: Path,
    rated: tuple[Path, list[ManifestRow]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, rows = rated
    files = {name: tmp_path / name for name in ("out.json", "out.csv")}
    arguments = [str(brightness_model), "--data-root", str(root), "--repeats", "30"]
    arguments += ["--manifest", str(root / "manifest.csv"), "--json", str(files["out.json"])]
    assert run([*arguments, "--scores", str(files["out.csv"])]) == 0
    out, err = capsys.readouterr()
    assert "final reports only" in err
    lines = out.splitlines()
    assert lines[0].split() == ["pooled", "even", "odd"]
    assert lines[1].split() == ["pictures", "36", "12", "24"]
    assert [line.split("  ")[0] for line in lines[2:]] == [
        "SROCC", "PLCC", "PLCC logistic", "KROCC", "RMSE", "RMSE logistic", "spread",
    ]  # fmt: skip
    document: dict[str, Any] = json.loads(files["out.json"].read_text())
    digest = hashlib.sha256(brightness_model.read_bytes()).hexdigest()
    assert document["protocol"]["model_sha256"] == digest
    assert document["protocol"]["split"] == "test"
    assert document["protocol"]["repeats"] == 30
    srocc_entry = document["groups"]["pooled"]["SROCC"]
    assert srocc_entry["low"] <= srocc_entry["value"] <= srocc_entry["high"]
    with files["out.csv"].open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [row["path"] for row in table] == [r.path for r in rows if r.split == "test"]
    assert run([*arguments, "--split", "validation"]) == 0
    assert "final reports" not in capsys.readouterr().err


def test_unreadable_pictures_are_named_and_the_rest_measured(
    brightness_model: Path,
    rated: tuple[Path, list[ManifestRow]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, _ = rated
    (root / "set/01.jpg").write_bytes((root / "set/01.jpg").read_bytes()[:200])
    (root / "set/02.jpg").unlink()
    arguments = [str(brightness_model), "--data-root", str(root), "--repeats", "10"]
    arguments += ["--manifest", str(root / "manifest.csv"), "--json", "-"]
    assert run(arguments) == 3
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["groups"]["pooled"]["pictures"] == 34
    assert [entry["path"] for entry in document["unreadable"]] == ["set/01.jpg", "set/02.jpg"]
    assert "unreadable: set/02.jpg: no such file" in err.splitlines()


def test_nothing_readable_is_one_clear_line(
    brightness_model: Path,
    rated: tuple[Path, list[ManifestRow]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, _ = rated
    shutil.rmtree(root / "set")
    arguments = [str(brightness_model), "--data-root", str(root)]
    assert run([*arguments, "--manifest", str(root / "manifest.csv")]) == 2
    assert "no picture could be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--data-root", "/nowhere/at/all"], "is not a folder"),
        (["--manifest", "/nowhere/m.csv"], "/nowhere/m.csv"),
        (["--repeats", "-5"], "must not be negative"),
    ],
)
def test_refusals_are_one_line(
    extra: list[str],
    message: str,
    brightness_model: Path,
    rated: tuple[Path, list[ManifestRow]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, _ = rated
    arguments = [str(brightness_model), "--data-root", str(root)]
    arguments += ["--manifest", str(root / "manifest.csv"), "--split", "validation"]
    assert run([*arguments, *extra]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_collapsed_model_is_shown_as_such() -> None:
    rows = [Prediction(str(i), "", i / 20, 50.0, None, None) for i in range(20)]
    group = measure("pooled", rows, repeats=10)
    assert np.isnan(group.metrics["SROCC"].value)
    assert group.metrics["SROCC"].to_dict()["value"] is None
    assert group.metrics["spread"].value == 0
    assert measure("few", rows[:3]).metrics == {}


def test_the_manifest_of_the_data_step_is_used(
    brightness_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_biq2021(tmp_path / "data")
    folders = ["--data-root", str(root), "--work", str(tmp_path / "work")]
    arguments = [str(brightness_model), *folders, "--repeats", "10", "--json", "-"]
    assert run(arguments) == 2  # not the published number of pictures
    assert main(["data", "--any-count", *folders]) == 0
    capsys.readouterr()
    assert run(arguments) == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert groups["pooled"]["pictures"] == sum(TEST.values())
    assert groups["ss03"]["pictures"] == TEST["ss03"]
    # One named on the command line goes first.
    assert run([*arguments, "--manifest", str(tmp_path / "other.csv")]) == 2
    assert "other.csv" in capsys.readouterr().err


def test_folders_of_results_are_there_before_the_work(
    brightness_model: Path,
    rated: tuple[Path, list[ManifestRow]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, _ = rated
    arguments = [str(brightness_model), "--data-root", str(root), "--repeats", "10"]
    arguments += ["--manifest", str(root / "manifest.csv")]
    report, scores = tmp_path / "new" / "deep" / "out.json", tmp_path / "csv" / "scores.csv"
    assert run([*arguments, "--json", str(report), "--scores", str(scores)]) == 0
    assert json.loads(report.read_text())["groups"]["pooled"]["pictures"] == 36
    assert len(scores.read_text().splitlines()) == 37

    def late(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("convert.cli.evaluate.evaluate", late)
    capsys.readouterr()
    assert run([*arguments, "--json", str(report / "below a file" / "out.json")]) == 2
    assert "cannot create the folder" in capsys.readouterr().err
