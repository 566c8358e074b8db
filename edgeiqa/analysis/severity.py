"""How severities of causes come about: measured in the histogram, or pooled from patches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CLIPPED = 250
"""Luma from here on counts as burnt out."""


def exposure(luma: np.ndarray) -> dict[str, float]:
    """Measures what is wrong with the light.

    With q(p) the luma that a share p of the pixels does not exceed, and each severity cut to 0-1:

    - dark = (160 - (q(0.9) + q(0.99)) / 2) / 120: even the brightest parts are dark, so that a
      night scene with lights is not;
    - bright = share of pixels from 250 on / 0.5;
    - low_contrast = (0.75 - (q(0.995) - q(0.005)) / q(0.995)) / 0.6: what remains between black
      and white if the picture is exposed until its brightest part is white.

    The bounds were set on BIQ2021's training part and distortions of it: hardly a liked picture
    has more than 0.3.

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
    burnt = (total - int(counts[CLIPPED - 1])) / total
    top, bottom = quantile(995), quantile(5)
    return {
        "dark": _cut((160 - lights) / 120),
        "bright": _cut(burnt / 0.5),
        "low_contrast": _cut((0.75 - (top - bottom) / max(top, 1)) / 0.6),
    }


def pooled(values: np.ndarray, views: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Joins what a network says of patches to severities of the picture.

    Per cause the logit is the mean of the patches' levels under the softmax of their weights, and
    the severity its sigmoid: a sharp eye outweighs a soft background, a blank wall counts little.
    This is done over all patches and over those at native resolution alone, and the larger
    severity counts: in a picture of many megapixels the reduced patches are sharp when it is
    slightly blurred, and must not outvote those that show it. The pooling is that of Ilse,
    Tomczak and Welling, "Attention-based deep multiple instance learning", ICML 2018, with one
    number as attention.

    Args:
        values: float64 [patches * 2 * len(labels)]: per patch the levels, then the weights.
        views: What each patch is, as in the contract.
        labels: Names of the causes.

    Returns:
        Severity 0-1 per label.

    Raises:
        ValueError: A value is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise ValueError(f"the network for causes gave numbers that are not finite: {values}")
    told = values.reshape(len(views), -1)
    native = told[[view != "reduced" for view in views]]
    logits = _logits(told)
    if len(native):
        logits = np.maximum(logits, _logits(native))
    # This form cannot overflow, whatever the sign.
    severities = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return dict(zip(labels, (float(value) for value in severities), strict=True))


def _logits(told: np.ndarray) -> np.ndarray:
    """Means of levels [patches, labels] under the softmax of the weights beside them."""
    levels, weights = np.split(told, 2, axis=1)
    shares = np.exp(weights - weights.max(axis=0))
    return np.asarray((shares * levels).sum(axis=0) / shares.sum(axis=0))


def _cut(value: float) -> float:
    return min(max(value, 0.0), 1.0)
