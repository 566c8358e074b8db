"""Pooled features of pretrained networks, with random weights in place of pretrained ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.datasets.manifest import select
from convert.datasets.registry import build
from convert.nets.weights import WeightsError
from convert.training import frozen_trunk
from convert.training.frozen_trunk import NIMA, FrozenTrunk, load_trunk
from tests.convert.tiny import make_biq2021

SIZE = 64


@pytest.fixture(scope="module")
def trunk() -> FrozenTrunk:
    return load_trunk("mobilenet_v2_t2", "random")


def test_the_usual_depths(trunk: FrozenTrunk) -> None:
    assert trunk.depths == (
        "block02_add",
        "block05_add",
        "block09_add",
        "block12_add",
        "block16_project",
        "head",
    )
    chosen = load_trunk("mobilenet_v2_t2", "random", depths=[10, 3])
    assert chosen.depths == ("block02_add", "block09_add", "head")
    assert load_trunk("mobilenet_v2_t2", "random", depths=[]).depths == ("head",)
    with pytest.raises(WeightsError, match="blocks 1 to 17, got 18"):
        load_trunk("mobilenet_v2_t2", "random", depths=[18])


def test_features_are_moments_of_the_maps(trunk: FrozenTrunk) -> None:
    import tensorflow as tf

    pictures = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    found = np.asarray(trunk.function()(pictures))
    held = {}

    def tap(name: str, value: tf.Tensor) -> tf.Tensor:
        held[name] = np.asarray(value)
        return value

    trunk.folded.run(tf.constant(pictures, tf.float32) / 128 - 1, tap)
    means = np.concatenate([held[name].mean((1, 2)) for name in trunk.depths], 1)
    spreads = np.concatenate([held[name].std((1, 2)) for name in trunk.depths], 1)
    assert found[:, : means.shape[1]] == pytest.approx(means, abs=1e-4)
    assert found[:, means.shape[1] :] == pytest.approx(spreads, abs=1e-3)


def test_features_are_kept_and_continued(
    trunk: FrozenTrunk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_biq2021(tmp_path)
    rows = select(build("biq2021", tmp_path, strict_counts=False), "train")[:40]
    work = tmp_path / "work"
    whole = trunk.features(rows, tmp_path, work, SIZE)
    (file,) = (work / "features").iterdir()
    # A stop after the first sixteen pictures.
    np.save(file.with_suffix(".part.npy"), np.load(file)[:16])
    file.unlink()
    again = trunk.features(rows, tmp_path, work, SIZE)
    assert again == pytest.approx(whole, abs=1e-5)
    assert [one.name for one in (work / "features").iterdir()] == [file.name]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the features are there already")

    monkeypatch.setattr(frozen_trunk, "load_pixels", refuse)
    assert np.array_equal(trunk.features(rows, tmp_path, work, SIZE), again)
    assert again.shape == (40, sum(_widths(trunk)))


def _widths(trunk: FrozenTrunk) -> list[int]:
    layers = trunk.folded.layers
    return [layers[name.replace("_add", "_project")].kernel.shape[-1] for name in trunk.depths]


def test_weights_that_are_not_there() -> None:
    with pytest.raises(WeightsError, match="no such file"):
        load_trunk(NIMA, "missing.tflite")
    with pytest.raises(ValueError, match="unknown network"):
        load_trunk("resnet50", "random")
