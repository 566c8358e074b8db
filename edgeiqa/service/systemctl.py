"""Asks and tells systemd through `systemctl`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

RUNNING = "/run/systemd/system"
"""Exists where systemd is the init of the system, see sd_booted(3)."""

PROPERTIES = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "MainPID", "NRestarts",
    "ActiveEnterTimestamp", "MemoryCurrent", "StatusText", "ExecMainStatus",
)  # fmt: skip


class SystemctlError(RuntimeError):
    """systemd is not there or refuses; its text is for people."""


def is_running() -> bool:
    """Whether systemd runs this system."""
    return os.path.isdir(RUNNING) and shutil.which("systemctl") is not None


def version() -> int | None:
    """The version of systemd that is installed; None for none."""
    if shutil.which("systemctl") is None:
        return None
    found = re.match(r"systemd (\d+)", _run("--version"))
    return int(found[1]) if found else None


def call(*words: str) -> str:
    """Runs `systemctl` and gives what it prints.

    Raises:
        SystemctlError: It failed; says with which words and what it said.
    """
    if shutil.which("systemctl") is None:
        raise SystemctlError("systemctl is not installed: this system has no systemd")
    return _run(*words)


def show(unit: str) -> dict[str, str]:
    """The properties of a unit; of one that is not there `LoadState` is "not-found".

    Raises:
        SystemctlError: systemd does not answer.
    """
    return parsed(call("show", unit, f"--property={','.join(PROPERTIES)}"))


def parsed(text: str) -> dict[str, str]:
    """Lines NAME=VALUE as `systemctl show` prints them."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, equals, value in pairs if equals}


def _run(*words: Sequence[str] | str) -> str:
    done = subprocess.run(
        ["systemctl", *map(str, words)], capture_output=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False,
    )  # fmt: skip
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise SystemctlError(f"systemctl {' '.join(map(str, words))}: {said}")
    return done.stdout
