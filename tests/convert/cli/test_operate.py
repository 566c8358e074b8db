"""The operate command, from files to figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from convert.__main__ import main
from convert.datasets.manifest import ManifestRow, save_manifest
from edgeiqa.assets import sample_paths
from edgeiqa.inference.contract import append, read
from edgeiqa.inference.model import find


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the samples: the degraded ones bad, the others good, one file broken."""
    root = tmp_path_factory.mktemp("rated")
    rows = []
    for index, path in enumerate(sample_paths()):
        with Image.open(path) as image:
            image.convert("RGB").resize((300, 200)).save(root / f"{path.stem}.png")
        mos = 0.2 if "-" in path.stem else 0.8
        subset = "odd" if index % 2 else "even"
        rows.append(ManifestRow(f"{path.stem}.png", mos, None, "validation", subset))
    (root / "broken.png").write_bytes(b"words")
    rows.append(ManifestRow("broken.png", 0.5, None, "validation", "odd"))
    rows.append(ManifestRow(rows[0].path, 0.5, None, "test", "odd"))
    save_manifest(rows, root / "manifest.csv")
    return root


def operate(model: str, root: Path, *options: object) -> int:
    data = ["--data-root", str(root), "--manifest", str(root / "manifest.csv")]
    return main(["operate", model, *data, "--jobs", "2", *map(str, options)])


def test_presets_are_measured_and_proposed(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "operate.json"
    words = ("--propose", "--keep", "normal=1", "--keep", "strict=0.5", "--json", file)
    assert operate("base", rated, *words) == 3
    captured = capsys.readouterr()
    assert "unreadable: broken.png" in captured.err
    found = json.loads(file.read_text())
    contract, _ = read(find("base").read_bytes())
    assert {name: p["min_score"] for name, p in found["presets"].items()} == contract.gate
    pooled = found["presets"]["normal"]["groups"]["pooled"]
    good = sum("-" not in path.stem for path in sample_paths())
    assert (pooled["pictures"], pooled["good"]) == (len(sample_paths()), good)
    assert set(found["presets"]["normal"]["groups"]) == {"pooled", "even", "odd"}
    assert found["protocol"]["unreadable"] == 1
    assert found["unreadable"] == [
        {"path": "broken.png", "error": "not a picture in a format that can be read"}
    ]
    proposal = found["proposal"]
    assert list(proposal["gate"]) == ["normal", "strict"]
    assert proposal["presets"]["normal"]["groups"]["pooled"]["good_kept"]["value"] == 1
    assert proposal["gate"]["normal"] < proposal["gate"]["strict"]
    assert "biq2021, validation split" in captured.out
    assert "cross-fitted" in captured.out


def test_the_test_split_is_measured_only_when_named_and_never_fitted_to(
    rated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert operate("base", rated, "--split", "test", "--json", "-") == 0
    captured = capsys.readouterr()
    assert "for final reports only" in captured.err
    assert json.loads(captured.out)["protocol"]["split"] == "test"
    assert operate("base", rated, "--split", "test", "--propose") == 2
    assert "nothing may be fitted" in capsys.readouterr().err


def test_a_model_without_presets_can_be_given_some(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract, flatbuffer = read(find("nano").read_bytes())
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(append(flatbuffer, replace(contract, gate={})))
    assert operate(str(bare), rated) == 2
    assert "--propose suggests some" in capsys.readouterr().err
    assert operate(str(bare), rated, "--propose", "--json", "-") == 3
    found = json.loads(capsys.readouterr().out)
    assert found["presets"] == {}
    assert set(found["proposal"]["gate"]) == {"relaxed", "normal", "strict"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--good", "0.3"), "expected 0 <= bad <= good <= 1"),
        (("--propose", "--cause-share", "1"), "below 1"),
        (("--propose", "--good", "0.99"), "no picture has a MOS"),
    ],
)
def test_wrong_wishes(
    options: tuple[str, ...], message: str, rated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert operate("base", rated, *options) == 2
    assert message in capsys.readouterr().err
