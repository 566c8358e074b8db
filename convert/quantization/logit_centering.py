"""The opinion layer's output range: fine where the softmax looks, cut off where it does not.

An int8 output has 255 steps. Logits of a histogram wander together from picture to picture, and
those of unlikely opinions go far below the likely ones; both cost steps and say nothing, since the
softmax sees differences only. So what all logits have in common is taken out by a linear function
of the logits themselves, which becomes part of the kernel, and what is far below the likely ones
saturates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets import keras_nets
from ..nets.bn_folding import Array, Folded

DEPTH = 9.0
"""Opinions this far below the likeliest, exp(-9) or 0.01%, may be rounded up to it."""

RARE = 0.005
"""Share of the pictures whose likeliest opinion may be lower than the range was made for."""


def centre_opinion(
    folded: Folded, logits: Array, margin: float
) -> tuple[Folded, tuple[float, float]]:
    """Takes out of all logits what they have in common.

    Args:
        folded: The network.
        logits: Its logits on calibration pictures, [N, bins].
        margin: How far beyond the largest logit the range goes.

    Returns:
        The network with another opinion layer, of the same histograms, and the range in which its
        logits differ enough to matter.
    """
    largest = logits.max(1, keepdims=True)
    common = largest[:, 0] + np.log(np.exp(logits - largest).sum(1))
    known = np.column_stack([logits, np.ones(len(logits))])
    weights = np.linalg.lstsq(known, common, rcond=None)[0]
    opinion = folded.layers[keras_nets.OPINION]
    centred = replace(
        opinion,
        kernel=opinion.kernel - (opinion.kernel @ weights[:-1])[:, None],
        bias=opinion.bias - (opinion.bias @ weights[:-1] + weights[-1]),
    )
    tops = (logits - (known @ weights)[:, None]).max(1)
    low = min(float(np.quantile(tops, RARE)) - DEPTH, -DEPTH)
    high = max(float(tops.max()) * margin, 1e-3)
    return Folded(folded.arch, {**folded.layers, keras_nets.OPINION: centred}), (low, high)


def settle_opinion(
    rounded: Folded,
    target: Folded,
    ranges: Mapping[str, tuple[float, float]],
    batches: Iterable[NDArray[np.float32]],
) -> Folded:
    """Takes the mean error of all rounding before it out of the opinion layer's bias.

    Args:
        rounded: The network with kernels on their int8 grids.
        target: The float network.
        ranges: Range of each tensor, rounded to 8 bits here.
        batches: Normalised pictures, float32 [B, H, W, 3] each.

    Returns:
        ``rounded`` with another opinion bias.
    """
    import tensorflow as tf

    def tap(name: str, value: Any) -> Any:
        if name not in ranges or name == keras_nets.OPINION:
            return value
        return tf.quantization.fake_quant_with_min_max_vars(value, *ranges[name])

    errors = [
        np.asarray(target.run(batch) - rounded.run(batch, tap), np.float64) for batch in batches
    ]
    opinion = rounded.layers[keras_nets.OPINION]
    settled = replace(opinion, bias=opinion.bias + np.concatenate(errors).mean(0))
    return Folded(rounded.arch, {**rounded.layers, keras_nets.OPINION: settled})
