"""Float weights of a shipped model, reconstructed from its int8 .tflite.

An int8 file keeps every kernel to half a step of its channel, which for further training is as good
as the weights that it was made from. Two things need undoing: BatchNorm was folded into the
convolutions, which a BatchNorm with unit statistics expresses; and where a bottleneck was merged
with what read it, the product of the two kernels is factored again (its rank is the bottleneck's
width, so singular values beyond that are rounding).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeiqa.inference.contract import Contract, read

from .keras_nets import OPINION, Architecture, architecture

Array = NDArray[np.float64]
_LEARNT = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Shipped:
    """A shipped model as something to train further.

    Attributes:
        contract: Of the file.
        arch: Its architecture.
        weights: By layer name, as Keras layers take them.
    """

    contract: Contract
    arch: Architecture
    weights: dict[str, list[NDArray[np.float32]]]

    def fill(self, model: Any) -> None:
        """Sets the weights of a model of :mod:`convert.nets.keras_nets`."""
        for layer in model.layers:
            if layer.name in self.weights:
                layer.set_weights(self.weights[layer.name])


def load_shipped(file: Path) -> Shipped:
    """Reconstructs the float weights of a student's int8 .tflite.

    Args:
        file: A model that `convert quantize` wrote, such as those that come with edgeiqa.

    Raises:
        ValueError: It is another network, or does not say which it is.
    """
    contract, flatbuffer = read(file.read_bytes())
    network = contract.training.get("student", {}).get("network")
    if network is None:
        raise ValueError(
            f"{file.name} does not say which network it is; expected a student of ours"
        )
    arch = architecture(network)
    layers = list(_layers(flatbuffer))
    weights: dict[str, list[NDArray[np.float32]]] = {}
    for name, kernel, bias in _named(arch, layers, file.name):
        if name == OPINION:
            weights[name] = [kernel.astype(np.float32), bias.astype(np.float32)]
            continue
        unit = np.ones(len(bias))
        norm = [unit, bias, 0 * unit, unit - arch.epsilon]
        weights[f"{name}_conv"] = [kernel.astype(np.float32)]
        weights[f"{name}_bn"] = [value.astype(np.float32) for value in norm]
    return Shipped(contract, arch, weights)


def _layers(flatbuffer: bytes) -> Iterator[tuple[str, Array, Array]]:
    """Operator, kernel in Keras' layout and bias of everything learned, in order."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(flatbuffer, 0))
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    (graph,) = model.subgraphs
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if name not in _LEARNT:
            continue
        kernel, bias = (
            _values(graph.tensors[index], model.buffers, dtype)
            for index, dtype in zip(operator.inputs[1:3], (np.int8, np.int32), strict=True)
        )
        order = {"CONV_2D": (1, 2, 3, 0), "DEPTHWISE_CONV_2D": (1, 2, 3, 0)}.get(name, (1, 0))
        yield name, kernel.transpose(order), bias


def _values(tensor: Any, buffers: Any, dtype: type) -> Array:
    stored = np.frombuffer(bytes(buffers[tensor.buffer].data), dtype).reshape(tensor.shape)
    scales = np.asarray(tensor.quantization.scale, np.float64)
    if len(scales) > 1:
        shape = [1] * stored.ndim
        shape[tensor.quantization.quantizedDimension] = -1
        scales = scales.reshape(shape)
    return stored * scales


def _named(
    arch: Architecture, layers: list[tuple[str, Array, Array]], file: str
) -> Iterator[tuple[str, Array, Array]]:
    """Layers by name; merged bottlenecks are factored into the two that they were."""
    left = iter(layers)

    def take(name: str, kind: str, leaving: int | None = None) -> tuple[Array, Array]:
        found, kernel, bias = next(left, ("nothing", np.empty(0), np.empty(0)))
        if found != kind or (leaving is not None and len(bias) != leaving):
            raise ValueError(
                f"{file} is not {arch.name}: at {name} it has {found} with {len(bias)} outputs"
            )
        return kernel, bias

    yield "stem", *take("stem", "CONV_2D", arch.stem)
    channels = arch.stem
    merged: tuple[Array, Array] | None = None
    for index, block in enumerate(arch.blocks):
        name, hidden = f"block{index:02d}", channels * block.expansion
        if block.expansion != 1:
            expand = merged or take(f"{name}_expand", "CONV_2D", hidden)
            yield f"{name}_expand", *expand
        yield f"{name}_depthwise", *take(f"{name}_depthwise", "DEPTHWISE_CONV_2D", hidden)
        kernel, bias = take(f"{name}_project", "CONV_2D")
        merged = None
        if len(bias) != block.channels:
            left_part, right_part = _factored(kernel[0, 0], block.channels)
            merged = right_part[None, None], bias
            kernel, bias = left_part[None, None], np.zeros(block.channels)
        yield f"{name}_project", kernel, bias
        channels = block.channels
    yield "head", *(merged or take("head", "CONV_2D", arch.head))
    yield OPINION, *take(OPINION, "FULLY_CONNECTED")


def _factored(product: Array, rank: int) -> tuple[Array, Array]:
    """[a, b] as [a, rank] times [rank, b], the closest there is; both of a like size."""
    if rank >= product.shape[0]:
        return np.eye(product.shape[0], rank), np.pad(
            product, [(0, rank - product.shape[0]), (0, 0)]
        )
    left, values, right = np.linalg.svd(product, full_matrices=False)
    root = np.sqrt(values[:rank])
    return left[:, :rank] * root, root[:, None] * right[:rank]
