from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.nets import keras_nets, weights


@pytest.fixture(scope="module")
def keras() -> Any:
    import keras

    return keras


def test_mobilenet_v2_has_the_published_size(keras: Any) -> None:
    # Keras' own count with the 1,000-class layer, BatchNorm statistics included.
    model = keras_nets.build(keras, keras_nets.mobilenet_v2(), 224, bins=1000)
    assert model.count_params() == 3_538_984


@pytest.mark.parametrize(("variant", "millions"), [(0, 4.7), (1, 5.4), (2, 6.1), (3, 8.2), (4, 13)])
def test_efficientnet_lite_has_the_published_size(
    keras: Any, variant: int, millions: float
) -> None:
    model = keras_nets.build(keras, keras_nets.efficientnet_lite(variant), 224, bins=1000)
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trainable / 1e6 == pytest.approx(millions, abs=0.06)


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "mobilenet_v2_0.35", "mobilenet_v2_t2", "efficientnet_lite2"]
)
def test_architecture_by_name_keeps_its_name(name: str) -> None:
    assert keras_nets.architecture(name).name == name


def test_thinner_blocks_hand_over_as_much() -> None:
    thin, wide = keras_nets.architecture("mobilenet_v2_t2"), keras_nets.mobilenet_v2()
    assert [block.channels for block in thin.blocks] == [block.channels for block in wide.blocks]
    assert [block.expansion for block in thin.blocks] == [1] + [2] * 16


@pytest.mark.parametrize(
    "name", ["mobilenet_v3", "mobilenet_v2_wide", "mobilenet_v2_t7", "efficientnet_lite7", ""]
)
def test_unknown_names_are_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match="known: mobilenet_v2"):
        keras_nets.architecture(name)


def test_pixels_are_normalised_as_an_integer_zero_point_can_say(keras: Any) -> None:
    arch = keras_nets.mobilenet_v2(0.35)
    with_rescaling = keras_nets.build(keras, arch, 32)
    plain = keras_nets.build(keras, arch, 32, rescale=False)
    plain.set_weights(with_rescaling.get_weights())
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    expected = np.asarray(with_rescaling(pixels))
    assert np.asarray(plain((pixels - 128) / 128)) == pytest.approx(expected, abs=1e-5)


def test_keras_2_and_keras_3_build_the_same_network(keras: Any) -> None:
    import tf_keras

    arch = keras_nets.mobilenet_v2(0.35)
    third, second = keras_nets.build(keras, arch, 32), keras_nets.build(tf_keras, arch, 32)
    second.set_weights(third.get_weights())
    picture = np.random.default_rng(1).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    assert np.asarray(second(picture)) == pytest.approx(np.asarray(third(picture)), abs=1e-5)


def test_trunk_and_top_together_are_the_whole_network(tmp_path: Path) -> None:
    import keras

    arch = keras_nets.mobilenet_v2(0.35)
    whole = keras_nets.build(keras, arch, 64, embedding=True)
    weights.save_npz(whole, tmp_path / "whole.npz")
    trunk = keras_nets.build_trunk(keras, arch, 6)
    top = keras_nets.build_top(keras, arch, 6, bins=10, dropout=0.2)
    for part in (trunk, top):
        weights.load_npz(part, tmp_path / "whole.npz")
    picture = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    for one, two in zip(top(trunk(picture)), whole(picture), strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(two), abs=1e-5)


def test_frozen_blocks_neither_learn_nor_follow_the_batch() -> None:
    import keras

    model = keras_nets.build(keras, keras_nets.mobilenet_v2(0.35), 32)
    keras_nets.freeze(model, 3)
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    model.compile("sgd", "mse")
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
    model.train_on_batch(pictures, np.ones((4, 10)))
    for name, values in before.items():
        frozen = name.startswith("stem") or name[:7] in ("block00", "block01", "block02")
        after = model.get_layer(name).get_weights()
        same = all(np.array_equal(a, b) for a, b in zip(values, after, strict=True))
        assert same == frozen, name
    keras_nets.freeze(model, 0)
    assert all(layer.trainable for layer in model.layers)
