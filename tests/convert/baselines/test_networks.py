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
from convert.datasets.manifest import DataError, ManifestRow
from convert.distortions.distort import distort

torch = pytest.importorskip("torch")

from convert.baselines import torch_training  # noqa: E402


def test_macs_and_parameters_of_the_papers_network() -> None:
    # Kang et al. 2014: 50 kernels of 7 x 7, 100 pooled values, 800, 800, 1.
    network = cnniqa.build()
    expected = 50 * 49 + 50 + 100 * 800 + 800 + 800 * 800 + 800 + 800 + 1
    assert torch_training.parameters_of(network) == expected
    assert cnniqa.macs(1) == 26 * 26 * 50 * 49 + 100 * 800 + 800 * 800 + 800


def test_macs_of_the_proxy_network_match_its_layers() -> None:
    network = proxy_cnn.build()
    network.stage = "mos"
    counted = 0

    def count(module: Any, inputs: Any, output: Any) -> None:
        nonlocal counted
        weights = module.weight
        counted += output.numel() * weights[0].numel()

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(count)
    network.eval()
    network(torch.zeros(1, 1, 101, 130))
    last = -(-101 // 16) * -(-130 // 16) * proxy_cnn.LAYERS[-1][1]
    assert proxy_cnn.macs(101, 130) == counted + 101 * 130 * 4 + last


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
    monkeypatch.setattr(cnniqa, "EPOCHS", (1, 6))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    arrays = cnniqa.Cnniqa().fit(data_, whole)
    scorer = cnniqa.Cnniqa().load(arrays)
    predicted = [scorer.score(np.asarray(Image.open(tmp_path / row.path))) for row in rows]
    assert np.corrcoef(predicted, [row.mos for row in rows])[0, 1] > 0.8

    real, calls = torch.save, []

    def save_twice(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", save_twice)
    # The state of an epoch counts once it has replaced the one before.
    with pytest.raises(KeyboardInterrupt):
        cnniqa.Cnniqa().fit(data_, parts)
    monkeypatch.setattr(torch, "save", real)
    again = cnniqa.Cnniqa().fit(data_, parts)
    for name, value in arrays.items():
        assert np.allclose(again[name], value, atol=1e-5), name


def test_proxy_network_sees_what_it_should() -> None:
    torch.manual_seed(0)
    network = proxy_cnn.build()
    arrays = torch_training.weights_of(network)
    scorer: Scorer = proxy_cnn.ProxyCnn().load(arrays)
    picture = data.astronaut()[:96, :130]
    scores = [scorer.score(rgb) for rgb in (picture, picture // 4, picture)]
    assert scores[0] == scores[2]
    assert scores[0] != scores[1]
    with pytest.raises(DataError, match="lacks"):
        proxy_cnn.ProxyCnn().load({})
    with pytest.raises(DataError, match="does not fit"):
        proxy_cnn.ProxyCnn().load({**arrays, "last.bias": np.zeros(3, np.float32)})


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
