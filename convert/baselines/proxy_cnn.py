"""Proxy-label pre-training, then regression to MOS.

After BIECON (Kim and Lee, "Fully deep blind image quality predictor", IEEE J. Sel. Top. Signal
Process. 11(1), 2017) and DIQA (Kim, Nguyen, Lee, "Deep CNN-based blind image quality predictor",
IEEE Trans. Neural Netw. Learn. Syst. 30(1), 2019). Stage one learns a score per patch whose mean
matches the full-reference proxy of the crop; stage two pools mean and deviation of the patch
features (BIECON's pooling) into a small regression on MOS and fine-tunes the whole. Input is the
luma without its low frequencies, as in DIQA, with these in a second channel, since DIQA's
hand-made feature for them would not see exposure.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.manifest import rows_digest
from ..training.loop import Batch
from . import proxy
from .base import RgbArray, Scorer, TrainingData, grey, mos_of
from .features import GREY_SIDE, grey_square, picture_features
from .network import Runner, frozen, schedule, train

# Kernel, output channels; every layer but the fourth halves the picture.
LAYERS = ((5, 24, 2), (3, 32, 2), (3, 48, 2), (3, 64, 1), (3, 96, 2))
HIDDEN = 64
LOW = 7
"""Low frequencies are what means over squares of this side leave."""

CLEAN = (160, 12)
PER_PICTURE = (4, 2)
CROP = 192
PROXY_EPOCHS = (10, 1)
PICTURES = (9000, 150)
EPOCHS = (4, 1)
BATCH = 16
RATE = 1e-3


def build() -> tuple[Any, Any]:
    """The network in its two stages, with the same features.

    Returns:
        Models from grey pixels [N, H, W, 1] in 0-255 to a score [N, 1]: the mean of patch scores,
        and the regression on pooled features.
    """
    import keras
    from keras import layers, ops

    pixels = keras.Input((None, None, 1))
    x = pixels / 255.0
    low = layers.AveragePooling2D(LOW, strides=1, padding="same")(x)
    maps = ops.concatenate([4.0 * (x - low), low - 0.5], axis=-1)
    for kernel, channels, stride in LAYERS:
        maps = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False)(maps)
        maps = layers.ReLU()(layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(maps))
    patch = ops.mean(layers.Conv2D(1, 1)(maps), axis=(1, 2))
    mean = ops.mean(maps, axis=(1, 2), keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(maps - mean), axis=(1, 2)) + 1e-6)
    pooled = ops.concatenate([ops.mean(maps, axis=(1, 2)), deviation], axis=1)
    mos = layers.Dense(1, name="last")(layers.Dense(HIDDEN, activation="relu")(pooled))
    return keras.Model(pixels, patch), keras.Model(pixels, mos)


def macs(height: int, width: int) -> int:
    """Multiply-accumulates of the network in its "mos" stage."""
    total, entering = 0, 2
    for kernel, channels, stride in LAYERS:
        height, width = -(-height // stride), -(-width // stride)
        total += height * width * kernel**2 * entering * channels
        entering = channels
    # The deviation squares each feature once.
    return total + height * width * entering + 2 * entering * HIDDEN + HIDDEN


class ProxyCnn:
    """The two-stage network on our training pictures."""

    name = "proxy"
    title = "Proxy labels, then MOS"
    paper = "after Kim and Lee 2017"
    version = 2
    extra = "baselines"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Makes proxy labels, learns them, then the MOS."""
        import keras

        keras.utils.set_random_seed(data.seed)
        by_patches, by_features = build()
        self._learn_proxies(by_patches, data, folder / "proxy-stage")
        self._learn_mos(by_features, data, folder / "mos-stage")
        return frozen(by_features, (None, None, 1))

    def _learn_proxies(self, network: Any, data: TrainingData, folder: Path) -> None:
        import keras

        best = sorted(data.rows, key=lambda row: (-row.mos, row.path))[: data.count(*CLEAN)]
        made = proxy.proxy_set(
            best,
            data.root,
            data.work,
            per_picture=data.count(*PER_PICTURE),
            side=CROP,
            seed=data.seed,
        )
        lumas = np.stack([grey(rgb) for rgb in made.pixels])
        labels = made.labels.astype(np.float32)[:, None]

        def batch(chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
            pixels = lumas[chosen]
            pixels = pixels[:, :, ::-1] if generator.random() < 0.5 else pixels
            return {"input": pixels[..., None].astype(np.float32), "target": labels[chosen]}

        plan = schedule(data.count(*PROXY_EPOCHS), BATCH, RATE, data.seed)
        loss = keras.losses.mean_squared_error
        train(network, loss, batch, len(labels), plan, folder, rows_digest(best))

    def _learn_mos(self, network: Any, data: TrainingData, folder: Path) -> None:
        import keras

        rows = data.part(*PICTURES)
        lumas = picture_features("grey-1", grey_square, rows, data.root, data.work)
        mos = mos_of(rows).astype(np.float32)[:, None]
        network.get_layer("last").bias.assign([float(mos.mean())])
        share = GREY_SIDE - CROP + 1

        def batch(chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
            pixels = np.empty((len(chosen), CROP, CROP, 1), np.float32)
            for slot, index in enumerate(chosen):
                y, x = (int(v) for v in generator.integers(share, size=2))
                crop = lumas[index, y : y + CROP, x : x + CROP]
                pixels[slot, ..., 0] = crop[:, ::-1] if generator.random() < 0.5 else crop
            return {"input": pixels, "target": mos[chosen]}

        plan = schedule(data.count(*EPOCHS), BATCH, RATE, data.seed)
        loss = keras.losses.mean_squared_error
        train(network, loss, batch, len(rows), plan, folder, rows_digest(rows))

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """The whole picture at its own resolution, fully convolutionally."""
        run = Runner(arrays)

        def score(rgb: RgbArray) -> float:
            return float(run(grey(rgb)[None, ..., None].astype(np.float32))[0, 0])

        total = macs(512, 512) + 512 * 512 * 3
        return Scorer(score, run.parameters, total, run.bytes)
