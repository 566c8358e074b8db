"""Looks at a Keras model that somebody else trained: can it be exported, and what is it like?"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..quantization.tflite_export import Rescale, is_quantization_aware
from .meaning import ExportError, Meaning

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
RANGES: dict[str, Rescale | None] = {
    "0..255": None,
    "0..1": (1 / 255, 0.0),
    "-1..1": (1 / 127.5, -1.0),
    "imagenet": (
        tuple(1 / (255 * d) for d in _DEVIATION),
        tuple(-m / d for m, d in zip(_MEAN, _DEVIATION, strict=True)),
    ),
}
"""What a net was trained on, as (scale, offset) from pixels 0-255; ImageNet's are per channel."""

MAX_SIDE = 4096
_RECURRENT = ("LSTM", "GRU", "RNN", "Bidirectional")
_HALF = ("float16", "bfloat16")
_PASSING = {"Flatten", "Reshape", "Dropout"}
_OWN_SCALING = {"Rescaling", "Normalization"}


def prepare(model: Any, meaning: Meaning) -> tuple[Any, Meaning]:
    """Brings a model into the form that the rest expects: float32, with one output.

    Mixed precision is an affair of training; the weights are float32 all the same. Several outputs
    of one number each become attributes, named after them.

    Args:
        model: A loaded Keras model of either generation.
        meaning: What the owner says about its output.

    Returns:
        The model, rebuilt where it had to be, and the meaning with the names of attributes.

    Raises:
        ExportError: Several outputs that are not single numbers.
    """
    if any(getattr(layer, "compute_dtype", None) in _HALF for layer in walk(model)):
        weights = model.get_weights()
        model = type(model).from_config(_in_float32(model.get_config()))
        model.set_weights(weights)
    try:
        outputs = list(getattr(model, "outputs", None) or [])
    except (AttributeError, ValueError):  # never built; `check_structure` says so
        outputs = []
    if len(outputs) < 2:
        return model, meaning
    names = tuple(str(name) for name in model.output_names)
    shapes = [_shape(output) for output in outputs]
    if any(len(shape) != 2 or shape[1] != 1 for shape in shapes):
        raise ExportError(
            f"the model has {len(outputs)} outputs ({', '.join(names)}) of shapes {shapes}; only "
            "single numbers can be exported together, as attributes, else export one output: "
            "keras.Model(model.input, model.get_layer(NAME).output).save(FILE)"
        )
    keras = importlib.import_module(type(model).__module__.split(".")[0])
    joined = keras.layers.Concatenate(name="attributes")(outputs)
    return keras.Model(model.inputs[0], joined), replace(meaning, labels=meaning.labels or names)


