"""Reliability, and the calibrate command from files to figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.__main__ import main
from convert.datasets.manifest import ManifestRow, save_manifest
from convert.evaluation.calibrate import Bin, expected_error, reliability
from edgeiqa.assets import sample_paths
from edgeiqa.inference.contract import read
from edgeiqa.scorer import Scorer


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 48 small rated crops of the samples in two subsets."""
    root = tmp_path_factory.mktemp("rated")
    generator = np.random.default_rng(5)
    scorer = Scorer()
    rows = []
    for index in range(48):
        with Image.open(sample_paths()[index % 12]) as image:
            left = 40 * (index // 12)
            crop = image.convert("RGB").crop((left, 0, left + 200, 160))
        crop.save(root / f"{index:02d}.png")
        mos = (scorer.score(crop).score + generator.normal(0, 6)) / 100
        subset = "odd" if index % 2 else "even"
        row = ManifestRow(f"{index:02d}.png", float(np.clip(mos, 0, 1)), None, "validation", subset)
        rows.append(row)
    save_manifest(rows, root / "manifest.csv")
    return root


def command(step: str, root: Path, *options: object) -> int:
    data = ["--data-root", str(root), "--manifest", str(root / "manifest.csv")]
    return main([step, "base", *data, "--jobs", "2", *map(str, options)])


def test_bins_hold_equal_numbers_and_their_means() -> None:
    score = np.array([30.0, 10, 20, 40])
    low, high = reliability(score, score + np.array([1, 2, 4, 3]), bins=2)
    assert (low.pictures, low.score, low.mos) == (2, 15, 18)
    assert (high.score, high.mos) == (35, 37)
    assert low.low >= 12
    assert low.high <= 24
    assert expected_error((low, high)) == pytest.approx(2.5)


def test_the_expected_error_weighs_by_pictures() -> None:
    bins = (Bin(1, 10, 20, 0, 0), Bin(3, 50, 48, 0, 0))
    assert expected_error(bins) == pytest.approx((10 + 3 * 2) / 4)


def test_calibrated_scores_have_little_error_and_intervals_hold_the_truth() -> None:
    generator = np.random.default_rng(0)
    score = generator.uniform(0, 100, 5000)
    bins = reliability(score, score + generator.normal(0, 10, 5000))
    assert expected_error(bins) < 0.6
    assert sum(b.low <= b.score <= b.high for b in bins) >= 7


def test_bins_want_like_shapes() -> None:
    with pytest.raises(ValueError, match="one length"):
        reliability([1.0], [])
    assert len(reliability([1.0, 2.0], [1.0, 2.0], bins=10)) == 2


def test_command_writes_figures_plot_and_model(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / name for name in ("out.json", "plot.png", "new.tflite")}
    options = ("--json", files["out.json"], "--plot", files["plot.png"])
    assert command("calibrate", rated, *options, "--output", files["new.tflite"]) == 0
    table = capsys.readouterr().out
    found = json.loads(files["out.json"].read_text())
    assert set(found["std"]) == set(found["std_fitted"]) == {"pooled", "even", "odd"}
    assert found["std"]["pooled"]["pictures"] == 48
    assert sum(b["pictures"] for b in found["reliability"]) == 48
    assert found["std_fitted"]["pooled"]["nll"] < found["std"]["pooled"]["nll"]
    assert f"{found['expected_calibration_error']:.2f} points" in table
    contract, _ = read(files["new.tflite"].read_bytes())
    assert contract.calibration.std_scale == found["fit"]["std_scale"]
    assert contract.calibration.std_power == found["fit"]["std_power"]
    with Image.open(files["plot.png"]) as picture:
        assert picture.width > 600
    # Judged as a file, the fit covers what it was made to cover.
    again = ["calibrate", str(files["new.tflite"]), "--data-root", str(rated)]
    manifest = ["--manifest", str(rated / "manifest.csv"), "--json", "-"]
    assert main([*again, *manifest]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["fit"] == found["fit"]
    assert 0.8 <= second["std"]["pooled"]["coverage"] < 0.87


def test_nothing_is_fitted_to_the_test_split(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("calibrate", rated, "--split", "test", "--output", tmp_path / "m.tflite") == 2
    assert "nothing may be fitted" in capsys.readouterr().err


def test_worst_misses_as_a_page(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / name for name in ("misses.html", "misses.json", "sheet.png")}
    options = ("--out", files["misses.html"], "--json", files["misses.json"])
    assert (
        command("worst-errors", rated, "--worst", 5, *options, "--sheet", files["sheet.png"]) == 0
    )
    found = json.loads(files["misses.json"].read_text())
    misses = found["over_rated"] + found["under_rated"]
    assert len(misses) == 5
    assert all(m["error"] > 0 for m in found["over_rated"])
    assert all(m["error"] == pytest.approx(m["score"] - m["mos"], abs=0.02) for m in misses)
    assert sum(group["misses"] for group in found["subsets"].values()) == 5
    text = files["misses.html"].read_text()
    assert text.count("data:image/jpeg;base64,") == 5
    assert "http" not in text
    with Image.open(files["sheet.png"]) as picture:
        assert picture.width == 5 * 328
    assert command("worst-errors", rated, "--worst", 0, *options) == 2


def test_several_models_side_by_side(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "both.json", tmp_path / "scores.csv"]
    data = ["--data-root", str(rated), "--manifest", str(rated / "manifest.csv")]
    words = ["--split", "validation", "--repeats", "20", "--json", str(files[0])]
    code = main(["evaluate", "base", "base", *data, *words, "--scores", str(files[1])])
    assert code == 0
    found = json.loads(files[0].read_text())
    assert list(found["models"]) == ["base", "base #2"]
    assert found["differences"][0]["SROCC"] == {"value": 0, "low": 0, "high": 0}
    assert [d["group"] for d in found["differences"]] == ["pooled", "even", "odd"]
    assert found["differences"][0]["level"] == 1
    assert files[1].read_text().startswith("path,subset,mos,base,base #2\n")
    assert "SROCC against base" in capsys.readouterr().out
