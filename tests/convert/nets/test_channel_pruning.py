from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data as photographs

from convert.nets import keras_nets
from convert.nets.channel_pruning import refit, select, thicker, thin
from convert.nets.weights import save_npz


def pictures(count: int = 12, side: int = 64) -> np.ndarray:
    generator = np.random.default_rng(0)
    whole = photographs.astronaut()
    corners = generator.integers(0, 512 - side, size=(count, 2))
    return np.stack([whole[y : y + side, x : x + side] for y, x in corners])


def net_of(name: str) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return keras_nets.build(keras, keras_nets.architecture(name), None)


def follow(net: Any, shown: np.ndarray) -> None:
    """Sets the statistics of every BatchNorm to those of some pictures."""
    for layer in net.layers:
        if layer.name.endswith("_bn"):
            layer.momentum = 0.0
    net(shown.astype(np.float32), training=True)


@pytest.fixture(scope="module")
def trained() -> Any:
    """A network whose statistics belong to photographs."""
    net = net_of("mobilenet_v2")
    generator = np.random.default_rng(0)
    for layer in net.layers:
        if layer.name.endswith("_bn"):
            gamma, beta, *moments = layer.get_weights()
            gamma, beta = (
                generator.uniform(0.5, 1.5, gamma.shape),
                generator.uniform(-0.2, 0.5, beta.shape),
            )
            layer.set_weights([gamma, beta, *moments])
    follow(net, pictures(24))
    return net


def test_selection_takes_what_explains_and_not_the_same_twice() -> None:
    generator = np.random.default_rng(0)
    useful = generator.normal(size=(500, 3))
    noise = generator.normal(size=(500, 4))
    # Column 2 repeats column 0, only louder.
    candidates = np.column_stack([useful[:, 0], noise[:, 0], 5 * useful[:, 0], useful[:, 1], noise])
    target = useful @ generator.normal(size=(3, 2))
    kept = select(candidates, target, 2).tolist()
    assert 3 in kept
    assert len({0, 2} & set(kept)) == 1


def test_refit_finds_the_linear_map() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(2.0, 1.0, size=(4000, 5))
    weights, bias = generator.normal(size=(5, 3)), generator.normal(size=3)
    found, offset = refit(inputs, inputs @ weights + bias)
    assert found == pytest.approx(weights, abs=0.01)
    assert offset == pytest.approx(bias, abs=0.05)


def logits_of(net: Any, shown: np.ndarray) -> np.ndarray:
    return np.asarray(net(shown.astype(np.float32)))


def test_as_thick_as_before_is_the_same_function_and_thinner_comes_close(trained: Any) -> None:
    shown = pictures()
    wanted = logits_of(trained, shown)
    errors = {}
    for expansion in (6, 4):
        narrow = net_of(f"mobilenet_v2_t{expansion}")
        thin(trained, narrow, keras_nets.architecture(f"mobilenet_v2_t{expansion}"), shown)
        got = logits_of(narrow, shown)
        errors[expansion] = float(np.abs(got - wanted).mean())
    spread = float(np.abs(wanted - wanted.mean(0)).mean())
    assert errors[6] < 0.25 * spread  # the head is half as wide
    assert errors[6] < errors[4] < 2.0 * spread


def test_training_batches_confirm_the_statistics(trained: Any) -> None:
    """Or the first steps of training would undo what was fitted."""
    narrow = net_of("mobilenet_v2_t3")
    thin(trained, narrow, keras_nets.architecture("mobilenet_v2_t3"), pictures())
    norm = narrow.get_layer("block05_project_bn")
    _, _, mean, variance = norm.get_weights()
    follow(narrow, pictures())
    assert float((np.abs(norm.get_weights()[2] - mean) / np.sqrt(variance)).mean()) < 0.3


def test_thicker_is_read_from_the_file(tmp_path: Path, trained: Any) -> None:
    save_npz(trained, tmp_path / "wide.npz")
    thinner = keras_nets.architecture("mobilenet_v2_t2")
    found = thicker(thinner, tmp_path / "wide.npz")
    assert found is not None
    assert found.name == "mobilenet_v2"
    assert thicker(keras_nets.mobilenet_v2(), tmp_path / "wide.npz") is None
    assert thicker(keras_nets.architecture("mobilenet_v2_0.5"), tmp_path / "wide.npz") is None
    assert thicker(thinner, "imagenet") is None
    assert thicker(thinner, tmp_path / "none.npz") is None
