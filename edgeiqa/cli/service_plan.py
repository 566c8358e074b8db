"""From the words of `edgeiqa live` to the unit that runs them."""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import site
import sys
from typing import TYPE_CHECKING

from edgeiqa.cli import live
from edgeiqa.cli.common import UsageError
from edgeiqa.cli.live_options import check_options

if TYPE_CHECKING:
    from edgeiqa.service.unit import UnitSpec

DEFAULT_SOURCE = "picamera2"
DEFAULT_EVERY = "1"
"""Seconds between verdicts of the default source: spares heat and the card."""

STATE = "/var/lib"
RUNTIME = "/run"

_REFUSED = {
    "output": "lines go to the journal; journalctl -u NAME -o cat shows them",
    "append": "lines go to the journal",
    "show": "a service has no terminal",
    "status": "a service has its own, `edgeiqa service status` reads it",
}
_CAMERA = re.compile(r"(v4l2:)?/dev/.+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def completed(words: list[str]) -> list[str]:
    """The words of `edgeiqa live`, with the default source where none is named."""
    arguments = _parsed(words)
    if arguments.source is not None or arguments.source_option is not None:
        return words
    every = [] if arguments.every is not None else ["--every", DEFAULT_EVERY]
    return ["--source", DEFAULT_SOURCE, *every, *words]


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="edgeiqa", allow_abbrev=False)
    live.add(parser.add_subparsers())
    return parser.parse_args(["live", *words])  # Prints and exits like `live` itself.


def parsed_words(words: list[str]) -> argparse.Namespace:
    """What `edgeiqa live` makes of its words.

    Raises:
        UsageError: It would refuse them, or they mean nothing in a service.
    """
    arguments = _parsed(words)
    check_options(arguments)
    for name, reason in _REFUSED.items():
        if getattr(arguments, name):
            raise UsageError(f"--{name} is not for a service: {reason}")
    if arguments.source == "-":
        raise UsageError("a service has no standard input to read frames from")
    if arguments.format == "table":
        raise UsageError("a service writes JSON lines, not a table")
    if arguments.preview is not None and not arguments.preview.isdecimal():
        raise UsageError("--preview FILE is not for a service; --preview PORT is")
    return arguments


def plan(
    words: list[str],
    *,
    name: str,
    run_as: str | None,
    password_file: str | None,
    memory_max: str | None,
    systemd: int,
) -> UnitSpec:
    """Works out the unit.

    Args:
        words: Of `edgeiqa live`, `completed`.
        name: Of the service.
        run_as: An account that exists; None for one that systemd makes.
        password_file: For `--mqtt`; systemd reads it as root and hands it over.
        memory_max: None for the usual one.
        systemd: Its version.

    Raises:
        UsageError: It cannot run as a service like that.
    """
    from edgeiqa.service.unit import MEMORY_MAX, UnitSpec, is_hidden
    from edgeiqa.sinks.mqtt_url import CREDENTIAL

    arguments = parsed_words(words)
    source = arguments.source
    is_pi = source.startswith("picamera2")
    is_address = bool(_ADDRESS.match(source))
    cameras = is_pi or bool(_CAMERA.fullmatch(source))
    state = f"{STATE}/{name}"
    save = None if arguments.save is None else os.path.normpath(os.path.join(state, arguments.save))
    inside = save is not None and (save == state or save.startswith(f"{state}/"))
    if save is not None and not inside and run_as is None:
        raise UsageError(
            f"--save {save}: the service has an account of its own, which may write below {state} "
            f"only; give a name such as --save pictures, or install with --run-as USER"
        )
    files = [arguments.mqtt_ca, arguments.model if arguments.model.endswith(".tflite") else None]
    if not (cameras or is_address or source.startswith("lavfi:")):
        files.append(source)
    moved = {save: arguments.save} if save else {}
    for path in files:
        if path is not None:
            if not os.path.exists(path):
                raise UsageError(f"{path}: no such file or folder")
            moved[os.path.abspath(path)] = path
    needed = [*_python_folders(), *(path for path in moved if path != save)]
    readable = _outermost([path for path in needed if is_hidden(path)])
    network = is_address or arguments.mqtt is not None or arguments.preview is not None
    credentials = {}
    if password_file is not None:
        if arguments.mqtt is None:
            raise UsageError("--mqtt-password-file is for a service with --mqtt")
        credentials[CREDENTIAL] = os.path.abspath(password_file)
    return UnitSpec(
        name,
        [
            *(sys.executable, "-m", "edgeiqa", "live"),
            *_moved(words, {old: new for new, old in moved.items()}),
            *("--format", "jsonl", "--status", f"{RUNTIME}/{name}/status.json"),
        ],
        f"edgeiqa: how good the pictures of {_shown(source)} look",
        user=run_as,
        cameras=cameras,
        udev=is_pi,
        network=network,
        only_host=_only_host(arguments) if not is_address and arguments.preview is None else None,
        readable=tuple(readable),
        writable=() if save is None or inside else (save,),
        credentials=credentials,
        environment={"LIBCAMERA_LOG_LEVELS": "*:WARN"} if is_pi else {},
        memory_max=memory_max or MEMORY_MAX,
        systemd=systemd,
    )


