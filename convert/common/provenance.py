"""What a measurement must say about itself to be repeated."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
from collections.abc import Mapping, Sequence
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


# Options whose folders are private, the variables that replace them, and the shortest
# abbreviation that argparse could take for them.
_FOLDERS = (("--work", "EDGEIQA_WORK", "--wo"), ("--data-root", "EDGEIQA_DATA", "--data-"))


_running: list[str] = []


def remember(arguments: Sequence[str]) -> None:
    """Notes the arguments of the step that is running."""
    _running[:] = arguments


def command_line(default: str) -> str:
    """The command that is running, as one can type it again, without private paths.

    Args:
        default: What to say when the caller is a script or a test and not a step.
    """
    if not _running:
        return default
    return "python -m convert " + public_arguments(_running, os.environ)


def public_arguments(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Command-line arguments as shell text that may be published.

    ``--work`` and ``--data-root`` are left out with their values. Paths in these folders, or in
    those that ``EDGEIQA_WORK`` and ``EDGEIQA_DATA`` name, begin with the variable; of every
    other absolute path only the file name is kept.

    Args:
        arguments: Words after ``python -m convert``.
        environment: Of the process.
    """
    folders = [
        (environment[variable], variable)
        for _, variable, _ in _FOLDERS
        if environment.get(variable)
    ]
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        variable = _private(option)
        if variable is None:
            kept.append(word)
            continue
        value = value if equals else next(words, "")
        if value:
            folders.insert(0, (value, variable))
    return " ".join(_public(word, folders) for word in kept)


def _private(option: str) -> str | None:
    """The variable that replaces the folder of an option, if it is one of those."""
    for name, variable, shortest in _FOLDERS:
        if option.startswith(shortest) and name.startswith(option):
            return variable
    return None


def _public(word: str, folders: Sequence[tuple[str, str]]) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("--"):
        return f"{shlex.quote(option)}={_public(value, folders)}"
    expanded = os.path.expanduser(word)
    if not os.path.isabs(expanded):
        return shlex.quote(word)
    path = Path(os.path.normpath(expanded))
    for folder, variable in folders:
        base = Path(os.path.abspath(os.path.expanduser(folder)))
        if path == base:
            return f"${variable}"
        if path.is_relative_to(base):
            # The variable stays outside of quotes, or no shell would fill it in.
            return f"${variable}/{shlex.quote(path.relative_to(base).as_posix())}"
    return shlex.quote(path.name or "/")


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
