"""The steps for causes as commands, on a tiny database: real training, real conversion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from convert.__main__ import main
from convert.causes import clean_images, patch_bags
from edgeiqa import Scorer
from edgeiqa.causes import CAUSES
from edgeiqa.inference.contract import read
from tests.convert.tiny import make_biq2021

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Root, work folder and the .tflite of a tiny run."""
    folder = tmp_path_factory.mktemp("causes")
    root, work, output = make_biq2021(folder / "data"), folder / "work", folder / "tiny.tflite"
    splits = Path(clean_images.__file__).parent / "splits"
    for split, scene in (("train", data.coffee()), ("test", data.rocket())):
        lines = (splits / f"large_{split}.txt").read_text("utf-8").splitlines()
        names = [line for line in lines if not line.startswith("#")]
        for name in names[:2]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(scene).save(root / name)
    shared = ["--data-root", str(root), "--work", str(work)]
    assert main(["data", *shared, "--any-count"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patch_bags, "SHARD", 40)
        small = ["--bags", "40", "--epochs", "1", "--batch", "8", "--jobs", "1"]
        report = ["--output", str(output), "--json", str(folder / "report.json")]
        assert main(["causes", *shared, *small, *report]) == 0
        # A second call finds all of it there.
        before = sorted((work / "causes").rglob("*.npz"))
        assert main(["causes", *shared, *small, *report]) == 0
        assert sorted((work / "causes").rglob("*.npz")) == before
    return root, work, output


def test_the_file_tells_causes_and_what_it_was_made_of(run: tuple[Path, Path, Path]) -> None:
    contract = read(run[2].read_bytes())[0]
    assert contract.detects_causes
    assert contract.training["bags"] == 40
    assert {"float", "int8", "shift_p99", "macs"} < set(contract.metrics)
    assert set(contract.limits) == {"relaxed", "normal", "strict"}
    report = json.loads((run[2].parent / "report.json").read_text("utf-8"))
    assert report["limits"] == contract.limits
    assert report["shift_p99"] < 0.25


def test_it_runs_beside_a_model_for_scores(run: tuple[Path, Path, Path]) -> None:
    from edgeiqa import CauseDetector

    quality = Scorer("nano", causes=CauseDetector(run[2])).score(data.astronaut())
    assert tuple(quality.causes) == CAUSES


def test_sharpness_and_diagnose_measure_it(run: tuple[Path, Path, Path], tmp_path: Path) -> None:
    root, work, output = run
    report_file = tmp_path / "sharpness.json"
    asked = ["--model", str(output), "--data-root", str(root), "--json", str(report_file)]
    assert main(["sharpness", *asked]) == 0
    report = json.loads(report_file.read_text("utf-8"))
    assert report["protocol"]["photographs"] == 2
    assert set(report["auc"]) == {"plain", "noise kept"}

    report_file = tmp_path / "diagnose.json"
    asked = ["--model", str(output), "--data-root", str(root), "--json", str(report_file)]
    assert main(["diagnose", *asked, "--work", str(work), "--pictures", "1"]) == 0
    report = json.loads(report_file.read_text("utf-8"))
    assert {row["cause"] for row in report["faults"]} <= set(CAUSES)
    assert all(len(row["auc"]) == 5 for row in report["faults"])


def test_a_model_for_scores_is_refused(run: tuple[Path, Path, Path], capsys: object) -> None:
    asked = ["--model", "base", "--data-root", str(run[0])]
    assert main(["sharpness", *asked]) == 2