def check_mqtt(arguments: argparse.Namespace, password_file: str | None) -> None:
    """Looks whether verdicts could be published, before anything is written.

    Raises:
        UsageError: paho-mqtt is missing, no address, or a password where everybody reads it.
    """
    from edgeiqa.sinks.mqtt import import_paho
    from edgeiqa.sinks.mqtt_url import parse_broker

    if arguments.mqtt is None:
        return
    if "${" in arguments.mqtt:
        raise UsageError(
            "--mqtt: a service has no environment of yours; leave the password out and give "
            "--mqtt-password-file FILE"
        )
    try:
        import_paho()
        broker = parse_broker(arguments.mqtt, {})
    except (ValueError, ImportError) as error:
        raise UsageError(f"--mqtt: {error}") from error
    if broker.exposed:
        raise UsageError(
            "--mqtt: everybody can read a unit, so the password must not be in it: leave it out, "
            "put it into a file that only root can read, and give --mqtt-password-file FILE"
        )
    if password_file is not None:
        if broker.user is None:
            raise UsageError("--mqtt: a password without a user; mqtt://USER@HOST/TOPIC")
        if not os.path.isfile(password_file):
            raise UsageError(f"--mqtt-password-file {password_file}: no such file")


def _python_folders() -> list[str]:
    """Where this Python and this package lie.

    Raises:
        UsageError: The package is installed for one user only.
    """
    import edgeiqa

    package = os.path.dirname(os.path.dirname(os.path.abspath(edgeiqa.__file__)))
    if site.ENABLE_USER_SITE and package == os.path.abspath(site.getusersitepackages()):
        raise UsageError(
            f"edgeiqa is installed for one user only, in {package}; a service needs a virtual "
            "environment: python3 -m venv --system-site-packages VENV, VENV/bin/pip install edgeiqa"
        )
    real = os.path.dirname(os.path.realpath(sys.executable))
    return [sys.prefix, sys.base_prefix, os.path.dirname(sys.executable), real, package]


def _outermost(paths: list[str]) -> list[str]:
    """Paths without those that lie in others."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept


def _moved(words: list[str], new: dict[str, str]) -> list[str]:
    """The words with paths that hold wherever the service runs."""
    found = []
    for word in words:
        option, equals, value = word.partition("=")
        if word.startswith("--") and equals and value in new:
            found.append(f"{option}={new[value]}")
        else:
            found.append(new.get(word, word))
    return found


def _only_host(arguments: argparse.Namespace) -> str | None:
    """The host of the broker, if that is an address that systemd can hold the service to."""
    from edgeiqa.sinks.mqtt_url import parse_broker

    if arguments.mqtt is None:
        return None
    try:
        host = parse_broker(arguments.mqtt, {}).host
    except ValueError as error:
        raise UsageError(f"--mqtt: {error}") from error
    if host == "localhost":
        return host
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _shown(source: str) -> str:
    from edgeiqa.urls import without_password

    return "".join(sign if sign.isprintable() else "?" for sign in without_password(source))
