from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convert.keras_import.model import (
    check_structure,
    final_activation,
    normalisation_misfit,
    scales_itself,
    walk,
)
from tests.convert import netzoo


@pytest.fixture(params=["keras", "tf_keras"])
def keras(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


def trunk(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, activation="relu")(image)
    return keras.Model(image, layers.GlobalAveragePooling2D()(x), name="trunk")


def in_dense(keras: Any, dense: Any) -> Any:
    return keras.Sequential([trunk(keras), dense(4, activation="softmax")])


def in_activation_layer(keras: Any, dense: Any) -> Any:
    return keras.Sequential([trunk(keras), dense(4), keras.layers.Activation("softmax")])


def in_softmax_layer(keras: Any, dense: Any) -> Any:
    return keras.Sequential([trunk(keras), dense(4), keras.layers.Softmax()])


def before_flatten_and_dropout(keras: Any, dense: Any) -> Any:
    layers = keras.layers
    last = [dense(4, activation="softmax"), layers.Dropout(0.5), layers.Flatten()]
    return keras.Sequential([trunk(keras), *last])


def nested(keras: Any, dense: Any) -> Any:
    inner = in_dense(keras, dense)
    image = keras.Input((16, 16, 3))
    return keras.Model(image, inner(image))


@pytest.mark.parametrize(
    "build",
    [in_dense, in_activation_layer, in_softmax_layer, before_flatten_and_dropout, nested],
)
def test_softmax_is_found_removed_and_put_back(
    keras: Any, build: Callable[[Any, Any], Any]
) -> None:
    model = build(keras, keras.layers.Dense)
    model.build((None, 16, 16, 3))
    pixels = np.random.default_rng(0).random((5, 16, 16, 3)).astype("f4") * 4
    before = np.asarray(model(pixels, training=False), np.float64)
    assert before.sum(axis=1) == pytest.approx(1)
    activation = final_activation(model)
    assert activation.name == "softmax"
    assert activation.remove()
    logits = np.asarray(model(pixels, training=False), np.float64)
    powers = np.exp(logits)
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(before, abs=1e-6)
    assert not np.allclose(logits.sum(axis=1), 1)
    activation.restore()
    assert np.asarray(model(pixels, training=False)) == pytest.approx(before, abs=1e-7)


def test_linear_and_unknown_ends_are_left_alone(keras: Any) -> None:
    assert final_activation(netzoo.build(keras)).name == "linear"
    rescaled = keras.Sequential([in_dense(keras, keras.layers.Dense), keras.layers.Rescaling(9.0)])
    rescaled.build((None, 16, 16, 3))
    end = final_activation(rescaled)
    assert end.name == "linear"
    assert not end.remove()
    relu = final_activation(netzoo.build(keras, activation="relu"))
    assert relu.name == "relu"


def test_structure_of_a_nested_model(keras: Any) -> None:
    model = nested(keras, keras.layers.Dense)
    assert check_structure(model, None) == (16, 16, 3)
    assert check_structure(model, (16, 16)) == (16, 16, 3)
    assert [type(one).__name__ for one in walk(model) if "Conv" in type(one).__name__] == ["Conv2D"]
    with pytest.raises(ValueError, match="built for 16 16"):
        check_structure(model, (16, 20))


def test_own_rescaling_is_seen(keras: Any) -> None:
    assert scales_itself(netzoo.build(keras, rescaling=True))
    assert not scales_itself(netzoo.build(keras))


@pytest.mark.parametrize("trained_on", ["0..255", "0..1", "-1..1"])
def test_statistics_tell_the_range_of_training(
    keras: Any, trained_on: str, export_pixels: np.ndarray
) -> None:
    model = netzoo.build(keras)
    pixels = export_pixels.astype("f4")
    fed = {"0..255": pixels, "0..1": pixels / 255, "-1..1": pixels / 127.5 - 1}
    netzoo.remember_statistics(keras, model, fed[trained_on])
    misfits = {
        name: normalisation_misfit(model, lambda x: model(x, training=False), inputs)
        for name, inputs in fed.items()
    }
    assert misfits[trained_on] == pytest.approx(0, abs=1e-3)
    assert min(misfits, key=lambda name: misfits[name] or 0) == trained_on
    assert all(value is not None for value in misfits.values())
    plain = in_dense(keras, keras.layers.Dense)
    assert normalisation_misfit(plain, lambda x: plain(x), fed["0..1"][:, :16, :16]) is None
