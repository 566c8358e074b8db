"""What a measurement must say about itself to be repeated."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

PACKAGES = ("edgeiqa", "ai-edge-litert", "tflite-runtime", "numpy", "pillow", "scipy")
TRAINING_PACKAGES = ("tensorflow", "tensorflow-cpu", "tf-keras", "keras")


def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of the packages that are installed, and of Python and the processor family."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def command_line(default: str) -> str:
    """The command that is running, as one can type it again.

    Args:
        default: What to say when the caller is a script or a test and not ``python -m convert``.
    """
    if Path(sys.argv[0]).parent.name != "convert":
        return default
    return "python -m convert " + shlex.join(sys.argv[1:])


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
