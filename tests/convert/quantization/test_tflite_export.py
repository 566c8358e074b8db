from __future__ import annotations

import importlib
from collections import Counter
from typing import Any

import numpy as np
import pytest

from convert.quantization.tflite_export import (
    ConversionError,
    check_int8,
    input_shape,
    inspect,
    is_quantization_aware,
    pin_input_range,
    to_tflite,
)
from tests.convert import netzoo

HALF = (1 / 128, -1.0)


@pytest.fixture(params=["keras", "tf_keras"])
def keras(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


def run(flatbuffer: bytes, pixels: np.ndarray) -> np.ndarray:
    """Dequantised first output per picture."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    (entry,), last = interpreter.get_input_details(), interpreter.get_output_details()[0]
    scale, zero_point = last["quantization"]
    rows = []
    for picture in pixels:
        interpreter.set_tensor(entry["index"], picture[None].astype(entry["dtype"]))
        interpreter.invoke()
        values = interpreter.get_tensor(last["index"])[0].astype(np.float64)
        rows.append((values - zero_point) * scale if scale else values)
    return np.stack(rows)


def test_float_is_the_same_network(keras: Any, export_pixels: np.ndarray) -> None:
    model = netzoo.build(keras, 3, rescaling=True)
    flatbuffer = to_tflite(model, quantize="none")
    expected = np.asarray(model(export_pixels.astype("f4")))
    assert run(flatbuffer, export_pixels) == pytest.approx(expected, abs=1e-5)
    summary = inspect(flatbuffer)
    assert [tensor.dtype for tensor in summary.inputs + summary.outputs] == ["float32"] * 2
    assert len(summary.float_islands) == sum(summary.operators.values())
    assert not summary.full_int8


def test_int8_takes_bytes_and_gives_bytes(keras: Any, export_pixels: np.ndarray) -> None:
    model = netzoo.build(keras, 3, rescaling=True)
    flatbuffer = to_tflite(model, representative=export_pixels)
    summary = inspect(flatbuffer)
    assert summary.full_int8
    (entry,), (last,) = summary.inputs, summary.outputs
    assert (entry.shape, entry.dtype, entry.scale, entry.zero_point) == (
        (1, 32, 32, 3), "uint8", 1.0, 0,
    )  # fmt: skip
    assert (last.name, last.shape, last.dtype) == ("quality", (1, 3), "int8")
    assert summary.bytes == len(flatbuffer)
    expected = np.asarray(model(export_pixels.astype("f4")))
    assert np.abs(run(flatbuffer, export_pixels) - expected).max() < 12 * last.scale


def test_macs_and_operators_are_counted_by_hand(keras: Any, export_pixels: np.ndarray) -> None:
    summary = inspect(to_tflite(netzoo.build(keras), representative=[export_pixels]))
    stem, depthwise, pointwise = 16 * 16 * 8 * 27, 16 * 16 * 8 * 9, 16 * 16 * 12 * 8
    assert summary.macs == stem + depthwise + pointwise + 12
    assert summary.operators == Counter(
        QUANTIZE=1, CONV_2D=2, DEPTHWISE_CONV_2D=1, MEAN=1, FULLY_CONNECTED=1
    )
    assert summary.to_dict()["full_int8"] is True


@pytest.mark.parametrize("rescale", [HALF, (1 / 127.5, -1.0), ((0.01, 0.02, 0.03), (-1, 0, 1))])
@pytest.mark.parametrize("bgr", [False, True])
def test_rescaling_is_part_of_the_network(
    keras: Any, rescale: Any, bgr: bool, export_pixels: np.ndarray
) -> None:
    model = netzoo.build(keras, 2)
    fed = export_pixels[..., ::-1] if bgr else export_pixels
    scale, offset = (np.asarray(part, "f4") for part in rescale)
    expected = np.asarray(model(fed * scale + offset))
    floating = to_tflite(model, quantize="none", rescale=rescale, bgr=bgr)
    assert run(floating, export_pixels) == pytest.approx(expected, abs=1e-4)
    int8 = to_tflite(model, representative=[export_pixels], rescale=rescale, bgr=bgr)
    summary = inspect(int8)
    assert np.abs(run(int8, export_pixels) - expected).max() < 12 * summary.outputs[0].scale
    # What uint8 quantisation can say itself must not cost operators at full resolution.
    assert ("MUL" in summary.operators) == (rescale != HALF or bgr)


@pytest.mark.slow
def test_quantisation_aware_model_keeps_its_ranges(export_pixels: np.ndarray) -> None:
    tf_keras = importlib.import_module("tf_keras")
    tfmot = importlib.import_module("tensorflow_model_optimization").quantization.keras
    model = netzoo.build(tf_keras, 3)
    aware = tfmot.quantize_model(model)
    pin_input_range(aware, -1.0, 127 / 128)
    assert is_quantization_aware(aware)
    assert not is_quantization_aware(model)
    inputs = export_pixels.astype("f4") / 128 - 1
    aware.compile("sgd", "mse")
    aware.fit(inputs, np.asarray(model(inputs)), verbose=0, epochs=2)
    expected = np.asarray(aware(inputs, training=False), np.float64)
    for rescale in (HALF, (1 / 128, -1.001)):
        flatbuffer = to_tflite(aware, rescale=rescale)
        summary = inspect(flatbuffer)
        assert summary.full_int8
        assert summary.outputs[0].name == "quality"
        worst = np.abs(run(flatbuffer, export_pixels) - expected).max()
        assert worst < 1.1 * summary.outputs[0].scale


@pytest.mark.slow
def test_float_island_is_refused(export_pixels: np.ndarray) -> None:
    tf_keras = importlib.import_module("tf_keras")
    tfmot = importlib.import_module("tensorflow_model_optimization").quantization.keras
    annotate = tfmot.quantize_annotate_layer

    def only_last(layer: Any) -> Any:
        return annotate(layer) if layer.name == "quality" else layer

    plain = netzoo.build(tf_keras)
    marked = tf_keras.models.clone_model(plain, clone_function=only_last)
    aware = tfmot.quantize_apply(marked)
    aware.compile("sgd", "mse")
    aware.fit(export_pixels.astype("f4"), np.zeros((48, 1)), verbose=0)
    with pytest.raises(ConversionError, match="stayed in floating point"):
        to_tflite(aware)


def test_several_outputs_keep_their_names(keras: Any, export_pixels: np.ndarray) -> None:
    model = netzoo.build(keras, 3)
    both = keras.Model(model.input, [model.output, model.get_layer("pooled").output])
    summary = inspect(to_tflite(both, representative=[export_pixels]))
    sizes = {tensor.name: tensor.shape[-1] for tensor in summary.outputs}
    assert sizes == {"quality": 3, "pooled": 12}


def test_wrong_representative_pictures(keras: Any, export_pixels: np.ndarray) -> None:
    model = netzoo.build(keras)
    with pytest.raises(ValueError, match="needs representative"):
        to_tflite(model)
    with pytest.raises(ValueError, match="none were given"):
        to_tflite(model, representative=[])
    with pytest.raises(ValueError, match="float32"):
        to_tflite(model, representative=[export_pixels.astype("f4")])
    with pytest.raises(ValueError, match=r"\(48, 16, 32, 3\)"):
        to_tflite(model, representative=[export_pixels[:, ::2]])
    with pytest.raises(ValueError, match="int4"):
        to_tflite(model, representative=[export_pixels], quantize="int4")  # type: ignore[arg-type]


def test_input_shapes(keras: Any, export_pixels: np.ndarray) -> None:
    assert input_shape(netzoo.build(keras)) == (32, 32, 3)
    dynamic = netzoo.build(keras, size=None)
    with pytest.raises(ConversionError, match="static"):
        to_tflite(dynamic, representative=[export_pixels])
    flatbuffer = to_tflite(dynamic, representative=[export_pixels], shape=(32, 32, 3))
    assert inspect(flatbuffer).inputs[0].shape == (1, 32, 32, 3)


def test_check_int8_speaks_of_the_input(keras: Any, export_pixels: np.ndarray) -> None:
    flatbuffer = to_tflite(netzoo.build(keras), representative=[export_pixels])
    check_int8(inspect(flatbuffer))
    with pytest.raises(ConversionError, match="zero point 128"):
        check_int8(inspect(flatbuffer), (1 / 128, 128))


@pytest.mark.parametrize("data", [b"", b"1234", b"1234TFL", b"PK\x03\x04" + bytes(60)])
def test_inspect_refuses_other_bytes(data: bytes) -> None:
    with pytest.raises(ConversionError, match="TFL3"):
        inspect(data)
