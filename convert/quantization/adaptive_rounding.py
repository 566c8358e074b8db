"""Rounding of kernels to int8 that keeps what the layer says, not each weight.

Weights are rounded one after the other, and each rounding error is made up for by those that are
still free, as far as inputs are correlated: the closed form of Frantar et al., "GPTQ: Accurate
Post-Training Quantization for Generative Pre-trained Transformers", ICLR 2023 (after Hassibi and
Stork's optimal brain surgeon, 1993). What is left of the mean error goes into the bias, which is
int32 (bias correction, Nagel et al., ICCV 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..nets import keras_nets
from ..nets.bn_folding import Array, Folded, Layer
from .activation_stats import Activations

LEVELS = 127
_DAMPING = 1e-3


def round_kernels(
    folded: Folded, seen: Activations, ranges: Mapping[str, tuple[float, float]]
) -> Folded:
    """Puts every kernel on its int8 grid.

    Args:
        folded: The network, equalised.
        seen: Its activations.
        ranges: Range of each tensor: its rounding noise keeps compensation from relying on it.

    Returns:
        The network with kernels that are whole multiples, -127 to 127, of a scale per output
        channel (one scale in all for the opinion layer, as older runtimes want it).
    """
    layers = {}
    for name, layer in folded.layers.items():
        rows = layer.rows
        mean = seen.tensors[layer.source].mean
        if name == keras_nets.OPINION:
            scale = np.full(len(rows), max(np.abs(rows).max(), 1e-12) / LEVELS)
            rounded = np.round(rows / scale[:, None]) * scale[:, None]
        else:
            scale = np.maximum(np.abs(rows).max(1), 1e-12) / LEVELS
            low, high = ranges.get(layer.source, (-1.0, 127 / 128))
            noise = ((high - low) / 255) ** 2 / 12 if layer.source in ranges else 0.0
            rounded = round_rows(rows, scale, seen.covariance[name], noise)
        layers[name] = layer.with_rows(
            rounded, layer.bias - _mean_change(layer, rounded - rows, mean)
        )
    return Folded(folded.arch, layers)


def _mean_change(layer: Layer, change: Array, mean: Array) -> Array:
    if layer.depthwise:
        return change.sum(1) * mean
    positions = change.shape[1] // len(mean)
    return change @ np.tile(mean, positions)


def round_rows(rows: Array, scale: Array, covariance: Array, noise: float = 0.0) -> Array:
    """Rounds kernels so that ``(rounded - rows) @ covariance @ (rounded - rows).T`` stays small.

    Args:
        rows: Kernels, float64 [out, taps].
        scale: Step of each row, [out].
        covariance: Of the inputs, [taps, taps], or [out, taps, taps] where each row has its own.
        noise: Variance of noise in each input.

    Returns:
        float64 [out, taps], multiples of ``scale`` from -127 to 127.
    """
    held = covariance if covariance.ndim == 3 else covariance[None]
    spread = np.trace(held, axis1=1, axis2=2) / held.shape[-1]
    damping = noise + _DAMPING * spread + 1e-12
    held = held + damping[:, None, None] * np.eye(held.shape[-1])
    # Inputs that matter most are rounded first, while others can still make up for it.
    order = np.argsort(-held.diagonal(axis1=1, axis2=2).mean(0))
    held = held[:, order][:, :, order]
    upper = np.swapaxes(np.linalg.cholesky(np.linalg.inv(held)), 1, 2)
    # The largest weight says the scale, here and to the converter, so it stays where it is.
    pinned_to = np.round(rows / scale[:, None])
    pinned = np.abs(pinned_to) >= LEVELS
    free, rounded = rows[:, order].copy(), np.empty_like(rows)
    for tap in range(rows.shape[1]):
        whole = np.clip(np.round(free[:, tap] / scale), -LEVELS, LEVELS)
        whole = np.where(pinned[:, order[tap]], pinned_to[:, order[tap]], whole)
        rounded[:, order[tap]] = whole * scale
        weights = upper[:, tap, tap:]
        error = (free[:, tap] - whole * scale) / weights[:, 0]
        free[:, tap:] -= error[:, None] * weights
    return rounded
