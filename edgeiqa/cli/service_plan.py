"""Derives a unit from the arguments of `edgeiqa live`."""

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
"""Seconds between verdicts of the default source: saves heat and the SD card."""

STATE = "/var/lib"
RUNTIME = "/run"

_REFUSED = {
    "output": "lines go to the journal, see journalctl -u NAME -o cat",
    "append": "lines go to the journal",
    "show": "a service has no terminal",
    "status": "a service has its own, see `edgeiqa service status`",
}
_CAMERA = re.compile(r"(v4l2:)?/dev/.+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def with_default_source(words: list[str]) -> list[str]:
    """The arguments of `edgeiqa live`, with the default source if none is given."""
    arguments = _parse(words)
    if arguments.source is not None or arguments.source_option is not None:
        return words
    every = [] if arguments.every is not None else ["--every", DEFAULT_EVERY]
    return ["--source", DEFAULT_SOURCE, *every, *words]


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="edgeiqa", allow_abbrev=False)
    live.add(parser.add_subparsers())
    return parser.parse_args(["live", *words])  # Prints and exits like `live` itself.


def parse_live(words: list[str]) -> argparse.Namespace:
    """Parses the arguments of `edgeiqa live`; UsageError if they do not suit a service."""
    arguments = _parse(words)
    check_options(arguments)
    for name, reason in _REFUSED.items():
        if getattr(arguments, name):
            raise UsageError(f"--{name} is not available in a service: {reason}")
    if arguments.source == "-":
        raise UsageError("a service has no standard input")
    if arguments.format == "table":
        raise UsageError("a service writes JSON lines, not a table")
    if arguments.preview is not None and not arguments.preview.isdecimal():
        raise UsageError("--preview FILE is not available in a service; use --preview PORT")
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
    """Derives the parameters of the unit.

    Args:
        words: Arguments of `edgeiqa live` including the source.
        name: Of the service.
        run_as: An existing account; None for one created by systemd.
        password_file: For `--mqtt`; systemd reads it as root and passes it on.
        memory_max: None for the default.
        systemd: Version of systemd.

    Raises:
        UsageError: The arguments do not suit a service.
    """
    from edgeiqa.service.unit import MEMORY_MAX, UnitSpec, is_hidden
    from edgeiqa.sinks.mqtt_url import CREDENTIAL

    arguments = parse_live(words)
    source = arguments.source
    is_pi = source.startswith("picamera2")
    is_address = bool(_ADDRESS.match(source))
    cameras = is_pi or bool(_CAMERA.fullmatch(source))
    state = f"{STATE}/{name}"
    save = None if arguments.save is None else os.path.normpath(os.path.join(state, arguments.save))
    inside = save is not None and (save == state or save.startswith(f"{state}/"))
    if save is not None and not inside and run_as is None:
        raise UsageError(
            f"--save {save}: the service's account can only write below {state}; use a relative "
            "path such as --save pictures, or install with --run-as USER"
        )
    files = [arguments.mqtt_ca, arguments.model if arguments.model.endswith(".tflite") else None]
    if not (cameras or is_address or source.startswith("lavfi:")):
        files.append(source)
    absolute = {arguments.save: save} if save else {}
    for path in files:
        if path is not None:
            if not os.path.exists(path):
                raise UsageError(f"{path}: no such file or folder")
            absolute[path] = os.path.abspath(path)
    needed = [*_python_folders(), *(path for path in absolute.values() if path != save)]
    readable = _outermost([path for path in needed if is_hidden(path)])
    network = is_address or arguments.mqtt is not None or arguments.preview is not None
    credentials = {}
    if password_file is not None:
        if arguments.mqtt is None:
            raise UsageError("--mqtt-password-file requires --mqtt")
        credentials[CREDENTIAL] = os.path.abspath(password_file)
    return UnitSpec(
        name,
        [
            *(sys.executable, "-m", "edgeiqa", "live"),
            *_with_paths(words, absolute),
            *("--format", "jsonl", "--status", f"{RUNTIME}/{name}/status.json"),
        ],
        f"edgeiqa: image quality of {_shown(source)}",
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
    """Checks before anything is written that verdicts can be published.

    Raises:
        UsageError: paho-mqtt is missing, the URL is invalid, or the password would be readable.
    """
    from edgeiqa.sinks.mqtt import import_paho
    from edgeiqa.sinks.mqtt_url import parse_broker

    if arguments.mqtt is None:
        return
    if "${" in arguments.mqtt:
        raise UsageError(
            "--mqtt: a service does not see your environment variables; leave the password out "
            "and use --mqtt-password-file FILE"
        )
    try:
        import_paho()
        broker = parse_broker(arguments.mqtt, {})
    except (ValueError, ImportError) as error:
        raise UsageError(f"--mqtt: {error}") from error
    if broker.exposed:
        raise UsageError(
            "--mqtt: everybody can read a unit, so it must not contain the password: leave it "
            "out, write it to a file that only root can read, and use --mqtt-password-file FILE"
        )
    if password_file is not None:
        if broker.user is None:
            raise UsageError("--mqtt: a password needs a user, mqtt://USER@HOST/TOPIC")
        if not os.path.isfile(password_file):
            raise UsageError(f"--mqtt-password-file {password_file}: no such file")


def _python_folders() -> list[str]:
    """The folders of this Python and this package; UsageError for a user installation."""
    import edgeiqa

    package = os.path.dirname(os.path.dirname(os.path.abspath(edgeiqa.__file__)))
    if site.ENABLE_USER_SITE and package == os.path.abspath(site.getusersitepackages()):
        raise UsageError(
            f"edgeiqa is installed for one user only, in {package}; install it for the service "
            "into a virtual environment, created with python3 -m venv --system-site-packages VENV"
        )
    real = os.path.dirname(os.path.realpath(sys.executable))
    return [sys.prefix, sys.base_prefix, os.path.dirname(sys.executable), real, package]


def _outermost(paths: list[str]) -> list[str]:
    """Removes paths inside other paths."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept


def _with_paths(words: list[str], new: dict[str, str]) -> list[str]:
    """Replaces paths in arguments."""
    found = []
    for word in words:
        option, equals, value = word.partition("=")
        if word.startswith("--") and equals and value in new:
            found.append(f"{option}={new[value]}")
        else:
            found.append(new.get(word, word))
    return found


def _only_host(arguments: argparse.Namespace) -> str | None:
    """The host of the broker, if it is an address to which systemd can confine the service."""
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
