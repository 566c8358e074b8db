"""Small real Keras image-quality nets, for either generation of Keras, with known behaviour."""

from __future__ import annotations

from typing import Any

import numpy as np

SIZE = 32


def brightness(pixels: np.ndarray) -> np.ndarray:
    """Mean of 0-1 per picture, what the nets here are fitted to."""
    return np.asarray(pixels, np.float64).mean(axis=(1, 2, 3)) / 255


def build(
    keras: Any,
    outputs: int = 1,
    activation: str | None = None,
    *,
    size: int | None = SIZE,
    rescaling: bool = False,
    name: str = "quality",
    seed: int = 0,
) -> Any:
    """A MobileNet-like block on 0-1 pixels (0-255 with `rescaling`), random but repeatable."""
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    image = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 255)(image) if rescaling else image
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(12, 1)(x)
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(image, layers.Dense(outputs, activation=activation, name=name)(x))


def fit_last(
    keras: Any, model: Any, inputs: np.ndarray, targets: np.ndarray, ridge: float = 1e-3
) -> None:
    """Solve the last dense layer so that its linear part gives `targets` [N, outputs].

    A larger `ridge` keeps its weights small, so that they do not magnify int8 rounding.
    """
    features = np.asarray(keras.Model(model.input, model.layers[-2].output)(inputs), np.float64)
    design = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    penalty = ridge * np.eye(design.shape[1])
    solution = np.linalg.solve(design.T @ design + penalty, design.T @ targets)
    model.layers[-1].set_weights([solution[:-1].astype("f4"), solution[-1].astype("f4")])


def remember_statistics(keras: Any, model: Any, inputs: np.ndarray) -> None:
    """Set the first BatchNormalization to what it would have learned from `inputs`."""
    layer = next(one for one in model.layers if hasattr(one, "moving_variance"))
    values = np.asarray(keras.Model(model.input, layer.input)(inputs), np.float64)
    mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)
