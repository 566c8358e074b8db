"""The networks: MobileNetV2 students and EfficientNet-Lite teachers, from one block.

Both families are stacks of inverted residuals with ReLU6 and without squeeze-excite, which is what
quantises to int8 as a single partition. Every stride-2 convolution pads ``same`` (one trailing row
and column for even sizes): TFLite fuses it, and weights trained with symmetric padding compute the
same features half a stride further along.

Sources: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018;
Tan and Le, "EfficientNet", ICML 2019, and its Lite variants (Liu, TensorFlow blog, 2020).

The builders take the Keras module as an argument, because quantisation-aware training needs the
same graph in ``tf_keras`` (Keras 2) that Keras 3 trained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

PIXEL_SCALE = 1.0 / 128.0
PIXEL_OFFSET = -1.0
"""Network input is ``pixel * PIXEL_SCALE + PIXEL_OFFSET``: exactly uint8 with zero point 128."""

THIN_HEAD = 640
"""Width of the embedding of a network with thinner blocks."""

OPINION = "opinion"
EMBEDDING = "embedding"
PROJECTION = "opinion_features"


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted residual: expand by 1x1, depthwise ``kernel``, project to ``channels``."""

    kernel: int
    stride: int
    expansion: int
    channels: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """A backbone as a list of blocks.

    Attributes:
        name: Name used in files and on the command line.
        stem: Output channels of the first convolution.
        blocks: The inverted residuals in order.
        head: Output channels of the last 1x1 convolution, the width of the embedding.
        epsilon: BatchNorm epsilon that the pretrained weights expect.
    """

    name: str
    stem: int
    blocks: tuple[Block, ...]
    head: int
    epsilon: float

    def adds(self, index: int) -> bool:
        """Whether a block adds what enters it to what leaves it."""
        before = self.blocks[index - 1].channels if index else self.stem
        return self.blocks[index].stride == 1 and before == self.blocks[index].channels


def _round_channels(channels: float, divisor: int = 8) -> int:
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def mobilenet_v2(alpha: float = 1.0, epsilon: float = 1e-3) -> Architecture:
    """MobileNetV2 with width multiplier ``alpha`` (table 2 of the paper)."""
    blocks: list[Block] = []
    for expansion, channels, repeats, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        width = _round_channels(channels * alpha)
        blocks += [Block(3, stride if i == 0 else 1, expansion, width) for i in range(repeats)]
    head = _round_channels(1280 * alpha) if alpha > 1.0 else 1280
    name = "mobilenet_v2" if alpha == 1.0 else f"mobilenet_v2_{alpha:g}"
    return Architecture(name, _round_channels(32 * alpha), tuple(blocks), head, epsilon)


def efficientnet_lite(variant: int) -> Architecture:
    """EfficientNet-Lite0 to Lite4; stem, head, first and last stage keep their size."""
    width, depth = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2), 3: (1.2, 1.4), 4: (1.4, 1.8)}[
        variant
    ]
    stages = (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    )
    blocks: list[Block] = []
    for index, (repeats, kernel, stride, expansion, channels) in enumerate(stages):
        count = repeats if index in (0, len(stages) - 1) else math.ceil(depth * repeats)
        out = _round_channels(channels * width)
        blocks += [Block(kernel, stride if i == 0 else 1, expansion, out) for i in range(count)]
    return Architecture(f"efficientnet_lite{variant}", 32, tuple(blocks), 1280, 1e-3)


def architecture(name: str) -> Architecture:
    """Looks an architecture up by name.

    Args:
        name: ``mobilenet_v2``, ``mobilenet_v2_ALPHA``, either with ``_tN`` for expansion factor N,
            or ``efficientnet_lite0`` to ``4``.

    Raises:
        ValueError: No such architecture.
    """
    lite = re.fullmatch(r"efficientnet_lite([0-4])", name)
    if lite:
        return efficientnet_lite(int(lite[1]))
    mobile = re.fullmatch(r"mobilenet_v2(?:_(\d+(?:\.\d+)?))?(?:_t([1-6]))?", name)
    if mobile:
        arch = mobilenet_v2(float(mobile[1] or 1.0))
        if mobile[2] is not None:
            # "t" is the paper's letter for it. What flows from block to block stays as wide.
            thin = [replace(b, expansion=min(b.expansion, int(mobile[2]))) for b in arch.blocks]
            return replace(arch, name=name, blocks=tuple(thin), head=THIN_HEAD)
        return arch
    raise ValueError(
        f"unknown network {name!r}; known: mobilenet_v2, mobilenet_v2_<width such as 0.35>, "
        "both with _t<expansion 1 to 6>, efficientnet_lite0 ... 4"
    )


def apply_stem(keras: Any, arch: Architecture, x: Any) -> Any:
    """The first convolution, stride 2."""
    x = keras.layers.Conv2D(
        arch.stem, 3, strides=2, padding="same", use_bias=False, name="stem_conv"
    )(x)
    return _normalise(keras, arch, x, "stem", activate=True)


