"""Damages model files in every way that a hostile author could think of; see hostile_models.py."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeiqa.inference import contract as contracts
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.verifier.flatbuffer import Reader
from edgeiqa.inference.verifier.schema import SCHEMA

WORDS = (0, 1, 2, 3, 4, 7, 8, 16, 255, 256, 32767, 65535, 65536, 0x7FFFFFFF, 0x80000000,
         0x80000001, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFC, 0x40000000, 0x10000000)  # fmt: skip
"""Numbers of 32 bits at which arithmetic goes wrong."""
SIDES = (0, 1, 2, 3, 5, 7, 64, 1000, 4096, 65536, 1 << 20, 1 << 26, (1 << 31) - 1, -1, -2)
FLOATS = (0.0, -1.0, 1e-38, 1e-45, 1e-30, 1e30, 3e38, float("inf"), float("nan"), 1.0, 1e-6, 1e6)
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1e308, -1e308, 1e-308, 10**18, 10**300, 4096, 65536, "", "x",
    "x" * 100_000, "\x1b[2J", "\ud800", "\u202egpj", [], {}, [[]], [0] * 10_000, {"a": {}},
    [None], ["x"], 0.5, "1e999", "RGB", "uint8", "global",
)  # fmt: skip

Mutate = Callable[[random.Random, bytes], bytes]


def structure(flatbuffer: bytes) -> np.ndarray:
    """Positions of the bytes that are not weights: offsets, tables, shapes, scales, names."""
    mask = np.ones(len(flatbuffer), bool)
    base = np.frombuffer(flatbuffer, np.uint8).__array_interface__["data"][0]
    for buffer in Reader(flatbuffer, SCHEMA).root("Model")["buffers"]:
        data = buffer["data"]
        if len(data) > 64:  # Short ones are shapes and axes.
            start = data.__array_interface__["data"][0] - base
            mask[start : start + len(data)] = False
    return np.flatnonzero(mask)


class Bytes:
    """Changes the flatbuffer byte by byte."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._places = structure(flatbuffer)

    def __call__(self, rng: random.Random, flatbuffer: bytes) -> bytes:
        """One to four changes."""
        data = bytearray(flatbuffer)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            if rng.random() < 0.9:
                place = int(self._places[rng.randrange(len(self._places))])
            else:
                place = rng.randrange(len(data))
            word = place // 4 * 4
            choice = rng.randrange(6)
            if choice == 0:
                data[place] ^= 1 << rng.randrange(8)
            elif choice == 1:
                data[place] = rng.randrange(256)
            elif choice == 2:
                data[word : word + 4] = rng.choice(WORDS).to_bytes(4, "little")
            elif choice == 3:
                old = int.from_bytes(data[word : word + 4], "little")
                new = (old + rng.choice((-8, -4, -2, -1, 1, 2, 4, 8, 64))) % (1 << 32)
                data[word : word + 4] = new.to_bytes(4, "little")
            elif choice == 4:
                other = int(self._places[rng.randrange(len(self._places))]) // 4 * 4
                data[word : word + 4] = data[other : other + 4]
            else:
                data[word : word + rng.choice((4, 8, 32))] = bytes(4)
        return bytes(data[: len(flatbuffer)])


