"""What the baselines that are networks share: a short training, and LiteRT to run the result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.manifest import DataError
from ..training.loop import Batch, Schedule, Trainer
from .base import Arrays


def train(
    model: Any,
    loss: Callable[[Any, Any], Any],
    make_batch: Callable[[NDArray[np.int64], np.random.Generator], Batch],
    count: int,
    schedule: Schedule,
    folder: Path,
    identity: str,
) -> None:
    """Trains a Keras model, or resumes an interrupted run.

    Args:
        model: Trained in place.
        loss: Of the model's output and the batch's ``target``.
        make_batch: Makes ``input`` and ``target``.
        count: Number of items.
        schedule: How long and how fast.
        folder: For log and checkpoint.
        identity: What else the run depends on.
    """
    import keras

    def terms(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"error": keras.ops.mean(loss(batch["target"], outputs))}

    settings = {"of": identity, "count": count}
    Trainer(keras, model, terms, schedule, folder, settings).fit(count, make_batch, dict)


def schedule(epochs: int, batch: int, rate: float, seed: int) -> Schedule:
    """One rate for all layers, without weight decay."""
    return Schedule(epochs, batch, rate, rate, weight_decay=0.0, seed=seed)


def frozen(model: Any, shape: tuple[int | None, ...]) -> Arrays:
    """A trained model as what `Runner` takes: a float .tflite, and the number of learned numbers.

    Args:
        model: Keras 3 model with one output.
        shape: Of its input without the batch; None for sides that vary.
    """
    from ..quantization.tflite_export import to_tflite

    flatbuffer = to_tflite(model, quantize="none", shape=shape)  # type: ignore[arg-type]
    learned = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    return {"tflite": np.frombuffer(flatbuffer, np.uint8), "parameters": np.array(learned)}


class Runner:
    """Runs what `frozen` made, with one thread, as our own models run.

    Attributes:
        shape: Of the input, as the file has it.
        bytes: Size of the .tflite.
        parameters: Learned numbers.

    Raises:
        DataError: The arrays are not those of a network.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        from ..common.quiet import quiet

        if missing := sorted({"tflite", "parameters"} - set(arrays)):
            raise DataError(f"a trained baseline lacks {', '.join(missing)}")
        self.flatbuffer = arrays["tflite"].tobytes()
        self.bytes, self.parameters = len(self.flatbuffer), int(arrays["parameters"])
        with quiet():
            self._interpreter = Interpreter(model_content=self.flatbuffer, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self.shape = tuple(int(side) for side in self._interpreter.get_input_details()[0]["shape"])
        self._allocated = self.shape
        self._lock = threading.Lock()  # an interpreter serves one thread at a time

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output for an input whose sides and batch may differ from those before."""
        with self._lock:
            if inputs.shape != self._allocated:
                self._interpreter.resize_tensor_input(self._input, inputs.shape)
                self._interpreter.allocate_tensors()
                self._allocated = inputs.shape
            self._interpreter.set_tensor(self._input, inputs)
            self._interpreter.invoke()
            found: NDArray[np.float32] = self._interpreter.get_tensor(self._output)
            return found
