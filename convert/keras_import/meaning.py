"""What the numbers of a foreign model mean: from its outputs to an output and a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeiqa.inference.contract import Calibration, OutputSpec


class ExportError(ValueError):
    """A model or a request that cannot be exported, and what to do about it."""


KINDS = ("auto", "scalar", "attributes", "histogram", "histogram_logits")


@dataclass(frozen=True)
class Meaning:
    """What its owner says about a model's output.

    Attributes:
        kind: One of `KINDS`; "auto" chooses by shape, activation and labels.
        score_range: Raw values that mean worst and best (the other way round with
            `lower_is_better`), such as (1, 5).
        lower_is_better: Whether a low raw value is a good picture.
        labels: Names of attributes.
        score_label: Which attribute is the quality.
        bins: Value of each histogram bin, rising; 1..N when None.
    """

    kind: str = "auto"
    score_range: tuple[float, float] | None = None
    lower_is_better: bool = False
    labels: tuple[str, ...] | None = None
    score_label: str | None = None
    bins: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Resolved:
    """The decision.

    Attributes:
        output: For the contract.
        calibration: For the contract.
        strip: Whether the final activation is to be taken off the network.
        text: The decision in words.
    """

    output: OutputSpec
    calibration: Calibration
    strip: bool
    text: str


def resolve(
    name: str, values: npt.NDArray[np.float64], activation: str, meaning: Meaning
) -> Resolved:
    """Decide what a model's output is.

    Args:
        name: The output's name.
        values: float64 [N, values] as the model gives them, activation included.
        activation: The final one: "softmax", "sigmoid", "linear" or another name.
        meaning: What the owner says.

    Returns:
        The decision.

    Raises:
        ExportError: the values do not fit what is said, or more must be said.
    """
    if meaning.kind not in KINDS:
        raise ExportError(f"output kind {meaning.kind!r} is not known, expected {', '.join(KINDS)}")
    if not np.isfinite(values).all():
        raise ExportError("the model gives NaN or infinity on these pictures")
    if np.ptp(values, axis=0).max() == 0:
        raise ExportError(
            "the model says exactly the same for every picture; is --input-range right?"
        )
    kind = _kind(values, activation, meaning)
    if kind == "scalar":
        if values.shape[1] != 1:
            raise ExportError(f"the model gives {values.shape[1]} numbers, a scalar is one")
        return _number(OutputSpec(name, "scalar", activation=_kept(activation)), values, meaning)
    if kind == "attributes":
        labels = _labels(values.shape[1], meaning)
        output = OutputSpec(
            name,
            "attributes",
            labels=labels,
            score_label=meaning.score_label,
            activation=_kept(activation),
        )
        column = labels.index(str(meaning.score_label))
        return _number(output, values[:, column : column + 1], meaning)
    return _histogram(name, kind, values, activation, meaning)


def _kind(values: npt.NDArray[np.float64], activation: str, meaning: Meaning) -> str:
    if meaning.kind != "auto":
        return meaning.kind
    count = values.shape[1]
    if count == 1:
        return "scalar"
    if meaning.labels is not None:
        return "attributes"
    if activation == "softmax" or _is_histogram(values):
        return "histogram"
    raise ExportError(
        f"the model gives {count} numbers that do not add up to 1; say what they are: --labels and "
        "--score-label for attributes, or --output-kind histogram_logits"
    )


def _labels(count: int, meaning: Meaning) -> tuple[str, ...]:
    labels = meaning.labels
    if labels is None or len(labels) != count:
        got = "none" if labels is None else str(len(labels))
        raise ExportError(f"the model gives {count} attributes; --labels must name each, got {got}")
    if meaning.score_label not in labels:
        raise ExportError(
            f"--score-label must say which of {', '.join(labels)} is the quality, "
            f"got {meaning.score_label}"
        )
    return labels


def _number(output: OutputSpec, values: npt.NDArray[np.float64], meaning: Meaning) -> Resolved:
    bounds = meaning.score_range
    if bounds is None and output.activation == "sigmoid":
        bounds = (0.0, 1.0)
    if bounds is None:
        raise ExportError(
            f"say which raw values are the ends of the scale, as in --score-range 1 5; on these "
            f"pictures they go from {values.min():.3g} to {values.max():.3g}"
        )
    low, high = _rising(bounds)
    inside = float(np.mean((values >= low) & (values <= high)))
    if inside < 0.5:
        raise ExportError(
            f"--score-range is {low:g} {high:g}, but on {1 - inside:.0%} of the pictures the model "
            f"gives other values, {values.min():.3g} to {values.max():.3g} in all"
        )
    strip = output.activation == "sigmoid"
    note = "; its sigmoid moves into the runtime, where it is not rounded" if strip else ""
    direction = "lower" if meaning.lower_is_better else "higher"
    return Resolved(
        output,
        _calibration(low, high, meaning.lower_is_better),
        strip,
        f"{output.kind}, {low:g} to {high:g}, {direction} is better{note}",
    )


def _histogram(
    name: str,
    kind: str,
    values: npt.NDArray[np.float64],
    activation: str,
    meaning: Meaning,
) -> Resolved:
    count = values.shape[1]
    if count < 2:
        raise ExportError("the model gives one number, a histogram has at least two")
    soft = activation == "softmax"
    if kind == "histogram" and not _is_histogram(values):
        raise ExportError(
            "the model's values are not a histogram (not negative, adding up to 1); if they are "
            "logits, say --output-kind histogram_logits"
        )
    if kind == "histogram_logits" and activation not in ("softmax", "linear"):
        raise ExportError(f"the model ends in {activation}; those are not histogram logits")
    bins = meaning.bins or tuple(float(index + 1) for index in range(count))
    if len(bins) != count:
        raise ExportError(f"the model gives {count} bins, --bins names {len(bins)}")
    low, high = _rising(meaning.score_range or (bins[0], bins[-1]))
    centres = tuple(float(value) for value in (np.array(bins) - low) / (high - low))
    if min(centres) < 0 or max(centres) > 1 or not np.all(np.diff(centres) > 0):
        raise ExportError(
            f"--bins must rise within --score-range {low:g} {high:g}, got "
            f"{', '.join(f'{value:g}' for value in bins)}"
        )
    logits = soft or kind == "histogram_logits"
    note = "; its softmax moves into the runtime, where it is not rounded" if soft else ""
    direction = "lower" if meaning.lower_is_better else "higher"
    return Resolved(
        OutputSpec(name, "histogram_logits" if logits else "histogram", bins=centres),
        _calibration(0.0, 1.0, meaning.lower_is_better),
        soft,
        f"histogram of {count} bins from {bins[0]:g} to {bins[-1]:g} on a scale of {low:g} to "
        f"{high:g}, {direction} is better{note}",
    )


def _calibration(low: float, high: float, lower_is_better: bool) -> Calibration:
    scale = 100.0 / (high - low)
    if lower_is_better:
        return Calibration(-scale, high * scale)
    return Calibration(scale, -low * scale)


def _rising(bounds: Sequence[float]) -> tuple[float, float]:
    low, high = float(bounds[0]), float(bounds[1])
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ExportError(
            f"--score-range needs the lower end first, got {low:g} {high:g}; a scale where low is "
            "good is said with --lower-is-better"
        )
    return low, high


def _is_histogram(values: npt.NDArray[np.float64]) -> bool:
    return bool(values.min() >= -1e-6 and np.allclose(values.sum(axis=1), 1, atol=1e-3))


def _kept(activation: str) -> str:
    return "sigmoid" if activation == "sigmoid" else "linear"
