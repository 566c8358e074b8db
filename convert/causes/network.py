"""The network for causes: a small MobileNet over patches, pooled over the picture.

Each patch gives, per cause, a level (a logit of the severity) and a weight; the picture's logit is
the mean of the levels under the softmax of the weights. So the network learns which patches matter:
one sharp eye outweighs a soft background, a blank wall says little. Trained on the whole bag (Ilse,
Tomczak and Welling, "Attention-based deep multiple instance learning", ICML 2018, with one logit as
attention). Reduced patches have an output layer of their own, for a fault of one size in pixels
looks different there.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

PLAN: tuple[tuple[int, int, int], ...] = (
    (24, 1, 1),
    (40, 2, 2),
    (72, 2, 3),
    (112, 2, 2),
)
"""(channels, stride of the first, number) of separable blocks, after a stem of `STEM` channels."""

STEM = 16
EPSILON = 1e-3
MOMENTUM = 0.95


def _normalised(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=f"{name}_bn")(x)


def _features() -> Any:
    """Separable blocks over one patch: normalised luma [N, side, side, 1] to features [N, C]."""
    common: dict[str, Any] = {
        "padding": "same",
        "use_bias": False,
        "kernel_initializer": keras.initializers.VarianceScaling(2.0, "fan_out"),
    }
    depthwise = {**common, "depthwise_initializer": common["kernel_initializer"]}
    del depthwise["kernel_initializer"]
    patch = keras.Input((None, None, 1), name="patch")
    x = layers.Conv2D(STEM, 3, strides=2, name="stem", **common)(patch)
    x = ops.relu6(_normalised(x, "stem"))
    sizes = [
        (channels, stride if index == 0 else 1)
        for channels, stride, number in PLAN
        for index in range(number)
    ]
    for index, (channels, stride) in enumerate(sizes):
        name = f"block{index}"
        y = layers.DepthwiseConv2D(3, strides=stride, name=f"{name}_depthwise", **depthwise)(x)
        y = ops.relu6(_normalised(y, f"{name}_depthwise"))
        y = layers.Conv2D(channels, 1, name=f"{name}_pointwise", **common)(y)
        y = _normalised(y, f"{name}_pointwise")
        x = x + y if stride == 1 and x.shape[-1] == channels else ops.relu6(y)
    return keras.Model(patch, layers.GlobalAveragePooling2D(name="mean")(x), name="features")


class DetailNet:
    """From patches to the logits of the severities.

    Args:
        share: Which share of a bag's patches, at its end, are of the reduced picture.
        causes: How many causes there are.
    """

    def __init__(self, share: float, causes: int = 3) -> None:
        self.share = share
        self.features = _features()
        self.native = layers.Dense(2 * causes, name="native")
        self.reduced = layers.Dense(2 * causes, name="reduced")
        self.for_bags(2, 32)  # builds the heads

    def native_count(self, patches: int) -> int:
        """How many patches of a bag, at its start, are of the picture at its own size."""
        return patches - round(self.share * patches)

    def heads(self, patches: Any) -> Any:
        """Levels and weights [B, P, 2 * causes] of normalised patches [B, P, side, side]."""
        _, count, side, _ = patches.shape
        features = self.features(ops.reshape(patches, (-1, side, side, 1)))
        features = ops.reshape(features, (-1, count, PLAN[-1][0]))
        native = self.native_count(count)
        parts = [
            head(part)
            for head, part in (
                (self.native, features[:, :native]),
                (self.reduced, features[:, native:]),
            )
            if part.shape[1]
        ]
        return ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def for_bags(self, patches: int, side: int) -> Any:
        """The network over bags of a size, as a model that shares these weights.

        Args:
            patches: Patches of a bag.
            side: Height and width of a patch.

        Returns:
            A model from [B, P, side, side], 0-255, to float32 [B, P, 2 * causes]: first the
            levels, then the weights.
        """
        bag = keras.Input((patches, side, side), name="bag")
        return keras.Model(bag, self.heads(bag / 128.0 - 1.0), name="causes")


def pooled(outputs: Any) -> Any:
    """The logits of a picture's severities.

    Args:
        outputs: float32 [B, P, 2 * causes], as `DetailNet` gives them.

    Returns:
        float32 [B, causes].
    """
    levels, weights = ops.split(outputs, 2, axis=-1)
    return ops.sum(levels * ops.softmax(weights, axis=1), axis=1)
