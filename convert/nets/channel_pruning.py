"""Thinner starts from a trained network: fewer hidden channels in every block, the rest refitted.

What flows from block to block keeps all its channels, and so most of what was learned; only the
expanded channels inside a block are fewer. Which stay is found by forward selection, on what the
trained network computes from photographs: each time the channel that explains most of what the
block's output still lacks. The projection is then refitted by least squares, from what the thinned
blocks before hand over, so that errors do not add up (He, Zhang and Sun, "Channel Pruning for
Accelerating Very Deep Neural Networks", ICCV 2017; Luo, Wu and Lin, "ThiNet", ICCV 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .keras_nets import OPINION, PIXEL_OFFSET, PIXEL_SCALE, Architecture, mobilenet_v2

RIDGE = 1e-3
"""Ridge of the least squares, as a share of the mean variance of a channel."""

EXPLAINED = 1e-6
"""A channel with less than this share of its variance left is explained by those before it."""

POSITIONS = 64
"""Positions drawn from each feature map."""

BATCH = 32

Maps = NDArray[np.float32]  # [B, h, w, C]
Places = NDArray[np.int64]


def thicker(arch: Architecture, init: str | Path) -> Architecture | None:
    """The network that weights belong to, if it is the same but for thicker blocks.

    Args:
        arch: The network that is to start from them.
        init: An ``.npz`` of an earlier run, or what else ``--init`` takes.

    Returns:
        MobileNetV2 if the file holds its weights and ``arch`` is a thinner one; None otherwise.
    """
    wide = mobilenet_v2()
    same = [(b.kernel, b.stride, b.channels) for b in arch.blocks] == [
        (b.kernel, b.stride, b.channels) for b in wide.blocks
    ]
    path = Path(init)
    if arch.blocks == wide.blocks or not same or path.suffix != ".npz" or not path.is_file():
        return None
    with np.load(path) as stored:
        key = "block01_expand_conv/0"
        found = stored[key].shape[-1] if key in stored.files else None
    before, block = wide.blocks[0].channels, wide.blocks[1]
    return wide if found == before * block.expansion else None


def select(
    candidates: NDArray[np.float64], target: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """Columns that together explain most of a target, by forward selection.

    Args:
        candidates: [samples, channels], centred.
        target: [samples, outputs], centred.
        count: Number of columns to keep.

    Returns:
        Their numbers, ascending.
    """
    gram = candidates.T @ candidates
    shared = candidates.T @ target
    whole = np.diagonal(gram).copy()
    chosen: list[int] = []
    free = np.ones(len(gram), np.bool_)
    for _ in range(count):
        left = np.diagonal(gram)
        # What others explain to rounding has nothing to add, and must not be divided by.
        alive = free & (left > EXPLAINED * np.maximum(whole, EXPLAINED))
        gain = np.where(free, 0.0, -1.0)
        gain[alive] = (shared[alive] ** 2).sum(1) / left[alive]
        best = int(gain.argmax())
        chosen.append(best)
        free[best] = False
        if alive[best]:
            # What the chosen one explains is taken out of the others and of the target.
            column, weight = gram[:, best].copy(), float(left[best])
            shared -= np.outer(column, shared[best].copy()) / weight
            gram -= np.outer(column, column) / weight
    return np.sort(np.array(chosen, np.int64))


def refit(
    inputs: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ridge regression with an intercept: weights [channels, outputs] and bias [outputs]."""
    mean, goal = inputs.mean(0), target.mean(0)
    centred = inputs - mean
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram, centred.T @ (target - goal))
    return weights, goal - mean @ weights