class Objects:
    """Changes what the flatbuffer says, and writes it anew: sound as a file, wrong as a network."""

    def __init__(self, flatbuffer: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        def read() -> Any:
            return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(flatbuffer, 0))

        self._read: Callable[[], Any] = read

    def __call__(self, rng: random.Random, flatbuffer: bytes) -> bytes:
        """One to three changes."""
        import flatbuffers

        model = self._read()
        graph = model.subgraphs[0]
        for _ in range(rng.choice((1, 1, 2, 3))):
            rng.choice((self._tensor, self._tensor, self._operator, self._operator, self._other))(
                rng, model, graph
            )
        builder = flatbuffers.Builder(len(flatbuffer))
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(self, rng: random.Random, model: Any, graph: Any) -> None:
        tensor = rng.choice(graph.tensors)
        quantisation = tensor.quantization
        choice = rng.randrange(7)
        if choice == 0 and tensor.shape is not None and len(tensor.shape):
            tensor.shape = np.array(tensor.shape)
            tensor.shape[rng.randrange(len(tensor.shape))] = rng.choice(SIDES)
        elif choice == 1:
            count = rng.randrange(8)
            tensor.shape = np.array([rng.choice((1, 2, 8, 64)) for _ in range(count)], np.int32)
        elif choice == 2:
            tensor.type = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 9, 13, 14, 17))
        elif choice == 3:
            tensor.buffer = rng.randrange(len(model.buffers) + 2)
        elif choice == 4 and quantisation is not None and quantisation.scale is not None:
            scale = np.array(quantisation.scale, np.float32)
            scale[rng.randrange(len(scale))] = rng.choice(FLOATS)
            if rng.random() < 0.3:
                scale = scale[: rng.randrange(len(scale) + 1)]
            quantisation.scale = scale
        elif choice == 5 and quantisation is not None and quantisation.zeroPoint is not None:
            zero = np.array(quantisation.zeroPoint, np.int64)
            zero[rng.randrange(len(zero))] = rng.choice((-129, -128, 127, 128, 255, 1 << 40))
            quantisation.zeroPoint = zero
        elif quantisation is not None:
            quantisation.quantizedDimension = rng.choice((-1, 0, 1, 2, 3, 4, 100))

    def _operator(self, rng: random.Random, model: Any, graph: Any) -> None:
        operator = rng.choice(graph.operators)
        options = operator.builtinOptions
        choice = rng.randrange(5)
        if choice <= 1 and options is not None and vars(options):
            name = rng.choice(sorted(vars(options)))
            old = getattr(options, name)
            if isinstance(old, bool):
                setattr(options, name, not old)
            elif isinstance(old, int):
                small = name.endswith(("adding", "Function", "ype", "ormat"))
                values = (0, 1, 2, 3, 4, 5, 9, 127, -1) if small else (*SIDES, 1 << 16)
                setattr(options, name, rng.choice(values))
            elif isinstance(old, float):
                setattr(options, name, rng.choice(FLOATS))
        elif choice == 2:
            which = rng.choice(("inputs", "outputs"))
            numbers = list(getattr(operator, which))
            if numbers:
                numbers[rng.randrange(len(numbers))] = rng.randrange(-1, len(graph.tensors) + 1)
            if rng.random() < 0.2:
                numbers = numbers[: rng.randrange(len(numbers) + 1)] + numbers[:1]
            setattr(operator, which, np.array(numbers, np.int32))
        elif choice == 3:
            operator.opcodeIndex = rng.randrange(len(model.operatorCodes) + 1)
        else:
            other = rng.randrange(len(graph.operators))
            graph.operators[other], graph.operators[-1] = (
                graph.operators[-1],
                graph.operators[other],
            )

    def _other(self, rng: random.Random, model: Any, graph: Any) -> None:
        choice = rng.randrange(6)
        if choice <= 1:
            code = rng.choice(model.operatorCodes)
            code.builtinCode = rng.randrange(210)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        elif choice == 2:
            code = rng.choice(model.operatorCodes)
            code.version = rng.choice((-1, 0, 1, 2, 5, 100, 1 << 30))
        elif choice == 3:
            small = [b for b in model.buffers if b.data is not None and 0 < len(b.data) <= 64]
            buffer = rng.choice(small)
            numbers = np.array(buffer.data, np.uint8)
            numbers = numbers[: len(numbers) // 4 * 4].view(np.int32).copy()
            if len(numbers):
                numbers[rng.randrange(len(numbers))] = rng.choice(SIDES)
                buffer.data = numbers.view(np.uint8)
        elif choice == 4:
            which = rng.choice(("inputs", "outputs"))
            setattr(graph, which, np.array([rng.randrange(-1, len(graph.tensors) + 1)], np.int32))
        else:
            model.version = rng.choice((0, 2, 4, 1 << 31))


def contract_texts(rng: random.Random, contract: Contract) -> bytes:
    """The JSON of a contract with one to three values replaced, wherever they lie."""
    document = json.loads(contracts.to_json(contract))
    for _ in range(rng.choice((1, 1, 2, 3))):
        paths = list(_paths(document))
        if not paths:
            break
        owner, key = rng.choice(paths)
        if rng.random() < 0.1 and isinstance(owner, dict):
            del owner[key]
        else:
            owner[key] = copy.deepcopy(rng.choice(VALUES))  # Lists of it are changed later.
    text = json.dumps(document).encode()
    if rng.random() < 0.2:
        place = rng.randrange(len(text))
        junk = rng.choice((b"NaN", b"-Infinity", b"[" * 5000, b"9" * 9000, b'"name": 1,', b"\xff"))
        text = text[:place] + junk + text[place + rng.randrange(3) :]
    return text


def _paths(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _paths(value[key])
