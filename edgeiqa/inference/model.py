"""Finds models, opens and checks them, and runs them on any thread."""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgeiqa.errors import ModelError
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.interpreter import new_interpreter
from edgeiqa.inference.model_file import open_checked
from edgeiqa.inference.trial import try_in_process
from edgeiqa.stages import stage

__all__ = ["CAUSES", "DEFAULT", "Model", "ModelError", "available_models", "find"]

DEFAULT = "base"
CAUSES = "causes"
"""Name of the model that detects causes; it does not predict a score."""
MAX_THREADS = 128
_FOLDER = Path(__file__).parents[1] / "assets" / "models"
_SUFFIX = ".tflite"
_WAIT_S = 0.05
"""Seconds between checks for lost interpreters while a thread waits for one."""


def available_models() -> tuple[str, ...]:
    """Returns the sorted names of the scoring models that ship with the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{_SUFFIX}")))


def find(model: str | os.PathLike[str]) -> Path:
    """Locates a model.

    Args:
        model: One of `available_models()`, "causes", or the path of a .tflite file. Anything
            that ends in .tflite or contains a folder is a path; any other text is a name.

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
        raise ModelError(f"no model file {text}: expected the path of a .tflite")
    raise ModelError(
        f"no model {text!r}; shipped: {', '.join(available_models()) or 'none'}; "
        f"for a model of your own give its path, such as ./{text}{_SUFFIX}"
    )


