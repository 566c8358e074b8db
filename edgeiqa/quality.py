"""From a model's outputs to a quality on the scale 0-100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edgeiqa.inference.contract import Contract


@dataclass(frozen=True)
class Quality:
    """How good a photograph looks.

    Attributes:
        score: 0-100, higher is better: the expected mean opinion score times 100, after the
            model's calibration, a line.
        std: A standard deviation in the same units; None for models that say nothing about it.
            Of a model whose contract calibrates it (`std_scale` or `std_power` other than 1) it
            tells how far off the score is: of rated pictures that the network was not trained
            on, 80% had their mean opinion within score +- 1.28 * std. Of any other model it is
            the spread of its histogram, which for one taught with BIQ2021 was never measured:
            the histograms that it learnt assume the SOS hypothesis (Hossfeld, Schatz, Egger,
            2011), by which the spread follows from the mean.
        histogram: Expected share of opinions per bin, worst first, adding up to 1; or None. As
            the model gives it: the calibration is applied to `score` and `std` only, so that
            sum(histogram * bins) * 100 is the score before calibration and may differ from
            `score`.
        bins: Centres of these bins on 0-1, not calibrated either; or None.
        causes: Severities 0-1 of what spoils the picture, by name; empty for models that do
            not tell.
        attributes: What else the model measures, by its own labels and in its own units.
    """

    score: float
    std: float | None = None
    histogram: tuple[float, ...] | None = None
    bins: tuple[float, ...] | None = None
    causes: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries, lists and numbers, ready for JSON."""
        plain = asdict(self)
        for key in ("histogram", "bins"):
            plain[key] = None if plain[key] is None else list(plain[key])
        return plain


def quality_from_outputs(outputs: Mapping[str, np.ndarray], contract: Contract) -> Quality:
    """Reads a model's outputs as its contract says.

    With shares p over bin centres b, the raw score is the mean m = sum(p * b) and its spread
    sqrt(sum(p * (b - m) ** 2)); a scalar or an attribute is the raw score itself. The
    calibration makes it clip(scale * raw + offset, 0, 100), |scale| carries the spread to the
    same units, and `Calibration.std` makes `std` of that.

    Args:
        outputs: Per output's name float64 [values], as `Model.run` gives them.
        contract: Of the model.

    Returns:
        The quality.

    Raises:
        ValueError: An output holds NaN or infinity, or a histogram without any share.
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
    """Applies what the contract left to the runtime.

    Args:
        values: float64 [values].
        activation: "linear" or "sigmoid".

    Returns:
        float64 [values]; 0-1 after a sigmoid.
    """
    if activation == "sigmoid":
        # This form cannot overflow, whatever the sign.
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
    return values


def softmax(logits: np.ndarray) -> np.ndarray:
    """Shares from logits.

    Args:
        logits: float64 [bins], any finite size.

    Returns:
        float64 [bins], each 0-1, adding up to 1.
    """
    powers = np.exp(logits - np.max(logits))
    return np.asarray(powers / np.sum(powers))


def _shares(values: np.ndarray) -> np.ndarray:
    """A histogram that quantisation may have left slightly off a sum of 1."""
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
