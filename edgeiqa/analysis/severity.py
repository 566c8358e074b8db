"""Severities of causes: exposure measured on the histogram, the rest pooled from patches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeiqa.stages import stage

CLIPPED = 250
"""Luma from this value on counts as clipped."""


@stage("light")
def exposure(luma: np.ndarray) -> dict[str, float]:
    """Measures wrong exposure and low contrast.

    With q(p) the luma that a share p of the pixels does not exceed, and each severity clipped to
    0-1:

    - dark = (160 - (q(0.9) + q(0.99)) / 2) / 120: even the brightest parts are dark, unlike in a
      night scene with lights;
    - bright = share of pixels with luma 250 or more / 0.5;
    - low_contrast = (0.75 - (q(0.995) - q(0.005)) / q(0.995)) / 0.6: the contrast that remains
      if the picture is exposed until its brightest part is white.

    The constants were chosen on the training part of BIQ2021 and distortions of it: hardly any
    picture with a good rating exceeds 0.3.

    Args:
        luma: uint8, any shape, full range; the picture reduced, as
            `edgeiqa.preprocessing.luma.luma_small` gives it.

    Returns:
        Severities 0-1 of "dark", "bright" and "low_contrast".
    """
    counts = np.cumsum(np.bincount(luma.ravel(), minlength=256))
    total = int(counts[-1])

    def quantile(thousandths: int) -> int:
        return int(np.searchsorted(counts * 1000, thousandths * total))

    lights = (quantile(900) + quantile(990)) / 2
    clipped = (total - int(counts[CLIPPED - 1])) / total
    top, bottom = quantile(995), quantile(5)
    return {
        "dark": _clip((160 - lights) / 120),
        "bright": _clip(clipped / 0.5),
        "low_contrast": _clip((0.75 - (top - bottom) / max(top, 1)) / 0.6),
    }


@stage("outputs")
def pooled(values: np.ndarray, views: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Pools the network's outputs for the patches into severities of the picture.

    The logit of a cause is the mean of the patches' levels, weighted by the softmax of their
    weights, and its severity the sigmoid of that: a sharp eye outweighs a soft background, a
    blank wall counts little. Pooling runs over all patches and over those at native resolution
    alone, and the larger severity counts: in a slightly blurred picture of many megapixels the
    reduced patches look sharp and must not outvote the native ones. The pooling is that of Ilse,
    Tomczak and Welling, "Attention-based deep multiple instance learning", ICML 2018, with a
    scalar as attention.

    Args:
        values: float64 [patches * 2 * len(labels)]: levels, then weights, for each patch.
        views: Kind of each patch, as in the contract.
        labels: Names of the causes.

    Returns:
        Severity 0-1 per label.

    Raises:
        ValueError: A value is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise ValueError(f"the output of the cause detector is not finite: {values}")
    patches = values.reshape(len(views), -1)
    native = patches[[view != "reduced" for view in views]]
    logits = _logits(patches)
    if len(native):
        logits = np.maximum(logits, _logits(native))
    # Unlike 1 / (1 + exp(-x)), this form cannot overflow.
    severities = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return dict(zip(labels, (float(value) for value in severities), strict=True))


def _logits(patches: np.ndarray) -> np.ndarray:
    """Averages levels over patches, weighted by the softmax of the weights beside them."""
    levels, weights = np.split(patches, 2, axis=1)
    shares = np.exp(weights - weights.max(axis=0))
    return np.asarray((shares * levels).sum(axis=0) / shares.sum(axis=0))


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
