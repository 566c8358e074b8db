"""Tensors and operators of a flatbuffer as plain objects, each checked individually."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeiqa.inference.verifier.flatbuffer import FlatbufferError
from edgeiqa.inference.verifier.schema import TYPES

MAX_RANK = 6
MAX_INTEGERS = 1 << 20
MAX_SIDE = 1 << 26
MAX_ELEMENTS = 1 << 30
QUANTISED = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
_SCALE = (1e-30, 1e30)

Shape = tuple[int, ...]


@dataclass
class Tensor:
    """One tensor.

    Attributes:
        index: Within the subgraph.
        name: From the file.
        shape: Static; () is a single number.
        type: Such as "int8".
        data: Its bytes if it is a constant, else None.
        scale: Quantisation steps: none, one, or one per channel.
        zero_point: As many as `scale`.
    """

    index: int
    name: str
    shape: Shape
    type: str
    data: np.ndarray | None
    scale: np.ndarray
    zero_point: np.ndarray

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size of the elements in memory."""
        return self.elements * dict(TYPES.values())[self.type]

    def __str__(self) -> str:
        return f"tensor {self.index} {self.name[:60]!r}"

    def integers(self) -> list[int]:
        """Returns the values of a constant that parameterizes an operator.

        Raises:
            FlatbufferError: Not a constant, or not of an integer type.
        """
        if self.data is None or self.type not in ("int32", "int64"):
            raise FlatbufferError(
                f"{self} must be a constant of integers: sizes that depend on the picture "
                "are not supported"
            )
        if self.elements > MAX_INTEGERS:
            raise FlatbufferError(
                f"{self} has {self.elements} numbers, expected at most {MAX_INTEGERS}"
            )
        return [int(n) for n in self.data.view(f"<i{4 if self.type == 'int32' else 8}")]


@dataclass
class Operator:
    """One operator.

    Attributes:
        index: Within the subgraph.
        name: Such as "CONV_2D".
        inputs: None for an omitted optional input.
        outputs: At least one.
        options: By their names in the schema.
    """

    index: int
    name: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: dict[str, Any] = field(default_factory=dict)

    def input(self, number: int) -> Tensor:
        """Returns a required input."""
        tensor = self.inputs[number] if number < len(self.inputs) else None
        if tensor is None:
            raise FlatbufferError(f"its input {number} is missing")
        return tensor

    def option(self, name: str, minimum: int, maximum: int) -> int:
        """Returns an integer option.

        Raises:
            FlatbufferError: It is missing or out of range.
        """
        value = self.options.get(name)
        if not isinstance(value, int) or not minimum <= value <= maximum:
            raise FlatbufferError(f"{name} is {value}, expected {minimum} to {maximum}")
        return value


def read_tensor(index: int, table: dict[str, Any], buffers: list[dict[str, Any]]) -> Tensor:
    """Creates a tensor from the table that the reader returned.

    Raises:
        FlatbufferError: An unsupported type or shape, data whose length does not match the shape,
            or invalid quantisation.
    """
    name = f"tensor {index} {table['name'][:60]!r}"
    if table["type"] not in TYPES:
        raise FlatbufferError(f"{name} has the type {table['type']}, which is not supported")
    kind, size = TYPES[table["type"]]
    shape = tuple(table["shape"][: MAX_RANK + 1].tolist())
    if len(shape) > MAX_RANK or not all(0 <= side <= MAX_SIDE for side in shape):
        text = ", ".join(map(str, shape[: MAX_RANK + 1]))
        raise FlatbufferError(
            f"{name} has the shape [{text}], expected at most {MAX_RANK} sides of 0 to {MAX_SIDE}"
        )
    if math.prod(shape) > MAX_ELEMENTS:
        raise FlatbufferError(f"{name} has the shape {list(shape)}, over {MAX_ELEMENTS} numbers")
    if table["is_variable"] or table["external_buffer"]:
        raise FlatbufferError(f"{name} keeps state between pictures, or is stored outside the file")
    if len(table["shape_signature"]) not in (0, len(shape)):
        raise FlatbufferError(f"{name} has {len(shape)} sides and a signature of another rank")
    if table["buffer"] >= len(buffers):
        raise FlatbufferError(f"{name} has buffer {table['buffer']} of {len(buffers)}")
    data = buffers[table["buffer"]]["data"]
    if len(data) not in (0, math.prod(shape) * size):
        raise FlatbufferError(
            f"{name}, {kind} {list(shape)}, has {len(data)} bytes of data, "
            f"expected {math.prod(shape) * size}"
        )
    scale, zero_point = _quantisation(name, kind, shape, table["quantization"])
    # An empty constant has no data either; RESHAPE to a scalar uses such a shape.
    constant = len(data) > 0 or 0 in shape
    if 0 in shape and kind not in ("int32", "int64"):
        raise FlatbufferError(f"{name} has the shape {list(shape)}, which is empty")
    return Tensor(index, table["name"], shape, kind, data if constant else None, scale, zero_point)


def _quantisation(
    name: str, kind: str, shape: Shape, table: dict[str, Any] | None
) -> tuple[np.ndarray, np.ndarray]:
    if table is None:
        return np.zeros(0, np.float32), np.zeros(0, np.int64)
    scale, zero_point = table["scale"], table["zero_point"]
    if table["details_type"]:
        raise FlatbufferError(f"{name} uses custom quantisation, which is not supported")
    if not len(scale):
        return scale, zero_point[:0]
    if len(zero_point) != len(scale):
        raise FlatbufferError(f"{name} has {len(scale)} scales and {len(zero_point)} zero points")
    if not np.all((scale >= _SCALE[0]) & (scale <= _SCALE[1])):
        raise FlatbufferError(f"{name} has a scale outside {_SCALE[0]:g} to {_SCALE[1]:g}")
    axis = table["quantized_dimension"]
    if not 0 <= axis < max(len(shape), 1):
        raise FlatbufferError(f"{name} of {len(shape)} sides is quantised along side {axis}")
    if len(scale) > 1 and len(scale) != shape[axis]:
        raise FlatbufferError(f"{name} has {len(scale)} scales for {shape[axis]} channels")
    low, high = QUANTISED.get(kind, (0, 0))
    if np.any(zero_point < low) or np.any(zero_point > high):
        raise FlatbufferError(f"{name}, {kind}, has a zero point outside {low} to {high}")
    return scale, zero_point
