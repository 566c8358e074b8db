"""The release of a finished int8 network with a head on several depths.

A score that is linear in the means of several maps is fitted within subsets
(:func:`convert.common.ridge.fit_within`) and added to the network's own. The opinion histogram
keeps its shape: what is added to its logits moves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeiqa.inference.contract import Calibration, append, read

from ..common import provenance
from ..common.files import write_bytes
from ..common.metrics import srocc, validation_figures
from ..common.opinion import expected
from ..common.ridge import fit_within
from ..datasets.holdout import refuse_reserved
from ..datasets.manifest import ManifestRow, select
from ..evaluation import uncertainty
from .depth_features import DepthFeatures, depth_features, interpreters
from .depth_head import (
    DepthHeadError,
    depth_tensors,
    grafted,
    tapped,
)
from .logit_centering import DEPTH, RARE
from .quantize import gate_presets, raw_scores

Array = NDArray[np.float64]

_MARGIN = 1.1


@dataclass(frozen=True)
class HeadRecipe:
    """How a head is trained.

    Attributes:
        depths: Blocks that the new score is made of, counted from one.
        strength: See :func:`convert.common.ridge.fit_ridge`.
        anchor: See :func:`convert.common.ridge.fit_within`.
        share: Of the new score in the sum; the rest is the old one's.
    """

    depths: tuple[int, ...] = (3, 6, 10, 13)
    strength: float = 1.0
    anchor: float = 0.8
    share: float = 0.2


def rehead(
    source: bytes,
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    output: Path,
    recipe: HeadRecipe,
    *,
    version: str,
    jobs: int = 2,
) -> dict[str, Any]:
    """Learns a head for a finished model and writes the model with it.

    Args:
        source: A .tflite with its contract, made by ``quantize``.
        rows: The manifest; learns from train, and fits the contract on validation.
        root: The data root.
        work: Folder of caches.
        output: The .tflite to write.
        recipe: See :class:`HeadRecipe`.
        version: Of the new model.
        jobs: Interpreters at a time.

    Returns:
        A report: figures on validation, and how far int8 is from the float head.

    Raises:
        DepthHeadError: The model is not a network of this package, or lacks the block.
    """
    contract, flatbuffer = read(source)
    spec = contract.score_output
    if spec.kind != "histogram_logits" or spec.bins is None:
        raise DepthHeadError(f"expected a model with opinion logits, {contract.name} has none")
    size, centres = contract.input.height, np.array(spec.bins)
    train, validation = select(rows, "train"), select(rows, "validation")
    refuse_reserved(train, "training")
    everything = depth_tensors(flatbuffer)
    names = _chosen(everything, recipe.depths)
    seen = depth_features(flatbuffer, everything, train, root, work, size, jobs=jobs)
    home = depth_features(flatbuffer, everything, validation, root, work, size, jobs=jobs)
    slices = _slices(flatbuffer, everything)
    kernels = _learn(seen, train, names, slices, centres, recipe)

    def logits(features: DepthFeatures) -> Array:
        parts = [
            features.means[:, slices[name]].astype(np.float64) @ kernel
            for name, kernel in kernels.items()
        ]
        return np.asarray(features.logits + np.sum(parts, 0), np.float64)

    ranges = _ranges(kernels, seen.means, slices)
    network = grafted(flatbuffer, kernels, ranges, _total_range(logits(seen)))
    contract = replace(contract, version=version, calibration=Calibration(100.0, 0.0))
    raw = raw_scores(append(network, contract), validation, root, work, size)
    wanted = np.asarray(expected(logits(home), centres), np.float64)
    mos = np.array([row.mos for row in validation])
    scale, offset = np.polyfit(raw, mos * 100.0, 1)
    score = np.clip(scale * raw + offset, 0.0, 100.0)
    gate, operating_points = gate_presets(score, mos)
    figures = validation_figures(score / 100.0, mos, [row.subset for row in validation])
    shifts = np.abs(scale * (raw - wanted))
    int8 = {
        "srocc": round(srocc(raw, wanted), 5),
        "srocc_change": round(srocc(raw, mos) - srocc(wanted, mos), 5),
        "p99_shift": round(float(np.quantile(shifts, 0.99)), 3),
        "largest_shift": round(float(shifts.max()), 3),
    }
    metrics = {
        "command": provenance.command_line("convert.quantization.rehead.rehead"),
        "split": f"validation, {len(validation):,} pictures",
        "validation": {
            key.removeprefix("val_"): round(value, 4) if np.isfinite(value) else None
            for key, value in figures.items()
        },
        "gate": operating_points,
        "int8_head": int8,
    }
    before = provenance.sha256(source)
    training = contract.training | {"head": asdict(recipe) | {"trunk_of": before}}
    contract = replace(
        contract,
        calibration=Calibration(round(float(scale), 4), round(float(offset), 4)),
        gate=gate,
        training=training,
        metrics=metrics,
    )
    if len(validation) >= uncertainty.MIN_PICTURES:
        fitted = uncertainty.fitted_calibration(append(network, contract), validation, root, jobs)
        contract = replace(contract, calibration=fitted)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(output, append(network, contract))
    return {
        "model": output.name,
        "bytes": output.stat().st_size,
        "depths": names,
        "calibration": asdict(contract.calibration),
        "gate_thresholds": gate,
        **metrics,
    }


def _chosen(tensors: Sequence[str], depths: Sequence[int]) -> list[str]:
    """The tensors of these blocks; a block that was merged with its reader gives way."""
    by_block = {int(name[5:7]) + 1: name for name in tensors if name != "head"}
    last = max(by_block)
    wrong = [depth for depth in depths if depth not in by_block and depth <= last]
    if wrong or min(depths, default=1) < 1:
        raise DepthHeadError(f"the network has no map of block {(wrong or list(depths))[0]}")
    kept = sorted({depth if depth in by_block else last for depth in depths})
    return [by_block[depth] for depth in kept]


def _slices(flatbuffer: bytes, tensors: Sequence[str]) -> dict[str, slice]:
    """Positions of each tensor's means in the features."""
    (interpreter,) = interpreters(tapped(flatbuffer, tensors), 1)
    widths = [int(detail["shape"][-1]) for detail in interpreter.get_output_details()[1:]]
    ends = np.cumsum(widths)
    return {
        name: slice(int(end) - width, int(end))
        for name, width, end in zip(tensors, widths, ends, strict=True)
    }


