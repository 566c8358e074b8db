"""The transfer meter on made-up pictures whose quality is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.__main__ import main
from convert.datasets.errors import DataError
from convert.datasets.manifest import ManifestRow, save_manifest
from convert.datasets.registry import build, manifest_file
from convert.evaluation import transfer
from tests.convert.datasets.layouts import make_agiqa3k, make_pcuid, make_sr4kiqa
from tests.convert.tiny import make_biq2021


def rows_of(
    prefix: str, count: int, subset: str = "", split: str = "test", low: float = 0.0
) -> list[ManifestRow]:
    return [
        ManifestRow(f"{prefix}/{n}.jpg", low + 0.5 * n / count, None, split, subset, subset)
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def meter() -> transfer.Meter:
    """Three subsets of one feature, whose mean scores differ."""
    train = [row for s in range(3) for row in rows_of(f"t{s}", 40, f"ss0{s}", "train", 0.2 * s)]
    home = [row for s in range(3) for row in rows_of(f"v{s}", 20, f"ss0{s}", "validation", 0.2 * s)]
    scenes = [row for scene in ("a", "b") for row in rows_of(scene, 6, scene)]
    away = {"agiqa-3k": rows_of("g", 30), "sr4kiqa": scenes}
    return transfer.Meter(train, home, away, ("pcuid",))


def features(rows: Sequence[ManifestRow]) -> transfer.Features:
    """Quality within the subset, the subset, and noise."""
    generator = np.random.default_rng(len(rows))
    subset = np.array([int(r.subset[-1]) if r.subset.startswith("ss") else 0 for r in rows])
    quality = np.array([r.mos for r in rows]) - 0.2 * subset
    noise = generator.normal(0, 1, len(rows))
    return np.stack([quality, subset, noise], 1).astype(np.float32)


def test_a_perfect_model_is_perfect_everywhere(meter: transfer.Meter) -> None:
    result = transfer.measure_model(meter, lambda rows: np.array([r.mos for r in rows]), "oracle")
    assert result.names == ["agiqa-3k", "sr4kiqa", "home", "pooled"]
    assert [result.values(name)[0] for name in result.names] == pytest.approx([1.0] * 4)
    assert result.away() == pytest.approx(1.0)


def test_scenes_and_subsets_count_alike_whatever_their_level(meter: transfer.Meter) -> None:
    def within(rows: Sequence[ManifestRow]) -> np.ndarray:
        # Right within each subset and scene, wrong between them.
        return np.array([r.mos - (5.0 if r.subset in ("ss02", "a") else 0.0) for r in rows])

    result = transfer.measure_model(meter, within, "within")
    assert result.values("home") == pytest.approx([1.0])
    assert result.values("sr4kiqa") == pytest.approx([1.0])
    assert result.values("pooled")[0] < 0.3
    backwards = transfer.measure_model(
        meter, lambda rows: np.array([-r.mos if r.subset == "a" else r.mos for r in rows]), "half"
    )
    assert backwards.values("sr4kiqa") == pytest.approx([0.0])


def test_standardised_targets_ignore_what_tells_subsets_apart(meter: transfer.Meter) -> None:
    own = transfer.measure_recipe(meter, features, "own")
    assert own.names == ["left out", "agiqa-3k", "sr4kiqa", "home", "pooled"]
    assert own.values("left out")[0] > 0.99
    assert set(own.seeds[0]["left out"].figures()) == {"ss00", "ss01", "ss02"}
    pooled = transfer.measure_recipe(meter, features, "pooled", targets="pooled")
    assert pooled.values("pooled")[0] > own.values("pooled")[0]


def test_seeds_draw_other_pictures(meter: transfer.Meter) -> None:
    def vague(rows: Sequence[ManifestRow]) -> transfer.Features:
        noise = np.random.default_rng(len(rows)).normal(0, 0.3, (len(rows), 20))
        known = np.repeat(features(rows)[:, :1], 20, 1)
        return (known + noise).astype(np.float32)

    result = transfer.measure_recipe(meter, vague, "drawn", pictures=30, seeds=3)
    document = transfer.report([result], meter, repeats=50)
    entry = document["judges"]["drawn"]["parts"]["agiqa-3k"]
    assert len(set(entry["seeds"])) > 1
    assert entry["mean"] == pytest.approx(np.mean(entry["seeds"]), abs=1e-3)
    with pytest.raises(ValueError, match="several seeds"):
        transfer.measure_recipe(meter, features, "drawn", seeds=3)
    with pytest.raises(ValueError, match="between 10 and 120"):
        transfer.measure_recipe(meter, features, "drawn", pictures=121)


def test_intervals_and_paired_differences(meter: transfer.Meter) -> None:
    generator = np.random.default_rng(0)

    def noisy(spread: float) -> transfer.Score:
        return lambda rows: np.array([r.mos for r in rows]) + generator.normal(0, spread, len(rows))

    good = transfer.measure_model(meter, noisy(0.1), "good")
    worse = transfer.measure_model(meter, noisy(1.0), "worse")
    document = transfer.report([worse, good], meter, repeats=200)
    entry = document["judges"]["worse"]["parts"]["agiqa-3k"]
    assert entry["low"] < entry["value"] < entry["high"]
    by_part = {one["part"]: one for one in document["differences"]}
    assert by_part["home"]["low"] > 0  # surely better
    assert document["against"] == "worse"
    assert document["missing"] == ["pcuid"]
    text = transfer.table(document)
    assert "good against worse, home: +" in text
    assert json.dumps(document, allow_nan=False)


def test_nothing_to_measure_on(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing to measure transfer on.*PCUID/ is missing"):
        transfer.read_meter(tmp_path, [])


@pytest.mark.slow
def test_the_command_measures_models_and_recipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_biq2021(tmp_path)
    generator = np.random.default_rng(0)
    for make in (make_agiqa3k, make_pcuid, make_sr4kiqa):
        for file in sorted(make(tmp_path).rglob("*.jpg")):
            pixels = generator.integers(0, 256, (40, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file)
    work = tmp_path / "work"
    rows = build("biq2021", tmp_path, strict_counts=False)
    save_manifest(rows, manifest_file(work, "biq2021"))
    monkeypatch.setenv("EDGEIQA_DATA", str(tmp_path))
    monkeypatch.setenv("EDGEIQA_WORK", str(work))
    options = ["--trunk", "mobilenet_v2_0.35=random", "--size", "32", "--repeats", "20"]
    file = tmp_path / "report.json"
    assert main(["transfer", "nano", *options, "--json", str(file)]) == 0
    document = json.loads(file.read_text())
    nano, recipe = document["judges"].values()
    assert "left out" in recipe["parts"]
    assert "left out" not in nano["parts"]
    assert document["pictures"]["sr4kiqa"] == 12
    assert document["protocol"]["unreadable"] == 0
    assert "mean away" in capsys.readouterr().out
    assert main(["transfer"]) == 2
    assert main(["transfer", "--trunk", "mobilenet_v2_0.35"]) == 2
    assert main(["transfer", *options, "--depths", "3,40"]) == 2
    assert "has blocks 1 to 17, got 40" in capsys.readouterr().err
