"""The operators that a picture model may have.

All of them are built in, keep no state between pictures, and produce shapes that depend on the file
alone. All others are refused: custom and Flex operators, control flow, variables, tables,
random numbers, sparse and dynamic shapes, audio and text.
"""

from __future__ import annotations

from typing import NamedTuple

from edgeiqa.inference.verifier import shapes
from edgeiqa.inference.verifier.shapes import Rule


class Kind(NamedTuple):
    """One kind of operator.

    Attributes:
        name: As in TFLite's schema.
        rule: Computes the shapes of its outputs, and its cost.
        inputs: Minimum and maximum number of inputs.
        options: Name of its options table.
        options_type: Number of that table.
        optional: Whether the table may be missing.
        same_types: Inputs that must have the type of the output; () for none.
    """

    name: str
    rule: Rule
    inputs: tuple[int, int]
    options: str = "NoOptions"
    options_type: int = 0
    optional: bool = True
    same_types: tuple[int, ...] = (0,)


def _unary(name: str, options: str = "NoOptions", number: int = 0, **more: object) -> Kind:
    return Kind(name, shapes.same, (1, 1), options, number, **more)  # type: ignore[arg-type]


def _binary(name: str, options: str = "NoOptions", number: int = 0) -> Kind:
    return Kind(name, shapes.broadcast, (2, 2), options, number, number == 0, (0, 1))


_MANY = (1, 100)

OPERATORS: dict[int, Kind] = {
    0: _binary("ADD", "AddOptions", 11),
    1: Kind("AVERAGE_POOL_2D", shapes.pool, (1, 1), "Pool2DOptions", 5, False),
    2: Kind("CONCATENATION", shapes.concat, _MANY, "ConcatenationOptions", 10, False),
    3: Kind("CONV_2D", shapes.conv, (2, 3), "Conv2DOptions", 1, False),
    4: Kind("DEPTHWISE_CONV_2D", shapes.depthwise, (2, 3), "DepthwiseConv2DOptions", 2, False),
    5: Kind("DEPTH_TO_SPACE", shapes.depth_to_space, (1, 1), "DepthToSpaceOptions", 94, False),
    6: _unary("DEQUANTIZE", number=38, same_types=()),
    9: Kind("FULLY_CONNECTED", shapes.dense, (2, 3), "FullyConnectedOptions", 8, False),
    11: _unary("L2_NORMALIZATION", "L2NormOptions", 12, optional=False),
    14: _unary("LOGISTIC"),
    17: Kind("MAX_POOL_2D", shapes.pool, (1, 1), "Pool2DOptions", 5, False),
    18: _binary("MUL", "MulOptions", 21),
    19: _unary("RELU"),
    20: _unary("RELU_N1_TO_1"),
    21: _unary("RELU6"),
    22: Kind("RESHAPE", shapes.reshape, (1, 2), "ReshapeOptions", 17),
    23: Kind("RESIZE_BILINEAR", shapes.resize, (2, 2), "ResizeBilinearOptions", 15, False),
    25: _unary("SOFTMAX", "SoftmaxOptions", 9, optional=False),
    26: Kind("SPACE_TO_DEPTH", shapes.space_to_depth, (1, 1), "SpaceToDepthOptions", 19, False),
    28: _unary("TANH"),
    34: Kind("PAD", shapes.pad, (2, 2), options_type=22),
    36: Kind("GATHER", shapes.gather, (2, 2), "GatherOptions", 23, False),
    37: Kind("BATCH_TO_SPACE_ND", shapes.batched, (3, 3), options_type=24),
    38: Kind("SPACE_TO_BATCH_ND", shapes.batched, (3, 3), options_type=25),
    39: Kind("TRANSPOSE", shapes.transpose, (2, 2), options_type=26),
    40: Kind("MEAN", shapes.reduce, (2, 2), "ReducerOptions", 27, False),
    41: _binary("SUB", "SubOptions", 28),
    42: _binary("DIV", "DivOptions", 29),
    43: Kind("SQUEEZE", shapes.squeeze, (1, 1), "SqueezeOptions", 30),
    45: Kind("STRIDED_SLICE", shapes.strided, (4, 4), "StridedSliceOptions", 32, False),
    47: _unary("EXP", number=33),
    49: Kind("SPLIT", shapes.split, (2, 2), "SplitOptions", 35, False, (1,)),
    50: _unary("LOG_SOFTMAX", number=36),
    53: _unary("CAST", "CastOptions", 37, same_types=()),
    54: Kind("PRELU", shapes.prelu, (2, 2)),
    55: Kind("MAXIMUM", shapes.broadcast, (2, 2), options_type=39, same_types=(0, 1)),
    57: Kind("MINIMUM", shapes.broadcast, (2, 2), options_type=39, same_types=(0, 1)),
    59: _unary("NEG", number=42),
    60: Kind("PADV2", shapes.pad, (3, 3), options_type=43),
    65: Kind("SLICE", shapes.cut, (3, 3), options_type=48),
    67: Kind(
        "TRANSPOSE_CONV", shapes.transpose_conv, (3, 4), "TransposeConvOptions", 49, False, (2,)
    ),
    70: Kind("EXPAND_DIMS", shapes.expand, (2, 2), options_type=52),
    73: _unary("LOG"),
    74: Kind("SUM", shapes.reduce, (2, 2), "ReducerOptions", 27, False),
    75: _unary("SQRT"),
    76: _unary("RSQRT"),
    78: Kind("POW", shapes.broadcast, (2, 2), options_type=56, same_types=(0, 1)),
    82: Kind("REDUCE_MAX", shapes.reduce, (2, 2), "ReducerOptions", 27, False),
    83: Kind("PACK", shapes.pack, _MANY, "PackOptions", 59, False),
    88: Kind("UNPACK", shapes.unpack, (1, 1), "UnpackOptions", 64, False),
    89: Kind("REDUCE_MIN", shapes.reduce, (2, 2), "ReducerOptions", 27, False),
    92: _unary("SQUARE", number=66),
    97: Kind(
        "RESIZE_NEAREST_NEIGHBOR", shapes.resize, (2, 2), "ResizeNearestNeighborOptions", 74, False
    ),
    98: _unary("LEAKY_RELU", "LeakyReluOptions", 75, optional=False),
    99: Kind("SQUARED_DIFFERENCE", shapes.broadcast, (2, 2), options_type=76, same_types=(0, 1)),
    100: Kind("MIRROR_PAD", shapes.pad, (2, 2), "MirrorPadOptions", 77, False),
    101: _unary("ABS", number=78),
    111: _unary("ELU"),
    114: _unary("QUANTIZE", number=89, same_types=()),
    117: _unary("HARD_SWISH", number=91),
    126: Kind("BATCH_MATMUL", shapes.matmul, (2, 2), "BatchMatMulOptions", 101, False, ()),
    150: _unary("GELU", "GeluOptions", 116),
    152: _unary("RELU_0_TO_1"),
}
"""Operators by their number in the schema."""

BY_NAME = {kind.name: kind for kind in OPERATORS.values()}
