"""What the stress scripts say about their own process and machine (Linux)."""

from __future__ import annotations

import platform
from pathlib import Path


def resident_mb() -> float:
    """Resident memory of this process in MB (10^6 bytes)."""
    return _status_mb("VmRSS:")


def peak_mb() -> float:
    """Its highest so far; unlike `ru_maxrss` without that of the parent before the fork."""
    return _status_mb("VmHWM:")


def _status_mb(key: str) -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(key))
    return int(line.split()[1]) * 1024 / 1e6


def processor() -> str:
    """What the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
