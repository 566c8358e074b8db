"""The interpreter that runs models: LiteRT's, or on 32-bit ARM that of its predecessor."""

from __future__ import annotations

import platform
import sys
from typing import Any

import numpy as np

# What tflite-runtime 2.14, the last one, has wheels for.
_FALLBACK_NEWEST = (3, 11)


def interpreter_class() -> Any:
    """The class `Interpreter` of ai-edge-litert, or else of tflite-runtime.

    tflite-runtime is a fallback: several times slower, and its int8 arithmetic rounds otherwise,
    so that scores differ by some points (docs/reports/aarch64.md).

    Raises:
        ImportError: Neither can be used here; the text says why and what to do.
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
            f"no LiteRT to run models with: {_why(litert, 'ai_edge_litert')}"
            f"{_why_more(error)}. {_advice()}"
        ) from litert
    # It can be imported beside NumPy 2, and breaks later with pages of errors of NumPy's.
    if int(np.__version__.split(".")[0]) >= 2:
        raise ImportError(
            f"tflite-runtime, which stands in for LiteRT here ({_why(litert, 'ai_edge_litert')}), "
            f'works with NumPy 1 only and this is NumPy {np.__version__}: pip install "numpy<2"'
            f"{'' if _is_32_bit_arm() else ', or better ai-edge-litert'}"
        ) from litert
    return Interpreter


def _why(error: ImportError, module: str) -> str:
    """One line: not installed, or what came instead."""
    package = module.replace("_", "-")
    if isinstance(error, ModuleNotFoundError) and error.name in (module, f"{module}.interpreter"):
        return f"{package} is not installed"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{package} cannot be loaded: {lines[-1] if lines else type(error).__name__}"


def _why_more(error: ImportError) -> str:
    """About tflite-runtime, where that is worth a word: it is on ARM, or where it is broken."""
    why = _why(error, "tflite_runtime")
    if _is_32_bit_arm() or not why.endswith("is not installed"):
        return f"; {why}"
    return ""


def _is_32_bit_arm() -> bool:
    """Whether this Python is one for 32-bit ARM; the kernel below it may be a 64-bit one."""
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
    wider = "a 64-bit system, where LiteRT is faster, too"
    if machine.lower().startswith("armv6"):
        return (
            "On ARMv6 (Raspberry Pi 1 and the first Zero) there is no runtime at all: take a board "
            f"with ARMv7 or later, or {wider}"
        )
    if sys.version_info[:2] > _FALLBACK_NEWEST:
        newest = ".".join(map(str, _FALLBACK_NEWEST))
        return (
            f"LiteRT has no wheels for 32-bit ARM, and tflite-runtime only for Python up to "
            f"{newest}; this is Python {platform.python_version()}: take Python {newest}, or "
            f"{wider}"
        )
    # On a 64-bit kernel pip would take the system for a 64-bit one.
    linux32 = "" if machine.lower().startswith("armv") else "linux32 "
    return f'On 32-bit ARM: {linux32}pip install "tflite-runtime>=2.14" "numpy<2"; or take {wider}'
