"""Keras to TFLite, float or full int8, and a look inside the result.

Works on Keras 3 models (TensorFlow backend), ``tf_keras`` models and ``tf_keras`` models after
quantisation-aware training with tensorflow-model-optimization.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, get_args

import numpy as np

from ..common.quiet import quiet, tail
from .tflite_inspect import ConversionError, TensorInfo, TfliteSummary, inspect

__all__ = [
    "ConversionError",
    "TensorInfo",
    "TfliteSummary",
    "check_int8",
    "input_shape",
    "inspect",
    "is_quantization_aware",
    "named_outputs",
    "pin_input_range",
    "to_tflite",
]

Quantize = Literal["none", "float16", "dynamic", "int16x8", "int8"]
Rescale = tuple["float | tuple[float, ...]", "float | tuple[float, ...]"]


def is_quantization_aware(model: Any) -> bool:
    """Whether a model carries tensorflow-model-optimization's fake-quantisation layers."""
    return any(
        type(layer).__name__.startswith("Quantize")
        and type(layer).__module__.startswith("tensorflow_model_optimization")
        for layer in getattr(model, "layers", ())
    )


def input_shape(model: Any) -> tuple[int, int, int]:
    """Height, width and channels of a Keras model's only input.

    Raises:
        ConversionError: several inputs, or a dynamic or non-image shape.
    """
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        raise ConversionError(f"expected a model with one image input, this one has {len(inputs)}")
    shape = tuple(inputs[0].shape)
    if len(shape) != 4 or any(not isinstance(side, int) or side <= 0 for side in shape[1:]):
        raise ConversionError(f"expected a static [batch, height, width, 3] input, got {shape}")
    return int(shape[1]), int(shape[2]), int(shape[3])


def to_tflite(
    model: Any,
    *,
    representative: Iterable[np.ndarray] | None = None,
    quantize: Quantize = "int8",
    shape: tuple[int, int, int] | None = None,
    rescale: Rescale | None = None,
    bgr: bool = False,
    verbose: bool = False,
) -> bytes:
    """Convert a Keras image model to a .tflite that takes 0-255 RGB pixels.

    Full int8 runs on integers only: uint8 pixels in, int8 out, batch 1. Without training for
    quantisation, activation ranges come from `representative`, to which an all-black and an
    all-white picture are added so that the input range is exactly that of the pixels.

    A rescaling by numbers that uint8 quantisation can say itself, such as ``pixel / 128 - 1``
    (scale 1/128, zero point 128), costs nothing at run time; any other becomes int8 operators.

    Args:
        model: Keras 3 (TensorFlow backend) or tf_keras model, float32 [B,H,W,3] in 0-255,
            unless `rescale` says otherwise.
        representative: uint8 arrays [H,W,3] or [N,H,W,3] RGB at model size, 200-500 pictures in
            all for int8. Ignored by models after quantisation-aware training, which brought
            their ranges along.
        quantize: "int8" is described above. The others take float32 pixels 0-255 and give float32:
            "none" is float32 throughout, "float16" stores weights in half precision, "dynamic"
            stores them in int8 and computes in float, "int16x8" has int16 activations and int8
            weights.
        shape: (height, width, channels) for models whose input is dynamic.
        rescale: (scale, offset), numbers or one per channel in the model's channel order: the
            model is fed ``pixel * scale + offset``, and this becomes part of the .tflite. A model
            trained for quantisation must be rescaled this way and not by a Rescaling layer of
            its own, between whose steps there is no fake quantisation.
        bgr: The model wants blue first; the .tflite takes RGB all the same.
        verbose: Let TensorFlow's converter print.

    Returns:
        The flatbuffer, without a contract.

    Raises:
        ConversionError: the converter refused, or an int8 result has a floating-point operator
            or a wrong input or output type.
        ValueError: representative pictures are missing or have the wrong shape or dtype.
    """
    import tensorflow as tf

    if quantize not in get_args(Quantize):
        raise ValueError(f"quantize must be one of {get_args(Quantize)}, got {quantize!r}")
    _check_backend(model)
    size = shape or input_shape(model)
    aware = is_quantization_aware(model)
    frames = None
    # The range of pixels is known: it is set, not learned.
    stated = _as_quantization(rescale) if quantize == "int8" and not bgr else None
    if quantize == "int8" and aware and stated:
        pin_input_range(model, stated[0] * -stated[1], stated[0] * (255 - stated[1]))
    if quantize in ("int8", "int16x8") and not aware:
        if representative is None:
            raise ValueError(
                f"{quantize} needs representative pictures: their activations set the ranges"
            )
        frames = _representative(representative, size, stated or (1.0, 0))

    @tf.function(input_signature=[tf.TensorSpec((1, *size), tf.float32, name="image")])  # type: ignore[untyped-decorator,unused-ignore]
    def serve(image: Any) -> dict[str, Any]:
        pixels = tf.gather(image, [2, 1, 0], axis=-1) if bgr else image
        if rescale is not None and not stated:
            pixels = _rescaled(pixels, rescale, fake_quantize=aware)
        return named_outputs(model, model(pixels, training=False))

    with quiet(not verbose) as log:
        try:
            # Keras 3 does not show its variables to TensorFlow's tracking, and without tracking
            # the converter falls back to a path that loses the outputs' names.
            holder = tf.Module()
            holder.kept = [v if isinstance(v, tf.Variable) else v.value for v in model.variables]
            holder.serve = serve
            function = serve.get_concrete_function()
            converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
            if quantize == "int8":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.inference_input_type = tf.uint8
                converter.inference_output_type = tf.int8
                # Per-channel dense weights came late: tflite-runtime 2.14 cannot read them.
                converter._experimental_disable_per_channel_quantization_for_dense_layers = True
                if frames is not None:
                    converter.representative_dataset = frames
                    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            elif quantize != "none":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                if quantize == "float16":
                    converter.target_spec.supported_types = [tf.float16]
                elif quantize == "int16x8":
                    converter.representative_dataset = frames
                    operators = tf.lite.OpsSet
                    converter.target_spec.supported_ops = [
                        operators.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
                    ]
            flatbuffer = bytes(converter.convert())
        except Exception as error:
            raise ConversionError(_reason(error, tail(log))) from error
    if quantize == "int8":
        check_int8(inspect(flatbuffer), stated or (1.0, 0))
    return flatbuffer