def _in_float32(config: Any) -> Any:
    """A model's configuration with all of its halved precision taken out."""
    if isinstance(config, dict):
        return {key: _in_float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(map(_in_float32, config))
    return "float32" if config in ("mixed_float16", "mixed_bfloat16", *_HALF) else config


def check_structure(model: Any, size: tuple[int, int] | None) -> tuple[int, int, int]:
    """Refuse models that this export cannot do.

    Args:
        model: A loaded Keras model of either generation.
        size: (height, width) asked for, or None to take the model's own.

    Returns:
        Height, width and channels of the input.

    Raises:
        ExportError: says which property is in the way and how to get round it.
    """
    inputs, outputs = _ends(model, "inputs"), _ends(model, "outputs")
    if len(inputs) != 1:
        raise ExportError(
            f"the model takes {len(inputs)} inputs; only one picture in can be exported"
        )
    shape = _shape(inputs[0])
    height, width, channels = _check_input_shape(shape, size)
    dtype = _dtype(inputs[0])
    if not dtype.startswith(("float", "bfloat")):
        raise ExportError(f"the input is {dtype}; only floating-point inputs can be quantised")
    for layer in walk(model):
        kind = type(layer).__name__
        if any(word in kind for word in _RECURRENT):
            raise ExportError(f"layer {layer.name!r} is recurrent ({kind}); not supported")
        if getattr(layer, "data_format", None) == "channels_first":
            raise ExportError(
                f"layer {layer.name!r} is channels-first; TFLite is channels-last: rebuild the "
                "model with data_format='channels_last' and load its weights"
            )
    if is_quantization_aware(model):
        raise ExportError(
            "the model is trained for quantisation already; give the float model before that"
        )
    if len(outputs) != 1:
        names = ", ".join(str(name) for name in getattr(model, "output_names", []))
        raise ExportError(
            f"the model has {len(outputs)} outputs ({names}); export one: "
            "keras.Model(model.input, model.get_layer(NAME).output).save(FILE)"
        )
    _check_output(outputs[0])
    return height, width, channels


def _check_input_shape(
    shape: tuple[int | None, ...], size: tuple[int, int] | None
) -> tuple[int, int, int]:
    if len(shape) != 4:
        what = "video or volumes" if len(shape) > 4 else "no pictures"
        raise ExportError(
            f"the input has shape {shape}: {what}; expected [batch, height, width, 3]"
        )
    if shape[0] not in (None, 1):
        raise ExportError(f"the batch size is fixed at {shape[0]}; save the model without it")
    if shape[3] != 3:
        if shape[1] == 3:
            raise ExportError(
                f"the input has shape {shape}, channels first; TFLite is channels-last: rebuild "
                "the model with data_format='channels_last' and load its weights"
            )
        raise ExportError(f"the input has {shape[3]} channels; expected 3, red, green and blue")
    own = (shape[1], shape[2])
    if size is not None:
        for wanted, fixed in zip(size, own, strict=True):
            if fixed is not None and wanted != fixed:
                raise ExportError(
                    f"--size is {size[0]} {size[1]}, but the model is built for {own[0]} {own[1]}"
                )
    height, width = size or own
    if height is None or width is None:
        raise ExportError(
            f"the input has shape {shape} of any size; say --size HEIGHT WIDTH, best the size "
            "that it was trained at"
        )
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise ExportError(f"the size {height} x {width} is outside 1..{MAX_SIDE}")
    return height, width, 3


def _check_output(output: Any) -> None:
    dtype, shape = _dtype(output), _shape(output)
    if not dtype.startswith(("float", "bfloat")):
        raise ExportError(
            f"the output is {dtype}, a decision and no score; export the layer before it"
        )
    if len(shape) > 2 and any(side != 1 for side in shape[1:-1]):
        raise ExportError(
            f"the output has shape {shape}, a map; expected [batch, values]: add a "
            "GlobalAveragePooling2D layer if its mean is the score"
        )
    if shape[-1:] == (None,) and len(shape) > 1:
        raise ExportError(f"the output has shape {shape}; its number of values must be fixed")


def walk(model: Any) -> Iterator[Any]:
    """All layers in order, those of nested models in their place."""
    for layer in getattr(model, "layers", ()):
        if getattr(layer, "layers", None):
            yield from walk(layer)
        else:
            yield layer


def scales_itself(model: Any) -> bool:
    """Whether the model normalises pixels 0-255 in its first layers."""
    first = [layer for layer in walk(model) if type(layer).__name__ != "InputLayer"][:3]
    return any(type(layer).__name__ in _OWN_SCALING for layer in first)


@dataclass
class FinalActivation:
    """The activation that a model ends in, which can be taken off and put back.

    Attributes:
        name: "softmax", "sigmoid", "linear", or another function's name.
        replace: (layer, attribute, original) to change; empty when it cannot be taken off.
    """

    name: str
    replace: list[tuple[Any, str, Any]] = field(default_factory=list)

    def remove(self) -> bool:
        """Let the model give what goes into the activation; False when that is not possible."""
        for layer, attribute, _ in self.replace:
            setattr(layer, attribute, _identity)
        return bool(self.replace)

    def restore(self) -> None:
        """Undo `remove`."""
        for layer, attribute, original in self.replace:
            setattr(layer, attribute, original)


def final_activation(model: Any) -> FinalActivation:
    """Find the activation at a model's end.

    Args:
        model: A model with one output, as `check_structure` accepts it.

    Returns:
        The activation; "linear" when there is none or the last layer is of another kind.
    """
    return _activation_of(model.outputs[0])


def _activation_of(tensor: Any) -> FinalActivation:
    for _ in range(64):  # deeper nesting does not occur
        history = getattr(tensor, "_keras_history", None)
        if history is None:
            return FinalActivation("linear")
        layer = history[0]
        kind = type(layer).__name__
        if getattr(layer, "layers", None):
            tensor = layer.outputs[0]
        elif kind in _PASSING:
            tensor = layer.input
        elif kind == "Concatenate":
            parts = [_activation_of(part) for part in layer.input]
            if len({part.name for part in parts}) > 1 or parts[0].name == "softmax":
                return FinalActivation("linear")
            return FinalActivation(parts[0].name, [one for part in parts for one in part.replace])
        elif kind in ("Softmax", "Sigmoid"):
            return FinalActivation(kind.lower(), [(layer, "call", layer.call)])
        elif callable(getattr(layer, "activation", None)):
            name = getattr(layer.activation, "__name__", "") or type(layer.activation).__name__
            changes = [] if name == "linear" else [(layer, "activation", layer.activation)]
            return FinalActivation(name.lower(), changes)
        else:
            return FinalActivation("linear")
    return FinalActivation("linear")


def normalisation_misfit(
    model: Any, run: Callable[[npt.NDArray[np.float32]], Any], pixels: npt.NDArray[np.float32]
) -> float | None:
    """How badly pictures fit the statistics that the first BatchNormalization remembers.

    Training left the mean and variance of that layer's input in the file. Pictures fed in another
    range than in training arrive there with another mean and variance. The measure is the
    Kullback-Leibler divergence between the two normal distributions, median over channels.

    Args:
        model: The Keras model.
        run: Feeds float32 [N,H,W,3] as the model wants it, eagerly.
        pixels: Handed to `run`.

    Returns:
        Nats, near 0 for a good fit; None without such a layer.
    """
    layer = next((one for one in walk(model) if hasattr(one, "moving_variance")), None)
    if layer is None:
        return None
    seen: list[npt.NDArray[np.float64]] = []
    original = layer.call

    def spy(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(np.asarray(inputs, np.float64))
        return original(inputs, *args, **kwargs)

    layer.call = spy
    try:
        run(pixels)
    except Exception:  # an eager peek that fails must not stop the export
        return None
    finally:
        layer.call = original
    if not seen:
        return None
    values = seen[0].reshape(-1, seen[0].shape[-1])
    mean, variance = values.mean(axis=0), values.var(axis=0) + 1e-6
    kept_mean = np.asarray(layer.moving_mean, np.float64)
    kept_variance = np.asarray(layer.moving_variance, np.float64) + 1e-6
    ratio = variance / kept_variance
    divergence = 0.5 * (ratio + (mean - kept_mean) ** 2 / kept_variance - 1 - np.log(ratio))
    return float(np.median(divergence))


def _identity(inputs: Any, *_: Any, **__: Any) -> Any:
    return inputs


def _ends(model: Any, which: str) -> list[Any]:
    try:
        tensors = getattr(model, which)
    except (AttributeError, ValueError):  # Keras 3 raises on models that were never built
        tensors = None
    if not tensors:
        raise ExportError(
            "the model has no fixed graph (subclassed or never built); build it as a Functional "
            "or Sequential model with an Input layer and save that"
        )
    # A dictionary of inputs or outputs counts by its values.
    return list(tensors.values()) if isinstance(tensors, dict) else list(tensors)


def _shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(None if side is None else int(side) for side in tensor.shape)


def _dtype(tensor: Any) -> str:
    return str(getattr(tensor.dtype, "name", tensor.dtype))
