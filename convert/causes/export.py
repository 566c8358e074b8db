"""The trained network for causes as a full int8 .tflite with its contract."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeiqa.inference.contract_spec import InputSpec, OutputSpec

from ..quantization.tflite_export import to_tflite
from .degradation import LEARNED
from .network import DetailNet

OUTPUT = OutputSpec("causes", "patch_causes", labels=LEARNED)

PIXELS = (1.0 / 128.0, -1.0)
"""The network sees pixel / 128 - 1, which the uint8 input's scale and zero point say."""


def keras_model(net: DetailNet, spec: InputSpec) -> Any:
    """The network as it is converted: the converter folds BatchNorm into the convolutions.

    Args:
        net: Trained.
        spec: Its input.

    Returns:
        A Keras 3 model from [1, patches * side, side, 1], normalised, to
        [1, patches * 2 * causes].
    """
    import keras
    from keras import ops

    image = keras.Input(spec.tensor_shape[1:], batch_size=1, name="image")
    outputs = net.heads(ops.reshape(image, (1, len(spec.views), spec.height, spec.width)))
    return keras.Model(image, {OUTPUT.name: ops.reshape(outputs, (1, -1))}, name="causes")


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
