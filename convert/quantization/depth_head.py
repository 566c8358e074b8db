"""A head on several depths for a finished int8 network, without touching its trunk.

A .tflite of :mod:`convert.quantization` keeps the names of its inner tensors. The maps between its
blocks can be read (:func:`tapped`), a linear head on their channel means be fitted to what the int8
network really computes, and the head be added to the file (:func:`grafted`): per depth a mean, a
dense layer that makes opinion logits of it, and a sum with the network's own. Trunk and opinion
layer stay what they were, bit for bit.

Means are rounded to the 255 steps of their own range, which moves a score by about a tenth of a
point. A convolution before the mean would cost work and need a far wider range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets import keras_nets

Array = NDArray[np.float64]
Range = tuple[float, float]

_LEVELS = 127


class DepthHeadError(ValueError):
    """The file has no such tensors, or is not one of this package's networks."""


def depth_tensors(flatbuffer: bytes) -> list[str]:
    """Names of the maps that leave the blocks, in order of computation, ``head`` last."""
    blocks: dict[str, str] = {}
    head = False
    for name in _inner_names(_read(flatbuffer).subgraphs[0]):
        if name.startswith("block") and name.endswith(("_project", "_add")):
            blocks[name.split("_", 1)[0]] = name
        head = head or name == "head"
    if not blocks or not head:
        raise DepthHeadError("no block tensors: the .tflite is not a network of this package")
    return [*blocks.values(), "head"]


def tapped(flatbuffer: bytes, tensors: Sequence[str]) -> bytes:
    """The same network that also returns inner tensors, after its own output.

    Raises:
        DepthHeadError: The tensor does not exist.
    """
    model = _read(flatbuffer)
    graph = model.subgraphs[0]
    graph.outputs = [int(graph.outputs[0]), *(_find(graph, name) for name in tensors)]
    model.signatureDefs = []
    return _pack(model)


def grafted(
    flatbuffer: bytes,
    kernels: Mapping[str, Array],
    ranges: Mapping[str, tuple[Range, Range]],
    total: Range,
) -> bytes:
    """Adds opinion logits from several depths to a network's own.

    Args:
        flatbuffer: The network.
        kernels: For each tensor of :func:`depth_tensors` that is read, float64 [channels, bins].
        ranges: For each of them the range of its channel means and of the logits made of them.
        total: Range of the sum of all.

    Returns:
        The network with one output of the old one's name.

    Raises:
        DepthHeadError: The tensor does not exist, or shapes do not fit.
    """
    model = _read(flatbuffer)
    graph = model.subgraphs[0]
    build = _Builder(model)
    old = int(graph.outputs[0])
    if _inner_name(graph.tensors[old]) != keras_nets.OPINION:
        raise DepthHeadError("the .tflite does not end in an opinion layer of this package")
    bins = int(graph.tensors[old].shape[-1])
    parts: list[tuple[int, Range]] = []
    for name, kernel in kernels.items():
        source = _find(graph, name)
        channels = int(graph.tensors[source].shape[-1])
        if kernel.shape != (channels, bins):
            raise DepthHeadError(
                f"{name}: expected a kernel of shape ({channels}, {bins}), got {kernel.shape}"
            )
        means, logits = ranges[name]
        pooled = build.mean(source, means, f"{name}_mean")
        parts.append((build.dense(pooled, kernel, logits, f"{name}_opinion"), logits))
    # Small sums first: partial sums have smaller ranges, and so finer steps, than the total.
    parts.sort(key=lambda one: one[1][1] - one[1][0])
    tensor, held = parts[0]
    for number, (other, span) in enumerate(parts[1:], start=2):
        held = (held[0] + span[0], held[1] + span[1])
        tensor = build.add(tensor, other, held, f"opinion_sum{number}")
    tensor = build.add(tensor, old, total, "opinion_sum")
    graph.tensors[tensor].name = graph.tensors[old].name
    graph.tensors[old].name = b"quant_opinion_own"
    graph.outputs = [tensor]
    for signature in model.signatureDefs or []:
        for output in signature.outputs:
            output.tensorIndex = tensor
    return _pack(model)


