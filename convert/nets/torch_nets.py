"""The same networks in PyTorch, for training: twice as quick as TensorFlow on processors with bf16.

The modules carry the names of the Keras layers, compute the same function to rounding, and hand
their weights over as the ``layer/index`` arrays of :func:`convert.nets.weights.save_npz`.
Whatever is trained here is saved, converted and run as the Keras network.

TensorFlow's ``same`` padding of a stride-2 convolution puts the odd row behind, PyTorch's
symmetric padding puts it in front. Upside down and mirrored, with kernels turned likewise, the one
is the other; so that is how these modules see pictures, which spares padding each map by a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from convert.common.files import replacing
from convert.nets.keras_nets import OPINION, PIXEL_OFFSET, PIXEL_SCALE, Architecture

BATCHNORM_MOMENTUM = 0.03
"""PyTorch counts the new value's share, Keras the old one's: 1 - 0.97."""


def _conv(entering: int, leaving: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        entering, leaving, kernel, stride, padding=kernel // 2, bias=False, groups=groups
    )


def inner_layout(x: Any) -> Any:
    """NHWC of any dtype as these modules see it: turned by 180 degrees, NCHW, float32."""
    return x.flip(1, 2).permute(0, 3, 1, 2).float()


class TorchNet(nn.Module):  # type: ignore[misc]
    """The blocks ``start`` onwards (all by default) and the head of a network.

    Args:
        arch: The backbone.
        start: First block; above 0 the input is a feature map and the stem is left out.
        stop: None builds the head too; a number ends after that many blocks, with the feature map.
        bins: Number of opinion histogram bins.
        dropout: Share of the embedding dropped in training.
        frozen: Number of blocks, with the stem, that are neither trained nor normalised by batch.
    """

    def __init__(
        self,
        arch: Architecture,
        *,
        start: int = 0,
        stop: int | None = None,
        bins: int = 10,
        dropout: float = 0.0,
        frozen: int = 0,
    ) -> None:
        super().__init__()
        self.arch, self.start, self.stop, self.frozen = arch, start, stop, frozen
        self.layers = nn.ModuleDict()
        channels = arch.stem if start == 0 else arch.blocks[start - 1].channels
        if start == 0:
            self._add("stem", _conv(3, arch.stem, 3, 2))
        for index, block in list(enumerate(arch.blocks))[start:stop]:
            name, wide = f"block{index:02d}", channels * block.expansion
            if block.expansion != 1:
                self._add(f"{name}_expand", _conv(channels, wide, 1))
            depthwise = _conv(wide, wide, block.kernel, block.stride, wide)
            self._add(f"{name}_depthwise", depthwise)
            self._add(f"{name}_project", _conv(wide, block.channels, 1))
            channels = block.channels
        if stop is None:
            self._add("head", _conv(channels, arch.head, 1))
            self.dropout = nn.Dropout(dropout)
            self.layers[OPINION] = nn.Linear(arch.head, bins)
            nn.init.xavier_uniform_(self.layers[OPINION].weight)
            nn.init.zeros_(self.layers[OPINION].bias)
        for name, parameter in self.named_parameters():
            if self._is_frozen(name.removeprefix("layers.")):
                parameter.requires_grad_(False)
        self.to(memory_format=torch.channels_last)

    def _add(self, name: str, conv: nn.Conv2d) -> None:
        nn.init.kaiming_normal_(conv.weight, mode="fan_out")
        self.layers[f"{name}_conv"] = conv
        self.layers[f"{name}_bn"] = nn.BatchNorm2d(
            conv.out_channels, eps=self.arch.epsilon, momentum=BATCHNORM_MOMENTUM
        )

    def _is_frozen(self, name: str) -> bool:
        if not self.frozen:
            return False
        first = name.split("_")[0]
        return first == "stem" or (first.startswith("block") and int(first[5:]) < self.frozen)

    def train(self, mode: bool = True) -> TorchNet:
        """Switches to training, but for the frozen layers, whose statistics stay."""
        super().train(mode)
        for name, layer in self.layers.items():
            if self._is_frozen(name):
                layer.eval()
        return self

    def _step(self, name: str, x: Any, *, activate: bool = True) -> Any:
        conv, norm = self.layers[f"{name}_conv"], self.layers[f"{name}_bn"]
        if norm.training:
            x = norm(conv(x))
        else:
            # Folded into the convolution, BatchNorm costs nothing instead of half of the time.
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            bias = norm.bias - norm.running_mean * scale
            kernel = conv.weight * scale[:, None, None, None]
            x = functional.conv2d(x, kernel, bias, conv.stride, conv.padding, 1, conv.groups)
        return functional.relu6(x, inplace=True) if activate else x

    def _hidden(self, index: int, x: Any) -> Any:
        name = f"block{index:02d}"
        if self.arch.blocks[index].expansion != 1:
            x = self._step(f"{name}_expand", x)
        return self._step(f"{name}_depthwise", x)

    def _block(self, index: int, x: Any) -> Any:
        name, entering = f"block{index:02d}", x
        x = self._hidden(index, x)
        x = self._step(f"{name}_project", x, activate=False)
        return entering + x if self.arch.adds(index) else x

    def forward(self, x: Any) -> Any:
        """From NHWC pixels 0-255 (or a feature map, NHWC) to logits and embedding, or to a map.

        Args:
            x: [B, H, W, 3] of any dtype, or [B, h, w, C] when blocks are left out below.

        Returns:
            Opinion logits [B, bins] and embedding [B, head], float32; or the map, NHWC.
        """
        x = inner_layout(x)
        blocks = range(self.start, len(self.arch.blocks) if self.stop is None else self.stop)
        with torch.no_grad() if self.frozen else torch.enable_grad():
            if self.start == 0:
                x = self._step("stem", x * PIXEL_SCALE + PIXEL_OFFSET)
            for index in blocks:
                if index < self.frozen:
                    x = self._block(index, x)
        for index in blocks:
            if index >= self.frozen:
                x = self._block(index, x)
        if self.stop is not None:
            return x.permute(0, 2, 3, 1).flip(1, 2)
        pooled = self._step("head", x).float().mean((2, 3))
        return self.layers[OPINION](self.dropout(pooled).float()), pooled


class Training(nn.Module):  # type: ignore[misc]
    """A network as it is trained: views averaged, features projected into the teacher's space.

    Args:
        net: The network.
        width: Length of the teacher's features; 0 leaves the projection out.
        views: 2 takes [B, 2, H, W, 3] and averages over the two.
    """

    def __init__(self, net: TorchNet, width: int, views: int = 1) -> None:
        super().__init__()
        self.net, self.views = net, views
        self.opinion_features = nn.Linear(net.arch.head, width, bias=False) if width else None

    def forward(self, x: Any) -> Any:
        """Opinion logits [B, bins] and the projected embedding (or as it is) [B, D]."""
        if self.views > 1:
            logits, embedding = (
                part.unflatten(0, (-1, self.views)).mean(1) for part in self.net(x.flatten(0, 1))
            )
        else:
            logits, embedding = self.net(x)
        if self.opinion_features is not None:
            embedding = self.opinion_features(embedding).float()
        return logits, embedding


def weights_of(net: TorchNet) -> dict[str, list[NDArray[np.float32]]]:
    """The weights by layer name, in the order and layout of Keras' ``get_weights``."""
    found: dict[str, list[NDArray[np.float32]]] = {}
    for name, layer in net.layers.items():
        if isinstance(layer, nn.Conv2d):
            order = (2, 3, 0, 1) if layer.groups > 1 else (2, 3, 1, 0)
            values = [layer.weight.flip(2, 3).permute(order)]
        elif isinstance(layer, nn.BatchNorm2d):
            values = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
        else:
            values = [layer.weight.T, layer.bias]
        found[name] = [np.array(v.detach().float().cpu().numpy(), order="C") for v in values]
    return found