def _learn(
    seen: DepthFeatures,
    train: Sequence[ManifestRow],
    names: Sequence[str],
    slices: dict[str, slice],
    centres: Array,
    recipe: HeadRecipe,
) -> dict[str, Array]:
    """Kernels of the logits that each depth adds.

    The last map is not among the depths: it was trained on these very pictures and promises more
    than it keeps. On others a fit to it was worse than the network's own score.
    """
    means = np.concatenate([seen.means[:, slices[name]] for name in names], 1)
    mos, subsets = [row.mos for row in train], [row.subset for row in train]
    ridge = fit_within(means, mos, subsets, recipe.strength, recipe.anchor)
    own = seen.score(centres)
    gain = recipe.share / (1 - recipe.share) * own.std() / ridge.predict(means).std()
    moves = gain * ridge.weights / ridge.scale
    shares = np.exp(seen.logits - seen.logits.max(1, keepdims=True))
    shares = shares / shares.sum(1, keepdims=True)
    # Logits of c * m / variance move the mean of a histogram by m. What all of them have in
    # common says nothing to the softmax, so the middle bin gets none of it.
    variance = float((shares @ centres**2 - own**2).mean())
    slopes = (centres - centres.mean()) / variance
    found, start = {}, 0
    for name in names:
        width = slices[name].stop - slices[name].start
        found[name] = np.outer(moves[start : start + width], slopes)
        start += width
    return found


def _total_range(logits: Array) -> tuple[float, float]:
    """The range of logits that matters; see :mod:`convert.quantization.logit_centering`."""
    tops = logits.max(1)
    low = min(float(np.quantile(tops, RARE)) - DEPTH, -DEPTH)
    return low, max(float(tops.max()) * _MARGIN, 1e-3)


def _ranges(
    kernels: dict[str, Array], means: NDArray[np.float32], slices: dict[str, slice]
) -> dict[str, tuple[tuple[float, float], tuple[float, float]]]:
    """Ranges of each depth's channel means, and of the logits made of them."""

    def widened(values: NDArray[Any]) -> tuple[float, float]:
        return float(values.min()) * _MARGIN, float(values.max()) * _MARGIN

    found = {}
    for name, kernel in kernels.items():
        part = means[:, slices[name]].astype(np.float64)
        found[name] = (widened(part), widened(part @ kernel))
    return found
