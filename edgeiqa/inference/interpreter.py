"""Creates LiteRT interpreters or, on 32-bit ARM, those of its predecessor."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

# The newest Python that tflite-runtime 2.14, the last version, has wheels for.
_FALLBACK_NEWEST = (3, 11)
_INFO = (b"INFO:", b"I0000")

_first = threading.Lock()
_has_introduced_itself = False


def new_interpreter(flatbuffer: bytes, threads: int) -> Any:
    """Creates an interpreter with its tensors allocated.

    The runtime's INFO line about its delegate, which C++ writes to descriptor 2 for the first
    interpreter of a process, is suppressed; warnings and errors are kept.

    Raises:
        ImportError: No runtime is available.
        RuntimeError: The runtime cannot open the flatbuffer; it may also raise ValueError.
    """
    global _has_introduced_itself
    interpreter = interpreter_class()
    if _has_introduced_itself:
        return _opened(interpreter, flatbuffer, threads)
    with _first, _without_info():
        opened = _opened(interpreter, flatbuffer, threads)
        _has_introduced_itself = True
        return opened


def _opened(interpreter: Any, flatbuffer: bytes, threads: int) -> Any:
    opened = interpreter(model_content=flatbuffer, num_threads=threads)
    opened.allocate_tensors()
    return opened


@contextlib.contextmanager
def _without_info() -> Iterator[None]:
    """Removes INFO lines from everything written to descriptor 2 in this block."""
    with contextlib.ExitStack() as stack:
        try:
            sys.stderr.flush()
            saved = os.dup(2)
            stack.callback(os.close, saved)
            caught = stack.enter_context(tempfile.TemporaryFile())
        except (OSError, ValueError, AttributeError):
            # No standard error, as in some services, or no writable temporary folder.
            yield
            return
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            caught.seek(0)
            if lines := [line for line in caught if not line.startswith(_INFO)]:
                os.write(2, b"".join(lines))


def interpreter_class() -> Any:
    """Returns the `Interpreter` class of ai-edge-litert, or else of tflite-runtime.

    tflite-runtime is a fallback: several times slower, and its int8 arithmetic rounds differently,
    so that scores differ by a few points (docs/reports/aarch64.md).

    Raises:
        ImportError: Neither is available; the message says why and what to do.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        litert = error
    else:
        return Interpreter
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError as error:
        raise ImportError(
            f"no runtime for models: {_why(litert, 'ai_edge_litert')}"
            f"{_why_more(error)}. {_advice()}"
        ) from litert
    # With NumPy 2 the import succeeds, but later calls fail with pages of NumPy errors.
    if int(np.__version__.split(".")[0]) >= 2:
        raise ImportError(
            f"tflite-runtime, the fallback for LiteRT ({_why(litert, 'ai_edge_litert')}), "
            f'works with NumPy 1 only and this is NumPy {np.__version__}: pip install "numpy<2"'
            f"{'' if _is_32_bit_arm() else ', or better ai-edge-litert'}"
        ) from litert
    return Interpreter


def _why(error: ImportError, module: str) -> str:
    """Explains in one line why a package cannot be used."""
    package = module.replace("_", "-")
    if isinstance(error, ModuleNotFoundError) and error.name in (module, f"{module}.interpreter"):
        return f"{package} is not installed"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{package} cannot be loaded: {lines[-1] if lines else type(error).__name__}"


def _why_more(error: ImportError) -> str:
    """Explains why tflite-runtime cannot be used, if that matters: on ARM, or if broken."""
    why = _why(error, "tflite_runtime")
    if _is_32_bit_arm() or not why.endswith("is not installed"):
        return f"; {why}"
    return ""


def _is_32_bit_arm() -> bool:
    """Returns whether this is a Python for 32-bit ARM, even on a 64-bit kernel."""
    machine = platform.machine().lower()
    return sys.maxsize < 2**32 and machine.startswith(("arm", "aarch64"))


def _advice() -> str:
    machine = platform.machine()
    if not _is_32_bit_arm():
        return (
            "pip install ai-edge-litert, which has wheels for Linux on x86-64 and 64-bit ARM, "
            f"macOS on ARM and 64-bit Windows (this is {platform.system()} on {machine}, "
            f"Python {platform.python_version()})"
        )
    wider = "a 64-bit system, where LiteRT is also faster"
    if machine.lower().startswith("armv6"):
        return (
            "On ARMv6 (Raspberry Pi 1 and the first Zero) no runtime is available: use a board "
            f"with ARMv7 or later, or {wider}"
        )
    if sys.version_info[:2] > _FALLBACK_NEWEST:
        newest = ".".join(map(str, _FALLBACK_NEWEST))
        return (
            f"LiteRT has no wheels for 32-bit ARM, and tflite-runtime only for Python up to "
            f"{newest}; this is Python {platform.python_version()}: use Python {newest}, or "
            f"{wider}"
        )
    # On a 64-bit kernel pip would look for 64-bit wheels.
    linux32 = "" if machine.lower().startswith("armv") else "linux32 "
    return f'On 32-bit ARM: {linux32}pip install "tflite-runtime>=2.14" "numpy<2"; or use {wider}'
