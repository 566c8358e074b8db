"""Folding, turning, equalising and rounding: the same function until the rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import data

from convert.nets import keras_nets
from convert.nets.bn_folding import Folded, fold, merge_bottlenecks
from convert.quantization.activation_stats import Activations, observe
from convert.quantization.adaptive_rounding import round_kernels, round_rows
from convert.quantization.equalization import equalise, whiten

SIDE = 48
ARCH = keras_nets.Architecture(
    "little",
    8,
    (keras_nets.Block(3, 1, 1, 6), keras_nets.Block(3, 2, 4, 12), keras_nets.Block(3, 1, 4, 12)),
    24,
    1e-3,
)


def crops() -> np.ndarray:
    """Normalised pieces of a photograph, float32 [24, SIDE, SIDE, 3]."""
    picture = data.astronaut()
    spots = np.random.default_rng(0).integers(512 - SIDE, size=(24, 2))
    pieces = [picture[y : y + SIDE, x : x + SIDE] for y, x in spots]
    return np.stack(pieces).astype(np.float32) / 128 - 1


@pytest.fixture(scope="module")
def little() -> tuple[Any, Folded, Activations]:
    """A small student with BatchNorms that mean something, folded, and its activations."""
    import keras

    keras.utils.set_random_seed(0)
    student = keras_nets.build(keras, ARCH, SIDE, rescale=False)
    generator = np.random.default_rng(0)
    for layer in student.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    student(crops(), training=True)
    for layer in student.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, _, mean, variance = layer.get_weights()
            # Channels of very unlike size are what int8 suffers from.
            gamma = generator.lognormal(0, 1, gamma.shape)
            layer.set_weights([gamma, generator.normal(0, 0.5, gamma.shape), mean, variance])
    folded = fold(student, ARCH)
    return student, folded, observe(folded, [crops()[:12], crops()[12:]])


def centred(logits: Any) -> np.ndarray:
    values = np.asarray(logits, np.float64)
    return values - values.mean(1, keepdims=True)


def test_folded_network_is_the_student(little: tuple[Any, Folded, Activations]) -> None:
    student, folded, _ = little
    assert np.asarray(folded.run(crops())) == pytest.approx(np.asarray(student(crops())), abs=1e-4)
    assert folded.sums == {"block02_add": ("block01_project", "block02_project")}
    assert [tensors for _, tensors, _ in folded.streams()] == [
        ["block00_project"],
        ["block01_project", "block02_project", "block02_add"],
    ]
    assert folded.tensors[-3:] == ["head", "embedding", "opinion"]


def test_turning_and_equalising_keep_the_function(
    little: tuple[Any, Folded, Activations],
) -> None:
    _, folded, seen = little
    wanted = centred(folded.run(crops()))
    turned = whiten(folded, seen, [crops()])
    assert centred(turned.run(crops())) == pytest.approx(wanted, abs=1e-3)
    level, after = equalise(turned, observe(turned, [crops()]), 1.1)
    assert centred(level.run(crops())) == pytest.approx(wanted, abs=1e-3)
    # What is said about the rescaled network is what it does.
    measured = observe(level, [crops()])
    for name in level.layers:
        if name != keras_nets.OPINION:
            assert after.tensors[name].high == pytest.approx(
                measured.tensors[name].high, rel=1e-3, abs=1e-3
            )
    # Every live channel that a depthwise kernel reads fills the range.
    high = measured.tensors["block02_expand"].high
    live = folded.layers["block02_expand"].bias != 0
    assert np.median(high[live & (high > 0.1)]) == pytest.approx(6 / 1.1, rel=0.2)


def test_rounded_kernels_lie_on_their_grid(little: tuple[Any, Folded, Activations]) -> None:
    _, folded, seen = little
    rounded = round_kernels(folded, seen, seen.ranges(folded, 1.1))
    for name, layer in rounded.layers.items():
        rows, before = layer.rows, folded.layers[name].rows
        whole = name == keras_nets.OPINION
        scale = np.abs(before).max(None if whole else 1) / 127 * np.ones(len(rows))
        steps = rows / scale[:, None]
        assert steps == pytest.approx(np.round(steps), abs=1e-6)
        assert np.abs(rows).max(1)[0] <= np.abs(before).max() + 1e-9
        if not whole:  # the converter takes the scale from the largest weight
            assert np.abs(steps).max(1) == pytest.approx(127)

    def error(name: str, rows: np.ndarray) -> float:
        change, covariance = rows - folded.layers[name].rows, seen.covariance[name]
        if covariance.ndim == 3:
            return float(np.einsum("oi,oij,oj->", change, covariance, change))
        return float(np.einsum("oi,ij,oj->", change, covariance, change))

    for name in seen.covariance:
        before = folded.layers[name].rows
        scale = np.abs(before).max(1)[:, None] / 127
        nearest = np.round(before / scale) * scale
        assert error(name, rounded.layers[name].rows) < error(name, nearest)


def test_correlated_inputs_make_up_for_rounding() -> None:
    generator = np.random.default_rng(1)
    basis = generator.normal(size=(4, 32))
    covariance = basis.T @ basis / 4
    rows = generator.normal(size=(16, 32))
    scale = np.abs(rows).max(1) / 127
    rounded = round_rows(rows, scale, covariance)

    def error(changed: np.ndarray) -> float:
        return float(np.einsum("oi,ij,oj->", changed - rows, covariance, changed - rows))

    assert error(rounded) < 0.1 * error(np.round(rows / scale[:, None]) * scale[:, None])
    uncorrelated = round_rows(rows, scale, np.eye(32))
    assert uncorrelated == pytest.approx(np.round(rows / scale[:, None]) * scale[:, None])


@pytest.mark.slow
def test_int8_file_computes_what_fake_quantisation_says(
    little: tuple[Any, Folded, Activations],
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    from convert.quantization.fake_quant import build_aware
    from convert.quantization.tflite_export import to_tflite
    from convert.quantization.tflite_inspect import inspect

    _, folded, seen = little
    level, after = equalise(folded, seen, 1.1)
    ranges = after.ranges(level, 1.1)
    aware = build_aware(round_kernels(level, after, ranges), ranges, SIDE)
    assert np.asarray(aware(crops(), training=True)) == pytest.approx(
        np.asarray(aware(crops(), training=False))
    )
    flatbuffer = to_tflite(aware, rescale=(keras_nets.PIXEL_SCALE, keras_nets.PIXEL_OFFSET))
    assert inspect(flatbuffer).full_int8
    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    (entry,), (last,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = last["quantization"]
    for picture, wanted in zip(crops(), np.asarray(aware(crops(), training=False)), strict=True):
        interpreter.set_tensor(entry["index"], ((picture[None] + 1) * 128).astype(np.uint8))
        interpreter.invoke()
        got = (interpreter.get_tensor(last["index"])[0].astype(float) - zero) * scale
        assert np.abs(got - wanted).max() < 4 * scale
    kernels = [
        detail["quantization_parameters"]["scales"]
        for detail in interpreter.get_tensor_details()
        if tuple(detail["shape"]) == (1, 3, 3, 48)
    ]
    assert kernels
    assert all(len(scales) == 48 for scales in kernels)


def test_narrow_bottleneck_is_merged_with_its_reader_and_nothing_changes(
    little: tuple[Any, Folded, Activations],
) -> None:
    _, folded, _ = little
    merged = merge_bottlenecks(folded)
    # The last projection is added up, the one before it is added to: both stay.
    assert set(folded.layers) - set(merged.layers) == {"block00_project"}
    assert merged.layers["block01_expand"].source == "block00_depthwise"
    assert [writers for writers, _, _ in merged.streams()] == [
        ["block01_project", "block02_project"]
    ]
    assert np.asarray(merged.run(crops())) == pytest.approx(
        np.asarray(folded.run(crops())), abs=1e-3
    )
