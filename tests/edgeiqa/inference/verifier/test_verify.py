"""Networks that may not reach the runtime, and those that may."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgeiqa.inference.verifier import verify as checking
from edgeiqa.inference.verifier.flatbuffer import FlatbufferError
from edgeiqa.inference.verifier.graph import Tensor
from edgeiqa.inference.verifier.operators import BY_NAME, OPERATORS
from edgeiqa.inference.verifier.schema import SCHEMA
from edgeiqa.inference.verifier.verify import check
from scripts.stress.operator_models import Maker, pack, run_all
from tests.edgeiqa.inference.verifier.made import (
    Change,
    constant,
    flatbuffer_with,
    operator,
    shipped,
    tensor,
)


def conv(**changes: int) -> Change:
    return lambda model: vars(operator(model, "CONV_2D").builtinOptions).update(changes)


def code(number: int) -> Change:
    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode = number
        model.operatorCodes[0].deprecatedBuiltinCode = min(number, 127)

    return change


def custom(model: Any) -> None:
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].customCode = b"FlexEraseDisk"


def first_shape(*shape: int) -> Change:
    def change(model: Any) -> None:
        tensor(model, model.subgraphs[0].inputs[0]).shape = np.array(shape, np.int32)

    return change


def scale(value: float) -> Change:
    def change(model: Any) -> None:
        made = tensor(model, operator(model, "CONV_2D").outputs[0])
        made.quantization.scale = np.array([value], np.float32)

    return change


def fine_sum(model: Any) -> None:
    """LiteRT 2.3 ends the process over this one: TFLITE_CHECK in quantization_util.cc."""
    made = tensor(model, operator(model, "ADD").outputs[0])
    made.quantization.scale = np.array([1e-8], np.float32)


def zero_point(model: Any) -> None:
    made = tensor(model, operator(model, "CONV_2D").outputs[0])
    made.quantization.zeroPoint = np.array([128], np.int64)


def scales_missing(model: Any) -> None:
    weights = tensor(model, operator(model, "CONV_2D").inputs[1])
    weights.quantization.scale = weights.quantization.scale[:-1]
    weights.quantization.zeroPoint = weights.quantization.zeroPoint[:-1]


def short_weights(model: Any) -> None:
    weights = tensor(model, operator(model, "CONV_2D").inputs[1])
    model.buffers[weights.buffer].data = model.buffers[weights.buffer].data[:-1]


def huge_reshape(model: Any) -> None:
    reshape = operator(model, "RESHAPE")
    constant(model, tensor(model, reshape.inputs[1]), [1, 1 << 30, 9, 9])


def wide_slice(model: Any) -> None:
    cut = operator(model, "STRIDED_SLICE")
    constant(model, tensor(model, cut.inputs[3]), [0, 0, 0])


def circle(model: Any) -> None:
    first = model.subgraphs[0].operators[1]
    first.inputs = np.array([first.outputs[0], *first.inputs[1:]], np.int32)


def reordered(model: Any) -> None:
    model.subgraphs[0].operators.reverse()


def written_twice(model: Any) -> None:
    operators = model.subgraphs[0].operators
    operators[2].outputs = operators[1].outputs


def output_of_nothing(model: Any) -> None:
    # An operator that would write into its weights.
    first = operator(model, "CONV_2D")
    first.outputs = np.array([first.inputs[1]], np.int32)


def variable(model: Any) -> None:
    tensor(model, 0).isVariable = True


def sparse(model: Any) -> None:
    tensor(model, 0).sparsity = schema.SparsityParametersT()


def subgraphs(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def buffer_outside(model: Any) -> None:
    model.buffers[1].offset, model.buffers[1].size = 1 << 40, 1 << 40


def text_type(model: Any) -> None:
    tensor(model, 0).type = schema.TensorType.STRING


def not_text(model: Any) -> None:
    tensor(model, 0).name = b"\xff\xfe"


def no_options(model: Any) -> None:
    operator(model, "CONV_2D").builtinOptions = None
    operator(model, "CONV_2D").builtinOptionsType = 0


def others_options(model: Any) -> None:
    conv_, pool = operator(model, "CONV_2D"), schema.Pool2DOptionsT()
    conv_.builtinOptions, conv_.builtinOptionsType = pool, schema.BuiltinOptions.Pool2DOptions


def newer_options(model: Any) -> None:
    operator(model, "CONV_2D").builtinOptions2Type = 3


def custom_options(model: Any) -> None:
    operator(model, "CONV_2D").customOptions = np.zeros(9, np.uint8)


def newer_version(model: Any) -> None:
    model.version = 4


def first_input(number: int) -> Change:
    def change(model: Any) -> None:
        first = operator(model, "CONV_2D")
        first.inputs = np.array([number, *first.inputs[1:]], np.int32)

    return change


def far_buffer(model: Any) -> None:
    tensor(model, 0).buffer = 10**6


def far_operator(model: Any) -> None:
    operator(model, "CONV_2D").opcodeIndex = 10**6


def far_signature(model: Any) -> None:
    model.signatureDefs[0].inputs[0].tensorIndex = 10**6


def far_metadata(model: Any) -> None:
    model.metadata[0].buffer = 10**6


REFUSED: list[tuple[Change, str]] = [
    (code(119), "operator 119 of TFLite's schema.*supported: ABS, ADD"),  # WHILE
    (code(118), "operator 118"),  # IF
    (code(129), "operator 129"),  # CALL_ONCE
    (code(142), "operator 142"),  # VAR_HANDLE
    (code(51), "operator 51"),  # DELEGATE
    (code(9999), "operator 9999"),
    (custom, "custom operator 'FlexEraseDisk'"),
    (first_shape(1, 1 << 28, 64, 1), "at most 6 sides of 0 to"),
    (first_shape(1, -1, 64, 1), "at most 6 sides of 0 to"),
    (first_shape(1, 1 << 20, 1 << 20, 3), "over 1073741824 numbers"),
    (first_shape(1, 1, 1, 1, 1, 1, 1), "at most 6 sides"),
    (first_shape(1, 1536, 65, 1), "operator 0, QUANTIZE: it makes the shape"),
    (scale(0.0), "scale outside 1e-30 to 1e"),
    (scale(float("nan")), "scale outside 1e-30 to 1e"),
    (scale(float("inf")), "scale outside 1e-30 to 1e"),
    (scale(-1.0), "scale outside 1e-30 to 1e"),
    (scale(1e-29), "its filters would be multiplied by"),
    (fine_sum, r"ADD: it converts scales of .* to 1e-08"),
    (zero_point, "zero point outside -128 to 127"),
    (scales_missing, "scales for"),
    (short_weights, "bytes of data, expected"),
    (conv(strideW=0), "stride_w is 0, expected 1 to 1024"),
    (conv(strideH=-1), "stride_h is -1"),
    (conv(strideW=1 << 30), "stride_w is 1073741824"),
    (conv(dilationWFactor=0), "dilation_w_factor is 0"),
    (conv(dilationHFactor=1 << 30), "dilation_h_factor is 1073741824"),
    (conv(padding=7), "padding is 7, expected 0 to 1"),
    (conv(strideW=3), "it makes the shape .*, the file declares"),
    (conv(fusedActivationFunction=77), "fused activation is not supported"),
    (huge_reshape, "RESHAPE: it reshapes"),
    (wide_slice, "begin, end and step are inconsistent"),
    (circle, "used before it is computed"),
    (reordered, "used before it is computed"),
    (written_twice, "is computed twice"),
    (output_of_nothing, "is computed twice"),
    (variable, "keeps state between pictures"),
    (sparse, "Tensor.sparsity is present"),
    (subgraphs, "2 subgraphs, expected one"),
    (buffer_outside, "data outside the flatbuffer"),
    (text_type, "has the type 5, which is not supported"),
    (not_text, r"Tensor\.name is not valid UTF-8"),
    (no_options, "its options are missing"),
    (others_options, "options of kind 5, expected 1"),
    (newer_options, "options of a newer kind"),
    (custom_options, "custom_options is present"),
    (newer_version, "schema version 4, expected 3"),
    (first_input(10**6), r"its inputs are \[1000000"),
    (first_input(-1), "an input is missing"),
    (far_buffer, "has buffer 1000000 of"),
    (far_operator, "is number 1000000 of"),
    (far_signature, "a signature lists tensor 1000000"),
    (far_metadata, "refers to a buffer that does not exist"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_networks_that_no_picture_needs_are_refused(change: Change, message: str) -> None:
    with pytest.raises(FlatbufferError, match=message):
        check(flatbuffer_with(change))


@pytest.mark.parametrize("model", ["causes", "nano", "base"])
def test_shipped_networks_pass(model: str) -> None:
    contract, flatbuffer = shipped(model)
    found = check(flatbuffer)
    assert found.inputs[0].shape == contract.input.tensor_shape
    assert set(found.operators) <= BY_NAME.keys()
    assert 0 < found.memory < 30e6


def test_its_work_is_that_which_the_converter_counts() -> None:
    from convert.quantization.tflite_inspect import inspect

    flatbuffer = shipped("nano")[1]
    found, counted = check(flatbuffer), inspect(flatbuffer)
    assert 1.0 <= found.work / counted.macs < 1.02  # And what is no convolution, on top.
    assert sorted(found.operators) == sorted(counted.operators.elements())


def test_written_anew_without_a_change_it_passes() -> None:
    assert check(flatbuffer_with(lambda model: None)).operators == check(shipped()[1]).operators


def test_memory_and_work_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    flatbuffer = shipped()[1]
    found = check(flatbuffer)
    monkeypatch.setattr(checking, "MAX_WORK", found.work - 1)
    with pytest.raises(FlatbufferError, match="multiplications a picture, at most"):
        check(flatbuffer)
    monkeypatch.setattr(checking, "MAX_MEMORY", found.memory - 1)
    with pytest.raises(FlatbufferError, match=r"its tensors take .* MB, at most"):
        check(flatbuffer)


def test_the_table_of_operators_is_that_of_the_schema() -> None:
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    options = {v: k for k, v in vars(schema.BuiltinOptions).items() if not k.startswith("_")}
    for number, kind in OPERATORS.items():
        assert names[number] == kind.name
        assert kind.options in SCHEMA
        if kind.options != "NoOptions":
            assert options[kind.options_type] == kind.options


def test_the_fields_are_those_of_the_schema() -> None:
    """In the order of the slots, which the generated Python code has in its methods' order."""
    for name, fields in SCHEMA.items():
        if name == "NoOptions":
            continue
        there = vars(getattr(schema, f"{name}T")())
        kept = [f.name.replace("_", "") for f in fields if f.name != "(deprecated)"]
        assert kept == [key.lower() for key in there][: len(kept)], name


