"""Checks that the types and quantisation of an operator suit the runtime's arithmetic.

LiteRT reports most violations as errors, but some of them end the process.
"""

from __future__ import annotations

import math

from edgeiqa.inference.verifier.flatbuffer import FlatbufferError
from edgeiqa.inference.verifier.graph import QUANTISED, Operator, Tensor
from edgeiqa.inference.verifier.operators import Kind

FLOATS = ("float32",)
WEIGHTS = {
    "float32": ("float32", "int8"),
    "int8": ("int8",),
    "uint8": ("uint8", "int8"),
    "int16": ("int8",),
}
"""Permitted types of the filters, by the type of the input."""
BIASES = ("float32", "int32", "int64")
FILTERED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 0, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 2}
"""Operators with filters, and the index of the input that is filtered."""
MOVERS = (
    *("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "STRIDED_SLICE", "SLICE", "SPLIT"),
    *("UNPACK", "GATHER", "CAST", "QUANTIZE", "DEQUANTIZE"),
)
"""Operators that accept integer tensors without quantisation."""
MAX_SUM = 1 << 18
MAX_SUM_INT16 = 1 << 13
MAX_SQUARE = 1 << 11
MIN_EXPONENT = 1e-7
"""LiteRT ends the process (`TFLITE_CHECK` in quantization_util.cc) where the output of a sum has
steps 2^19 times finer than its inputs, that of a squared difference 2^12 times, or where a softmax
has steps below 2^-26; the limits here leave a factor of two."""

MATMUL_MULTIPLIERS = (2.0**-32, 256.0)
"""Range in which XNNPACK can requantise; outside, products with a constant crash it."""


def check_types(operator: Operator, kind: Kind) -> None:
    """Checks one operator.

    Raises:
        FlatbufferError: Incompatible types, or scales that the runtime cannot convert.
    """
    output = operator.outputs[0]
    for tensor in operator.outputs:
        if tensor.type != output.type:
            raise FlatbufferError("its outputs differ in type")
    for number in kind.same_types:
        tensor = operator.input(number)
        if tensor.type != output.type:
            raise FlatbufferError(
                f"its output is {output.type}, its input {tensor.type}, expected the same type"
            )
    if operator.name in FILTERED:
        _check_filtered(operator)
    _check_activation(operator)
    if operator.name in MOVERS:
        return
    involved = [*filter(None, operator.inputs), output]
    steps = [tensor for tensor in involved if tensor.type in QUANTISED]
    if steps and output.type in QUANTISED and any(not len(tensor.scale) for tensor in steps):
        raise FlatbufferError("it calculates with integers that have no scale")
    if operator.name not in FILTERED and any(len(tensor.scale) > 1 for tensor in steps):
        raise FlatbufferError("it calculates with a scale per channel")
    if output.type in QUANTISED:
        _check_steps(operator, output)


def _check_steps(operator: Operator, output: Tensor) -> None:
    scales = [float(t.scale[0]) for t in operator.inputs if t is not None and len(t.scale)]
    coarsest = max(scales, default=0.0)
    finest = float(output.scale[0])
    limit = MAX_SUM_INT16 if output.type == "int16" else MAX_SUM
    sums = operator.name in ("ADD", "SUB") and coarsest > limit * finest
    squares = operator.name == "SQUARED_DIFFERENCE" and coarsest * coarsest > MAX_SQUARE * finest
    if sums or squares:
        raise FlatbufferError(
            f"it converts scales of {coarsest:g} to {finest:g}, which is beyond the runtime"
        )
    if operator.name == "BATCH_MATMUL" and len(scales) > 1:
        multiplier = scales[0] * scales[1] / finest
        if not MATMUL_MULTIPLIERS[0] <= multiplier < MATMUL_MULTIPLIERS[1]:
            raise FlatbufferError(f"its products would be multiplied by {multiplier:g}")
    shapes = {tensor.shape for tensor in operator.inputs if tensor is not None}
    if output.type == "int16" and operator.options.get("pot_scale_int16") and len(shapes) > 1:
        raise FlatbufferError("it broadcasts int16 with power-of-two scales, which crashes LiteRT")
    if operator.name in ("SOFTMAX", "LOG_SOFTMAX"):
        step = coarsest * float(operator.options.get("beta", 1.0))
        if not step > MIN_EXPONENT:
            raise FlatbufferError(
                f"its exponents have steps of {step:g}, expected more than {MIN_EXPONENT:g}"
            )


def check_multiplier(first: Tensor, weights: Tensor, output: Tensor) -> None:
    """Checks that the products of a filter can be converted to the scale of its output."""
    if output.type not in QUANTISED:
        return
    for tensor in (first, output):
        if len(tensor.scale) != 1:
            raise FlatbufferError(f"{tensor} has {len(tensor.scale)} scales, expected one")
    if not len(weights.scale):
        raise FlatbufferError("its filters have no scale")
    largest = float(first.scale[0]) * float(weights.scale.max()) / float(output.scale[0])
    if not (math.isfinite(largest) and largest < 1 << 30):
        raise FlatbufferError(f"its filters would be multiplied by {largest:g}")


def _check_filtered(operator: Operator) -> None:
    first, weights = operator.input(FILTERED[operator.name]), operator.input(1)
    output = operator.outputs[0]
    if weights.type not in WEIGHTS.get(first.type, ()):
        raise FlatbufferError(f"it has filters of {weights.type} for {first.type}")
    bias = next(iter(operator.inputs[3 if operator.name == "TRANSPOSE_CONV" else 2 :]), None)
    if bias is not None:
        fits = {"float32": ("float32",), "int16": ("int64", "int32")}.get(first.type, ("int32",))
        if bias.type not in fits:
            raise FlatbufferError(f"it has a bias of {bias.type} for {first.type}")
    check_multiplier(first, weights, output)


def _check_activation(operator: Operator) -> None:
    if operator.options.get("fused_activation_function", 0) not in (0, 1, 2, 3):
        raise FlatbufferError("its fused activation is not supported")
    for name in ("beta", "alpha"):
        value = operator.options.get(name, 1.0)
        if not (math.isfinite(value) and abs(value) <= 1e6):
            raise FlatbufferError(f"{name} is {value}, expected at most 1e6 either way")
