"""Installs and removes a unit, and runs systemctl."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import AtomicFile

RUNNING = "/run/systemd/system"
"""Exists where systemd is the init system, see sd_booted(3)."""

PROPERTIES = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "MainPID", "NRestarts",
    "ActiveEnterTimestamp", "MemoryCurrent", "StatusText", "ExecMainStatus",
)  # fmt: skip


class SystemctlError(EdgeIQAError, RuntimeError):
    """systemd is missing or refuses; the message is for the user."""


def is_running() -> bool:
    """Whether systemd runs on this system."""
    return os.path.isdir(RUNNING) and shutil.which("systemctl") is not None


def version() -> int | None:
    """Returns the installed version of systemd; None if there is none."""
    if shutil.which("systemctl") is None:
        return None
    found = re.match(r"systemd (\d+)", _run("--version"))
    return int(found[1]) if found else None


def call(*words: str) -> str:
    """Runs `systemctl` and returns its output; raises SystemctlError."""
    if shutil.which("systemctl") is None:
        raise SystemctlError("systemctl is not installed: this system has no systemd")
    return _run(*words)


def show(unit: str) -> dict[str, str]:
    """Returns a unit's properties, `LoadState` "not-found" if missing; raises SystemctlError."""
    return parsed(call("show", unit, f"--property={','.join(PROPERTIES)}"))


def parsed(text: str) -> dict[str, str]:
    """Parses the NAME=VALUE lines of `systemctl show`."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, equals, value in pairs if equals}


def _run(*words: Sequence[str] | str) -> str:
    done = subprocess.run(
        ["systemctl", *map(str, words)], capture_output=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False,
    )  # fmt: skip
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise SystemctlError(f"systemctl {' '.join(map(str, words))}: {reason}")
    return done.stdout


UNITS = "/etc/systemd/system"
"""The directory of the administrator's units."""


def unit_path(name: str, root: str = "/") -> str:
    """Returns the path of a service's unit, below another root if given."""
    return os.path.join(root, UNITS.lstrip("/"), f"{name}.service")


def write_unit(path: str, text: str) -> str | None:
    """Writes a unit atomically and keeps a backup of an older one that differs.

    Returns:
        The path of the backup; None if there was no unit, or it was identical.

    Raises:
        OSError: The unit cannot be written.
    """
    before = _read(path)
    if before == text:
        return None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    backup = None
    with AtomicFile(path, durable=True, mode=0o644) as file:
        file.stream.write(text.encode("utf-8", "surrogateescape"))
        if before is not None:
            backup = f"{path}.before"
            os.replace(path, backup)
    return backup


def remove_unit(path: str) -> bool:
    """Removes a unit; returns False if there was none."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def wanted_path(path: str) -> str:
    """Returns the path of the link that starts a unit at boot."""
    folder, name = os.path.split(path)
    return os.path.join(folder, "multi-user.target.wants", name)


def enable_offline(path: str) -> None:
    """Enables a unit of a system that is not running, as `systemctl enable` would."""
    link = wanted_path(path)
    os.makedirs(os.path.dirname(link), exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.symlink(os.path.join(UNITS, os.path.basename(path)), link)


def disable_offline(path: str) -> None:
    """Disables a unit of a system that is not running."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(wanted_path(path))


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
