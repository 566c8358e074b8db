"""The network for causes: pooling, and the same numbers as trained, exported and in int8."""

from __future__ import annotations

import numpy as np
import pytest

from convert.causes.export import OUTPUT, keras_model, to_int8
from convert.causes.network import DetailNet, pooled
from convert.causes.train import severities
from edgeiqa.analysis import severity as runtime
from edgeiqa.inference.contract import Contract, append
from edgeiqa.inference.contract_spec import InputSpec
from edgeiqa.inference.model import Model

SPEC = InputSpec(32, 32, color="GRAY", views=("active",) * 4 + ("quiet",) + ("reduced",))


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    generator = np.random.default_rng(0)
    smooth = np.cumsum(generator.normal(0, 6, (20, 6, 32, 32)), axis=-1) + 128
    return np.clip(smooth, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def net(patches: np.ndarray) -> DetailNet:
    import keras

    keras.utils.set_random_seed(0)
    made = DetailNet(1 / 6)
    for layer in made.features.layers:
        if layer.name.endswith("_bn"):
            layer.momentum = 0.0
    made.for_bags(6, 32)(patches.astype(np.float32), training=True)
    return made


def outputs(net: DetailNet, patches: np.ndarray) -> np.ndarray:
    return np.asarray(net.for_bags(*patches.shape[1:3])(patches.astype(np.float32)))


def test_training_and_runtime_pool_alike(net: DetailNet, patches: np.ndarray) -> None:
    predicted = outputs(net, patches)
    for one, expected in zip(predicted, severities(net, patches), strict=True):
        found = runtime.pooled(one.astype(np.float64).reshape(-1), SPEC.views, OUTPUT.labels or ())
        assert list(found.values()) == pytest.approx(list(expected), abs=1e-5)
    logits = np.asarray(pooled(predicted))
    alike = runtime.pooled(
        predicted[0].reshape(-1).astype(float), ["active"] * 6, OUTPUT.labels or ()
    )
    assert list(alike.values()) == pytest.approx(list(1 / (1 + np.exp(-logits[0]))), abs=1e-6)


def test_reduced_patches_have_a_head_of_their_own(net: DetailNet, patches: np.ndarray) -> None:
    alike = np.repeat(patches[:1, :1], 6, axis=1)
    predicted = outputs(net, alike)[0]
    assert np.allclose(predicted[:5], predicted[0], atol=1e-5)
    assert not np.allclose(predicted[5], predicted[0], atol=1e-3)


def test_half_of_the_patches_use_the_same_heads(net: DetailNet, patches: np.ndarray) -> None:
    twelve = np.concatenate([patches[:, :5], patches[:, :5], patches[:, 5:], patches[:, 5:]], 1)
    assert np.allclose(outputs(net, twelve)[:, :5], outputs(net, patches)[:, :5], atol=1e-4)


def test_keras_and_int8_compute_the_same(net: DetailNet, patches: np.ndarray) -> None:
    predicted = outputs(net, patches)
    keras = keras_model(net, SPEC)
    image = patches[:1].reshape(SPEC.tensor_shape).astype(np.float32) / 128 - 1
    assert np.allclose(np.asarray(keras(image)[OUTPUT.name]).reshape(6, 6), predicted[0], atol=1e-4)

    flatbuffer = to_int8(net, SPEC, patches)
    model = Model(append(flatbuffer, Contract("causes", "0", SPEC, (OUTPUT,))))
    quantised = np.array(
        [model.run(one.reshape(SPEC.tensor_shape))[OUTPUT.name].reshape(6, 6) for one in patches]
    )
    span = float(np.ptp(predicted))
    assert np.quantile(np.abs(quantised - predicted), 0.95) < 0.08 * span
