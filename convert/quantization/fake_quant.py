"""Fake quantisation of a folded student with tensorflow-model-optimization.

The library's own scheme gives depthwise kernels one scale for all channels, and lets activation
ranges follow a slow moving average. TFLite has a scale per channel, and ranges are known from
calibration, so both are stated here through the library's ``QuantizeConfig``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from ..nets import keras_nets
from ..nets.bn_folding import Folded, Layer
from .tflite_export import pin_input_range

Range = tuple[float, float]
LEVELS = 127
"""Kernels are symmetric: whole numbers from -127 to 127."""


class HeldRange(tfmot.quantization.keras.quantizers.Quantizer):  # type: ignore[misc]
    """Quantises activations to a stated range, asymmetric int8.

    Args:
        low: Least value, at most 0.
        high: Largest value.
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = float(low), float(high)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Adds no variable: the range is stated."""
        return {}

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        """Fake-quantises; slopes are those of a clip to the range."""
        return tf.quantization.fake_quant_with_min_max_args(inputs, self.low, self.high)

    def get_config(self) -> dict[str, Any]:
        """What :meth:`__init__` takes."""
        return {"low": self.low, "high": self.high}


class KernelGrid(tfmot.quantization.keras.quantizers.Quantizer):  # type: ignore[misc]
    """Quantises kernels to -127..127 times a stated scale per channel.

    The kernel's variable holds weights as shares of the largest of their channel, so that one
    learning rate suits kernels of any size. The largest itself stays at 127: from it the
    converter finds the same scale again.

    Args:
        axis: Axis of the output channels; None has one scale for the whole kernel, as fully
            connected layers of older TFLite runtimes want it.
    """

    def __init__(self, axis: int | None = -1) -> None:
        self.axis = axis

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Adds the largest absolute weight per channel, and which weights are pinned to it."""
        shape = [1] * len(tensor_shape)
        if self.axis is not None:
            shape[self.axis] = tensor_shape[self.axis]
        largest = layer.add_weight(f"{name}_largest", shape=shape, trainable=False)
        pins = layer.add_weight(f"{name}_pins", shape=tensor_shape, trainable=False)
        return {"largest": largest, "pins": pins}

    def state(self, kernel: Any, variables: Mapping[str, Any], value: Any) -> None:
        """Sets variables to a kernel.

        Args:
            kernel: The layer's kernel variable.
            variables: From :meth:`build`.
            value: The weights, float [of the kernel's shape].
        """
        axes = None
        if self.axis is not None:
            kept = self.axis % value.ndim
            axes = tuple(axis for axis in range(value.ndim) if axis != kept)
        largest = np.maximum(np.abs(value).max(axes, keepdims=True), 1e-12)
        shares = value / largest
        variables["largest"].assign(largest.astype(np.float32))
        variables["pins"].assign(np.where(np.abs(shares) > 0.999, np.sign(shares), 0.0))
        kernel.assign(shares.astype(np.float32))

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        """The kernel on its grid, with slopes as if it were not rounded."""
        shares = tf.clip_by_value(inputs, -1.0, 1.0)
        rounded = tf.round(shares * LEVELS) / LEVELS
        shares = shares + tf.stop_gradient(rounded - shares)
        pins = weights["pins"]
        return tf.where(tf.equal(pins, 0.0), shares, pins) * weights["largest"]

    def get_config(self) -> dict[str, Any]:
        """What :meth:`__init__` takes."""
        return {"axis": self.axis}


_AXES = {"conv": -1, "depthwise": 2, "dense": None}


class StatedConfig(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]
    """One layer: its kernel on a grid, its output in a stated range.

    Args:
        low: Least value of the output.
        high: Largest value of the output.
        kernel: ``conv``, ``depthwise``, ``dense``, or ``none`` for layers without one.
    """

    def __init__(self, low: float, high: float, kernel: str = "none") -> None:
        self.low, self.high, self.kernel = float(low), float(high), kernel

    @property
    def _attribute(self) -> str:
        return "depthwise_kernel" if self.kernel == "depthwise" else "kernel"

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        """The kernel, if the layer has one."""
        if self.kernel == "none":
            return []
        return [(getattr(layer, self._attribute), KernelGrid(_AXES[self.kernel]))]

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
        """Puts the quantised kernel in the layer."""
        if quantize_weights:
            setattr(layer, self._attribute, quantize_weights[0])

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        """None: ReLU6 is part of the layer, its result is the output."""
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
        """Has nothing to set."""
        return

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """The stated range."""
        return [HeldRange(self.low, self.high)]

    def get_config(self) -> dict[str, Any]:
        """What :meth:`__init__` takes."""
        return {"low": self.low, "high": self.high, "kernel": self.kernel}


CUSTOM_OBJECTS = {one.__name__: one for one in (HeldRange, KernelGrid, StatedConfig)}


def build_aware(folded: Folded, ranges: Mapping[str, Range], size: int) -> Any:
    """The folded network with fake quantisation.

    Args:
        folded: The network.
        ranges: Range of every tensor of :attr:`Folded.tensors`.
        size: Height and width in pixels.

    Returns:
        A ``tf_keras`` model of ``pixel * PIXEL_SCALE + PIXEL_OFFSET``, float32 [B, H, W, 3].
    """
    layers, annotate = tf_keras.layers, tfmot.quantization.keras.quantize_annotate_layer

    def stated(layer: Any, kernel: str = "none") -> Any:
        return annotate(layer, quantize_config=StatedConfig(*ranges[layer.name], kernel))

    image = tf_keras.Input((size, size, 3), name="image")
    held = {"image": image}
    for name, layer in folded.layers.items():
        if name == keras_nets.OPINION:
            pool = layers.GlobalAveragePooling2D(name=keras_nets.EMBEDDING)
            held[keras_nets.EMBEDDING] = stated(pool)(held["head"])
            dense = layers.Dense(len(layer.bias), name=name)
            held[name] = stated(dense, "dense")(held[keras_nets.EMBEDDING])
            continue
        kind = "depthwise" if layer.depthwise else "conv"
        held[name] = stated(_keras_layer(name, layer), kind)(held[layer.source])
        added = name.replace("_project", "_add")
        if name.endswith("_project") and added in folded.sums:
            parts = [held[part] for part in folded.sums[added]]
            held[added] = stated(layers.Add(name=added))(parts)
    marked = tf_keras.Model(image, held[keras_nets.OPINION], name=folded.arch.name)
    with tf_keras.utils.custom_object_scope(CUSTOM_OBJECTS):
        model = tfmot.quantization.keras.quantize_apply(marked)
    for name, layer in folded.layers.items():
        wrapper = model.get_layer(f"quant_{name}")
        ((kernel, grid, variables),) = wrapper._weight_vars
        grid.state(kernel, variables, layer.kernel)
        wrapper.layer.bias.assign(layer.bias.astype(np.float32))
    black = keras_nets.PIXEL_OFFSET
    pin_input_range(model, black, black + 255 * keras_nets.PIXEL_SCALE)
    return model


def _keras_layer(name: str, layer: Layer) -> Any:
    activation = tf.nn.relu6 if layer.relu else None
    side = layer.kernel.shape[0]
    settings = {"strides": layer.stride, "padding": "same", "activation": activation, "name": name}
    if layer.depthwise:
        return tf_keras.layers.DepthwiseConv2D(side, **settings)
    return tf_keras.layers.Conv2D(layer.kernel.shape[-1], side, **settings)
