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

from convert.baselines import proxy
from convert.baselines.base import (
    FLOAT_BYTES,
    RgbArray,
    Scorer,
    TrainingData,
    grey,
    load_arrays,
    mos_of,
    save_arrays,
)
from convert.baselines.features import GREY_SIDE, grey_square, picture_features
from convert.baselines.torch_training import Plan, parameters_of, set_weights, train, weights_of
from convert.datasets.manifest import rows_digest

# Kernel, output channels; every layer but the fourth halves the picture.
LAYERS = ((5, 24, 2), (3, 32, 2), (3, 48, 2), (3, 64, 1), (3, 96, 2))
HIDDEN = 64
LOW = 4
"""Low frequencies are what is left at a quarter of the size."""

CLEAN = (160, 12)
PER_PICTURE = (4, 2)
CROP = 192
PROXY_EPOCHS = (10, 1)
PICTURES = (9000, 150)
EPOCHS = (4, 1)
BATCH = 16
RATE = 1e-3


def build() -> Any:
    """The network: grey pixels [N, 1, H, W] in 0-255 to a score [N].

    Its attribute ``stage`` says whether the score is the mean of patch scores ("proxy") or the
    regression on pooled features ("mos").
    """
    import torch
    from torch import nn

    class Network(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            layers: list[Any] = []
            entering = 2
            for kernel, channels, stride in LAYERS:
                layers.append(
                    nn.Conv2d(entering, channels, kernel, stride, kernel // 2, bias=False)
                )
                layers += [nn.BatchNorm2d(channels), nn.ReLU()]
                entering = channels
            self.features = nn.Sequential(*layers)
            self.patch = nn.Conv2d(entering, 1, 1)
            self.first = nn.Linear(2 * entering, HIDDEN)
            self.last = nn.Linear(HIDDEN, 1)
            self.stage = "proxy"

        def forward(self, pixels: Any) -> Any:
            x = pixels / 255.0
            low = nn.functional.avg_pool2d(x, LOW, ceil_mode=True, count_include_pad=False)
            low = nn.functional.interpolate(
                low, size=x.shape[2:], mode="bilinear", align_corners=False
            )
            maps = self.features(torch.cat([4.0 * (x - low), low - 0.5], dim=1))
            if self.stage == "proxy":
                return self.patch(maps).mean(dim=(1, 2, 3))
            flat = maps.flatten(2)
            deviation = (flat.var(dim=2, unbiased=False) + 1e-6).sqrt()
            pooled = torch.cat([flat.mean(dim=2), deviation], dim=1)
            return self.last(torch.relu(self.first(pooled))).squeeze(1)

    return Network()


def macs(height: int, width: int) -> int:
    """Multiply-accumulates of the network in its "mos" stage."""
    total = height * width * 4  # bilinear enlargement of the low frequencies
    entering = 2
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
    version = 1
    extra = "baselines"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Makes proxy labels, learns them, then the MOS."""
        import torch

        torch.manual_seed(data.seed)
        network = build()
        stage_one = folder / "proxy-stage.npz"
        if stage_one.is_file():
            set_weights(network, load_arrays(stage_one))
        else:
            self._learn_proxies(network, data, folder)
            save_arrays(stage_one, weights_of(network))
        return self._learn_mos(network, data, folder)

    def _learn_proxies(self, network: Any, data: TrainingData, folder: Path) -> None:
        import torch

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
        labels = made.labels.astype(np.float32)

        def batch(chosen: NDArray[np.int64], generator: np.random.Generator) -> tuple[Any, Any]:
            pixels = lumas[chosen]
            pixels = pixels[:, :, ::-1] if generator.random() < 0.5 else pixels
            pixels = np.ascontiguousarray(pixels[:, None], np.float32)
            return torch.from_numpy(pixels), torch.from_numpy(labels[chosen])

        network.stage = "proxy"
        plan = Plan(data.count(*PROXY_EPOCHS), BATCH, RATE, data.seed)
        state = folder / "proxy-stage.pt"
        loss = torch.nn.functional.mse_loss
        train(network, loss, batch, len(labels), plan, state, rows_digest(best))

    def _learn_mos(
        self, network: Any, data: TrainingData, folder: Path
    ) -> Mapping[str, NDArray[Any]]:
        import torch

        rows = data.part(*PICTURES)
        lumas = picture_features("grey-1", grey_square, rows, data.root, data.work)
        mos = mos_of(rows).astype(np.float32)
        with torch.no_grad():
            network.last.bias.fill_(float(mos.mean()))
        share = GREY_SIDE - CROP + 1

        def batch(chosen: NDArray[np.int64], generator: np.random.Generator) -> tuple[Any, Any]:
            pixels = np.empty((len(chosen), 1, CROP, CROP), np.float32)
            for slot, index in enumerate(chosen):
                y, x = (int(v) for v in generator.integers(share, size=2))
                crop = lumas[index, y : y + CROP, x : x + CROP]
                pixels[slot, 0] = crop[:, ::-1] if generator.random() < 0.5 else crop
            return torch.from_numpy(pixels), torch.from_numpy(mos[chosen])

        network.stage = "mos"
        plan = Plan(data.count(*EPOCHS), BATCH, RATE, data.seed)
        loss = torch.nn.functional.mse_loss
        train(network, loss, batch, len(rows), plan, folder / "mos-stage.pt", rows_digest(rows))
        return weights_of(network)

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """The whole picture at its own resolution, fully convolutionally."""
        import torch

        network = build()
        set_weights(network, arrays)
        network.stage = "mos"

        def score(rgb: RgbArray) -> float:
            pixels = torch.from_numpy(grey(rgb).astype(np.float32)[None, None])
            with torch.inference_mode():
                return float(network(pixels))

        # The patch scorer of stage one is not needed any more.
        parameters = parameters_of(network) - parameters_of(network.patch)
        total = macs(512, 512) + 512 * 512 * 3
        return Scorer(score, parameters, total, parameters * FLOAT_BYTES)
