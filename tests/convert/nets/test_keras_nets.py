from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convert.nets import keras_nets


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
