"""A trained student with its BatchNorms folded away: what an int8 file really computes.

Quantisation happens to the folded convolutions, so ranges, equalisation and rounding are decided
on this form. It exists as plain arrays here, as a float ``tf_keras`` network, and as the same
network with fake quantisation by tensorflow-model-optimization, which
:mod:`convert.quantization.fake_quant` builds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets import keras_nets

Array = NDArray[np.float64]
RELU6 = 6.0

DEAREST = 1.6
"""A merged bottleneck may cost this many times the multiplications of the two convolutions."""


@dataclass(frozen=True)
class Layer:
    """One folded convolution, or the opinion layer.

    Attributes:
        kernel: float64; [h, w, in, out] of a convolution, [h, w, in, 1] of a depthwise one,
            [in, out] of the opinion layer.
        bias: float64 [out].
        source: Name of the tensor that it reads; a tensor is called after what makes it.
        depthwise: Whether each channel has its own kernel.
        stride: 1 or 2.
        relu: Whether ReLU6 follows.
    """

    kernel: Array
    bias: Array
    source: str
    depthwise: bool = False
    stride: int = 1
    relu: bool = True

    @property
    def rows(self) -> Array:
        """The kernel as float64 [out, taps], in the order of :meth:`with_rows`."""
        kernel = np.swapaxes(self.kernel, 2, 3) if self.depthwise else self.kernel
        return np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1]).T)

    def with_rows(self, rows: Array, bias: Array | None = None) -> Layer:
        """The layer with another kernel, float64 [out, taps], and another bias if given."""
        if self.depthwise:
            height, width, channels, _ = self.kernel.shape
            kernel = rows.T.reshape(height, width, channels, 1)
        else:
            kernel = rows.T.reshape(self.kernel.shape)
        return replace(self, kernel=kernel, bias=self.bias if bias is None else bias)


@dataclass(frozen=True)
class Folded:
    """A folded network.

    Attributes:
        arch: Its architecture.
        layers: By name, in the order of computation: ``stem``, ``block01_expand``,
            ``block01_depthwise``, ``block01_project``, ..., ``head``, ``opinion``.
    """

    arch: keras_nets.Architecture
    layers: dict[str, Layer]

    @property
    def sums(self) -> dict[str, tuple[str, str]]:
        """Residual additions: name to the two tensors that are added."""
        return _sums(self.arch)

    @property
    def tensors(self) -> list[str]:
        """Names of all activation tensors in the order of computation, input excluded."""
        names = []
        for name in self.layers:
            if name == keras_nets.OPINION:
                names.append(keras_nets.EMBEDDING)
            names.append(name)
            added = name.replace("_project", "_add")
            if name.endswith("_project") and added in self.sums:
                names.append(added)
        return names

    def streams(self) -> list[tuple[list[str], list[str], list[str]]]:
        """Linear tensors that share one scale per channel, because they are added up.

        Returns:
            For each: the convolutions that write it, its tensors, the convolutions that read it.
        """
        found: list[tuple[list[str], list[str], list[str]]] = []
        for index in range(len(self.arch.blocks)):
            name = f"block{index:02d}"
            project, added = f"{name}_project", f"{name}_add"
            if added in self.sums:
                found[-1][0].append(project)
                found[-1][1].extend([project, added])
            elif project in self.layers:
                found.append(([project], [project], []))
            else:  # merged into what read it
                continue
            found[-1][2].extend(
                reader for reader, layer in self.layers.items() if layer.source in (project, added)
            )
        return found

    def run(self, image: Any, tap: Callable[[str, Any], Any] | None = None) -> Any:
        """Computes the opinion logits with TensorFlow.

        Args:
            image: Normalised pixels [B, H, W, 3]; everything is computed in their dtype.
            tap: Called with the name of each tensor, ``image`` first, and its value; what it
                returns is used instead.

        Returns:
            Logits [B, bins].
        """
        import tensorflow as tf

        tap = tap or (lambda _, value: value)
        held = {"image": tap("image", image)}
        for name, layer in self.layers.items():
            if name == keras_nets.OPINION:
                pooled = tf.reduce_mean(held["head"], (1, 2))
                pooled = tap(keras_nets.EMBEDDING, pooled)
                kernel, bias = (tf.constant(a, pooled.dtype) for a in (layer.kernel, layer.bias))
                return tap(name, tf.matmul(pooled, kernel) + bias)
            value = _convolve(layer, held[layer.source])
            held[name] = tap(name, value)
            added = name.replace("_project", "_add")
            if name.endswith("_project") and added in self.sums:
                first, second = self.sums[added]
                held[added] = tap(added, held[first] + held[second])
        raise ValueError(f"the network has no {keras_nets.OPINION} layer")


def _convolve(layer: Layer, value: Any) -> Any:
    import tensorflow as tf

    kernel = tf.constant(layer.kernel, value.dtype)
    if layer.depthwise:
        strides = [1, layer.stride, layer.stride, 1]
        value = tf.nn.depthwise_conv2d(value, kernel, strides, "SAME")
    else:
        value = tf.nn.conv2d(value, kernel, layer.stride, "SAME")
    value = value + tf.constant(layer.bias, value.dtype)
    return tf.nn.relu6(value) if layer.relu else value


def _sums(arch: keras_nets.Architecture) -> dict[str, tuple[str, str]]:
    sums, current = {}, "stem"
    for index in range(len(arch.blocks)):
        name = f"block{index:02d}"
        entering, current = current, f"{name}_project"
        if arch.adds(index):
            sums[f"{name}_add"] = (entering, current)
            current = f"{name}_add"
    return sums


def fold(student: Any, arch: keras_nets.Architecture) -> Folded:
    """Folds the BatchNorms of a student into its convolutions.

    Args:
        student: A network of :func:`convert.nets.keras_nets.build`, Keras 3 or ``tf_keras``.
        arch: Its architecture.
    """
    sums = _sums(arch)
    layers: dict[str, Layer] = {}

    def add(name: str, source: str, *, relu: bool, stride: int = 1, depthwise: bool = False) -> str:
        (kernel,) = student.get_layer(f"{name}_conv").get_weights()
        statistics = student.get_layer(f"{name}_bn").get_weights()
        gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in statistics)
        factor = gamma / np.sqrt(variance + arch.epsilon)
        scaled = factor[:, None] if depthwise else factor
        layers[name] = Layer(
            np.asarray(kernel, np.float64) * scaled,
            beta - mean * factor,
            source,
            depthwise=depthwise,
            stride=stride,
            relu=relu,
        )
        return name

    current = add("stem", "image", relu=True, stride=2)
    for index, block in enumerate(arch.blocks):
        name = f"block{index:02d}"
        inner = current
        if block.expansion != 1:
            inner = add(f"{name}_expand", inner, relu=True)
        inner = add(f"{name}_depthwise", inner, relu=True, stride=block.stride, depthwise=True)
        current = add(f"{name}_project", inner, relu=False)
        if f"{name}_add" in sums:
            current = f"{name}_add"
    add("head", current, relu=True)
    kernel, bias = (
        np.asarray(part, np.float64) for part in student.get_layer(keras_nets.OPINION).get_weights()
    )
    layers[keras_nets.OPINION] = Layer(kernel, bias, keras_nets.EMBEDDING, relu=False)
    return Folded(arch, layers)


def merge_bottlenecks(folded: Folded) -> Folded:
    """Multiplies linear bottlenecks with the one 1x1 convolution that reads them.

    Nothing but int8 rounding comes between the two, and that hurts where the bottleneck is
    narrow: MobileNetV2's first has 16 channels, and its reader takes small differences of large
    ones. One convolution in place of two says the same in float and needs no tensor in between.
    Those whose product would cost much more than the two, or that are added to others, stay.

    Args:
        folded: The network.

    Returns:
        The same function with fewer layers.
    """
    layers = dict(folded.layers)
    added = {part for parts in folded.sums.values() for part in parts}
    for name, layer in folded.layers.items():
        readers = [reader for reader, other in layers.items() if other.source == name]
        if not name.endswith("_project") or name in added or len(readers) != 1:
            continue
        reader = layers[readers[0]]
        narrow, wide = layer.kernel.shape[-1], reader.kernel.shape[-1]
        entering = layer.kernel.shape[2]
        separate, together = narrow * (entering + wide), entering * wide
        if reader.depthwise or reader.kernel.shape[0] != 1 or together > DEAREST * separate:
            continue
        kernel = layer.kernel[0, 0] @ reader.kernel[0, 0]
        layers[readers[0]] = replace(
            reader,
            kernel=kernel[None, None],
            bias=reader.bias + layer.bias @ reader.kernel[0, 0],
            source=layer.source,
        )
        del layers[name]
    return Folded(folded.arch, layers)