class _Builder:
    """Appends tensors and operators to a model."""

    def __init__(self, model: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema, self.model, self.graph = schema, model, model.subgraphs[0]

    def dense(self, source: int, kernel: Array, span: Range, name: str) -> int:
        """A dense layer with one scale for the whole kernel, as older runtimes want it."""
        schema = self.schema
        scale = np.array([max(float(np.abs(kernel).max()), 1e-12) / _LEVELS])
        whole = np.round(kernel / scale).astype(np.int8)
        step = scale * float(self.graph.tensors[source].quantization.scale[0])
        channels, bins = kernel.shape
        kind = schema.TensorType.INT8
        weights = self._tensor(f"{name}_kernel", [bins, channels], kind, scale, 0, whole.T)
        counts = np.zeros(bins, np.int32)
        offsets = self._tensor(f"{name}_bias", [bins], schema.TensorType.INT32, step, 0, counts)
        made = self._activation(name, [1, bins], span)
        options = schema.FullyConnectedOptionsT()
        options_type = schema.BuiltinOptions.FullyConnectedOptions
        code = schema.BuiltinOperator.FULLY_CONNECTED
        self._operator(code, [source, weights, offsets], made, options_type, options)
        return made

    def mean(self, source: int, span: Range, name: str) -> int:
        """The mean over height and width."""
        schema = self.schema
        axes = self._tensor(
            f"{name}_axes", [2], schema.TensorType.INT32, None, 0, np.array([1, 2], np.int32)
        )
        bins = int(self.graph.tensors[source].shape[-1])
        made = self._activation(name, [1, bins], span)
        options = schema.ReducerOptionsT()
        options.keepDims = False
        kind = schema.BuiltinOptions.ReducerOptions
        self._operator(schema.BuiltinOperator.MEAN, [source, axes], made, kind, options)
        return made

    def add(self, first: int, second: int, span: Range, name: str) -> int:
        """The sum of two tensors of one shape."""
        schema = self.schema
        shape = [int(side) for side in self.graph.tensors[first].shape]
        made = self._activation(name, shape, span)
        options = schema.AddOptionsT()
        kind = schema.BuiltinOptions.AddOptions
        self._operator(schema.BuiltinOperator.ADD, [first, second], made, kind, options)
        return made

    def _activation(self, name: str, shape: list[int], span: Range) -> int:
        low, high = min(span[0], 0.0), max(span[1], 0.0)
        scale = max(high - low, 1e-6) / 255
        zero = int(np.clip(round(-128 - low / scale), -128, 127))
        kind = self.schema.TensorType.INT8
        return self._tensor(name, shape, kind, np.array([scale]), zero, None)

    def _tensor(
        self,
        name: str,
        shape: list[int],
        kind: int,
        scales: Array | None,
        zero: int,
        data: NDArray[Any] | None,
    ) -> int:
        schema = self.schema
        buffer = schema.BufferT()
        if data is not None:
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), np.array(shape, np.int32), kind
        tensor.buffer = len(self.model.buffers) - 1
        tensor.hasRank = True
        if scales is not None:
            found = schema.QuantizationParametersT()
            found.scale = scales.astype(np.float32)
            found.zeroPoint = np.full(len(scales), zero, np.int64)
            tensor.quantization = found
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def _operator(
        self, code: int, inputs: list[int], output: int, options_type: int, options: Any
    ) -> None:
        schema = self.schema
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(code)
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = options_type, options
        self.graph.operators.append(operator)

    def _code(self, code: int) -> int:
        for index, known in enumerate(self.model.operatorCodes):
            if max(known.builtinCode, known.deprecatedBuiltinCode) == code:
                return index
        schema = self.schema
        added = schema.OperatorCodeT()
        added.builtinCode, added.deprecatedBuiltinCode, added.version = code, code, 2
        self.model.operatorCodes.append(added)
        return len(self.model.operatorCodes) - 1


def _read(flatbuffer: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(flatbuffer, 0)


def _pack(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _inner_name(tensor: Any) -> str:
    """``block02_add`` of ``mobilenet_v2/quant_block02_add/add``."""
    words = tensor.name.decode().split(";")[0].split("/")
    return next((word.removeprefix("quant_") for word in words if word.startswith("quant_")), "")


def _inner_names(graph: Any) -> list[str]:
    made = [int(op.outputs[0]) for op in graph.operators]
    return [_inner_name(graph.tensors[index]) for index in made]


def _find(graph: Any, name: str) -> int:
    for operator in graph.operators:
        index = int(operator.outputs[0])
        if _inner_name(graph.tensors[index]) == name:
            return index
    raise DepthHeadError(f"the .tflite has no tensor {name}")
