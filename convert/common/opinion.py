"""Opinion histograms as training targets, for databases that publish the mean alone or with std.

A rating is modelled as Beta distributed on 0-1 with the published mean. Without a published
deviation the variance follows the SOS hypothesis, ``a * m * (1 - m)`` (Hossfeld, Schatz and Egger,
"SOS: The MOS is not enough!", QoMEX 2011), which is a Beta law of fixed concentration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOS_PARAMETER = 0.2
"""Middle of the range that the SOS paper and later image studies report (0.1 to 0.3)."""


def bin_centres(bins: int) -> tuple[float, ...]:
    """Centres of equal histogram bins on 0-1."""
    return tuple((index + 0.5) / bins for index in range(bins))


def opinion_histograms(
    mos: NDArray[np.floating],
    std: Sequence[float | None] | None = None,
    bins: int = 10,
    sos: float = SOS_PARAMETER,
) -> NDArray[np.float32]:
    """Target histograms whose mean is the MOS.

    Args:
        mos: Mean opinion scores on 0-1, [N].
        std: Published deviations on 0-1; None, or None for a row, assumes the SOS hypothesis.
        bins: Number of equal bins on 0-1.
        sos: The SOS parameter ``a``.

    Returns:
        Probabilities [N, bins], float32, rows summing to one.
    """
    from scipy.stats import beta

    mean = np.clip(np.asarray(mos, np.float64), 0.02, 0.98)
    variance = sos * mean * (1.0 - mean)
    if std is not None:
        for index, value in enumerate(std):
            if value is not None:
                variance[index] = np.clip(value**2, 1e-4, 0.9 * mean[index] * (1 - mean[index]))
    concentration = mean * (1.0 - mean) / variance - 1.0
    edges = np.linspace(0.0, 1.0, bins + 1)
    cumulative = beta.cdf(
        edges[None, :], (mean * concentration)[:, None], ((1 - mean) * concentration)[:, None]
    )
    histogram = np.diff(cumulative, axis=1)
    return (histogram / histogram.sum(axis=1, keepdims=True)).astype(np.float32)


def softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Row-wise softmax in float64, returned as float32."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return (shifted / shifted.sum(axis=-1, keepdims=True)).astype(np.float32)


def expected(logits: NDArray[Any], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Expected opinion on 0-1 of histogram logits [N, bins]."""
    score: NDArray[np.float32] = softmax(logits) @ centres
    return score