def thin(
    wide: Any, narrow: Any, arch: Architecture, pictures: NDArray[np.uint8], seed: int = 0
) -> None:
    """Fills a thinner network from a trained one.

    Args:
        wide: The trained network, from :func:`convert.nets.keras_nets.build`.
        narrow: One with fewer hidden channels and perhaps a smaller head; changed.
        arch: The architecture of ``narrow``.
        pictures: uint8 [N, H, W, 3] RGB; a few hundred.
        seed: Of the positions that are looked at.
    """
    generator = np.random.default_rng(seed)
    _copy(wide, narrow, "stem")
    trained = [
        _array(_step(wide, "stem", part.astype(np.float32) * PIXEL_SCALE + PIXEL_OFFSET))
        for part in np.array_split(pictures, -(-len(pictures) // BATCH))
    ]
    thinned = trained
    for index, block in enumerate(arch.blocks):
        name = f"block{index:02d}"
        count = narrow.get_layer(f"{name}_project_conv").kernel.shape[2]
        places = _places(trained, block.stride, generator)
        hidden = _sampled(thinned, places, partial(_hidden, wide, index))
        outputs = [_block(wide, arch, index, part) for part in trained]
        goal = _sampled(outputs, places)
        if arch.adds(index):
            goal = goal - _sampled(thinned, places)
        kept = select(hidden - hidden.mean(0), goal - goal.mean(0), count)
        if block.expansion != 1:
            _copy(wide, narrow, f"{name}_expand", kept)
        _copy(wide, narrow, f"{name}_depthwise", kept)
        _set_projection(narrow, f"{name}_project", hidden[:, kept], goal)
        thinned = [_block(narrow, arch, index, part) for part in thinned]
        trained = outputs
    _thin_head(wide, narrow, arch, thinned, generator)


def _thin_head(
    wide: Any, narrow: Any, arch: Architecture, maps: Sequence[Maps], generator: np.random.Generator
) -> None:
    places = _places(maps, 1, generator)
    features = _sampled(maps, places, partial(_step, wide, "head"))
    weight, offset = (value.astype(np.float64) for value in wide.get_layer(OPINION).get_weights())
    kept = np.arange(features.shape[1])
    if arch.head < len(kept):
        # The opinions alone have few outputs; all features keep what else a student learns.
        goal = features @ weight
        scale = features.std() / max(float(goal.std()), 1e-9)
        both = np.concatenate([features, goal * scale * len(kept) / goal.shape[1]], 1)
        kept = select(features - features.mean(0), both - both.mean(0), arch.head)
    _copy(wide, narrow, "head", kept)
    # Pooling is linear, so what holds at each position holds for the mean.
    fitted, bias = refit(features[:, kept], features @ weight)
    narrow.get_layer(OPINION).set_weights([fitted, offset + bias])


def _step(net: Any, name: str, x: Any) -> Any:
    """A convolution with its BatchNorm and, where there is one, its activation."""
    x = net.get_layer(f"{name}_bn")(net.get_layer(f"{name}_conv")(x), training=False)
    return x if name.endswith("_project") else net.get_layer(f"{name}_relu")(x)


def _hidden(net: Any, index: int, x: Any) -> Any:
    name = f"block{index:02d}"
    if any(layer.name == f"{name}_expand_conv" for layer in net.layers):
        x = _step(net, f"{name}_expand", x)
    return _step(net, f"{name}_depthwise", x)


def _block(net: Any, arch: Architecture, index: int, x: Maps) -> Maps:
    y = _array(_step(net, f"block{index:02d}_project", _hidden(net, index, x)))
    return x + y if arch.adds(index) else y


def _array(tensor: Any) -> Maps:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def _places(maps: Sequence[Maps], stride: int, generator: np.random.Generator) -> list[Places]:
    """Positions of the maps behind a block, [pictures, POSITIONS] per batch."""
    height, width = (-(-side // stride) for side in maps[0].shape[1:3])
    return [generator.integers(height * width, size=(len(part), POSITIONS)) for part in maps]


def _sampled(
    maps: Sequence[Maps], places: Sequence[Places], function: Callable[[Any], Any] = lambda x: x
) -> NDArray[np.float64]:
    """Samples of maps, or of what a function makes of them and is too large to keep whole."""
    rows = []
    for part, where in zip(maps, places, strict=True):
        made = _array(function(part))
        flat = made.reshape(len(made), -1, made.shape[-1])
        drawn = np.take_along_axis(flat, where[..., None], axis=1)
        rows.append(drawn.reshape(-1, made.shape[-1]).astype(np.float64))
    return np.concatenate(rows)


def _copy(wide: Any, narrow: Any, name: str, leaving: Any = None) -> None:
    pick = slice(None) if leaving is None else leaving
    (kernel,) = wide.get_layer(f"{name}_conv").get_weights()
    # A depthwise kernel is [h, w, channels, 1].
    kernel = kernel[:, :, pick] if name.endswith("_depthwise") else kernel[..., pick]
    narrow.get_layer(f"{name}_conv").set_weights([kernel])
    norm = wide.get_layer(f"{name}_bn").get_weights()
    narrow.get_layer(f"{name}_bn").set_weights([value[pick] for value in norm])


def _set_projection(
    net: Any, name: str, inputs: NDArray[np.float64], goal: NDArray[np.float64]
) -> None:
    weights, bias = refit(inputs, goal)
    linear = inputs @ weights
    norm = net.get_layer(f"{name}_bn")
    # The same function, with statistics that the next batches will confirm.
    mean, variance = linear.mean(0), linear.var(0)
    net.get_layer(f"{name}_conv").set_weights([weights[None, None]])
    norm.set_weights([np.sqrt(variance + norm.epsilon), bias + mean, mean, variance])
