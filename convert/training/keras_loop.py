"""The training loop in TensorFlow, for the quantisation-aware student of ``tf_keras``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.common.progress import progress
from convert.training.loop import Batch, Loop, Loss, Schedule


class Trainer(Loop):
    """Trains a Keras model, Keras 3 on TensorFlow or ``tf_keras``.

    Args:
        keras: The module the model was built with, ``keras`` or ``tf_keras``.
        model: The model to train.
        loss: Terms of the loss, see :data:`Loss`.
        schedule: See :class:`Loop`, as ``folder``, ``fingerprint`` and ``checkpoint_seconds``.
        folder: See :class:`Loop`.
        fingerprint: See :class:`Loop`.
        head: Layers with this in their name are fresh and train at ``head_rate``.
        checkpoint_seconds: See :class:`Loop`.
    """

    def __init__(
        self,
        keras: Any,
        model: Any,
        loss: Loss,
        schedule: Schedule,
        folder: Path,
        fingerprint: Mapping[str, Any],
        *,
        head: str = "opinion",
        checkpoint_seconds: float = 180.0,
    ) -> None:
        import tensorflow as tf

        super().__init__(schedule, folder, fingerprint, checkpoint_seconds=checkpoint_seconds)
        self.model = model
        head_ids = {
            id(v) for layer in model.layers if head in layer.name for v in layer.trainable_variables
        }
        body = [v for v in model.trainable_variables if id(v) not in head_ids]
        top = [v for v in model.trainable_variables if id(v) in head_ids]
        self._groups = [(body, schedule.rate), (top, schedule.head_rate)]
        self._optimizers = [
            keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay)
            for _, rate in self._groups
        ]
        for optimizer, (variables, _) in zip(self._optimizers, self._groups, strict=True):
            optimizer.build(variables)

        @tf.function(reduce_retracing=True)
        def step(batch: Mapping[str, Any]) -> Any:
            with tf.GradientTape() as tape:
                outputs = model(tf.cast(batch["input"], tf.float32), training=True)
                terms = loss(outputs, batch)
                total = tf.add_n(list(terms.values()))
            gradients = tape.gradient(total, body + top)
            parts = (gradients[: len(body)], gradients[len(body) :])
            for optimizer, part, (variables, _) in zip(
                self._optimizers, parts, self._groups, strict=True
            ):
                if variables:
                    optimizer.apply_gradients(zip(part, variables, strict=True))
            return {"loss": total, **terms}

        self._step = step

    def step(self, batch: Batch) -> Mapping[str, float]:
        """See :meth:`Loop.step`."""
        return {name: float(value) for name, value in self._step(batch).items()}

    def set_rate(self, factor: float) -> None:
        """See :meth:`Loop.set_rate`."""
        for optimizer, (_, rate) in zip(self._optimizers, self._groups, strict=True):
            optimizer.learning_rate.assign(rate * factor)

    def _variables(self) -> list[Any]:
        held = list(self.model.variables)
        for optimizer in self._optimizers:
            held += list(optimizer.variables)
        return held

    def state(self) -> list[NDArray[Any]]:
        """See :meth:`Loop.state`."""
        return [np.asarray(variable) for variable in self._variables()]

    def restore(self, state: Sequence[NDArray[Any]]) -> None:
        """See :meth:`Loop.restore`."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)


def predict(model: Any, arrays: NDArray[Any], batch: int = 32, label: str = "predicting") -> Any:
    """Runs a model over an array in batches.

    Args:
        model: A Keras 2 or 3 model with one output or a list of outputs.
        arrays: [N, ...], cast to float32 per batch.
        batch: Rows per call.
        label: What the progress bar says.

    Returns:
        float32 array [N, ...], or a list of them.
    """
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def run(x: Any) -> Any:
        return model(tf.cast(x, tf.float32), training=False)

    collected: list[list[NDArray[np.float32]]] = []
    starts = range(0, len(arrays), batch)
    for start in progress(starts, len(starts), label):
        outputs = run(tf.constant(np.ascontiguousarray(arrays[start : start + batch])))
        parts = outputs if isinstance(outputs, list | tuple) else [outputs]
        collected.append([np.asarray(part) for part in parts])
    joined = [np.concatenate(parts) for parts in zip(*collected, strict=True)]
    return joined if len(joined) > 1 else joined[0]
