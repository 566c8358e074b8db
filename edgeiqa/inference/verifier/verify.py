"""Decides whether a flatbuffer is safe for LiteRT.

LiteRT is C++ that trusts flatbuffers: an offset out of bounds, a filter larger than its data or a
picture of a terabyte crashes the process, or worse. Therefore everything is checked here: offsets
and lengths (`edgeiqa.inference.verifier.flatbuffer`), tensors (`graph`), that all operators are
known, free of side effects and in a valid order, that they produce the declared shapes (`shapes`),
and that memory and work stay within bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeiqa.inference.verifier.flatbuffer import FlatbufferError, Reader
from edgeiqa.inference.verifier.graph import Operator, Tensor, read_tensor
from edgeiqa.inference.verifier.operators import BY_NAME, OPERATORS, Kind
from edgeiqa.inference.verifier.quantization import check_types
from edgeiqa.inference.verifier.schema import IDENTIFIER, SCHEMA, VERSION

MAX_TENSORS = 20_000
MAX_OPERATORS = 10_000
MAX_EDGES = 100
"""Inputs or outputs of one operator."""
MAX_MEMORY = 1 << 30
"""Bytes of all tensors other than constants, and of the scratch memory of one operator."""
MAX_WORK = 10**12
"""Multiply-accumulates for one picture; a large network for 512 x 512 pictures needs 10^11."""


@dataclass(frozen=True)
class Checked:
    """Summary of a flatbuffer that passed.

    Attributes:
        inputs: Of the graph.
        outputs: Of the graph.
        operators: Their names, in order.
        memory: Bytes of all tensors other than constants.
        work: Multiply-accumulates and the like for one picture.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[str, ...]
    memory: int
    work: int


def check(flatbuffer: bytes) -> Checked:
    """Checks a flatbuffer.

    Args:
        flatbuffer: A .tflite without anything appended.

    Returns:
        Its summary.

    Raises:
        FlatbufferError: It is damaged, newer, or uses something that picture models do not need;
            the text says what.
    """
    if flatbuffer[4:8] != IDENTIFIER:
        raise FlatbufferError(
            f"its identifier is {bytes(flatbuffer[4:8])!r}, expected {IDENTIFIER!r}"
        )
    reader = Reader(flatbuffer, SCHEMA)
    model = reader.root("Model")
    if model["version"] != VERSION:
        raise FlatbufferError(f"it has schema version {model['version']}, expected {VERSION}")
    if len(model["subgraphs"]) != 1:
        raise FlatbufferError(f"it has {len(model['subgraphs'])} subgraphs, expected one")
    for buffer in model["buffers"]:
        if buffer["offset"] or buffer["size"]:
            raise FlatbufferError("it stores data outside the flatbuffer, which is not supported")
    (graph,) = model["subgraphs"]
    _at_most(len(graph["tensors"]), MAX_TENSORS, "tensors")
    _at_most(len(graph["operators"]), MAX_OPERATORS, "operators")
    tensors = [read_tensor(i, t, model["buffers"]) for i, t in enumerate(graph["tensors"])]
    inputs = _named(graph["inputs"], tensors, "the inputs")
    outputs = _named(graph["outputs"], tensors, "the outputs")
    _check_names(model, len(tensors), {t.index for t in inputs}, {t.index for t in outputs})
    kinds = [_kind(code) for code in model["operator_codes"]]
    operators = [
        _operator(i, table, kinds, tensors, reader) for i, table in enumerate(graph["operators"])
    ]
    _check_order(operators, inputs, outputs)
    memory = sum(tensor.bytes for tensor in tensors if tensor.data is None)
    if memory > MAX_MEMORY:
        raise FlatbufferError(
            f"its tensors take {memory / 1e6:.0f} MB, at most {MAX_MEMORY / 1e6:.0f} MB are allowed"
        )
    work = 0
    for operator in operators:
        try:
            work += _check_operator(operator, BY_NAME[operator.name])
        except FlatbufferError as error:
            raise FlatbufferError(f"operator {operator.index}, {operator.name}: {error}") from error
    if work > MAX_WORK:
        raise FlatbufferError(
            f"it takes {work:.1e} multiplications a picture, at most {MAX_WORK:.0e} are allowed"
        )
    names = tuple(operator.name for operator in operators)
    return Checked(tuple(inputs), tuple(outputs), names, memory, work)


