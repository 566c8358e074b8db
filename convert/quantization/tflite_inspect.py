"""A look inside a .tflite without running it: operators, float islands, size, work, tensors."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


class ConversionError(RuntimeError):
    """The model could not be converted, or the result breaks the runtime's tensor contract."""


@dataclass(frozen=True)
class TensorInfo:
    """One input or output tensor of a .tflite.

    Attributes:
        name: The signature's name for it where the file has one, else the tensor's own name.
        shape: Static shape.
        dtype: numpy dtype name.
        scale: Quantisation scale, 0.0 when the tensor is not quantised.
        zero_point: Quantisation zero point.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class TfliteSummary:
    """What is inside a .tflite.

    Attributes:
        operators: Operator name to number of uses, all subgraphs.
        float_islands: One text per operator that reads or writes a floating-point tensor.
        macs: Multiply-accumulates of convolutions and matrix products for one inference.
        bytes: Size of the data given, an appended contract included.
        inputs: Input tensors in the interpreter's order.
        outputs: Output tensors in the interpreter's order.
    """

    operators: Counter[str]
    float_islands: tuple[str, ...]
    macs: int
    bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    @property
    def full_int8(self) -> bool:
        """Whether every operator is integer, with uint8 pixels in and int8 out."""
        return (
            not self.float_islands
            and all(tensor.dtype == "uint8" for tensor in self.inputs)
            and all(tensor.dtype == "int8" for tensor in self.outputs)
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self) | {
            "operators": dict(self.operators.most_common()),
            "full_int8": self.full_int8,
        }


def inspect(flatbuffer: bytes) -> TfliteSummary:
    """Read the graph of a .tflite without running it.

    Args:
        flatbuffer: The file's bytes; an appended contract does no harm.

    Returns:
        Operators, float islands, multiply-accumulates, tensors.

    Raises:
        ConversionError: not a TFLite flatbuffer.
    """
    from ai_edge_litert import schema_py_generated as schema

    if len(flatbuffer) < 8 or flatbuffer[4:8] != b"TFL3":
        raise ConversionError("not a TFLite file: the identifier TFL3 is missing")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(flatbuffer, 0))
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    types = {v: k for k, v in vars(schema.TensorType).items() if not k.startswith("_")}
    operators: Counter[str] = Counter()
    islands: list[str] = []
    macs = 0
    for graph in model.subgraphs:
        for index, operator in enumerate(graph.operators or []):
            code = model.operatorCodes[operator.opcodeIndex]
            # Codes above 127 live in builtinCode only, older files fill the deprecated field only.
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if name == "CUSTOM":
                name = f"CUSTOM:{(code.customCode or b'?').decode()}"
            operators[name] += 1
            touched = [graph.tensors[i] for i in _indices(operator.inputs, operator.outputs)]
            floats = [t for t in touched if types[t.type].startswith(("FLOAT", "BFLOAT"))]
            if floats:
                islands.append(f"{index}: {name} on {_text(floats[-1].name)}")
            macs += _macs(name, operator, graph)
    main = model.subgraphs[0]
    aliases = _signature_names(model)
    return TfliteSummary(
        operators=operators,
        float_islands=tuple(islands),
        macs=macs,
        bytes=len(flatbuffer),
        inputs=tuple(_tensor(main, i, types, aliases) for i in main.inputs),
        outputs=tuple(_tensor(main, i, types, aliases) for i in main.outputs),
    )


def _indices(*groups: Any) -> list[int]:
    # -1 marks an optional tensor that is absent.
    return [int(i) for group in groups if group is not None for i in group if i >= 0]


def _text(name: bytes | str | None) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")


def _signature_names(model: Any) -> dict[int, str]:
    signatures = model.signatureDefs or []
    if not signatures:
        return {}
    maps = [*(signatures[0].inputs or []), *(signatures[0].outputs or [])]
    return {entry.tensorIndex: _text(entry.name) for entry in maps}


def _tensor(graph: Any, index: int, types: dict[int, str], aliases: dict[int, str]) -> TensorInfo:
    tensor = graph.tensors[index]
    quantization = tensor.quantization
    scales = [] if quantization is None or quantization.scale is None else quantization.scale
    quantized = len(scales) > 0
    return TensorInfo(
        name=aliases.get(int(index), _text(tensor.name)),
        shape=tuple(int(side) for side in tensor.shape),
        dtype=types[tensor.type].lower(),
        scale=float(scales[0]) if quantized else 0.0,
        zero_point=int(quantization.zeroPoint[0]) if quantized else 0,
    )


def _macs(name: str, operator: Any, graph: Any) -> int:
    """Multiply-accumulates of one operator; element-wise work counts as nothing."""
    if name not in {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "FULLY_CONNECTED",
        "BATCH_MATMUL",
    }:
        return 0
    first, second = (graph.tensors[i].shape for i in operator.inputs[:2])
    output = math.prod(int(side) for side in graph.tensors[operator.outputs[0]].shape)
    if name == "CONV_2D":  # weights [out, height, width, in per group]
        return output * math.prod(int(side) for side in second[1:])
    if name == "DEPTHWISE_CONV_2D":  # weights [1, height, width, channels]
        return output * int(second[1]) * int(second[2])
    if name == "TRANSPOSE_CONV":  # inputs are (shape, weights [out, height, width, in], data)
        data = math.prod(int(side) for side in graph.tensors[operator.inputs[2]].shape)
        return data * math.prod(int(side) for side in second[:3])
    return output * int(second[-1] if name == "FULLY_CONNECTED" else first[-1])
