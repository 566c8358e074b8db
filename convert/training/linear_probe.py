"""Linear probing: the fresh layers learn alone, on the features as loaded, before the rest joins.

Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
ICLR 2022. A random opinion layer sends large, wrong gradients into a backbone that was good; a
probed one does not, so that short runs measure their ingredients and not their luck.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.keras_nets import OPINION, PROJECTION
from .loop import Learner, predict
from .student import StudentData, student_loss

BATCH = 128
RATE = 3e-3


def central_views(data: StudentData, drawn: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
    """The rated pictures in use as a network sees them, cropped in the middle of the top.

    Args:
        data: What the student learns from.
        drawn: Numbers of some of them; None takes all.

    Returns:
        uint8 [N, size, size, 3].
    """
    side, crop = data.pixels.shape[1], data.recipe.crop_size
    left = (side - crop) // 2
    used = data.used if drawn is None else data.used[drawn]
    # From the top, since the corners below may carry a phone maker's watermark.
    pictures: NDArray[np.uint8] = data.pixels[used, :crop, left : left + crop]
    return pictures


def fit_fresh_layers(
    model: Any, trained: Any, data: StudentData, centres: NDArray[np.float32]
) -> float:
    """Fits opinion layer and projection to people and teacher, as the recipe weighs them.

    Args:
        model: The network, with opinion and embedding as outputs; its backbone is left alone.
        trained: The same with its projection, see
            :func:`convert.nets.keras_nets.with_projection`.
        data: What the student learns from; ``recipe.probe`` says for how many steps.
        centres: Bin centres [bins].

    Returns:
        The last step's loss.
    """
    import keras

    _, pooled = predict(model, central_views(data), label="probing")
    projecting = trained is not model and data.teacher is not None
    entry = keras.Input(pooled.shape[1:])
    projected = trained.get_layer(PROJECTION)(entry) if projecting else entry
    head = keras.Model(entry, [model.get_layer(OPINION)(entry), projected])
    recipe = replace(data.recipe, teacher=0.0, unlabelled=0, ladder=0.0)
    learner = Learner(keras, head, student_loss(recipe, centres), RATE)
    generator = np.random.default_rng((recipe.schedule.seed, 6))
    value = float("nan")
    for _ in range(recipe.probe):
        drawn = generator.integers(len(data), size=min(BATCH, len(data)))
        batch = data.labels(data.used[drawn])
        value = learner.step({**batch, "input": pooled[drawn]})["loss"]
    return value