def apply_blocks(
    keras: Any, arch: Architecture, x: Any, start: int = 0, stop: int | None = None
) -> Any:
    """The inverted residuals ``start`` to ``stop`` (exclusive) on a feature map."""
    layers = keras.layers
    for index, block in list(enumerate(arch.blocks))[start:stop]:
        name = f"block{index:02d}"
        entering, channels = x, x.shape[-1]
        if block.expansion != 1:
            x = layers.Conv2D(
                channels * block.expansion, 1, use_bias=False, name=f"{name}_expand_conv"
            )(x)
            x = _normalise(keras, arch, x, f"{name}_expand", activate=True)
        x = layers.DepthwiseConv2D(
            block.kernel,
            strides=block.stride,
            padding="same",
            use_bias=False,
            name=f"{name}_depthwise_conv",
        )(x)
        x = _normalise(keras, arch, x, f"{name}_depthwise", activate=True)
        x = layers.Conv2D(block.channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
        x = _normalise(keras, arch, x, f"{name}_project", activate=False)
        if block.stride == 1 and channels == block.channels:
            x = layers.Add(name=f"{name}_add")([entering, x])
    return x


def apply_head(keras: Any, arch: Architecture, x: Any, bins: int, dropout: float) -> Any:
    """The last convolution, global average and opinion logits.

    Returns:
        The pooled embedding [B, arch.head] and the histogram logits [B, bins], both linear.
    """
    layers = keras.layers
    x = layers.Conv2D(arch.head, 1, use_bias=False, name="head_conv")(x)
    x = _normalise(keras, arch, x, "head", activate=True)
    embedding = layers.GlobalAveragePooling2D(name=EMBEDDING)(x)
    x = layers.Dropout(dropout, name="dropout")(embedding) if dropout else embedding
    return embedding, layers.Dense(bins, name=OPINION)(x)


def _normalise(keras: Any, arch: Architecture, x: Any, name: str, *, activate: bool) -> Any:
    # Keras' default momentum of 0.99 suits the short schedules here; MobileNetV2's stock 0.999
    # leaves the moving averages behind and the net then evaluates as a constant.
    x = keras.layers.BatchNormalization(epsilon=arch.epsilon, momentum=0.97, name=f"{name}_bn")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def build(
    keras: Any,
    arch: Architecture,
    size: int | Sequence[int] | None,
    *,
    bins: int = 10,
    dropout: float = 0.0,
    rescale: bool = True,
    embedding: bool = False,
) -> Any:
    """Builds a complete network.

    Args:
        keras: The module ``keras`` or ``tf_keras``.
        arch: The backbone.
        size: Input height and width in pixels (one number for a square), or None for any.
        bins: Number of opinion histogram bins.
        dropout: Share of the embedding dropped in training.
        rescale: True takes float pixels 0-255 and normalises them in a first layer; False takes
            pixels that are already ``pixel * PIXEL_SCALE + PIXEL_OFFSET``.
        embedding: True returns ``[opinion, embedding]`` instead of the opinion alone.

    Returns:
        A functional model; input float32 [B, H, W, 3] RGB, output logits [B, bins].
    """
    if size is None or isinstance(size, int):
        height, width = size, size
    else:
        height, width = size
    image = keras.Input((height, width, 3), name="image")
    x = image
    if rescale:
        x = keras.layers.Rescaling(PIXEL_SCALE, offset=PIXEL_OFFSET, name="pixels")(x)
    x = apply_stem(keras, arch, x)
    x = apply_blocks(keras, arch, x)
    pooled, opinion = apply_head(keras, arch, x, bins, dropout)
    return keras.Model(image, [opinion, pooled] if embedding else opinion, name=arch.name)


def build_trunk(keras: Any, arch: Architecture, stop: int) -> Any:
    """Builds the stem and the first ``stop`` blocks: pixels 0-255 to a feature map [B, h, w, C]."""
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.Rescaling(PIXEL_SCALE, offset=PIXEL_OFFSET, name="pixels")(image)
    x = apply_blocks(keras, arch, apply_stem(keras, arch, x), 0, stop)
    return keras.Model(image, x, name=f"{arch.name}_trunk")


def build_top(keras: Any, arch: Architecture, start: int, *, bins: int, dropout: float) -> Any:
    """Builds what follows :func:`build_trunk`: feature map to ``[opinion, embedding]``."""
    channels = arch.blocks[start - 1].channels
    entry = keras.Input((None, None, channels), name="map")
    x = apply_blocks(keras, arch, entry, start)
    pooled, opinion = apply_head(keras, arch, x, bins, dropout)
    return keras.Model(entry, [opinion, pooled], name=f"{arch.name}_top")


def freeze(model: Any, blocks: int) -> None:
    """Keeps stem and first blocks as they are: neither trained nor normalised by batch.

    Args:
        model: From :func:`build`.
        blocks: Number of blocks; 0 freezes nothing, not even the stem.
    """
    for layer in model.layers:
        first = layer.name.split("_")[0]
        below = first == "stem" or (first.startswith("block") and int(first[5:]) < blocks)
        layer.trainable = not (blocks and below)


def freeze_statistics(model: Any) -> None:
    """Keeps every BatchNorm as it is, for a few pictures say little about statistics."""
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            layer.trainable = False


def with_projection(keras: Any, model: Any, width: int) -> Any:
    """A network whose embedding is projected into the teacher's space while it is trained.

    Args:
        keras: The module ``keras``.
        model: From :func:`build` with ``embedding=True``; its layers are shared.
        width: Length of the teacher's features; 0 leaves the embedding as it is.
    """
    if not width:
        return model
    opinion, embedding = model.outputs
    projected = keras.layers.Dense(width, use_bias=False, name=PROJECTION)(embedding)
    return keras.Model(model.inputs[0], [opinion, projected], name=model.name)
