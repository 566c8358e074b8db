"""Baselines and our own models measured alike: agreement with people, and time."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.metrics import bootstrap, plcc, srocc
from ..common.progress import progress
from ..datasets.manifest import ManifestRow
from .base import RgbArray, Scorer, read_rgb

POOLED = "pooled"
MIN_PICTURES = 5
"""Groups of fewer pictures are counted but not measured."""

TIMED_SIDE = 512


@dataclass(frozen=True)
class Agreement:
    """How one method agrees with people.

    Attributes:
        groups: Group ("pooled", then subsets) to metric ("SROCC", "PLCC") to value, low and high
            of the 95% bootstrap interval; None where a correlation does not exist.
        pictures: Number of scored pictures per group.
        unreadable: Path to error of the pictures without a score.
    """

    groups: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    pictures: Mapping[str, int]
    unreadable: Mapping[str, str]


def agreement(
    scorer: Scorer,
    rows: Sequence[ManifestRow],
    root: Path,
    *,
    repeats: int = 1000,
    seed: int = 0,
    jobs: int | None = None,
    label: str = "scoring",
) -> Agreement:
    """Scores pictures from their files and compares with their MOS.

    Args:
        scorer: What to measure.
        rows: The pictures.
        root: The data root.
        repeats: Bootstrap draws.
        seed: Of the draws.
        jobs: Pictures at a time; the number of processors when None.
        label: Of the progress bar.

    Raises:
        ValueError: No rows, or no picture could be scored.
    """
    from edgeiqa.errors import UnreadableImageError

    if not rows:
        raise ValueError("no pictures to measure on")

    def one(row: ManifestRow) -> float | str:
        try:
            return scorer.score(read_rgb(row, root))
        except UnreadableImageError as error:
            return error.reason

    with one_thread(), ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        results = list(progress(pool.map(one, rows), len(rows), label))
    scored = [
        (row, value) for row, value in zip(rows, results, strict=True) if isinstance(value, float)
    ]
    unreadable = {
        row.path: value for row, value in zip(rows, results, strict=True) if isinstance(value, str)
    }
    if not scored:
        raise ValueError(f"no picture could be scored, the first: {results[0]}")
    names = sorted({row.subset for row, _ in scored} - {""})
    parts = {POOLED: scored}
    if len(names) > 1:
        parts |= {name: [item for item in scored if item[0].subset == name] for name in names}
    groups = {name: _correlations(part, repeats, seed) for name, part in parts.items()}
    return Agreement(groups, {name: len(part) for name, part in parts.items()}, unreadable)


def _correlations(
    scored: Sequence[tuple[ManifestRow, float]], repeats: int, seed: int
) -> dict[str, dict[str, float | None]]:
    if len(scored) < MIN_PICTURES:
        return {}
    predicted = np.array([value for _, value in scored])
    mos = np.array([row.mos for row, _ in scored])
    metrics = {"SROCC": srocc, "PLCC": plcc}
    intervals = bootstrap(metrics, predicted, mos, repeats=repeats, seed=seed)
    return {name: interval.to_dict() for name, interval in intervals.items()}


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Holds the linear algebra of NumPy and SciPy to one thread."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):  # comes with scikit-learn
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(1))
        yield


def timed_picture() -> RgbArray:
    """The picture that is timed: a sample photograph at 512 x 512, uint8 RGB."""
    from edgeiqa.assets import sample_paths
    from edgeiqa.imaging.decode import decode
    from edgeiqa.preprocessing.resize import resize

    photograph = next(path for path in sample_paths() if path.name == "astronaut.jpg")
    return resize(decode(photograph), (TIMED_SIDE, TIMED_SIDE))


def milliseconds(
    scorers: Mapping[str, Scorer], picture: RgbArray, rounds: int = 21
) -> dict[str, dict[str, float]]:
    """Times methods in turns, so that what else the machine does hits all of them alike.

    Args:
        scorers: By name.
        picture: uint8 [H, W, 3] RGB, in memory.
        rounds: How often each runs, after one run that does not count.

    Returns:
        Per name the median and the quartiles ("low", "high") in milliseconds, one thread.

    Raises:
        ValueError: Fewer than two rounds.
    """
    if rounds < 2:
        raise ValueError(f"timing needs at least 2 rounds, got {rounds}")
    taken: dict[str, list[float]] = {name: [] for name in scorers}
    with one_thread():
        for number in progress(range(rounds + 1), label="timing"):
            for name, scorer in scorers.items():
                began = time.perf_counter()
                scorer.score(picture)
                if number:
                    taken[name].append(1000.0 * (time.perf_counter() - began))
    found = {}
    for name, times in taken.items():
        low, median, high = statistics.quantiles(times, n=4, method="inclusive")
        found[name] = {"median": median, "low": low, "high": high}
    return found


def processor() -> str:
    """The processor's name, if the system reports it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    import platform

    return platform.processor() or platform.machine()


def shipped_scorer(name: str) -> Scorer:
    """One of our own models, through the runtime.

    Args:
        name: Of a shipped model.
    """
    from edgeiqa.inference.model import Model, find
    from edgeiqa.scorer import Scorer as Runtime

    from ..common.quiet import quiet
    from ..quantization.tflite_inspect import inspect

    file = find(name)
    with quiet():
        runtime = Runtime(Model(file))
    data = file.read_bytes()

    def score(rgb: RgbArray) -> float:
        return runtime.score(rgb).score / 100.0

    return Scorer(score, _weights(data), inspect(data).macs, len(data))


def _weights(flatbuffer: bytes) -> int:
    """Number of constants in a .tflite."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(flatbuffer, 0))
    total = 0
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            content: NDArray[Any] | None = model.buffers[tensor.buffer].data
            if content is not None and len(content):
                total += int(np.prod(tensor.shape)) if tensor.shape is not None else 1
    return total
