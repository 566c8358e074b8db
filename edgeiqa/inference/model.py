"""A .tflite with its contract: find it, open it, check it, run it on any thread."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgeiqa.errors import ModelError
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.interpreter import interpreter_class
from edgeiqa.inference.model_file import open_checked

__all__ = ["CAUSES", "DEFAULT", "Model", "ModelError", "available_models", "find"]

DEFAULT = "base"
CAUSES = "causes"
"""Name of the network that tells causes; it gives no score."""
_FOLDER = Path(__file__).parents[1] / "assets" / "models"
_SUFFIX = ".tflite"


def available_models() -> tuple[str, ...]:
    """Names of the models for scores that come with the package, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{_SUFFIX}")))


def find(model: str | os.PathLike[str]) -> Path:
    """Where a model lies.

    Args:
        model: A name out of `available_models()`, "causes", or the path of a .tflite file. A
            plain word is a name; whatever ends in .tflite or has a folder in it is a path.

    Returns:
        Path of an existing file.

    Raises:
        ModelError: No such name or file.
    """
    text = os.fspath(model)
    is_path = not isinstance(model, str) or text.endswith(_SUFFIX) or os.path.basename(text) != text
    folder = _FOLDER / CAUSES if text == CAUSES else _FOLDER
    path = Path(text) if is_path else folder / f"{text}{_SUFFIX}"
    if path.is_file():
        return path
    if is_path:
        raise ModelError(f"no model file {text}")
    raise ModelError(
        f"no model {text!r}; shipped: {', '.join(available_models()) or 'none'}; "
        f"a model of your own is given by its path, such as ./{text}{_SUFFIX}"
    )


class Model:
    """An opened model: a uint8 picture in, named numbers out.

    Input: one tensor, [1, height, width, 3], RGB, values 0-255, of the contract's dtype (uint8;
    float models take the same values as float32); patches of luma for a network for causes, see
    `InputSpec.tensor_shape`. Outputs: in the order of the contract, each with batch 1. int8 outputs
    are dequantised here in float64, so that every runtime that computes the same integers gives the
    same score. LiteRT computes the same ones on x86-64 and on emulated Cortex-A53, A72 and A76
    (docs/reports/aarch64.md); on other processors they may differ by a step. Its predecessor
    tflite-runtime, used on 32-bit ARM only, rounds otherwise: scores differ by up to a few points.

    One object serves any number of threads: it keeps a few interpreters, made when they are
    first needed, and lends each to one caller at a time.

    Attributes:
        contract: What the file says about itself.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | bytearray = DEFAULT,
        *,
        threads: int = 1,
        max_interpreters: int | None = None,
        origin: str | None = None,
    ) -> None:
        """Opens a model and checks it against its contract.

        Args:
            model: Name of a shipped model, path of a .tflite, or its bytes.
            threads: Threads within one run, at least 1.
            max_interpreters: How many runs may go on at once; further callers wait. By default
                as many as the machine has processors, at most 8.
            origin: What messages call the model; by default its path, or the number of bytes.

        Raises:
            ModelError: Not found, too large, a network that is damaged, newer than this edgeiqa,
                hostile or at odds with its contract, see `edgeiqa.inference.model_file`.
            ContractError: The file has no contract, or a damaged or newer one.
            ImportError: Neither ai-edge-litert nor tflite-runtime can be used.
        """
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ValueError(f"threads is {threads!r}, expected a whole number from 1")
        given = model if isinstance(model, (bytes, bytearray)) else find(model)
        # All of it is checked from its bytes, for LiteRT believes what a flatbuffer says.
        file = open_checked(given, origin=origin)
        self.contract, self._flatbuffer, self._origin = file.contract, file.flatbuffer, file.origin
        self._threads = threads
        limit = max_interpreters or min(os.cpu_count() or 1, 8)
        self._unmade = threading.Semaphore(limit)
        # Last in, first out: the interpreter used last has its memory warm.
        self._idle: queue.LifoQueue[_Runner] = queue.LifoQueue()
        # The first one is made now, so that a bad model is reported here and not while scoring.
        with self._runner():
            pass

    def __repr__(self) -> str:
        return f"Model({self.contract.name} {self.contract.version}, {self._origin})"

    def run(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the model once.

        Args:
            tensor: uint8 [1, height, width, 3], RGB, 0-255, as `preprocess` makes it; of a network
                for causes as `edgeiqa.analysis.patches.detail` makes it.

        Returns:
            Per output's name float64 [values], dequantised, the caller's own copy.

        Raises:
            TypeError: `tensor` is no uint8 array.
            ValueError: Wrong shape.
        """
        with self._runner() as runner:
            return runner.dequantise(runner.invoke(self._checked(tensor)))

    def run_raw(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the model once and gives its numbers as they come, int8 for an int8 model.

        Args:
            tensor: As for `run`.

        Returns:
            Per output's name an array [values] of the output's own dtype, a copy.

        Raises:
            TypeError: `tensor` is no uint8 array.
            ValueError: Wrong shape.
        """
        with self._runner() as runner:
            return runner.invoke(self._checked(tensor))

    def _checked(self, tensor: object) -> np.ndarray:
        shape = self.contract.input.tensor_shape
        if not isinstance(tensor, np.ndarray) or tensor.dtype != np.uint8:
            came = tensor.dtype if isinstance(tensor, np.ndarray) else type(tensor).__name__
            raise TypeError(f"the tensor is {came}, expected a uint8 array")
        if tensor.shape != shape:
            raise ValueError(f"the tensor has the shape {tensor.shape}, expected {shape}")
        return tensor

    @contextmanager
    def _runner(self) -> Iterator[_Runner]:
        """Lends an idle interpreter, makes one while there may be more, or waits for one."""
        try:
            runner = self._idle.get_nowait()
        except queue.Empty:
            if self._unmade.acquire(blocking=False):
                try:
                    runner = _Runner(self._flatbuffer, self.contract, self._threads, self._origin)
                except BaseException:
                    self._unmade.release()
                    raise
            else:
                runner = self._idle.get()
        try:
            yield runner
        finally:
            self._idle.put(runner)


class _Runner:
    """One interpreter; for one thread at a time."""

    def __init__(self, flatbuffer: bytes, contract: Contract, threads: int, origin: str) -> None:
        try:
            self._interpreter = interpreter_class()(model_content=flatbuffer, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{origin}: the runtime cannot open it: {error}") from error
        self._dtype = np.dtype(contract.input.dtype)
        # Shapes and types are those of the contract, see `edgeiqa.inference.model_file`.
        (picture,) = self._interpreter.get_input_details()
        self._input = int(picture["index"])
        names = [output.name for output in contract.outputs]
        details = self._interpreter.get_output_details()
        self._outputs: dict[str, dict[str, Any]] = dict(zip(names, details, strict=True))

    def invoke(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        self._interpreter.set_tensor(self._input, tensor.astype(self._dtype, copy=False))
        self._interpreter.invoke()
        # get_tensor copies; a view into the interpreter would change under the caller.
        return {
            name: np.asarray(self._interpreter.get_tensor(detail["index"])).reshape(-1)
            for name, detail in self._outputs.items()
        }

    def dequantise(self, raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Makes (q - zero point) * scale in float64; float outputs are only widened."""
        real = {}
        for name, values in raw.items():
            scale, zero = self._outputs[name]["quantization"]
            real[name] = values.astype(np.float64)
            if values.dtype.kind in "iu" and scale:
                real[name] = (real[name] - float(zero)) * float(scale)
        return real