def _at_most(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise FlatbufferError(f"it has {count} {what}, expected at most {limit}")


def _named(indices: np.ndarray, tensors: Sequence[Tensor], what: str) -> list[Tensor]:
    """Returns the tensors that a list of indices refers to."""
    _at_most(len(indices), MAX_EDGES, f"numbers in {what}")
    numbers = indices.tolist()
    if any(not 0 <= number < len(tensors) for number in numbers):
        raise FlatbufferError(f"{what} refer to {numbers}, but there are {len(tensors)} tensors")
    return [tensors[number] for number in numbers]


def _check_names(
    model: Mapping[str, Any], tensors: int, inputs: set[int], outputs: set[int]
) -> None:
    """Checks the references of metadata and signatures."""
    buffers = len(model["buffers"])
    places = model["metadata_buffer"]
    if np.any((places < 0) | (places >= buffers)):
        raise FlatbufferError("its metadata refers to buffers that do not exist")
    for entry in model["metadata"]:
        if entry["buffer"] >= buffers:
            raise FlatbufferError(
                f"metadata {entry['name'][:60]!r} refers to a buffer that does not exist"
            )
    for signature in model["signature_defs"]:
        if signature["subgraph_index"]:
            raise FlatbufferError("a signature refers to a subgraph that does not exist")
        for key, known in (("inputs", inputs), ("outputs", outputs)):
            for entry in signature[key]:
                if entry["tensor_index"] not in known:
                    raise FlatbufferError(
                        f"a signature lists tensor {entry['tensor_index']} of {tensors}, "
                        f"which is not one of the {key}"
                    )


def _kind(code: Mapping[str, Any]) -> Kind:
    """Returns the kind of operator that an entry of the operator table stands for."""
    if code["custom_code"]:
        raise FlatbufferError(
            f"it needs the custom operator {code['custom_code'][:60]!r}; only those built into "
            "TFLite are supported"
        )
    # Numbers above 127 are in the new field only; old files have only the old field.
    number = max(code["builtin_code"], code["deprecated_builtin_code"])
    if number not in OPERATORS:
        raise FlatbufferError(
            f"it needs operator {number} of TFLite's schema, which is not allowed in picture "
            f"models; supported: {', '.join(sorted(BY_NAME))}"
        )
    if not 1 <= code["version"] <= 100:
        raise FlatbufferError(
            f"{OPERATORS[number].name} has version {code['version']}, expected 1 to 100"
        )
    return OPERATORS[number]


def _operator(
    index: int,
    table: Mapping[str, Any],
    kinds: Sequence[Kind],
    tensors: Sequence[Tensor],
    reader: Reader,
) -> Operator:
    if table["opcode_index"] >= len(kinds):
        raise FlatbufferError(f"operator {index} is number {table['opcode_index']} of {len(kinds)}")
    kind = kinds[table["opcode_index"]]
    where = f"operator {index}, {kind.name}"
    for name in ("large_custom_options_offset", "large_custom_options_size"):
        if table[name]:
            raise FlatbufferError(f"{where}: its options are stored outside the flatbuffer")
    if table["builtin_options_2_type"] or table["mutating_variable_inputs"].any():
        raise FlatbufferError(f"{where}: it has options of a newer kind, or modifies its inputs")
    if len(table["intermediates"]):
        raise FlatbufferError(f"{where}: it has intermediate tensors")
    minimum, maximum = kind.inputs
    if not minimum <= (count := len(table["inputs"])) <= maximum:
        raise FlatbufferError(f"{where}: it has {count} inputs, expected {minimum} to {maximum}")
    numbers = table["inputs"].tolist()
    if any(not -1 <= number < len(tensors) for number in numbers):
        raise FlatbufferError(f"{where}: its inputs are {numbers[:8]} of {len(tensors)} tensors")
    if any(number == -1 for number in numbers[:2]):
        raise FlatbufferError(f"{where}: an input is missing")
    inputs = [None if number == -1 else tensors[number] for number in numbers]
    outputs = _named(table["outputs"], tensors, f"{where}: its outputs")
    if not outputs or (len(outputs) > 1 and kind.name not in ("SPLIT", "UNPACK")):
        raise FlatbufferError(f"{where}: it has {len(outputs)} outputs")
    return Operator(index, kind.name, inputs, outputs, _options(where, table, kind, reader))


def _options(where: str, table: Mapping[str, Any], kind: Kind, reader: Reader) -> dict[str, Any]:
    number, place = table["builtin_options_type"], table["builtin_options"]
    if number == 0 and place is None:
        if not kind.optional:
            raise FlatbufferError(f"{where}: its options are missing")
        return {}
    if number == 0 or place is None or number != kind.options_type:
        raise FlatbufferError(
            f"{where}: it has options of kind {number}, expected {kind.options_type}"
        )
    return reader.table(place, kind.options)


def _check_order(
    operators: Sequence[Operator], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> None:
    """Checks that each tensor is computed once, and before it is used."""
    made = {tensor.index for tensor in inputs}
    if len(made) != len(inputs) or any(tensor.data is not None for tensor in inputs):
        raise FlatbufferError("an input is listed twice, or is a constant")
    for operator in operators:
        for tensor in operator.inputs:
            if tensor is not None and tensor.data is None and tensor.index not in made:
                where = f"operator {operator.index}, {operator.name}"
                raise FlatbufferError(f"{where}: {tensor} is used before it is computed")
        for tensor in operator.outputs:
            if tensor.index in made or tensor.data is not None:
                raise FlatbufferError(
                    f"operator {operator.index}, {operator.name}: {tensor} is computed twice"
                )
            made.add(tensor.index)
    if not outputs or any(tensor.index not in made for tensor in outputs):
        raise FlatbufferError("an output is missing, or never computed")


def _check_operator(operator: Operator, kind: Kind) -> int:
    """Checks the shapes and types of one operator; returns its work."""
    for tensor in operator.outputs:
        if 0 in tensor.shape:
            raise FlatbufferError(f"{tensor} is empty")
    found = kind.rule(operator)
    declared = [tensor.shape for tensor in operator.outputs]
    if found.shapes != declared:
        raise FlatbufferError(
            f"it makes the shape {list(found.shapes[0])}, the file declares {list(declared[0])}"
        )
    check_types(operator, kind)
    size = max(tensor.bytes // max(tensor.elements, 1) for tensor in operator.outputs)
    if found.scratch * size > MAX_MEMORY:
        raise FlatbufferError(
            f"it needs {found.scratch * size / 1e6:.0f} MB of scratch memory, "
            f"at most {MAX_MEMORY / 1e6:.0f} MB are allowed"
        )
    return max(found.work, sum(tensor.elements for tensor in operator.outputs))
