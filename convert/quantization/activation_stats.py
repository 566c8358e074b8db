"""What the tensors of a folded network hold on real pictures: extremes, means, correlations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets import keras_nets
from ..nets.bn_folding import RELU6, Array, Folded, Layer

SAMPLES = 48
"""Positions drawn per picture and convolution for the correlations of its inputs."""


@dataclass(frozen=True)
class Channels:
    """One tensor, per channel: float64 [C] each.

    Attributes:
        low: Least value seen.
        high: Largest value seen.
        mean: Mean.
        square: Mean square.
    """

    low: Array
    high: Array
    mean: Array
    square: Array

    def scaled(self, factor: Array) -> Channels:
        """The tensor after multiplying its channels by positive numbers [C]."""
        return Channels(
            self.low * factor, self.high * factor, self.mean * factor, self.square * factor**2
        )


@dataclass(frozen=True)
class Activations:
    """All tensors of a network.

    Attributes:
        tensors: By name, ``image`` included.
        covariance: By convolution, of what one position of its output reads: float64
            [taps, taps], or [C, taps, taps] for a depthwise one; taps as in ``Layer.rows``.
    """

    tensors: Mapping[str, Channels]
    covariance: Mapping[str, Array]

    def ranges(self, folded: Folded, margin: float) -> dict[str, tuple[float, float]]:
        """Quantisation range of every tensor but the image: extremes, widened by a margin."""
        found = {}
        for name in folded.tensors:
            seen = self.tensors[name]
            low = min(0.0, float(seen.low.min())) * margin
            high = max(float(seen.high.max()) * margin, 1e-3)
            if name in folded.layers and folded.layers[name].relu:
                high = min(high, RELU6)
            found[name] = (low, high)
        return found


def observe(folded: Folded, batches: Iterable[NDArray[np.float32]], seed: int = 0) -> Activations:
    """Runs the float network over pictures and keeps what quantisation needs to know.

    Args:
        folded: The network.
        batches: Normalised pictures, float32 [B, H, W, 3] each.
        seed: Of the drawn positions.

    Raises:
        ValueError: No pictures.
    """
    import tensorflow as tf

    generator = np.random.default_rng(seed)
    readers: dict[str, list[str]] = {}
    for name, layer in folded.layers.items():
        readers.setdefault(layer.source, []).append(name)
    parts: dict[str, list[tuple[Array, ...]]] = {}
    samples: dict[str, list[NDArray[np.float32]]] = {}

    def tap(name: str, value: Any) -> Any:
        axes = tuple(range(value.ndim - 1))
        found = (
            tf.reduce_min(value, axes),
            tf.reduce_max(value, axes),
            tf.reduce_mean(value, axes),
            tf.reduce_mean(tf.square(value), axes),
        )
        parts.setdefault(name, []).append(tuple(np.asarray(one, np.float64) for one in found))
        for reader in readers.get(name, ()):
            if reader != keras_nets.OPINION:
                drawn = _draw(np.asarray(value), folded.layers[reader], generator)
                samples.setdefault(reader, []).append(drawn)
        return value

    counts = []
    for batch in batches:
        folded.run(tf.constant(batch), tap)
        counts.append(len(batch))
    if not counts:
        raise ValueError("activations need pictures, none were given")
    tensors = {}
    for name, found in parts.items():
        low, high, mean, square = (np.stack(one) for one in zip(*found, strict=True))
        weigh = np.average
        tensors[name] = Channels(
            low.min(0), high.max(0), weigh(mean, 0, counts), weigh(square, 0, counts)
        )
    return Activations(tensors, {name: _covariance(drawn) for name, drawn in samples.items()})


def _draw(
    value: NDArray[np.float32], layer: Layer, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Inputs of random output positions: [N, taps], or [N, C, taps] for a depthwise layer."""
    side = layer.kernel.shape[0]
    height, width = value.shape[1] - side + 1, value.shape[2] - side + 1
    if min(height, width) < 1:  # smaller than the kernel: pad as the convolution does
        value = np.pad(value, ((0, 0), (side // 2,) * 2, (side // 2,) * 2, (0, 0)))
        height, width = value.shape[1] - side + 1, value.shape[2] - side + 1
    y, x = generator.integers(height, size=SAMPLES), generator.integers(width, size=SAMPLES)
    window = np.stack(
        [value[:, y + dy, x + dx] for dy in range(side) for dx in range(side)], axis=-2
    ).reshape(-1, side * side, value.shape[3])
    return np.swapaxes(window, 1, 2) if layer.depthwise else window.reshape(len(window), -1)


def _covariance(drawn: list[NDArray[np.float32]]) -> Array:
    samples = np.concatenate(drawn).astype(np.float64)
    samples -= samples.mean(0)
    if samples.ndim == 2:
        return samples.T @ samples / len(samples)
    channels = np.ascontiguousarray(np.moveaxis(samples, 1, 0))
    return np.matmul(np.swapaxes(channels, 1, 2), channels) / len(samples)
