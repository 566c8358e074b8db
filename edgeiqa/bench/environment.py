"""The conditions of a measurement: processor, versions, priority, memory."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

FEATURES = (
    *("sse4_2", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "amx_int8"),
    *("neon", "asimd", "asimddp", "i8mm", "sve"),
)
"""Instruction sets relevant to integer networks, by the kernel's names for x86-64 and ARM."""

PACKAGES = (
    *("ai-edge-litert", "tflite-runtime", "numpy", "pillow"),
    *("opencv-contrib-python-headless", "opencv-contrib-python"),
    *("opencv-python-headless", "opencv-python"),
)


def machine() -> dict[str, Any]:
    """Describes the machine, JSON-ready; None for what is unknown.

    Returns:
        "processor", "board" (the model of a Raspberry Pi), "architecture", "features" (those of
        `FEATURES` present), "cores", "cores_allowed", "governor" (of the clock frequency),
        "system", "priority" (scheduling class and nice value) and "load" (mean number of running
        processes over the last minute).
    """
    process = _process()
    cpuinfo = _text("/proc/cpuinfo") or ""
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    name = re.search(r"^(?:model name|Hardware|cpu model)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    present = set(flags[1].split()) if flags else set()
    return {
        "processor": name[1].strip() if name else platform.processor() or None,
        "board": _text("/proc/device-tree/model"),
        "architecture": platform.machine(),
        "features": [feature for feature in FEATURES if feature in present],
        "cores": os.cpu_count(),
        "cores_allowed": len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else None,
        "governor": _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "system": f"{platform.system()} {platform.release()}",
        "priority": None if process is None else f"{_scheduling()}, nice {process.nice()}",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the relevant packages that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def rss_mb() -> float | None:
    """Resident memory of this process in megabytes of 10**6; None without psutil."""
    process = _process()
    return None if process is None else process.memory_info().rss / 1e6


def peak_rss_mb() -> float | None:
    """Highest resident memory since the start or `reset_peak`; None where the kernel is silent."""
    found = re.search(r"^VmHWM:\s*(\d+) kB$", _text("/proc/self/status") or "", re.MULTILINE)
    return None if found is None else int(found[1]) * 1024 / 1e6


def reset_peak() -> bool:
    """Resets `peak_rss_mb`; returns whether the kernel supports that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _process() -> Any:
    """This process, by psutil; None if that is not installed."""
    try:
        import psutil
    except ImportError:
        return None
    return psutil.Process()


def _scheduling() -> str:
    if not hasattr(os, "sched_getscheduler"):
        return "normal"
    names = {os.SCHED_OTHER: "normal", os.SCHED_FIFO: "real time", os.SCHED_RR: "real time"}
    return names.get(os.sched_getscheduler(0), "other")


def _text(path: str) -> str | None:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rstrip("\0\n ") or None
