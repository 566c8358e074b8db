"""Generates small models per operator and counts those that pass the verifier and end the process.

Usage: python scripts/stress/operator_models.py [--models 10000] [--seed 1] [--operators ADD ...]
                                        [--keep FOLDER]

Each model has one operator with random shapes, types, quantisation and options: mostly sound, with
extreme values here and there. Models that the verifier passes are run by LiteRT in child processes.
A child that dies is a finding, kept in FOLDER; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import os
import random
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.inference.verifier.flatbuffer import FlatbufferError  # noqa: E402
from edgeiqa.inference.verifier.graph import Operator, Tensor  # noqa: E402
from edgeiqa.inference.verifier.operators import BY_NAME, OPERATORS, Kind  # noqa: E402
from edgeiqa.inference.verifier.schema import SCHEMA  # noqa: E402
from edgeiqa.inference.verifier.verify import check  # noqa: E402

TYPES = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool", "float16")
NUMPY = {"float16": "<f2", "float32": "<f4", "int32": "<i4", "int64": "<i8", "int16": "<i2"}
EDGES = (1e-30, 1e-12, 1e-7, 2.0**-15, 0.5, 1.0, 255.0, 1e5, 1e12, 1e30)
CONSTANTS = frozenset((*("int32",), *("int64",)))
BATCH = 200


def small(*numbers: int) -> np.ndarray:
    """A constant of whole numbers."""
    return np.array(numbers, np.int32)


class Maker:
    """Makes models; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.numbers = np.random.default_rng(seed)

    def model(self, name: str) -> bytes | None:
        """One model of an operator; None if no output shape can be found for it."""
        kind, rng = BY_NAME[name], self.rng
        least, most = kind.inputs
        count = rng.randint(least, min(most, max(least, 3)))
        main = rng.choice(
            ("float32", "int8", "int8", "uint8", "int16", "int16", "int32", "float32")
        )
        shapes, types, values = self._inputs(name, count, main)
        inputs: list[Tensor | None] = []
        for index, (shape, type_, value) in enumerate(zip(shapes, types, values, strict=True)):
            scale, zero = self._quantisation(type_, shape, channels=index == 1)
            data = None if value is None else np.frombuffer(value.tobytes(), np.uint8)
            inputs.append(Tensor(index, f"t{index}", shape, type_, data, scale, zero))
        if count == 3 and least == 2 and rng.random() < 0.2:
            inputs[2] = None
        options = self._options(kind, name, count, shapes)
        output = Tensor(count, "out", (), main, None, *self._quantisation(main, (), channels=False))
        if not kind.same_types and name != "BATCH_MATMUL":
            output.type = rng.choice(TYPES)
            output.scale, output.zero_point = self._quantisation(output.type, (), channels=False)
        outputs = [output]
        if name == "SPLIT":
            outputs = [
                output,
                Tensor(count + 1, "out2", (), main, None, output.scale, output.zero_point),
            ]
        operator = Operator(0, name, inputs, outputs, options)
        try:
            made = kind.rule(operator).shapes
        except (FlatbufferError, ValueError, KeyError, ZeroDivisionError):
            return None
        if name == "UNPACK":
            outputs = [
                Tensor(count + i, f"o{i}", (), main, None, output.scale, output.zero_point)
                for i in range(len(made))
            ]
        if len(made) != len(outputs):
            return None
        for tensor, shape in zip(outputs, made, strict=True):
            tensor.shape = tuple(int(side) for side in shape)
        return pack(kind, inputs, outputs, options)

    def _shape(self, rank: int | None = None) -> tuple[int, ...]:
        rng = self.rng
        rank = rng.choice((1, 2, 3, 4, 4, 4, 5)) if rank is None else rank
        sides = (1, 1, 2, 3, 4, 5, 8, 16, 17)
        return tuple(rng.choice(sides) for _ in range(rank))

    def _inputs(self, name: str, count: int, main: str) -> tuple[list[Any], list[str], list[Any]]:
        rng = self.rng
        first = self._shape(4 if BY_NAME[name].rule.__name__ in FOUR else None)
        shapes: list[Any] = [first]
        types: list[str] = [main]
        values: list[Any] = [None]
        rank = len(first)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
            out, k = rng.choice((1, 2, 3, 4, 8)), (rng.randint(1, 3), rng.randint(1, 3))
            depth = first[-1]
            if name == "CONV_2D":
                weights: tuple[int, ...] = (out, *k, depth)
            elif name == "DEPTHWISE_CONV_2D":
                out = depth * rng.choice((1, 1, 2, 3))
                weights = (1, *k, out)
            elif name == "FULLY_CONNECTED":
                weights = (out, depth)
            else:
                weights = (out, *k, depth)
            kept = rng.choice(("int8", "int8", main)) if main != "float32" else "float32"
            constant = self._values(kept, weights) if rng.random() < 0.9 else None
            if name == "TRANSPOSE_CONV":
                shape = small(first[0], first[1] * 2, first[2] * 2, out)
                shapes = [(4,), weights, first]
                types, values = ["int32", kept, main], [shape, constant, None]
            else:
                shapes += [weights]
                types += [kept]
                values += [constant]
            if count > len(shapes):
                bias = "float32" if main == "float32" else rng.choice(("int32", "int32", "int64"))
                shapes += [(out,)]
                types += [bias]
                values += [self._values(bias, (out,))]
            return shapes[:count], types[:count], values[:count]
        two: dict[str, Any] = {
            "RESHAPE": lambda: small(*rng.choice(((-1,), (1, -1), first[::-1]))),
            "RESIZE_BILINEAR": lambda: small(rng.randint(1, 9), rng.randint(1, 9)),
            "RESIZE_NEAREST_NEIGHBOR": lambda: small(rng.randint(1, 9), rng.randint(1, 9)),
            "TRANSPOSE": lambda: small(*rng.sample(range(rank), rank)),
            "EXPAND_DIMS": lambda: small(rng.randint(-rank, rank)),
            "GATHER": lambda: small(*(0 for _ in range(rng.randint(1, 3)))),
            "PAD": lambda: small(*(rng.randint(0, 2) for _ in range(2 * rank))).reshape(rank, 2),
        }
        for alike in ("PADV2", "MIRROR_PAD"):
            two[alike] = two["PAD"]
        for reduction in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
            two[reduction] = lambda: small(*rng.sample(range(rank), rng.randint(1, rank)))
        if name in two and count > 1:
            constant = two[name]()
            if name == "EXPAND_DIMS" and rng.random() < 0.5:
                constant = constant.reshape(())
            shapes += [constant.shape]
            types += ["int32"]
            values += [constant]
        elif name == "SPLIT":
            axis = small(rng.randint(-rank, rank - 1))
            shapes, types, values = [(1,), first], ["int32", main], [axis, None]
        elif name in ("SLICE", "STRIDED_SLICE"):
            begin = small(*(rng.randint(0, side - 1) for side in first))
            size = small(*(rng.randint(1, side) for side in first))
            if name == "SLICE":
                size = np.minimum(size, np.array(first, np.int32) - begin)
            steps = small(*(rng.choice((1, 1, 2, -1)) for _ in first))
            values += [begin, size, steps][: count - 1]
            shapes += [(rank,)] * (count - 1)
            types += ["int32"] * (count - 1)
        elif name in ("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"):
            blocks = small(rng.randint(1, 2), rng.randint(1, 2))
            crops = small(*(rng.randint(0, 1) for _ in range(4))).reshape(2, 2)
            shapes += [(2,), (2, 2)]
            types += ["int32", "int32"]
            values += [blocks, crops]
        elif name == "BATCH_MATMUL":
            second = self._shape(max(rank, 2))
            second = (*second[:-2], first[-1], second[-1])
            shapes += [second]
            types += [main if rng.random() < 0.8 else "int8"]
            values += [self._values(types[1], second) if rng.random() < 0.4 else None]
        else:
            while len(shapes) < count:
                other = first
                if rng.random() < 0.5:
                    other = tuple(rng.choice((side, 1)) for side in first)[rng.choice((0, 0, 1)) :]
                constant = self._values(main, other) if rng.random() < 0.3 else None
                shapes += [other]
                types += [main]
                values += [constant]
        if name == "PADV2" and count > 2:
            shapes += [()]
            types += [main]
            values += [self._values(main, ())]
        return shapes[:count], types[:count], values[:count]

    def _values(self, type_: str, shape: tuple[int, ...]) -> np.ndarray:
        kind = np.dtype(NUMPY.get(type_, type_))
        if kind.kind == "f":
            return self.numbers.normal(size=shape).astype(kind)
        return self.numbers.integers(-5, 100, shape).astype(kind)

    def _quantisation(
        self, type_: str, shape: tuple[int, ...], *, channels: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        if type_ not in ("int8", "uint8", "int16", "int32") or (
            type_ == "int32" and rng.random() < 0.5
        ):
            return np.zeros(0, np.float32), np.zeros(0, np.int64)
        count = shape[0] if channels and len(shape) in (2, 4) and rng.random() < 0.5 else 1
        if rng.random() < 0.25:
            scale = np.array([rng.choice(EDGES) for _ in range(count)], np.float32)
        elif type_ == "int16" and rng.random() < 0.5:
            scale = np.full(count, 2.0**-15, np.float32)
        else:
            scale = np.exp(self.numbers.uniform(-6, 0, count)).astype(np.float32)
        zero = 0
        if type_ == "int8":
            zero = rng.choice((0, 0, -128, 127, 3))
        elif type_ == "uint8":
            zero = rng.choice((0, 128, 255))
        elif type_ == "int16" and rng.random() < 0.1:
            zero = 7
        return scale, np.full(count, zero, np.int64)

    def _options(self, kind: Kind, name: str, count: int, shapes: Sequence[Any]) -> dict[str, Any]:
        rng = self.rng
        options: dict[str, Any] = {}
        rank = len(shapes[0])
        for field in SCHEMA[kind.options]:
            if field.kind == "refused":
                continue
            if field.kind == "bool":
                value: Any = rng.choice((0, 0, 1))
            elif field.kind == "f32":
                value = rng.choice((1.0, 1.0, 0.5, 0.0, -1.0, 1e-9, 1e5))
            elif field.kind.startswith("["):
                value = np.zeros(0, np.int32)
            else:
                value = field.default or 0
            options[field.name] = value
        sides = {"stride_w": (1, 1, 2, 3), "stride_h": (1, 1, 2, 3), "padding": (0, 1)}
        sides |= {"dilation_w_factor": (1, 1, 2), "dilation_h_factor": (1, 1, 2)}
        sides |= {"filter_width": (1, 2, 3, 7), "filter_height": (1, 2, 3, 7)}
        sides |= {"fused_activation_function": (0, 0, 1, 2, 3), "block_size": (1, 2, 3)}
        sides |= {"axis": tuple(range(-rank, rank)), "mode": (0, 1), "depth_multiplier": (0,)}
        sides |= {"values_count": (count,), "num_splits": (2,), "batch_dims": (0,)}
        sides |= {"begin_mask": (0, 1), "end_mask": (0, 1, 3), "shrink_axis_mask": (0, 0, 1)}
        for key, choices in sides.items():
            if key in options:
                options[key] = rng.choice(choices)
        if name == "UNPACK":
            options["num"] = shapes[0][options["axis"]]
        return options


FOUR = ("conv", "depthwise", "pool", "transpose_conv", "resize", "space_to_depth", "depth_to_space",
        "batched")  # fmt: skip


def pack(
    kind: Kind, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], options: dict[str, Any]
) -> bytes:
    """Writes a flatbuffer with one operator."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    numbers = {kind.name: number for number, kind in OPERATORS.items()}
    types = {
        "float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7,
        "int8": 9,
    }  # fmt: skip
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []
    where: dict[int, int] = {}
    for tensor in [*filter(None, inputs), *outputs]:
        made = schema.TensorT()
        made.name, made.shape = tensor.name.encode(), np.array(tensor.shape, np.int32)
        made.type, made.buffer = types[tensor.type], 0
        if tensor.data is not None:
            buffer = schema.BufferT()
            buffer.data = np.asarray(tensor.data, np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        if len(tensor.scale):
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = tensor.scale
            made.quantization.zeroPoint = tensor.zero_point
            if kind.name == "DEPTHWISE_CONV_2D" and len(tensor.scale) > 1:
                made.quantization.quantizedDimension = 3
                made.quantization.scale = np.resize(tensor.scale, tensor.shape[3])
                made.quantization.zeroPoint = np.resize(tensor.zero_point, tensor.shape[3])
        where[id(tensor)] = len(graph.tensors)
        graph.tensors.append(made)
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = numbers[kind.name]
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    operator.opcodeIndex = 0
    operator.inputs = [-1 if tensor is None else where[id(tensor)] for tensor in inputs]
    operator.outputs = [where[id(tensor)] for tensor in outputs]
    if kind.options_type:
        names = {v: k for k, v in vars(schema.BuiltinOptions).items() if isinstance(v, int)}
        table = getattr(schema, f"{names[kind.options_type]}T")()
        for name, value in options.items():
            head, *rest = name.split("_")
            camel = head + "".join(part.capitalize() for part in rest)
            if hasattr(table, camel):
                kept = bool(value) if isinstance(getattr(table, camel), bool) else value
                setattr(table, camel, kept)
        operator.builtinOptionsType, operator.builtinOptions = kind.options_type, table
    variable = [t for t in inputs if t is not None and t.data is None]
    graph.inputs = [where[id(tensor)] for tensor in variable]
    graph.outputs = [where[id(tensor)] for tensor in outputs]
    graph.operators, model.subgraphs, model.operatorCodes = [operator], [graph], [code]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def child() -> None:
    """Runs models from standard input; answers with a byte for each that leaves it alive."""
    from edgeiqa.inference.interpreter import interpreter_class

    interpreter_of = interpreter_class()
    stdin = sys.stdin.buffer
    while len(head := stdin.read(4)) == 4:
        data = stdin.read(struct.unpack("<I", head)[0])
        answer = b"+"
        try:
            interpreter = interpreter_of(model_content=data, num_threads=1)
            interpreter.allocate_tensors()
            for detail in interpreter.get_input_details():
                values = np.random.default_rng(0).integers(0, 100, detail["shape"])
                interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))
            interpreter.invoke()
            for detail in interpreter.get_output_details():
                interpreter.get_tensor(detail["index"])
        except (ValueError, RuntimeError):
            answer = b"-"  # An error that Python sees does no harm.
        os.write(1, answer)


def run_all(models: Sequence[bytes]) -> tuple[int, list[int]]:
    """Runs models in child processes; returns how many ran, and which ended their process."""
    deaths: list[int] = []
    ran = start = 0
    while start < len(models):
        batch = models[start : start + BATCH]
        sent = b"".join(struct.pack("<I", len(data)) + data for data in batch)
        done = subprocess.run(
            [sys.executable, __file__, "--child"],
            input=sent,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        ran += done.stdout.count(b"+")
        if len(done.stdout) < len(batch):
            deaths.append(start + len(done.stdout))
            start += len(done.stdout) + 1
        else:
            start += len(batch)
    return ran, deaths


def main(argv: Sequence[str] | None = None) -> int:
    """Generates and runs the models; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operators", nargs="+", default=sorted(BY_NAME))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        child()
        return 0
    maker = Maker(arguments.seed)
    passed: list[tuple[str, bytes]] = []
    made: Counter[str] = Counter()
    total = 0
    while total < arguments.models:
        name = arguments.operators[total % len(arguments.operators)]
        total += 1
        data = maker.model(name)
        if data is None:
            continue
        made[name] += 1
        try:
            check(data)
        except FlatbufferError:
            continue
        passed.append((name, data))
    ran, deaths = run_all([data for _, data in passed])
    print(f"{total} models tried, {sum(made.values())} made, {len(passed)} passed the verifier, "
          f"{ran} ran, {len(deaths)} ended the process")  # fmt: skip
    per_operator = Counter(name for name, _ in passed)
    print(
        "never passed:", ", ".join(n for n in arguments.operators if not per_operator[n]) or "none"
    )
    for name, count in Counter(passed[index][0] for index in deaths).most_common():
        print(f"  {name}: {count} of {per_operator[name]}")
    if arguments.keep is not None and deaths:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        for index in deaths:
            name, data = passed[index]
            (arguments.keep / f"{name}-{index}.tflite").write_bytes(data)
    return 1 if deaths else 0


if __name__ == "__main__":
    sys.exit(main())