def alone(
    index: int, shape: tuple[int, ...], type_: str, scale: float, constant: bool = False
) -> Tensor:
    """A tensor of a model of one operator."""
    size = np.dtype({"int16": "<i2", "int32": "<i4"}.get(type_, type_)).itemsize
    data = np.zeros(size * math.prod(shape), np.uint8) if constant else None
    scales = np.array([scale] if scale else [], np.float32)
    return Tensor(index, f"t{index}", shape, type_, data, scales, np.zeros(len(scales), np.int64))


def test_a_depthwise_convolution_needs_its_bias() -> None:
    kind = BY_NAME["DEPTHWISE_CONV_2D"]
    options = {"padding": 0, "stride_w": 1, "stride_h": 1, "dilation_w_factor": 1}
    options |= {"dilation_h_factor": 1, "depth_multiplier": 1, "fused_activation_function": 0}
    picture, filters = (
        alone(0, (1, 5, 5, 2), "float32", 0),
        alone(1, (1, 3, 3, 2), "float32", 0, True),
    )
    bias, output = alone(2, (2,), "float32", 0, True), alone(3, (1, 5, 5, 2), "float32", 0)
    check(pack(kind, [picture, filters, bias], [output], options))
    for inputs in ([picture, filters], [picture, filters, None]):
        with pytest.raises(FlatbufferError, match="bias"):
            check(pack(kind, inputs, [output], options))