def pin_input_range(model: Any, low: float, high: float) -> None:
    """State the input range of a model in quantisation-aware training instead of learning it.

    Args:
        model: tf_keras model from ``tfmot.quantization.keras.quantize_apply``.
        low: Value of a black pixel as the model sees it.
        high: Value of a white pixel.
    """
    for layer in model.layers:
        if type(layer).__name__ == "QuantizeLayer" and getattr(layer, "quantizer_vars", None):
            layer.quantizer_vars["min_var"].assign(low)
            layer.quantizer_vars["max_var"].assign(high)


def check_int8(summary: TfliteSummary, pixels: tuple[float, int] = (1.0, 0)) -> None:
    """Check the tensor contract of an int8 model.

    Args:
        summary: From `inspect`.
        pixels: Expected (scale, zero point) of the uint8 input.

    Raises:
        ConversionError: the input is not uint8 with that scale and zero point, an output is not
            int8, or an operator works on floating-point numbers.
    """
    if summary.float_islands:
        raise ConversionError(
            f"{len(summary.float_islands)} operators stayed in floating point: "
            + "; ".join(summary.float_islands[:4])
        )
    scale, zero_point = pixels
    for tensor in summary.inputs:
        exact = math.isclose(tensor.scale, scale, rel_tol=1e-5) and tensor.zero_point == zero_point
        if tensor.dtype != "uint8" or not exact:
            raise ConversionError(
                f"input {tensor.name!r} must be uint8 with scale {scale:g} and zero point "
                f"{zero_point} (the model must have seen the whole range of pixels, and no more), "
                f"got {tensor.dtype} with scale {tensor.scale:g} and zero point "
                f"{tensor.zero_point}"
            )
    for tensor in summary.outputs:
        if tensor.dtype != "int8" or not tensor.scale > 0:
            raise ConversionError(
                f"output {tensor.name!r} must be int8 with a scale, got {tensor.dtype} "
                f"with scale {tensor.scale:g}"
            )


