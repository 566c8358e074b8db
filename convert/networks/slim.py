"""Narrower starts from a wider trained network: its strongest channels, the rest cut away.

There are no ImageNet weights of MobileNetV2 at every width to be had, and a small student that
starts from a trained larger one is ahead of one that starts from nothing. Channels are ranked by
the scale of the BatchNorm behind them (Liu et al., "Learning Efficient Convolutional Networks
through Network Slimming", ICCV 2017); blocks that add to each other keep the same channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.networks.nets import Architecture

Weights = Mapping[str, Sequence[NDArray[Any]]]
"""Arrays by layer name, in the order and layout of Keras' ``get_weights``."""


def slim(weights: Weights, wide: Architecture, narrow: Architecture) -> dict[str, list[Any]]:
    """Cuts the weights of a network down to a narrower one with the same blocks, or fewer.

    Args:
        weights: Of all layers of ``wide``.
        wide: What they belong to.
        narrow: What they shall fit: no block wider, none of another kernel, stride or expansion.
            Fewer blocks, or a smaller head, leave out the layers behind.

    Returns:
        Weights of the layers of ``narrow``; the head and the opinion layer are there only if they
        can be cut from the wide ones too.

    Raises:
        ValueError: ``narrow`` is no narrower version of ``wide``.
    """
    _check(wide, narrow)
    result: dict[str, list[Any]] = {}
    entering = _strongest([weights["stem_bn"][0]], narrow.stem)
    result |= _pair(weights, "stem", np.arange(3), entering)
    for index, block in enumerate(narrow.blocks):
        name, count = f"block{index:02d}", len(entering) * block.expansion
        inner = entering
        if block.expansion != 1:
            scales = [weights[f"{name}_{part}_bn"][0] for part in ("expand", "depthwise")]
            inner = _strongest(scales, count)
            result |= _pair(weights, f"{name}_expand", entering, inner)
        result |= _pair(weights, f"{name}_depthwise", inner, None)
        if not _adds(wide, index):
            scales = [weights[f"block{at:02d}_project_bn"][0] for at in _stage(wide, index)]
            entering = _strongest(scales, block.channels)
        result |= _pair(weights, f"{name}_project", inner, entering)
    whole = len(wide.blocks) == len(narrow.blocks)
    if whole and narrow.head == wide.head:
        result |= _pair(weights, "head", entering, np.arange(wide.head))
        if "opinion" in weights:
            result["opinion"] = list(weights["opinion"])
    return result


def _check(wide: Architecture, narrow: Architecture) -> None:
    fits = narrow.stem <= wide.stem and len(narrow.blocks) <= len(wide.blocks)
    for index, (a, b) in enumerate(zip(wide.blocks, narrow.blocks, strict=False)):
        fits &= (a.kernel, a.stride, a.expansion) == (b.kernel, b.stride, b.expansion)
        fits &= b.channels <= a.channels and _adds(wide, index) == _adds(narrow, index)
    if not fits:
        raise ValueError(f"{narrow.name} is no narrower version of {wide.name}")


def _adds(arch: Architecture, index: int) -> bool:
    """Whether a block adds what enters it to what leaves it."""
    before = arch.blocks[index - 1].channels if index else arch.stem
    block = arch.blocks[index]
    return block.stride == 1 and before == block.channels


def _stage(arch: Architecture, first: int) -> list[int]:
    """A block and those behind it that add to its output."""
    found = [first]
    while found[-1] + 1 < len(arch.blocks) and _adds(arch, found[-1] + 1):
        found.append(found[-1] + 1)
    return found


def _strongest(scales: Sequence[NDArray[Any]], count: int) -> NDArray[np.int64]:
    strength = np.prod([np.abs(scale) / (np.abs(scale).mean() + 1e-9) for scale in scales], axis=0)
    kept: NDArray[np.int64] = np.sort(np.argsort(-strength, kind="stable")[:count])
    return kept


def _pair(
    weights: Weights, name: str, entering: NDArray[np.int64], leaving: NDArray[np.int64] | None
) -> dict[str, list[Any]]:
    """A convolution and its BatchNorm; ``leaving`` None is depthwise."""
    kernel = weights[f"{name}_conv"][0][:, :, entering]
    if leaving is not None:
        kernel = kernel[..., leaving]
    kept = entering if leaving is None else leaving
    return {
        f"{name}_conv": [np.ascontiguousarray(kernel)],
        f"{name}_bn": [values[kept] for values in weights[f"{name}_bn"]],
    }
