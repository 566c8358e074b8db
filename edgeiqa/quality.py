"""Converts a model's outputs to a quality on the scale 0-100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

import numpy as np

from edgeiqa.inference.contract import Contract
from edgeiqa.stages import stage


@dataclass(frozen=True, repr=False)
class Quality:
    """How good a photograph looks.

    Attributes:
        score: 0-100, higher is better: the expected mean opinion score times 100, after the
            model's linear calibration.
        std: Standard deviation in the same units; None for models without one. If the contract
            calibrates it (`std_scale` or `std_power` other than 1), it estimates the error of
            the score: 80% of rated pictures outside the training data had their mean opinion
            within score +- 1.28 * std. Otherwise it is the spread of the model's histogram. For
            models trained on BIQ2021 that spread was never measured: their training histograms
            follow the SOS hypothesis (Hossfeld, Schatz, Egger, 2011), which derives the spread
            from the mean.
        histogram: Expected share of opinions per bin, worst bin first, with sum 1; or None. It is
            not calibrated: sum(histogram * bins) * 100 is the score before calibration.
        bins: Centres of the bins on 0-1, not calibrated; or None.
        causes: Severity 0-1 per cause of bad quality; empty if causes were not detected.
        attributes: Further measurements of the model, by label, in the model's own units.
        damaged: Whether the picture lost data, such as in a broken transfer, or cannot be a
            photograph, such as noise or a torn frame.
        missing: The share of rows 0-1 known to be missing in a damaged picture; 0 if unknown.
    """

    score: float
    std: float | None = None
    histogram: tuple[float, ...] | None = None
    bins: tuple[float, ...] | None = None
    causes: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, float] = field(default_factory=dict)
    damaged: bool = False
    missing: float = 0.0

    def __repr__(self) -> str:
        parts = [f"score={self.score:.1f}"]
        parts += [f"std={self.std:.1f}"] if self.std is not None else []
        parts += [f"{name}={value:.2f}" for name, value in self.causes.items()]
        parts += ["damaged=True"] if self.damaged else []
        return f"Quality({', '.join(parts)})"

    def _repr_html_(self) -> str:
        """A dial of the score and bars of the causes, for notebooks."""
        angle = np.pi * (1 - min(max(self.score, 0.0), 100.0) / 100)
        x, y = 60 + 50 * np.cos(angle), 60 - 50 * np.sin(angle)
        bars = "".join(
            f'<tr><td style="text-align:left">{escape(name)}</td><td style="text-align:left">'
            f'<div style="width:{100 * min(max(value, 0.0), 1.0):.0f}px;height:8px;'
            f'background:#d95f02"></div></td><td>{value:.2f}</td></tr>'
            for name, value in self.causes.items()
        )
        damaged = "<p><b>damaged</b></p>" if self.damaged else ""
        return (
            '<div style="display:flex;gap:1em;align-items:center">'
            '<svg width="120" height="75" viewBox="0 0 120 75">'
            '<path d="M10 60A50 50 0 0 1 110 60" fill="none" stroke="#ccc" stroke-width="10"/>'
            f'<path d="M10 60A50 50 0 0 1 {x:.1f} {y:.1f}" fill="none" stroke="#1b9e77" '
            f'stroke-width="10"/><text x="60" y="62" text-anchor="middle" font-size="22">'
            f"{self.score:.1f}</text></svg><table>{bars}</table>{damaged}</div>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns plain dictionaries, lists and numbers, ready for JSON."""
        plain = asdict(self)
        for key in ("histogram", "bins"):
            plain[key] = None if plain[key] is None else list(plain[key])
        return plain


@stage("outputs")
def quality_from_outputs(outputs: Mapping[str, np.ndarray], contract: Contract) -> Quality:
    """Interprets a model's outputs as its contract describes.

    With shares p over bin centres b, the raw score is the mean m = sum(p * b) and its spread
    is sqrt(sum(p * (b - m) ** 2)); a scalar or an attribute is the raw score itself. The
    calibrated score is clip(scale * raw + offset, 0, 100). The spread is multiplied by |scale|
    and passed through `Calibration.std`.

    Args:
        outputs: float64 [values] per output name, as `Model.run` returns them.
        contract: The contract of the model.

    Returns:
        The quality, without causes.

    Raises:
        ValueError: An output contains NaN or infinity, or a histogram has no positive share.
    """
    spec = contract.score_output
    calibration = contract.calibration
    for name, numbers in outputs.items():
        if not np.isfinite(numbers).all():
            raise ValueError(f"the model's output {name!r} is not finite: {numbers}")
    values = activate(np.asarray(outputs[spec.name], dtype=np.float64), spec.activation)
    std: float | None = None
    histogram: tuple[float, ...] | None = None
    if spec.bins is not None:
        shares = softmax(values) if spec.kind == "histogram_logits" else _shares(values)
        bins = np.asarray(spec.bins, dtype=np.float64)
        raw = float(np.sum(shares * bins))
        spread = abs(calibration.scale) * float(np.sqrt(np.sum(shares * (bins - raw) ** 2)))
        std = calibration.std(spread)
        histogram = tuple(float(share) for share in shares)
    elif spec.labels is not None and spec.score_label is not None:
        raw = float(values[spec.labels.index(spec.score_label)])
    else:
        raw = float(values[0])
    score = min(max(calibration.scale * raw + calibration.offset, 0.0), 100.0)
    return Quality(score, std, histogram, spec.bins, attributes=_attributes(outputs, contract))


def activate(values: np.ndarray, activation: str) -> np.ndarray:
    """Applies the activation that the contract leaves to the runtime.

    Args:
        values: float64 [values].
        activation: "linear" or "sigmoid".

    Returns:
        float64 [values]; 0-1 after a sigmoid.
    """
    if activation == "sigmoid":
        # Unlike 1 / (1 + exp(-x)), this form cannot overflow.
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
    return values


def softmax(logits: np.ndarray) -> np.ndarray:
    """Converts logits to shares.

    Args:
        logits: float64 [bins], finite.

    Returns:
        float64 [bins], each 0-1, with sum 1.
    """
    powers = np.exp(logits - np.max(logits))
    return np.asarray(powers / np.sum(powers))


def _shares(values: np.ndarray) -> np.ndarray:
    """Normalises a histogram, whose sum quantisation may have moved away from 1."""
    positive: np.ndarray = np.maximum(values, 0.0)
    total = float(np.sum(positive))
    if total <= 0.0:
        raise ValueError("the model's histogram is empty")
    return np.asarray(positive / total)


def _attributes(outputs: Mapping[str, np.ndarray], contract: Contract) -> dict[str, float]:
    return {
        label: float(value)
        for spec in contract.outputs
        if spec.labels is not None
        for label, value in zip(
            spec.labels, activate(outputs[spec.name], spec.activation), strict=True
        )
    }
