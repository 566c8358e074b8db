"""How many processor cores this process may use, which may be fewer than the machine has."""

from __future__ import annotations

import math
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """The usable cores, by affinity (taskset) and quota (containers); at least 1."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = cgroup_cores()
    return cores if quota is None else max(1, min(cores, math.floor(quota + 0.5)))


def cgroup_cores(root: Path = _ROOT, own: Path = _OWN) -> float | None:
    """The CPU quota of this process by its control group and those above it.

    Args:
        root: Where control groups are mounted.
        own: The file that lists the groups of this process.

    Returns:
        A number of cores, such as 1.5; None if there is no quota.
    """
    try:
        lines = own.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "-", "/")
        if not controllers:  # Version 2: one hierarchy for all.
            quotas += [_quota(folder, "cpu.max") for folder in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            quotas += [_quota(folder, None) for folder in _upwards(root / "cpu", path)]
    found = [quota for quota in quotas if quota is not None]
    return min(found) if found else None


def _upwards(root: Path, path: str) -> list[Path]:
    """A control group and its parents. In a container the path is that of the host."""
    folder = root / path.lstrip("/")
    between = [parent for parent in folder.parents if root in parent.parents]
    return [folder, *between, root]


def _quota(folder: Path, name: str | None) -> float | None:
    try:
        if name is not None:
            limit, period = (folder / name).read_text(encoding="ascii").split()
        else:
            limit = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii")
        cores = int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max" means no limit.
        return None
    return cores if cores > 0 else None
