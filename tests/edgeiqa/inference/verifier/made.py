"""Model files with something wrong in the network, written with TFLite's own schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgeiqa.inference import contract as contracts
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.model import find

Change = Callable[[Any], None]


@cache
def shipped(model: str = "causes") -> tuple[Contract, bytes]:
    """Contract and flatbuffer of a model that comes with the package."""
    return contracts.read(find(model).read_bytes())


def flatbuffer_with(change: Change, model: str = "causes") -> bytes:
    """A shipped network after `change` has had its way with the schema's object."""
    import flatbuffers

    made = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(shipped(model)[1], 0))
    change(made)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def file_with(change: Change, model: str = "causes") -> bytes:
    """The same as a model file, with the right digest."""
    return contracts.append(flatbuffer_with(change, model), shipped(model)[0])


def operator(model: Any, name: str) -> Any:
    """The first operator of a name."""
    number = getattr(schema.BuiltinOperator, name)
    graph = model.subgraphs[0]
    return next(
        op for op in graph.operators if model.operatorCodes[op.opcodeIndex].builtinCode == number
    )


def tensor(model: Any, number: int) -> Any:
    """A tensor of the graph."""
    return model.subgraphs[0].tensors[number]


def constant(model: Any, tensor: Any, numbers: list[int]) -> None:
    """Gives a constant other whole numbers."""
    model.buffers[tensor.buffer].data = np.array(numbers, np.int32).view(np.uint8)
