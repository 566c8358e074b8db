"""The baselines that are networks: CNNIQA, proxy labels, and the fine-tuned one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convert.baselines import cnniqa, finetune, proxy_cnn
from convert.baselines.base import Scorer, TrainingData, grey
from convert.baselines.network import Runner, frozen
from convert.datasets.manifest import DataError, ManifestRow
from convert.distortions.distort import distort
from convert.quantization.tflite_export import to_tflite
from convert.quantization.tflite_inspect import inspect
from convert.training import distill
from convert.training.loop import Trainer


def test_macs_and_parameters_of_the_papers_network() -> None:
    # Kang et al. 2014: 50 kernels of 7 x 7, 100 pooled values, 800, 800, 1.
    network = cnniqa.build()
    expected = 50 * 49 + 50 + 100 * 800 + 800 + 800 * 800 + 800 + 800 + 1
    assert network.count_params() == expected
    assert cnniqa.macs(1) == 26 * 26 * 50 * 49 + 100 * 800 + 800 * 800 + 800


def test_macs_of_the_proxy_network_match_its_layers() -> None:
    height, width = 101, 130
    flatbuffer = to_tflite(proxy_cnn.build()[1], quantize="none", shape=(height, width, 1))
    last = -(-height // 16) * -(-width // 16) * proxy_cnn.LAYERS[-1][1]
    assert proxy_cnn.macs(height, width) == inspect(flatbuffer).macs + last


def test_local_normalisation_by_hand() -> None:
    luma = grey(data.coffee())[:40, :60]
    plane = cnniqa.normalise(luma)
    window = luma[10:17, 20:27].astype(float)
    expected = (window[3, 3] - window.mean()) / (window.std() + cnniqa.CONSTANT)
    assert plane[13, 23] == pytest.approx(expected, abs=1e-3)
    assert np.abs(cnniqa.normalise(np.full((20, 20), 200, np.uint8))).max() < 1e-3


def test_tiles_are_the_whole_patches() -> None:
    plane = np.arange(70 * 100, dtype=np.float32).reshape(70, 100)
    tiles = cnniqa.tiles(plane)
    assert tiles.shape == (2 * 3, 32, 32)
    assert np.array_equal(tiles[4], plane[32:64, 32:64])
    assert cnniqa.tiles(plane[:20, :40]).shape == (1, 32, 32)


def blurred_set(root: Path) -> list[ManifestRow]:
    """Crops whose MOS falls with their blur, as training rows."""
    generator = np.random.default_rng(0)
    scenes = [data.astronaut(), data.coffee(), data.chelsea()]
    rows = []
    for index in range(36):
        crop = scenes[index % 3][index : index + 64, 3 * index : 3 * index + 64]
        strength = float(generator.uniform(0.05, 1.0))
        blurred = distort(np.ascontiguousarray(crop), "noise", strength=strength)
        Image.fromarray(blurred).save(root / f"{index}.png")
        rows.append(ManifestRow(f"{index}.png", 1 - 0.9 * strength, None, "train", ""))
    return rows


def test_cnniqa_learns_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = blurred_set(tmp_path)
    data_ = TrainingData(rows, rows, tmp_path, tmp_path / "work", "small", 0, "")
    monkeypatch.setattr(cnniqa, "EPOCHS", (1, 25))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    arrays = cnniqa.Cnniqa().fit(data_, whole)
    scorer = cnniqa.Cnniqa().load(arrays)
    predicted = [scorer.score(np.asarray(Image.open(tmp_path / row.path))) for row in rows]
    assert np.corrcoef(predicted, [row.mos for row in rows])[0, 1] > 0.8

    real, calls = Trainer._save, []

    def save_twice(*args: Any) -> None:
        real(*args)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_save", save_twice)
    with pytest.raises(KeyboardInterrupt):
        cnniqa.Cnniqa().fit(data_, parts)
    monkeypatch.setattr(Trainer, "_save", real)
    again = cnniqa.Cnniqa().fit(data_, parts)
    resumed = cnniqa.Cnniqa().load(again)
    for row, wanted in zip(rows, predicted, strict=True):
        picture = np.asarray(Image.open(tmp_path / row.path))
        assert resumed.score(picture) == pytest.approx(wanted, abs=1e-4)


def test_proxy_network_sees_what_it_should() -> None:
    import keras

    keras.utils.set_random_seed(0)
    _, network = proxy_cnn.build()
    arrays = frozen(network, (None, None, 1))
    scorer: Scorer = proxy_cnn.ProxyCnn().load(arrays)
    picture = data.astronaut()[:96, :130]
    scores = [scorer.score(rgb) for rgb in (picture, picture // 4, picture)]
    assert scores[0] == scores[2]
    assert scores[0] != scores[1]
    # Any size, and what LiteRT computes is what was trained.
    luma = grey(data.coffee())[None, :64, :100, None].astype(np.float32)
    assert Runner(arrays)(luma) == pytest.approx(np.asarray(network(luma)), abs=1e-4)
    with pytest.raises(DataError, match="lacks"):
        proxy_cnn.ProxyCnn().load({})


def test_finished_runs_must_know_mos_only(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"student\.keras is missing"):
        finetune.finished_run(tmp_path, "none")
    run = tmp_path / "run"
    run.mkdir()
    (run / "student.keras").touch()
    clean = {"teacher": 0.0, "features": 0.0, "ladder": 0.0, "before": None}
    for recipe, refused in (
        (clean, None),
        ({**clean, "ladder": 2.0}, "ladder 2.0"),
        ({**clean, "before": {**clean, "teacher": 1.0}}, "teacher 1.0"),
    ):
        (run / "recipe.json").write_text(json.dumps(recipe))
        if refused is None:
            assert finetune.finished_run(tmp_path, "run") == run
        else:
            with pytest.raises(DataError, match=refused):
                finetune.finished_run(tmp_path, "run")


@pytest.mark.slow
def test_fine_tuned_network_is_trained_converted_and_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "SIZE", 32)
    monkeypatch.setattr(finetune, "SOURCE", 40)
    # A network of this size that starts at random learns nothing from a few pictures.
    monkeypatch.setattr(distill, "MIN_SPREAD", 0.0)
    train = blurred_set(tmp_path)
    held_out = [ManifestRow(row.path, row.mos, None, "validation", "") for row in train[:8]]
    rows = [*train[8:], *held_out]
    data_ = TrainingData(train[8:], rows, tmp_path, tmp_path / "work", "small", 0, "random")
    baseline = finetune.FineTuned()
    arrays = baseline.fit(data_, tmp_path / "work" / "mobilenet")
    scorer = baseline.load(arrays)
    assert 2_000_000 < scorer.parameters < 3_000_000
    assert scorer.bytes == pytest.approx(4 * scorer.parameters, rel=0.05)
    # MobileNetV2 takes 300 million at 224 px.
    assert scorer.macs == pytest.approx(300e6 * (32 / 224) ** 2, rel=0.1)
    picture = data.astronaut()
    assert 0 <= scorer.score(picture) <= 1
    assert scorer.score(picture) == scorer.score(picture.copy())
    # The run itself is what --finetuned takes.
    again = TrainingData(
        train[8:], rows, tmp_path, tmp_path / "work", "small", 0, "random", "mobilenet/student"
    )
    assert np.array_equal(baseline.fit(again, tmp_path / "other")["tflite"], arrays["tflite"])
