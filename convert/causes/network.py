"""The network for causes in PyTorch: a small MobileNet over patches, pooled over the picture.

Each patch gives, per cause, a level (a logit of the severity) and a weight; the picture's logit is
the mean of the levels under the softmax of the weights. So the network learns which patches tell:
one sharp eye outweighs a soft background, a blank wall says little. Trained on the whole bag (Ilse,
Tomczak and Welling, "Attention-based deep multiple instance learning", ICML 2018, with one logit as
attention). Reduced patches have an output layer of their own, for a fault of one size in pixels
looks different there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

PLAN: tuple[tuple[int, int, int], ...] = (
    (24, 1, 1),
    (40, 2, 2),
    (72, 2, 3),
    (112, 2, 2),
)
"""(channels, stride of the first, number) of separable blocks, after a stem of `STEM` channels."""

STEM = 16
EPSILON = 1e-3
MOMENTUM = 0.05


def blocks(plan: tuple[tuple[int, int, int], ...] = PLAN) -> list[tuple[int, int, int]]:
    """(channels in, channels out, stride) of every block; stride 1 and equal channels add up."""
    found, entering = [], STEM
    for channels, stride, number in plan:
        for index in range(number):
            found.append((entering, channels, stride if index == 0 else 1))
            entering = channels
    return found


class Separable(nn.Module):  # type: ignore[misc]
    """Depthwise 3x3, then pointwise; added to what came in where the shapes allow it."""

    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.adds = stride == 1 and entering == leaving
        self.stride = stride
        inside = 1 if stride == 1 else 0
        self.depthwise = nn.Conv2d(
            entering, entering, 3, stride, inside, groups=entering, bias=False
        )
        self.depthwise_bn = nn.BatchNorm2d(entering, EPSILON, MOMENTUM)
        self.pointwise = nn.Conv2d(entering, leaving, 1, bias=False)
        self.pointwise_bn = nn.BatchNorm2d(leaving, EPSILON, MOMENTUM)

    def forward(self, x: Any) -> Any:
        """[N, C, h, w] to [N, C', h / stride, w / stride]."""
        y = self.depthwise_bn(self.depthwise(halving_pad(x) if self.stride == 2 else x))
        y = self.pointwise_bn(self.pointwise(nn.functional.relu6(y)))
        return x + y if self.adds else nn.functional.relu6(y)


class DetailNet(nn.Module):  # type: ignore[misc]
    """From patches to the logits of the severities.

    Args:
        share: Which share of a bag's patches, at its end, are of the reduced picture.
        causes: How many causes are told.
    """

    def __init__(self, share: float, causes: int = 3) -> None:
        super().__init__()
        self.share, self.causes = share, causes
        self.stem = nn.Conv2d(1, STEM, 3, 2, 0, bias=False)
        self.stem_bn = nn.BatchNorm2d(STEM, EPSILON, MOMENTUM)
        self.blocks = nn.ModuleList(Separable(*block) for block in blocks())
        width = PLAN[-1][0]
        self.native_head = nn.Linear(width, 2 * causes)
        self.reduced_head = nn.Linear(width, 2 * causes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        self.to(memory_format=torch.channels_last)

    def forward(self, patches: Any) -> Any:
        """Levels and weights per patch.

        Args:
            patches: [B, P, side, side], 0-255, any dtype.

        Returns:
            float32 [B, P, 2 * causes]: first the levels, then the weights.
        """
        count = patches.shape[1]
        x = patches.reshape(-1, 1, *patches.shape[2:]).float() / 128.0 - 1.0
        x = x.contiguous(memory_format=torch.channels_last)
        x = nn.functional.relu6(self.stem_bn(self.stem(halving_pad(x))))
        for block in self.blocks:
            x = block(x)
        features = x.mean((2, 3)).float().reshape(-1, count, x.shape[1])
        native = count - round(self.share * count)
        heads = self.native_head(features[:, :native]), self.reduced_head(features[:, native:])
        return torch.cat([head.float() for head in heads], 1)


def halving_pad(x: Any) -> Any:
    """Pads for a 3x3 convolution of stride 2 as TensorFlow's `same` does at even sides."""
    return nn.functional.pad(x, (0, 1, 0, 1))


def pooled(outputs: Any) -> Any:
    """The logits of a picture's severities.

    Args:
        outputs: float32 [B, P, 2 * causes], as `DetailNet` gives them.

    Returns:
        float32 [B, causes].
    """
    levels, weights = outputs.chunk(2, dim=-1)
    return (levels * weights.softmax(1)).sum(1)


def folded(net: DetailNet) -> list[tuple[str, dict[str, Any]]]:
    """The layers with BatchNorm folded in, in the order of computation, for any other framework.

    Returns:
        (name, {"kernel": float32 in Keras' layout, "bias": float32}) per convolution and head.
    """
    layers: list[tuple[str, dict[str, Any]]] = []

    def add(name: str, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
        kernel = (conv.weight.detach() * scale[:, None, None, None]).permute(
            (2, 3, 0, 1) if conv.groups > 1 else (2, 3, 1, 0)
        )
        bias = norm.bias.detach() - norm.running_mean * scale
        layers.append((name, {"kernel": _array(kernel), "bias": _array(bias)}))

    add("stem", net.stem, net.stem_bn)
    for index, block in enumerate(net.blocks):
        add(f"block{index}_depthwise", block.depthwise, block.depthwise_bn)
        add(f"block{index}_pointwise", block.pointwise, block.pointwise_bn)
    for name, head in (("native", net.native_head), ("reduced", net.reduced_head)):
        kernel, bias = head.weight.detach().T, head.bias.detach()
        layers.append((name, {"kernel": _array(kernel), "bias": _array(bias)}))
    return layers


def _array(tensor: Any) -> Any:
    return np.ascontiguousarray(tensor.float().cpu().numpy())