@pytest.mark.parametrize(
    ("scales", "fits"),
    [
        ((1.0, 1.0, 1.0), True),
        ((1.0, 255.0, 1.0), True),
        ((1.0, 256.0, 1.0), False),
        ((2.0**-16, 2.0**-16, 1.0), True),
        ((2.0**-16, 2.0**-17, 1.0), False),
        ((1e30, 1e30, 1e-30), False),
    ],
)
def test_products_of_matrices_are_scaled_within_bounds(
    scales: tuple[float, float, float], fits: bool
) -> None:
    shapes = ((2, 4, 5), (2, 5, 3), (2, 4, 3))
    first, second, output = (
        alone(index, shape, "int8", scale, index == 1)
        for index, (shape, scale) in enumerate(zip(shapes, scales, strict=True))
    )
    model = pack(BY_NAME["BATCH_MATMUL"], [first, second], [output], {"adj_x": 0, "adj_y": 0})
    if fits:
        check(model)
        assert run_all([model]) == (1, [])
    else:
        with pytest.raises(FlatbufferError, match="multiplied by"):
            check(model)


@pytest.mark.parametrize("name", ["ADD", "SUB"])
def test_int16_is_not_broadcast_by_powers_of_two(name: str) -> None:
    first, output = (alone(index, (1, 4, 4, 3), "int16", 2.0**-15) for index in (0, 2))
    for shape, power, fits in (((3,), 1, False), ((3,), 0, True), ((1, 4, 4, 3), 1, True)):
        second = alone(1, shape, "int16", 2.0**-15)
        options = {"pot_scale_int16": power, "fused_activation_function": 0}
        model = pack(BY_NAME[name], [first, second], [output], options)
        if fits:
            check(model)
        else:
            with pytest.raises(FlatbufferError, match="int16"):
                check(model)


def test_generated_models_of_every_operator_end_no_process() -> None:
    """A few; `scripts/stress/operator_models.py` runs many."""
    maker = Maker(11)
    passed: dict[str, list[bytes]] = {}
    for name in sorted(BY_NAME):
        for _ in range(6):
            data = maker.model(name)
            with contextlib.suppress(FlatbufferError):
                if data is not None:
                    check(data)
                    passed.setdefault(name, []).append(data)
    assert len(passed) > 50
    models = [data for of_one in passed.values() for data in of_one]
    ran, deaths = run_all(models)
    assert deaths == []
    assert ran > len(models) / 3