def set_weights(net: TorchNet, weights: Mapping[str, list[Any]]) -> int:
    """Takes the weights of Keras layers of the same names; other names are left out.

    Returns:
        Number of layers that were set.

    Raises:
        ValueError: A shape differs.
    """
    done = 0
    with torch.no_grad():
        for name, layer in net.layers.items():
            if name not in weights:
                continue
            values = [torch.tensor(np.asarray(value, np.float32)) for value in weights[name]]
            if isinstance(layer, nn.Conv2d):
                order = (2, 3, 0, 1) if layer.groups > 1 else (3, 2, 0, 1)
                held, values = [layer.weight], [values[0].permute(order).flip(2, 3)]
            elif isinstance(layer, nn.BatchNorm2d):
                held = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
            else:
                held, values = [layer.weight, layer.bias], [values[0].T, values[1]]
            for target, value in zip(held, values, strict=True):
                if target.shape != value.shape:
                    raise ValueError(
                        f"{name}: weights of shape {tuple(value.shape)} do not fit "
                        f"{tuple(target.shape)}"
                    )
                target.copy_(value)
            done += 1
    return done


def save_npz(net: TorchNet, path: Path) -> None:
    """Writes the weights as :func:`convert.nets.weights.save_npz` does, atomically."""
    arrays: dict[str, Any] = {
        f"{name}/{index}": value
        for name, values in weights_of(net).items()
        for index, value in enumerate(values)
    }
    with replacing(path) as scratch, scratch.open("wb") as stream:
        np.savez(stream, **arrays)
