"""Cross-layer equalisation: the same float network, with channels that int8 resolves better.

A channel can be multiplied by a positive number where it is written and divided by it where it is
read. TFLite has one scale per output channel of a kernel and one per activation tensor, so this
moves range from where it is scarce to where it is free (Nagel et al., "Data-Free Quantization
Through Weight Equalization and Bias Correction", ICCV 2019):

* what a depthwise convolution reads is stretched to the whole ReLU6 range, channel by channel:
  both kernels around it have a scale per channel, so this costs nothing at all;
* everywhere else the strength is searched that makes the expected noise of the readers least.

ReLU6 clips at 6 whatever the scale, so no channel is stretched beyond it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.bn_folding import RELU6, Array, Folded
from .activation_stats import Activations, Channels

_FLOOR = 1e-4
"""Directions of a bottleneck weaker than this share of the strongest are hardly amplified."""

_POWERS = (0.0, 0.125, 0.25, 0.375, 0.5)

_LARGEST_FREE, _LARGEST = 1000.0, 64.0
"""No channel is stretched further: those that hardly ever speak would be all rounding."""


def equalise(folded: Folded, seen: Activations, margin: float) -> tuple[Folded, Activations]:
    """Rescales channels; the float network computes the same, up to clipping beyond the margin.

    Args:
        folded: The network.
        seen: Its activations.
        margin: How far beyond the largest value seen a channel may go before it is clipped.

    Returns:
        The rescaled network and its activations.
    """
    work = _Work(folded, seen)
    for writers, tensors, readers in folded.streams():
        work.apply(writers, tensors, readers, work.search(tensors, readers, margin))
    for reader, layer in folded.layers.items():
        if layer.depthwise and folded.layers[layer.source].relu:
            high = work.tensors[layer.source].high * margin
            factor = np.clip(RELU6 / np.maximum(high, 1e-9), 1.0, _LARGEST_FREE)
            factor[high < 1e-3] = 1.0
            work.apply([layer.source], [layer.source], [reader], factor)
    for name, layer in folded.layers.items():
        if layer.depthwise:
            readers = [reader for reader, other in folded.layers.items() if other.source == name]
            factor = work.search([name], readers, margin, RELU6)
            work.apply([name], [name], readers, factor)
    return Folded(folded.arch, work.layers), Activations(work.tensors, work.covariance)


def whiten(folded: Folded, seen: Activations, batches: Iterable[NDArray[np.float32]]) -> Folded:
    """Turns linear bottlenecks so that their rounding noise hurts all readers alike.

    What a projection writes is only added and read by 1x1 convolutions, so an invertible matrix
    may multiply it there if its inverse multiplies the readers. Where channels are alike and a
    reader takes differences of them, rounding noise drowns those. The matrix is a power of the
    covariance, from none (0) to whitening (-1/2); the power that makes the least noise is taken,
    with the ranges that it really leads to on the pictures.

    Args:
        folded: The network.
        seen: Its activations.
        batches: Normalised pictures, float32 [B, H, W, 3] each.

    Returns:
        The turned network, the same function.
    """
    import tensorflow as tf

    streams = folded.streams()
    turns = []
    for _, _, readers in streams:
        covariance = np.mean([seen.covariance[name] for name in readers], axis=0)
        power, axes = np.linalg.eigh(covariance)
        power = power / power.max() + _FLOOR
        turns.append([(axes * power**-half) @ axes.T for half in _POWERS])
    place = {name: number for number, (_, tensors, _) in enumerate(streams) for name in tensors}
    low, high = np.zeros((len(streams), len(_POWERS))), np.zeros((len(streams), len(_POWERS)))

    def tap(name: str, value: Any) -> Any:
        if name in place:
            number = place[name]
            for column, turn in enumerate(turns[number]):
                turned = tf.linalg.matmul(value, tf.constant(turn.T, tf.float32))
                low[number, column] = min(low[number, column], float(tf.reduce_min(turned)))
                high[number, column] = max(high[number, column], float(tf.reduce_max(turned)))
        return value

    for batch in batches:
        folded.run(tf.constant(batch), tap)
    layers = dict(folded.layers)
    for (writers, _, readers), candidates, span in zip(streams, turns, high - low, strict=True):
        noises = []
        for turn, width in zip(candidates, span, strict=True):
            back = np.linalg.inv(turn)
            shares = []
            for name in readers:
                rows = folded.layers[name].rows
                variance = np.einsum("oi,ij,oj->o", rows, seen.covariance[name], rows) + 1e-9
                shares.append((((rows @ back) ** 2).sum(1) * width**2 / variance).mean())
            noises.append(float(np.mean(shares)))
        turn = candidates[int(np.argmin(noises))]
        for name in writers:
            layer = layers[name]
            layers[name] = layer.with_rows(turn @ layer.rows, turn @ layer.bias)
        for name in readers:
            layers[name] = layers[name].with_rows(layers[name].rows @ np.linalg.inv(turn))
    return Folded(folded.arch, layers)


class _Work:
    """A network and its activations while channels are rescaled."""

    def __init__(self, folded: Folded, seen: Activations) -> None:
        self.layers = dict(folded.layers)
        self.tensors = dict(seen.tensors)
        self.covariance = dict(seen.covariance)

    def apply(
        self, writers: Sequence[str], tensors: Sequence[str], readers: Sequence[str], factor: Array
    ) -> None:
        """Multiplies channels where they are written, divides them where they are read."""
        for name in writers:
            layer = self.layers[name]
            self.layers[name] = layer.with_rows(layer.rows * factor[:, None], layer.bias * factor)
        for name in tensors:
            self.tensors[name] = self.tensors[name].scaled(factor)
        for name in readers:
            layer = self.layers[name]
            self.layers[name] = replace(layer, kernel=layer.kernel / factor[:, None])
            outer = (
                factor[:, None, None] ** 2 if layer.depthwise else factor[:, None] * factor[None]
            )
            self.covariance[name] = self.covariance[name] * outer

    def search(
        self,
        tensors: Sequence[str],
        readers: Sequence[str],
        margin: float,
        ceiling: float | None = None,
    ) -> Array:
        """Factors that make the noise in the readers least, between none and full equalisation."""
        held = [self.tensors[name] for name in tensors]
        largest = np.max([np.maximum(one.high, -one.low) for one in held], axis=0) * margin
        silent = largest < 1e-3
        stretch = largest.max() / np.maximum(largest, 1e-3)
        found: list[tuple[float, Array]] = []
        for strength in np.linspace(0.0, 1.0, 11):
            factor = np.where(silent, 1.0, np.minimum(stretch**strength, _LARGEST))
            if ceiling is not None:
                room = np.maximum(ceiling / np.maximum(largest, 1e-9), 1.0)
                factor = np.minimum(factor, room)
            noise = sum(self._noise(name, held, factor) for name in readers)
            found.append((float(noise), factor))
        return min(found, key=lambda one: one[0])[1]

    def _noise(self, reader: str, held: Sequence[Channels], factor: Array) -> float:
        """Expected rounding noise of a 1x1 convolution's outputs, as a share of their variance."""
        rows, covariance = self.layers[reader].rows, self.covariance[reader]
        variance = np.einsum("oi,ij,oj->o", rows, covariance, rows) + 1e-9
        after = [one.scaled(factor) for one in held]
        span = max(max(one.high.max(), 0.0) - min(one.low.min(), 0.0) for one in after)
        kernel = rows / factor
        activations = (kernel**2).sum(1) * (span / 255) ** 2 / 12
        steps = np.abs(kernel).max(1) / 127
        weights = steps**2 / 12 * after[0].square.sum()
        return float(((activations + weights) / variance).mean())
