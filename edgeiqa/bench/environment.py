"""What a measurement was made on: processor, versions, priority, memory."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path("/")

# What integer networks run on, by the kernel's words for x86-64 and for ARM.
FEATURES = (
    *("sse4_2", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "amx_int8"),
    *("neon", "asimd", "asimddp", "i8mm", "sve"),
)

PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "pillow")
OPENCV = (
    *("opencv-contrib-python-headless", "opencv-contrib-python"),
    *("opencv-python-headless", "opencv-python"),
)


def machine(root: Path = ROOT) -> dict[str, Any]:
    """What the machine says about itself; None for what it keeps to itself.

    Args:
        root: Where /proc and /sys are.

    Returns:
        Ready for JSON: "processor", "board" (a Raspberry Pi tells its model), "architecture",
        "features" (those of `FEATURES` that it has), "cores", "cores_allowed", "governor" (of
        the clock frequency), "system", "priority" (scheduling class and nice value) and "load"
        (mean number of running processes over the last minute, ours among them).
    """
    cpuinfo = _text(root / "proc/cpuinfo") or ""
    flags = set((_field(cpuinfo, "flags") or _field(cpuinfo, "Features") or "").split())
    return {
        "processor": _processor(cpuinfo),
        "board": _text(root / "proc/device-tree/model"),
        "architecture": platform.machine(),
        "features": [name for name in FEATURES if name in flags],
        "cores": os.cpu_count(),
        "cores_allowed": _cores_allowed(),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "system": f"{platform.system()} {platform.release()}",
        "priority": _priority(),
        "load": _load(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of what is installed of the packages that count."""
    found = {"python": platform.python_version()}
    for name in (*PACKAGES, *OPENCV):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def rss_mb(root: Path = ROOT) -> float | None:
    """Memory of this process that is in RAM now, in megabytes of 10**6; None if not told."""
    return _status_mb("VmRSS", root)


def peak_rss_mb(root: Path = ROOT) -> float | None:
    """The most there was since the start, or since `forget_peak`."""
    found = _status_mb("VmHWM", root)
    if found is not None:
        return found
    try:
        import resource
    except ImportError:  # Windows.
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def forget_peak(root: Path = ROOT) -> bool:
    """Lets `peak_rss_mb` begin anew; returns whether the kernel did so."""
    try:
        (root / "proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status_mb(name: str, root: Path) -> float | None:
    kilobytes = _field(_text(root / "proc/self/status") or "", name)
    return None if kilobytes is None else int(kilobytes.split()[0]) * 1024 / 1e6


def _processor(cpuinfo: str) -> str | None:
    for name in ("model name", "Hardware", "cpu model"):
        found = _field(cpuinfo, name)
        if found:
            return found
    implementer, part = _field(cpuinfo, "CPU implementer"), _field(cpuinfo, "CPU part")
    if implementer and part:  # What ARM's kernels tell on 64 bits.
        return _ARM_PARTS.get((implementer, part), f"ARM implementer {implementer} part {part}")
    return platform.processor() or None


_ARM_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
}


def _field(text: str, name: str) -> str | None:
    found = re.search(rf"^{re.escape(name)}\s*:[ \t]*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\0\n ") or None
    except OSError:
        return None


def _cores_allowed() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _priority() -> str | None:
    if not hasattr(os, "sched_getscheduler"):
        return None
    names = {os.SCHED_OTHER: "normal", os.SCHED_FIFO: "real time", os.SCHED_RR: "real time"}
    kind = names.get(os.sched_getscheduler(0), "other")
    return f"{kind}, nice {os.getpriority(os.PRIO_PROCESS, 0)}"


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 1)
    except (AttributeError, OSError):
        return None
