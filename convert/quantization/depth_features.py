"""What the inner maps of a finished int8 network hold: the features of a head on several depths."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.files import replacing
from ..common.opinion import expected
from ..common.progress import progress
from ..common.quiet import quiet
from ..datasets.cache import load_pixels, pixels_key
from ..datasets.manifest import ManifestRow
from .depth_head import tapped

Array = NDArray[np.float64]

_CHUNK = 1000


@dataclass(frozen=True)
class DepthFeatures:
    """What a finished network says of pictures, and what its inner maps hold.

    Attributes:
        logits: Of its own head, [N, bins].
        means: Channel means of each depth, side by side, [N, D].
    """

    logits: NDArray[np.float32]
    means: NDArray[np.float32]

    def score(self, centres: ArrayLike) -> Array:
        """Expected opinions of its own head."""
        return np.asarray(expected(self.logits, np.asarray(centres)), np.float64)


def depth_features(
    flatbuffer: bytes,
    tensors: Sequence[str],
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    size: int,
    *,
    jobs: int = 2,
) -> DepthFeatures:
    """Runs a network over rated pictures; computed once, kept, and continued after an interruption.

    Args:
        flatbuffer: The .tflite, with or without its contract.
        tensors: Inner maps to average, see :func:`convert.quantization.depth_head.depth_tensors`.
        rows: The pictures.
        root: The data root.
        work: Folder of caches.
        size: Height and width of the network.
        jobs: Interpreters at a time.
    """
    key = hashlib.sha256(flatbuffer + repr(tuple(tensors)).encode()).hexdigest()[:16]
    folder = work / "features" / f"int8-{key}-{pixels_key(rows, root, size)}"
    pixels = load_pixels(rows, root, size, work, label=f"pictures at {size} pixels")
    network = tapped(flatbuffer, tensors)
    opened = interpreters(network, jobs)
    parts = []
    starts = range(0, len(rows), _CHUNK)
    for start in progress(starts, len(starts), "thousands of pictures"):
        file = folder / f"{start:06d}.npz"
        if not file.is_file():
            chunk = pixels[start : start + _CHUNK]
            shares = np.array_split(np.arange(len(chunk)), len(opened))
            with ThreadPoolExecutor(len(opened)) as pool:
                ran = pool.map(_run, opened, repeat(chunk), shares)
                found = [one for one in ran if len(one[0])]
            logits, means = (np.concatenate(part) for part in zip(*found, strict=True))
            with replacing(file) as scratch, scratch.open("wb") as stream:
                np.savez(stream, logits=logits, means=means)
        with np.load(file) as stored:
            parts.append((stored["logits"], stored["means"]))
    logits, means = (np.concatenate(part) for part in zip(*parts, strict=True))
    return DepthFeatures(logits, means)


def interpreters(network: bytes, count: int) -> list[Any]:
    """Opens a network so many times, each for one thread."""
    from ai_edge_litert.interpreter import Interpreter

    opened = []
    with quiet():  # LiteRT announces its delegate
        for _ in range(count):
            interpreter = Interpreter(model_content=network, num_threads=1)
            interpreter.allocate_tensors()
            opened.append(interpreter)
    return opened


def _run(
    interpreter: Any, pixels: NDArray[np.uint8], chosen: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    taken = interpreter.get_input_details()[0]["index"]
    details = interpreter.get_output_details()
    logits, means = [], []
    for index in chosen:
        interpreter.set_tensor(taken, np.array(pixels[index])[None])
        interpreter.invoke()
        values = []
        for number, detail in enumerate(details):
            scale, zero = detail["quantization"]
            value = interpreter.get_tensor(detail["index"])[0]
            if number:
                # Sums of int8 are exact in int32, and far quicker than float maps.
                value = value.reshape(-1, value.shape[-1])
                mean = value.sum(0, dtype=np.int32) / np.float64(len(value))
                values.append((mean - zero) * scale)
            else:
                logits.append(((value.astype(np.float64) - zero) * scale).astype(np.float32))
        means.append(np.concatenate(values).astype(np.float32))
    return np.array(logits), np.array(means)
