"""The same pictures through Keras and TFLite nets, and how far their scores differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeiqa.inference.contract import Contract, InputSpec
from edgeiqa.quality import quality_from_outputs

from ..common.metrics import srocc
from ..common.progress import progress
from .tflite_export import Rescale, named_outputs
from .tflite_inspect import inspect

Pixels = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float64]
BATCH = 16


@dataclass(frozen=True)
class Shift:
    """How far the scores of one net differ from those of another.

    Attributes:
        srocc: Rank correlation between the two.
        largest: Largest absolute difference, in points of 0-100.
        p99: 99th percentile of the absolute differences, in points.
        mean: Mean signed difference, in points.
        p50: Median of the absolute differences, in points.
        p95: Their 95th percentile, in points.
    """

    srocc: float
    largest: float
    p99: float
    mean: float
    p50: float
    p95: float


def scores_of(outputs: Iterable[Mapping[str, np.ndarray]], contract: Contract) -> Scores:
    """Scores from outputs: what the runtime would say, float64 [N] on 0-100."""
    return np.array([quality_from_outputs(one, contract).score for one in outputs], np.float64)


def compare(reference: Scores, other: Scores) -> Shift:
    """Differences ``other - reference`` of two nets' scores on the same pictures."""
    difference = other - reference
    p50, p95, p99 = np.percentile(np.abs(difference), (50, 95, 99))
    return Shift(
        srocc=srocc(reference, other),
        largest=float(np.abs(difference).max()),
        p99=float(p99),
        mean=float(difference.mean()),
        p50=float(p50),
        p95=float(p95),
    )


def keras_outputs(
    model: Any,
    pixels: Pixels,
    contract: Contract,
    *,
    rescale: Rescale | None = None,
    bgr: bool = False,
) -> Iterator[dict[str, np.ndarray]]:
    """Outputs of a Keras model, picture by picture, under the contract's names.

    Outputs are matched by name, or by their order when a name is missing.

    Args:
        model: Keras 3 or tf_keras model.
        pixels: uint8 [N,H,W,3] RGB.
        contract: Names of the outputs.
        rescale: (scale, offset) applied to the pixels, numbers or one per channel.
        bgr: Feed blue first.

    Yields:
        Output name to float64 values.
    """
    for start in range(0, len(pixels), BATCH):
        batch = np.asarray(pixels[start : start + BATCH], np.float32)
        batch = batch[..., ::-1] if bgr else batch
        if rescale is not None:
            scale, offset = (np.asarray(part, np.float32) for part in rescale)
            batch = batch * scale + offset
        arrays = {
            name: np.asarray(value, np.float64).reshape(len(batch), -1)
            for name, value in named_outputs(model, model(batch, training=False)).items()
        }
        sources = _sources(contract, list(arrays))
        for index in range(len(batch)):
            yield {name: arrays[source][index] for name, source in sources.items()}


def tflite_outputs(
    flatbuffer: bytes, pixels: Pixels, contract: Contract
) -> Iterator[dict[str, np.ndarray]]:
    """Outputs of a float .tflite, picture by picture; arguments and result as `keras_outputs`."""
    from ai_edge_litert.interpreter import Interpreter

    from ..common.quiet import quiet

    with quiet():
        interpreter = Interpreter(model_content=flatbuffer)
        interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    names = [tensor.name for tensor in inspect(flatbuffer).outputs]
    sources = _sources(contract, names)
    exits = dict(zip(names, interpreter.get_output_details(), strict=True))
    for picture in pixels:
        interpreter.set_tensor(entry["index"], picture[None].astype(entry["dtype"]))
        interpreter.invoke()
        yield {
            name: interpreter.get_tensor(exits[source]["index"]).reshape(-1).astype(np.float64)
            for name, source in sources.items()
        }


def _sources(contract: Contract, names: Sequence[str]) -> dict[str, str]:
    """Maps the outputs of a net to those of the contract: by name, else in their order."""
    wanted = [spec.name for spec in contract.outputs]
    if len(names) < len(wanted):
        raise ValueError(f"the net has {len(names)} outputs, its contract {len(wanted)}")
    if set(wanted) <= set(names):
        return {name: name for name in wanted}
    return dict(zip(wanted, names, strict=False))


def read_pixels(paths: Sequence[Path], spec: InputSpec) -> tuple[Pixels, dict[str, str]]:
    """Decode and preprocess pictures exactly as the runtime does.

    Args:
        paths: Image files.
        spec: Says size and fit.

    Returns:
        uint8 [N,H,W,3] of the readable ones in order, and path to error of the others.
    """
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode
    from edgeiqa.preprocessing.resize import preprocess

    rows, errors = [], {}
    for path in progress(paths, len(paths), "reading"):
        try:
            rows.append(preprocess(decode(path), spec)[0])
        except UnreadableImageError as error:
            errors[str(path)] = error.reason
    size = (spec.height, spec.width, 3)
    return np.stack(rows) if rows else np.empty((0, *size), np.uint8), errors


def spread_out(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` items, evenly spread over the sequence, in order."""
    if count >= len(items):
        return list(items)
    return [items[int(index)] for index in np.linspace(0, len(items) - 1, count).round()]
