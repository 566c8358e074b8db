"""What shapes filters, windows and matrices make; see `edgeiqa.tflite.shapes`."""

from __future__ import annotations

import math

from edgeiqa.tflite.errors import FlatbufferError
from edgeiqa.tflite.graph import Operator, Shape
from edgeiqa.tflite.shapes import Made, broadcast_shapes, four_sides

MAX_KERNEL = 1024
MAX_STRIDE = 1024


def conv(op: Operator) -> Made:
    """CONV_2D: filters [out, height, width, in / groups]."""
    batch, height, width, channels = four_sides(op.input(0))
    out, kernel_h, kernel_w, depth = four_sides(op.input(1))
    if channels % depth or out % (channels // depth):
        raise FlatbufferError(f"its filters take {depth} channels, its input has {channels}")
    return _slid(op, (batch, height, width), (kernel_h, kernel_w), out, depth)


def depthwise(op: Operator) -> Made:
    """DEPTHWISE_CONV_2D: filters [1, height, width, out]."""
    batch, height, width, channels = four_sides(op.input(0))
    one, kernel_h, kernel_w, out = four_sides(op.input(1))
    if one != 1 or out % channels:
        raise FlatbufferError(f"its {out} filters do not fit the {channels} channels of its input")
    if op.option("depth_multiplier", 0, out) not in (0, out // channels):
        raise FlatbufferError("its depth_multiplier is not that of its filters")
    return _slid(op, (batch, height, width), (kernel_h, kernel_w), out, 1)


def pool(op: Operator) -> Made:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""
    batch, height, width, channels = four_sides(op.input(0))
    kernel = (
        op.option("filter_height", 1, MAX_KERNEL * 4),
        op.option("filter_width", 1, MAX_KERNEL * 4),
    )
    sides = _window(op, (height, width), kernel, (1, 1))
    made = (batch, *sides, channels)
    return Made([made], math.prod(made) * math.prod(kernel))


def transpose_conv(op: Operator) -> Made:
    """TRANSPOSE_CONV: (shape, filters [out, height, width, in], input)."""
    batch, height, width, channels = four_sides(op.input(2))
    out, kernel_h, kernel_w, depth = four_sides(op.input(1))
    _kernel(kernel_h, kernel_w)
    made = tuple(op.input(0).integers())
    if depth != channels or len(made) != 4 or (made[0], made[3]) != (batch, out):
        raise FlatbufferError(f"it makes {list(made)} of {list(op.input(2).shape)}")
    wanted = _window(op, made[1:3], (kernel_h, kernel_w), (1, 1))
    if wanted != (height, width):
        raise FlatbufferError(f"it makes {list(made)} of {list(op.input(2).shape)}")
    each = kernel_h * kernel_w * out
    return Made([made], batch * height * width * channels * each, batch * height * width * each)


def dense(op: Operator) -> Made:
    """FULLY_CONNECTED: weights [out, in]."""
    _bias(op, op.input(1).shape[:1])
    weights = op.input(1).shape
    if len(weights) != 2 or 0 in weights or op.input(0).elements % weights[1]:
        raise FlatbufferError(f"its weights {list(weights)} do not fit {list(op.input(0).shape)}")
    if op.option("weights_format", 0, 1):
        raise FlatbufferError("its weights are shuffled")
    shape = op.input(0).shape
    if op.option("keep_num_dims", 0, 1):
        if not shape or shape[-1] != weights[1]:
            raise FlatbufferError(f"its weights {list(weights)} do not fit {list(shape)}")
        made = (*shape[:-1], weights[0])
    else:
        made = (op.input(0).elements // weights[1], weights[0])
    return Made([made], math.prod(made) * weights[1])


def matmul(op: Operator) -> Made:
    """BATCH_MATMUL."""
    first, second = op.input(0).shape, op.input(1).shape
    if min(len(first), len(second)) < 2:
        raise FlatbufferError("it multiplies what is no matrix")
    rows, inner = first[-2:][::-1] if op.option("adj_x", 0, 1) else first[-2:]
    depth, columns = second[-2:][::-1] if op.option("adj_y", 0, 1) else second[-2:]
    if inner != depth:
        raise FlatbufferError(f"it multiplies {list(first)} by {list(second)}")
    made = (*broadcast_shapes(first[:-2], second[:-2], most=3), rows, columns)
    scratch = op.input(0).elements + op.input(1).elements
    return Made([made], math.prod(made) * inner, scratch)


def _slid(op: Operator, pictures: Shape, kernel: tuple[int, int], out: int, depth: int) -> Made:
    batch, height, width = pictures
    _kernel(*kernel)
    dilation = (
        op.option("dilation_h_factor", 1, MAX_KERNEL),
        op.option("dilation_w_factor", 1, MAX_KERNEL),
    )
    _bias(op, (out,))
    sides = _window(op, (height, width), kernel, dilation)
    patches = batch * math.prod(sides) * math.prod(kernel)
    return Made([(batch, *sides, out)], patches * depth * out, patches * depth)


def _window(
    op: Operator, sides: Shape, kernel: tuple[int, int], dilation: tuple[int, int]
) -> Shape:
    """How often a window fits, by the rules of padding SAME (0) and VALID (1)."""
    valid = op.option("padding", 0, 1)
    strides = (op.option("stride_h", 1, MAX_STRIDE), op.option("stride_w", 1, MAX_STRIDE))
    made = []
    for side, size, by, stride in zip(sides, kernel, dilation, strides, strict=True):
        reach = (size - 1) * by + 1
        made.append((side - reach) // stride + 1 if valid else -(-side // stride))
        if made[-1] < 1:
            raise FlatbufferError(f"a window of {reach} does not fit a side of {side}")
    return tuple(made)


def _kernel(height: int, width: int) -> None:
    if not (1 <= height <= MAX_KERNEL and 1 <= width <= MAX_KERNEL):
        raise FlatbufferError(f"its filters have {width} x {height}, at most {MAX_KERNEL} a side")


def _bias(op: Operator, shape: Shape) -> None:
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    if bias is not None and (bias.elements != math.prod(shape) or len(bias.shape) > 4):
        raise FlatbufferError(f"its bias has the shape {list(bias.shape)}, expected {list(shape)}")