def named_outputs(model: Any, result: Any) -> dict[str, Any]:
    """Outputs of a Keras model by the names that `to_tflite` gives them.

    Args:
        model: The model.
        result: What calling it returned.

    Returns:
        A dictionary's own keys, else the names of the layers that made the outputs.
    """
    if isinstance(result, dict):
        return dict(result)
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    names = [str(name) for name in getattr(model, "output_names", None) or []]
    if len(names) != len(results) or len(set(names)) != len(names):
        names = [f"output_{i}" for i in range(len(results))]
    # tfmot prefixes the layers that it wraps; the public name stays that of the float model.
    return {name.removeprefix("quant_"): value for name, value in zip(names, results, strict=True)}


def _check_backend(model: Any) -> None:
    """Keras 3 models live on the backend that was chosen when Keras was imported."""
    if not type(model).__module__.startswith("keras."):
        return
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ConversionError(
            f"this model runs on Keras' {keras.backend.backend()} backend; save it, set "
            "KERAS_BACKEND=tensorflow and load it again"
        )


def _rescaled(image: Any, rescale: Rescale, *, fake_quantize: bool) -> Any:
    """``pixel * scale + offset``, each step fake-quantised to its range where asked for."""
    import tensorflow as tf

    scale, offset = (np.asarray(part, np.float32) for part in rescale)

    def ranged(tensor: Any, corners: list[np.ndarray]) -> Any:
        if not fake_quantize:
            return tensor
        low, high = (float(pick(np.stack(corners))) for pick in (np.min, np.max))
        return tf.quantization.fake_quant_with_min_max_args(tensor, min(low, 0.0), max(high, 0.0))

    black, white = np.zeros_like(scale + offset), 255 * scale + 0 * offset
    pixels = ranged(image, [np.float32(0), np.float32(255)])
    pixels = ranged(pixels * scale, [black, white])
    return ranged(pixels + offset, [black + offset, white + offset])


def _as_quantization(rescale: Rescale | None) -> tuple[float, int] | None:
    """(scale, zero point) of uint8 numbers that are ``pixel * scale + offset``, if there is one."""
    if rescale is None:
        return None
    scale, offset = rescale
    if not isinstance(scale, (int, float)) or not isinstance(offset, (int, float)) or scale <= 0:
        return None
    zero_point = -offset / scale
    whole = round(zero_point)
    exact = 0 <= whole <= 255 and math.isclose(zero_point, whole, abs_tol=1e-6)
    return (float(scale), whole) if exact else None


def _representative(
    pictures: Iterable[np.ndarray], size: tuple[int, int, int], pixels: tuple[float, int]
) -> Callable[[], Iterator[list[np.ndarray]]]:
    """The converter's generator: one float32 [1,H,W,3] picture at a time, black and white first."""
    batches = []
    for picture in pictures:
        batch = np.asarray(picture)
        if batch.ndim == 3:
            batch = batch[None]
        if batch.dtype != np.uint8 or batch.shape[1:] != size:
            raise ValueError(
                f"representative pictures must be uint8 {size} or [N, {size}], "
                f"got {batch.dtype} {batch.shape}"
            )
        batches.append(batch)
    if not sum(len(batch) for batch in batches):
        raise ValueError("representative pictures are missing: none were given")
    scale, zero_point = pixels

    def generate() -> Iterator[list[np.ndarray]]:
        extremes = np.stack([np.full(size, value, np.uint8) for value in (0, 255)])
        for batch in (extremes, *batches):
            for row in batch:
                yield [((row[None].astype(np.float32) - zero_point) * scale).astype(np.float32)]

    return generate


def _reason(error: Exception, log: str) -> str:
    """One line that says why TensorFlow's converter failed."""
    lines = [line.strip() for line in f"{log}\n{error}".splitlines() if line.strip()]
    relevant = [line for line in lines if "error" in line.lower() or "not support" in line.lower()]
    return f"TensorFlow could not convert this model: {(relevant or lines or ['no reason'])[-1]}"
