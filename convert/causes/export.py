"""The trained network for causes as a full int8 .tflite with its contract."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.causes.degradation import LEARNT
from convert.causes.network import DetailNet, blocks, folded
from convert.quantization.tflite_export import to_tflite
from edgeiqa.inference.contract_spec import InputSpec, OutputSpec

OUTPUT = OutputSpec("causes", "patch_causes", labels=LEARNT)

PIXELS = (1.0 / 128.0, -1.0)
"""The network sees pixel / 128 - 1, which the uint8 input's scale and zero point say."""


def keras_model(net: DetailNet, spec: InputSpec) -> Any:
    """The folded network in Keras.

    Args:
        net: Trained; in evaluation mode.
        spec: Its input.

    Returns:
        A Keras 3 model from [1, patches * side, side, 1], normalised, to
        [1, patches * 2 * causes].
    """
    import keras
    from keras import layers, ops

    weights = dict(folded(net))
    patches = len(spec.views)
    image = keras.Input(spec.tensor_shape[1:], batch_size=1, name="image")

    def convolution(name: str, x: Any, *, stride: int = 1) -> Any:
        kernel, bias = weights[name]["kernel"], weights[name]["bias"]
        common = {"strides": stride, "padding": "same", "name": name}
        if name.endswith("depthwise"):
            layer: Any = layers.DepthwiseConv2D(kernel.shape[0], **common)
        else:
            layer = layers.Conv2D(kernel.shape[-1], kernel.shape[0], **common)
        result = layer(x)
        layer.set_weights([kernel, bias])
        return result

    x = ops.reshape(image, (patches, spec.height, spec.width, 1))
    x = ops.relu6(convolution("stem", x, stride=2))
    for index, (entering, leaving, stride) in enumerate(blocks()):
        y = ops.relu6(convolution(f"block{index}_depthwise", x, stride=stride))
        y = convolution(f"block{index}_pointwise", y)
        x = x + y if stride == 1 and entering == leaving else ops.relu6(y)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = ops.reshape(x, (1, patches, -1))
    native = patches - spec.views.count("reduced")
    parts = []
    for name, part in (("native", x[:, :native]), ("reduced", x[:, native:])):
        if part.shape[1] == 0:
            continue
        dense = layers.Dense(weights[name]["kernel"].shape[1], name=name)
        parts.append(dense(part))
        dense.set_weights([weights[name]["kernel"], weights[name]["bias"]])
    joined = ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    flat = ops.reshape(joined, (1, -1))
    return keras.Model(image, {OUTPUT.name: flat}, name="causes")


def to_int8(net: DetailNet, spec: InputSpec, representative: NDArray[np.uint8]) -> bytes:
    """Quantises the network.

    Args:
        net: Trained.
        spec: Its input.
        representative: uint8 [N, patches, side, side], some hundred bags of all kinds.

    Returns:
        The flatbuffer, without a contract.
    """
    pictures = representative.reshape(len(representative), *spec.tensor_shape[1:])
    return to_tflite(
        keras_model(net, spec), representative=pictures, shape=spec.tensor_shape[1:], rescale=PIXELS
    )