class Model:
    """An open model: takes a uint8 picture, returns named numbers. Thread-safe.

    Input: one tensor [1, height, width, 3], RGB, values 0-255, of the contract's dtype (uint8;
    float models take the same values as float32). Cause detectors take patches of luma instead,
    see `InputSpec.tensor_shape`. Outputs come in the order of the contract, each with batch 1.
    Quantised outputs are dequantised here in float64, so that runtimes that compute the same
    integers give the same score. LiteRT computes the same integers on x86-64 and on emulated
    Cortex-A53, A72 and A76 (docs/reports/aarch64.md); on other processors they may differ by a
    step. tflite-runtime, used on 32-bit ARM only, rounds differently: scores differ by up to a few
    points.

    A model keeps a few interpreters, created on demand, each used by one thread at a time. It can
    be pickled, by path or bytes, and used after a fork.

    Attributes:
        contract: The contract of the model file.
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

        A model that does not ship with the package first runs once in a separate process, which
        takes about half a second: no check of the file can rule out a crash of the runtime.

        Args:
            model: Name of a shipped model, path of a .tflite, or its bytes.
            threads: Threads within one inference, 1-128.
            max_interpreters: Maximum number of concurrent inferences; further callers wait. By
                default the number of processors, at most 8.
            origin: How messages refer to the model; by default its path, or its length in bytes.

        Raises:
            ModelError: Not found, too large, or a network that is damaged, newer than this version,
                unsafe or in conflict with its contract; see `edgeiqa.inference.model_file`.
            ContractError: The file has no contract, or a damaged or newer one.
            ImportError: Neither ai-edge-litert nor tflite-runtime is available.
            ValueError: `threads` or `max_interpreters` is out of range.
        """
        limit = min(os.cpu_count() or 1, 8) if max_interpreters is None else max_interpreters
        for name, value in (("threads", threads), ("max_interpreters", limit)):
            if type(value) is not int or not 1 <= value <= MAX_THREADS:
                raise ValueError(f"{name} is {value!r}, expected an integer, 1 to {MAX_THREADS}")
        self._given = bytes(model) if isinstance(model, (bytes, bytearray)) else find(model)
        # Checked in full from its bytes, since LiteRT trusts every flatbuffer.
        file = open_checked(self._given, origin=origin)
        self.contract, self._flatbuffer, self._origin = file.contract, file.flatbuffer, file.origin
        self._threads = threads
        self._limit = limit
        self._start_pool()
        _open_models.add(self)
        if not self._is_shipped():
            try_in_process(self._flatbuffer, self._origin)
        # Creates the first interpreter now, so that errors appear here and not during scoring.
        with self._runner():
            pass

    def __repr__(self) -> str:
        return f"Model({self.contract.name} {self.contract.version}, {self._origin})"

    def __reduce__(self) -> tuple[Any, ...]:
        given = self._given if isinstance(self._given, bytes) else self._given.absolute()
        options: dict[str, Any] = {
            "threads": self._threads,
            "max_interpreters": self._limit,
            "origin": self._origin,
        }
        return partial(Model, **options), (given,)

    def run(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the model once.

        Args:
            tensor: uint8 [1, height, width, 3], RGB, 0-255, from `preprocess`; for a cause detector
                from `edgeiqa.analysis.patches.detail`.

        Returns:
            A copy of each output by name: float64 [values], dequantised.

        Raises:
            TypeError: `tensor` is not a uint8 array.
            ValueError: Wrong shape.
        """
        with self._runner() as runner:
            return runner.dequantise(runner.invoke(self._checked(tensor)))

    def run_raw(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the model once and returns its outputs unchanged, such as int8.

        Args:
            tensor: As for `run`.

        Returns:
            A copy of each output by name: [values] of the output's own dtype.

        Raises:
            TypeError: `tensor` is not a uint8 array.
            ValueError: Wrong shape.
        """
        with self._runner() as runner:
            return runner.invoke(self._checked(tensor))

    def close(self) -> None:
        """Frees the interpreters; later calls create them again."""
        self._start_pool()

    def _is_shipped(self) -> bool:
        if isinstance(self._given, Path) and _FOLDER in self._given.parents:
            return True
        path = (
            find(self.contract.name)
            if self.contract.name in (*available_models(), CAUSES)
            else None
        )
        return path is not None and path.read_bytes().startswith(self._flatbuffer)

    def _checked(self, tensor: object) -> np.ndarray:
        shape = self.contract.input.tensor_shape
        if not isinstance(tensor, np.ndarray) or tensor.dtype != np.uint8:
            kind = tensor.dtype if isinstance(tensor, np.ndarray) else type(tensor).__name__
            raise TypeError(f"the tensor is {kind}, expected a uint8 array")
        if tensor.shape != shape:
            raise ValueError(f"the tensor has the shape {tensor.shape}, expected {shape}")
        return tensor

    # The pool must survive a KeyboardInterrupt and a fork at any moment. Therefore an interrupt
    # cannot leave a lock held: the queue is implemented in C, the lock is only used in a `with`
    # statement, and an interpreter lost to an interrupt is garbage collected, which makes room for
    # another one.

    def _start_pool(self) -> None:
        self._idle: queue.SimpleQueue[_Runner] = queue.SimpleQueue()
        self._made: list[weakref.ref[_Runner]] = []
        self._making = threading.Lock()

    @contextmanager
    def _runner(self) -> Iterator[_Runner]:
        """Lends an idle interpreter; creates one below the limit, otherwise waits."""
        idle = self._idle
        runner = self._borrow(idle)
        try:
            yield runner
        finally:
            idle.put(runner)

    def _borrow(self, idle: queue.SimpleQueue[_Runner]) -> _Runner:
        while True:
            try:
                return idle.get_nowait()
            except queue.Empty:
                pass
            with self._making:
                self._made = [one for one in self._made if one() is not None]
                if len(self._made) < self._limit:
                    runner = _Runner(self._flatbuffer, self.contract, self._threads, self._origin)
                    self._made.append(weakref.ref(runner))
                    return runner
            try:
                return idle.get(timeout=_WAIT_S)
            except queue.Empty:
                pass  # The interpreter may have been lost.


_open_models: weakref.WeakSet[Model] = weakref.WeakSet()


def _after_fork() -> None:
    # Threads do not survive a fork: locks may be held forever, and interpreters lack theirs.
    for model in list(_open_models):
        model._start_pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Runner:
    """One interpreter, for use by one thread at a time."""

    def __init__(self, flatbuffer: bytes, contract: Contract, threads: int, origin: str) -> None:
        try:
            self._interpreter = new_interpreter(flatbuffer, threads)
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{origin}: the runtime cannot open it: {error}") from error
        self._dtype = np.dtype(contract.input.dtype)
        # Shapes and types match the contract, see `edgeiqa.inference.model_file`.
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

    @stage("outputs")
    def dequantise(self, raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Computes (q - zero point) * scale in float64; only widens float outputs."""
        real = {}
        for name, values in raw.items():
            scale, zero = self._outputs[name]["quantization"]
            real[name] = values.astype(np.float64)
            if values.dtype.kind in "iu" and scale:
                real[name] = (real[name] - float(zero)) * float(scale)
        return real
