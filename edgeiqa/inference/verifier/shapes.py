"""Computes the output shapes of operators from their inputs; one rule per kind of operator.

The runtime allocates these shapes whatever the file declares, so both must agree. A rule also
estimates the work and the scratch memory of its operator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edgeiqa.inference.verifier.flatbuffer import FlatbufferError
from edgeiqa.inference.verifier.graph import Operator, Shape, Tensor

MAX_BLOCK = 1024


class Made(NamedTuple):
    """The outputs of an operator, and their cost.

    Attributes:
        shapes: One per output.
        work: Multiply-accumulates, comparisons and the like; 0 means one per output element.
        scratch: Temporary elements, such as the patches of a convolution.
    """

    shapes: list[Shape]
    work: int = 0
    scratch: int = 0


Rule = Callable[[Operator], Made]


def same(op: Operator) -> Made:
    """Elementwise operators."""
    return Made([op.input(0).shape])


def broadcast(op: Operator) -> Made:
    """Elementwise operators on two tensors, either of which is broadcast along sides of 1."""
    return Made([broadcast_shapes(op.input(0).shape, op.input(1).shape)])


def prelu(op: Operator) -> Made:
    """PRELU: only the second input is broadcast."""
    made = broadcast(op)
    if made.shapes != [op.input(0).shape]:
        raise FlatbufferError("its slopes do not fit its input")
    return made


def concat(op: Operator) -> Made:
    """CONCATENATION."""
    tensors = [op.input(i) for i in range(len(op.inputs))]
    shapes = [tensor.shape for tensor in tensors]
    axis = _axis(op.options["axis"], len(shapes[0]))
    if len({(*s[:axis], 0, *s[axis + 1 :]) for s in shapes if len(s) > axis}) != 1 or any(
        len(s) != len(shapes[0]) for s in shapes
    ):
        raise FlatbufferError("its inputs have incompatible shapes")
    _same_type(tensors)
    whole = sum(shape[axis] for shape in shapes)
    return Made([(*shapes[0][:axis], whole, *shapes[0][axis + 1 :])])


def pack(op: Operator) -> Made:
    """PACK: tensors of one shape, along a new side."""
    tensors = [op.input(i) for i in range(len(op.inputs))]
    op.option("values_count", len(tensors), len(tensors))
    if any(tensor.shape != tensors[0].shape for tensor in tensors):
        raise FlatbufferError("its inputs differ in shape")
    _same_type(tensors)
    shape = tensors[0].shape
    axis = _axis(op.options["axis"], len(shape) + 1)
    return Made([(*shape[:axis], len(tensors), *shape[axis:])])


def unpack(op: Operator) -> Made:
    """UNPACK: splits along a side and removes it."""
    shape = op.input(0).shape
    axis = _axis(op.options["axis"], len(shape))
    op.option("num", shape[axis], shape[axis])
    return Made([(*shape[:axis], *shape[axis + 1 :])] * shape[axis])


def split(op: Operator) -> Made:
    """SPLIT: (axis, input), into equal parts."""
    shape = op.input(1).shape
    (axis,) = _count(op.input(0).integers(), 1)
    axis, parts = _axis(axis, len(shape)), len(op.outputs)
    op.option("num_splits", parts, parts)
    if shape[axis] % parts:
        raise FlatbufferError(f"it splits a side of {shape[axis]} into {parts} equal parts")
    return Made([(*shape[:axis], shape[axis] // parts, *shape[axis + 1 :])] * parts)


def reshape(op: Operator) -> Made:
    """RESHAPE; the shape comes from a constant or from its options."""
    if len(op.inputs) > 1:
        wanted = op.input(1).integers()
    else:
        wanted = [int(n) for n in op.options.get("new_shape", ())[:9]]
    open_sides = wanted.count(-1)
    known = math.prod(side for side in wanted if side != -1)
    if open_sides > 1 or len(wanted) > 8 or any(side < 1 and side != -1 for side in wanted):
        raise FlatbufferError(f"its target shape {wanted[:8]} is invalid")
    elements = op.input(0).elements
    made = tuple(elements // known if side == -1 else side for side in wanted)
    if math.prod(made) != elements:
        raise FlatbufferError(f"it reshapes {elements} numbers to {list(made)}")
    return Made([made])


def squeeze(op: Operator) -> Made:
    """SQUEEZE."""
    shape = op.input(0).shape
    axes = {_axis(int(axis), len(shape)) for axis in op.options.get("squeeze_dims", ())[:9]}
    axes = axes or {axis for axis, side in enumerate(shape) if side == 1}
    if any(shape[axis] != 1 for axis in axes):
        raise FlatbufferError(f"it removes sides of {list(shape)} that are not 1")
    return Made([tuple(side for axis, side in enumerate(shape) if axis not in axes)])


def expand(op: Operator) -> Made:
    """EXPAND_DIMS."""
    shape = op.input(0).shape
    axis = _axis(_count(op.input(1).integers(), 1)[0], len(shape) + 1)
    return Made([(*shape[:axis], 1, *shape[axis:])])


def transpose(op: Operator) -> Made:
    """TRANSPOSE."""
    shape, order = op.input(0).shape, op.input(1).integers()
    order = [_axis(axis, len(shape)) for axis in _count(order, len(shape))]
    if len(set(order)) != len(shape):
        raise FlatbufferError(f"it permutes {len(shape)} sides by {order}")
    return Made([tuple(shape[axis] for axis in order)])


def reduce(op: Operator) -> Made:
    """MEAN, SUM and the like."""
    shape = op.input(0).shape
    if len(op.input(1).shape) > 1 or op.input(1).elements > 64:
        raise FlatbufferError("it reduces over too many sides")
    axes = {_axis(axis, len(shape)) for axis in op.input(1).integers()}
    keep = op.option("keep_dims", 0, 1)
    sides = [(1 if axis in axes else side) for axis, side in enumerate(shape)]
    made = [side for axis, side in enumerate(sides) if keep or axis not in axes]
    return Made([tuple(made)], op.input(0).elements, op.input(0).elements)


def pad(op: Operator) -> Made:
    """PAD, PADV2 and MIRROR_PAD: paddings [sides, 2]."""
    shape, steps = op.input(0).shape, op.input(1).integers()
    if op.input(1).shape != (len(shape), 2) or any(not 0 <= step <= 1 << 24 for step in steps):
        raise FlatbufferError(f"it pads {list(shape)} by invalid amounts {steps[:12]}")
    if len(op.inputs) > 2 and (op.input(2).elements != 1 or op.input(2).type != op.input(0).type):
        raise FlatbufferError("its padding value is not a single number of its input's type")
    pairs = list(zip(steps[::2], steps[1::2], strict=True))
    if op.name == "MIRROR_PAD":
        inset = 1 - op.option("mode", 0, 1)
        if any(max(pair) > side - inset for pair, side in zip(pairs, shape, strict=True)):
            raise FlatbufferError(f"it mirrors more of {list(shape)} than exists")
    return Made([tuple(s + sum(pair) for s, pair in zip(shape, pairs, strict=True))])


def resize(op: Operator) -> Made:
    """RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR: size [2]."""
    batch, _, _, channels = four_sides(op.input(0))
    height, width = _count(op.input(1).integers(), 2)
    if min(height, width) < 1:
        raise FlatbufferError(f"it resizes to {width} x {height}, expected at least 1 x 1")
    if op.option("align_corners", 0, 1) and op.option("half_pixel_centers", 0, 1):
        raise FlatbufferError("it sets both align_corners and half_pixel_centers")
    made = (batch, height, width, channels)
    return Made([made], 8 * math.prod(made))


def space_to_depth(op: Operator) -> Made:
    """SPACE_TO_DEPTH."""
    batch, height, width, channels = four_sides(op.input(0))
    block = op.option("block_size", 1, MAX_BLOCK)
    if height % block or width % block:
        raise FlatbufferError(f"{width} x {height} is not divisible by {block}")
    return Made([(batch, height // block, width // block, channels * block * block)])


def depth_to_space(op: Operator) -> Made:
    """DEPTH_TO_SPACE."""
    batch, height, width, channels = four_sides(op.input(0))
    block = op.option("block_size", 1, MAX_BLOCK)
    if channels % (block * block):
        raise FlatbufferError(f"{channels} channels are not divisible by {block * block}")
    return Made([(batch, height * block, width * block, channels // (block * block))])


def batched(op: Operator) -> Made:
    """SPACE_TO_BATCH_ND (paddings) and BATCH_TO_SPACE_ND (crops), of pictures."""
    batch, height, width, channels = four_sides(op.input(0))
    blocks, steps = _count(op.input(1).integers(), 2), _count(op.input(2).integers(), 4)
    if op.input(2).shape != (2, 2) or min(blocks) < 1 or max(blocks) > MAX_BLOCK:
        raise FlatbufferError(f"its block sizes {blocks} are invalid")
    if any(not 0 <= step <= 1 << 20 for step in steps):
        raise FlatbufferError(f"it pads or crops by invalid amounts {steps}")
    apart = op.name == "SPACE_TO_BATCH_ND"
    area, sides = blocks[0] * blocks[1], []
    for side, block, step in zip((height, width), blocks, (steps[:2], steps[2:]), strict=True):
        whole = side + sum(step) if apart else side * block - sum(step)
        if whole < 1 or (apart and whole % block):
            raise FlatbufferError(f"a side of {side} does not fit blocks of {block}")
        sides.append(whole // block if apart else whole)
    if not apart and batch % area:
        raise FlatbufferError(f"a batch of {batch} is not divisible by blocks of {area}")
    return Made([(batch * area if apart else batch // area, *sides, channels)])


def gather(op: Operator) -> Made:
    """GATHER by constant indices."""
    shape, wanted = op.input(0).shape, op.input(1)
    axis = _axis(op.options["axis"], len(shape))
    op.option("batch_dims", 0, 0)
    if any(not 0 <= n < shape[axis] for n in wanted.integers()):
        raise FlatbufferError(f"its indices lie outside {list(shape)}")
    return Made([(*shape[:axis], *wanted.shape, *shape[axis + 1 :])])


def strided(op: Operator) -> Made:
    """STRIDED_SLICE, with the semantics of NumPy."""
    shape = op.input(0).shape
    begin, end, step = (op.input(i).integers() for i in (1, 2, 3))
    if not len(begin) == len(end) == len(step) <= 8 or 0 in step or op.option("offset", 0, 0):
        raise FlatbufferError("its begin, end and step are inconsistent")
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    first, last, rest, new, single = (op.option(mask, 0, 255) for mask in masks)
    index: list[object] = []
    for i, (a, b, by) in enumerate(zip(begin, end, step, strict=True)):
        bit = 1 << i
        if rest & bit:
            index.append(Ellipsis)
        elif new & bit:
            index.append(None)
        elif single & bit:
            index.append(a)
        else:
            index.append(slice(None if first & bit else a, None if last & bit else b, by))
    try:
        made = np.broadcast_to(np.zeros((), np.uint8), shape)[tuple(index)].shape  # type: ignore[arg-type]
    except (IndexError, ValueError) as error:
        raise FlatbufferError(f"it cannot slice {list(shape)}: {error}") from error
    return Made([tuple(made)])


def cut(op: Operator) -> Made:
    """SLICE: begin and size."""
    shape = op.input(0).shape
    begin, size = (_count(op.input(i).integers(), len(shape)) for i in (1, 2))
    made = tuple(s - b if n == -1 else n for s, b, n in zip(shape, begin, size, strict=True))
    if any(b < 0 or n < 1 or b + n > s for s, b, n in zip(shape, begin, made, strict=True)):
        raise FlatbufferError(f"it cuts {size} at {begin} out of {list(shape)}")
    return Made([made])


def broadcast_shapes(first: Shape, second: Shape, max_rank: int = 4) -> Shape:
    """Returns the broadcast shape of two tensors; raises FlatbufferError if there is none."""
    if first == second:
        return first
    if max(len(first), len(second)) > max_rank:
        raise FlatbufferError(f"{list(first)} or {list(second)} has more than {max_rank} sides")
    try:
        return tuple(np.broadcast_shapes(first, second))
    except ValueError:
        raise FlatbufferError(f"{list(first)} cannot be broadcast with {list(second)}") from None


def four_sides(tensor: Tensor) -> tuple[int, int, int, int]:
    """Returns batch, height, width and channels; raises FlatbufferError for other ranks."""
    if len(tensor.shape) != 4 or 0 in tensor.shape:
        raise FlatbufferError(f"{tensor} has the shape {list(tensor.shape)}, expected four sides")
    batch, height, width, channels = tensor.shape
    return batch, height, width, channels


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise FlatbufferError(f"its axis {axis} is out of range for {rank} sides")
    return axis % rank


def _count(numbers: list[int], count: int) -> list[int]:
    if len(numbers) != count:
        raise FlatbufferError(f"one of its constants has {len(numbers)} numbers, expected {count}")
    return numbers


def _same_type(tensors: list[Tensor]) -> None:
    if len({tensor.type for tensor in tensors}) > 1:
        raise FlatbufferError("its inputs differ in type")


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
    if len(op.inputs) < 3 or op.inputs[2] is None:
        raise FlatbufferError("it has no bias, without which LiteRT crashes")
    if one != 1 or out % channels:
        raise FlatbufferError(f"its {out} filters do not fit the {channels} channels of its input")
    if op.option("depth_multiplier", 0, out) not in (0, out // channels):
        raise FlatbufferError("its depth_multiplier does not match its filters")
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
        raise FlatbufferError(f"it cannot make {list(made)} from {list(op.input(2).shape)}")
    wanted = _window(op, made[1:3], (kernel_h, kernel_w), (1, 1))
    if wanted != (height, width):
        raise FlatbufferError(f"it cannot make {list(made)} from {list(op.input(2).shape)}")
    each = kernel_h * kernel_w * out
    return Made([made], batch * height * width * channels * each, batch * height * width * each)


def dense(op: Operator) -> Made:
    """FULLY_CONNECTED: weights [out, in]."""
    _bias(op, op.input(1).shape[:1])
    weights = op.input(1).shape
    if len(weights) != 2 or 0 in weights or op.input(0).elements % weights[1]:
        raise FlatbufferError(f"its weights {list(weights)} do not fit {list(op.input(0).shape)}")
    if op.option("weights_format", 0, 1):
        raise FlatbufferError("its weights are in the shuffled format, which is not supported")
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
        raise FlatbufferError("its inputs are not matrices")
    rows, inner = first[-2:][::-1] if op.option("adj_x", 0, 1) else first[-2:]
    depth, columns = second[-2:][::-1] if op.option("adj_y", 0, 1) else second[-2:]
    if inner != depth:
        raise FlatbufferError(f"it cannot multiply {list(first)} by {list(second)}")
    made = (*broadcast_shapes(first[:-2], second[:-2], max_rank=3), rows, columns)
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
    """Returns how many windows fit, by the rules of padding SAME (0) and VALID (1)."""
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
        raise FlatbufferError(
            f"its filters are {width} x {height}, expected 1 to {MAX_KERNEL} a side"
        )


def _bias(op: Operator, shape: Shape) -> None:
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    if bias is not None and (bias.elements != math.prod(shape) or len(bias.shape) > 4):
        raise FlatbufferError(f"its bias has the shape {list(bias.shape)}, expected {list(shape)}")
