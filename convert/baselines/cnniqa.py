"""CNNIQA: a patch-wise network whose patch labels are the picture's MOS.

Kang, Ye, Li, Doermann, "Convolutional neural networks for no-reference image quality assessment",
CVPR 2014. As published but for the optimiser (Adam instead of SGD with momentum) and random
instead of adjacent training patches.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.manifest import rows_digest
from ..training.loop import Batch
from .base import RgbArray, Scorer, TrainingData, grey, mos_of
from .features import picture_features
from .network import Runner, frozen, schedule, train

PATCH = 32
KERNELS = 50
KERNEL = 7
HIDDEN = 800
RADIUS = 3
CONSTANT = 10.0

PICTURES = (9000, 150)
PATCHES_KEPT = (24, 16)
"""Random patches kept of each training picture."""

EPOCHS = (5, 2)
BATCH_PICTURES = 16
PATCHES_PER_STEP = 12
RATE = 1e-3


def normalise(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Local contrast normalisation of section 3.1: 7 x 7 box, C = 10.

    Args:
        luma: uint8 [H, W].

    Returns:
        Float32 [H, W].
    """
    from scipy.ndimage import uniform_filter

    x = luma.astype(np.float32)
    side = 2 * RADIUS + 1
    mean: NDArray[np.float32] = uniform_filter(x, side, mode="reflect")
    square: NDArray[np.float32] = uniform_filter(x * x, side, mode="reflect")
    deviation = np.sqrt(np.maximum(square - mean * mean, 0.0))
    return np.asarray((x - mean) / (deviation + np.float32(CONSTANT)), np.float32)


def tiles(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """All whole 32 x 32 patches side by side, [patches, 32, 32]; smaller planes are mirrored."""
    missing = [max(0, PATCH - side) for side in plane.shape]
    if any(missing):
        plane = np.pad(plane, [(0, n) for n in missing], mode="symmetric")
    rows, columns = plane.shape[0] // PATCH, plane.shape[1] // PATCH
    cut = plane[: rows * PATCH, : columns * PATCH]
    return np.ascontiguousarray(
        cut.reshape(rows, PATCH, columns, PATCH).swapaxes(1, 2).reshape(-1, PATCH, PATCH)
    )


def random_patches(rgb: RgbArray, count: int, seed: int) -> NDArray[np.float16]:
    """Normalised patches at random places: float16 [count, 32, 32]."""
    plane = normalise(grey(rgb))
    missing = [max(0, PATCH - side) for side in plane.shape]
    plane = np.pad(plane, [(0, n) for n in missing], mode="symmetric") if any(missing) else plane
    generator = np.random.default_rng(seed)
    y = generator.integers(plane.shape[0] - PATCH + 1, size=count)
    x = generator.integers(plane.shape[1] - PATCH + 1, size=count)
    windows = np.lib.stride_tricks.sliding_window_view(plane, (PATCH, PATCH))
    return np.asarray(windows[y, x], np.float16)


def build() -> Any:
    """The network of the paper: [N, 32, 32, 1] normalised patches to a score [N, 1]."""
    import keras
    from keras import layers, ops

    patches = keras.Input((PATCH, PATCH, 1))
    maps = layers.Conv2D(KERNELS, KERNEL)(patches)
    pooled = ops.concatenate([ops.max(maps, axis=(1, 2)), ops.min(maps, axis=(1, 2))], axis=1)
    hidden = layers.Dense(HIDDEN, activation="relu")(pooled)
    hidden = layers.Dense(HIDDEN, activation="relu")(hidden)
    return keras.Model(patches, layers.Dense(1, name="last")(layers.Dropout(0.5)(hidden)))


def macs(patches: int) -> int:
    """Multiply-accumulates of the network for so many patches."""
    side = PATCH - KERNEL + 1
    layers = side * side * KERNELS * KERNEL**2
    layers += 2 * KERNELS * HIDDEN + HIDDEN * HIDDEN + HIDDEN
    return patches * layers


class Cnniqa:
    """CNNIQA trained on patches of our training pictures."""

    name = "cnniqa"
    title = "CNNIQA, patch-wise"
    paper = "Kang et al. 2014"
    version = 2
    extra = "baselines"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Trains with the mean absolute error, each patch labelled with its picture's MOS."""
        import keras

        rows, kept = data.part(*PICTURES), data.count(*PATCHES_KEPT)
        patches = picture_features(
            f"cnniqa-1-{kept}-{data.seed}",
            lambda rgb: random_patches(rgb, kept, data.seed),
            rows,
            data.root,
            data.work,
        )
        mos = mos_of(rows).astype(np.float32)
        keras.utils.set_random_seed(data.seed)
        network = build()
        network.get_layer("last").bias.assign([float(mos.mean())])

        def batch(chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
            which = generator.integers(kept, size=(len(chosen), PATCHES_PER_STEP))
            pixels = np.stack([patches[i][w] for i, w in zip(chosen, which, strict=True)])
            pixels = pixels.reshape(-1, PATCH, PATCH, 1).astype(np.float32)
            return {"input": pixels, "target": np.repeat(mos[chosen], PATCHES_PER_STEP)[:, None]}

        plan = schedule(data.count(*EPOCHS), BATCH_PICTURES, RATE, data.seed)
        loss = keras.losses.mean_absolute_error
        train(network, loss, batch, len(rows), plan, folder / "cnniqa", rows_digest(rows))
        return frozen(network, (PATCH, PATCH, 1))

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """The mean score of all patches, as in the paper."""
        run = Runner(arrays)

        def score(rgb: RgbArray) -> float:
            return float(run(tiles(normalise(grey(rgb)))[..., None]).mean())

        # Two box filters cost additions only; the luma three products, the square one.
        total = macs((512 // PATCH) ** 2) + 512 * 512 * (3 + 1)
        return Scorer(score, run.parameters, total, run.bytes)
