"""`edgeiqa service`: runs `edgeiqa live` under systemd, sandboxed, from boot."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from edgeiqa.cli.common import EXIT_OK, EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from edgeiqa.service.status import ServiceState
    from edgeiqa.service.unit import UnitSpec

EPILOG = """examples:
  sudo edgeiqa service install
  sudo edgeiqa service install -- --source picamera2 --every 0.5 --size 1920x1080
  sudo edgeiqa service install -- --save pictures --save-every 60 --save-quota 2GB
  sudo edgeiqa service install --mqtt-password-file /etc/edgeiqa.password -- \\
      --source picamera2 --every 1 --mqtt mqtt://edgeiqa@broker.local/camera/door

Options after -- are those of `edgeiqa live`; without a source, they default to the camera of the Pi
and one verdict a second (--source picamera2 --every 1). JSON lines go to the journal:
journalctl -u edgeiqa -o cat -f. The service may only write below /var/lib/NAME, where --save
pictures creates a folder. See docs/raspberry-pi.md.
"""

STATUS_EPILOG = """exit codes:
  0    the service is running
  2    invalid usage, or systemd does not answer
  3    the service is installed but not running
  4    the service is not installed
"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")
# As systemd accepts them, see "User and group name syntax".
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,255}\$?")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "service",
        allow_abbrev=False,
        help="run `live` as a systemd service, for instance on a Raspberry Pi",
        description="Installs `edgeiqa live` as a systemd service that starts at boot.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    install = _action(actions, "install", "write, enable and start the unit", EPILOG)
    install.add_argument(
        "--run-as",
        metavar="USER",
        type=_account,
        help="an existing account (default: one that systemd creates while the service runs)",
    )
    install.add_argument(
        "--mqtt-password-file",
        metavar="FILE",
        help="file with the password for --mqtt; owned by root, mode 0600",
    )
    install.add_argument(
        "--memory-max",
        metavar="SIZE",
        type=_memory,
        help="memory limit, in systemd's notation (default: 384M)",
    )
    install.add_argument("--no-start", action="store_true", help="only write the unit")
    install.add_argument("--dry-run", action="store_true", help="only print the unit")
    install.add_argument(
        "words", nargs="*", metavar="-- LIVE OPTIONS", help="options of `edgeiqa live`"
    )
    install.set_defaults(run=run_install)
    status = _action(
        actions, "status", "show whether it is running, and its last verdict", STATUS_EPILOG
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.set_defaults(run=run_status)
    uninstall = _action(
        actions, "uninstall", "stop the service and remove its unit; saved pictures stay", None
    )
    uninstall.set_defaults(run=run_uninstall)


def run_install(arguments: argparse.Namespace) -> int:
    """Writes and starts the unit; returns the exit code."""
    from edgeiqa.cli.service_plan import check_mqtt, parse_live, plan, with_default_source
    from edgeiqa.service import install as systemctl
    from edgeiqa.service.install import enable_offline, unit_path, write_unit
    from edgeiqa.service.unit import unit_text

    words = with_default_source(arguments.words)
    live = parse_live(words)
    check_mqtt(live, arguments.mqtt_password_file)
    spec = plan(
        words,
        name=arguments.name,
        run_as=arguments.run_as,
        password_file=arguments.mqtt_password_file,
        memory_max=arguments.memory_max,
        systemd=systemctl.version() or 252,
    )
    try:
        text = unit_text(spec)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if arguments.dry_run:
        sys.stdout.write(text)
        return EXIT_OK
    path = unit_path(spec.name, arguments.root)
    elsewhere = arguments.root != "/"
    if not elsewhere:
        _need_root(path)
        if not arguments.no_start and not systemctl.is_running():
            raise UsageError(
                "systemd is not running; --dry-run prints the unit, --no-start writes it, "
                "--root DIR writes it below another root"
            )
        _check_account(spec)
        _check_python(spec)
        _check_source(live)
    try:
        backup = write_unit(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    secret = arguments.mqtt_password_file
    if secret is not None and os.stat(secret).st_mode & 0o077:
        print(f"edgeiqa: warning: other users can read {secret}; run chmod 600", file=sys.stderr)
    print(f"wrote {path}{f' (previous version: {backup})' if backup else ''}")
    if elsewhere:
        enable_offline(path)
    if elsewhere or arguments.no_start:
        return EXIT_OK
    try:
        systemctl.call("daemon-reload")
        systemctl.call("enable", f"{spec.name}.service")
        systemctl.call("restart", f"{spec.name}.service")
    except systemctl.SystemctlError as error:
        print(f"edgeiqa: error: {error}", file=sys.stderr)
        print(f"edgeiqa: for details: journalctl -u {spec.name} -n 20 -o cat", file=sys.stderr)
        return EXIT_USAGE
    print(f"{spec.name} is running and starts at boot; see edgeiqa service status")
    return EXIT_OK


def run_status(arguments: argparse.Namespace) -> int:
    """Prints the state of the service; returns the exit code."""
    from edgeiqa.service import install as systemctl

    try:
        state = _state(arguments)
    except systemctl.SystemctlError as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        print(json.dumps(state.to_dict()))
    else:
        print("\n".join(state.lines()))
    return state.exit_code


def run_uninstall(arguments: argparse.Namespace) -> int:
    """Removes the service; returns the exit code."""
    from edgeiqa.service import install as systemctl
    from edgeiqa.service.install import disable_offline, remove_unit, unit_path
    from edgeiqa.service.status import EXIT_NO_UNIT

    path = unit_path(arguments.name, arguments.root)
    here = arguments.root == "/"
    if not os.path.lexists(path):
        print(f"{arguments.name}: not installed (no {path})")
        return EXIT_NO_UNIT
    if here:
        _need_root(path)
        if systemctl.is_running():
            with contextlib.suppress(systemctl.SystemctlError):
                systemctl.call("disable", "--now", f"{arguments.name}.service")
    remove_unit(path)
    disable_offline(path)
    if here and systemctl.is_running():
        systemctl.call("daemon-reload")
    print(f"removed {path}; saved files stay in /var/lib/{arguments.name}")
    return EXIT_OK


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    epilog: str | None,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name,
        allow_abbrev=False,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--name", type=_name, default="edgeiqa", help="name of the service (default: edgeiqa)"
    )
    parser.add_argument(
        "--root", metavar="DIR", default="/", help="root of another system, such as a mounted image"
    )
    return parser


def _state(arguments: argparse.Namespace) -> ServiceState:
    from edgeiqa.service import install as systemctl
    from edgeiqa.service.install import unit_path, wanted_path
    from edgeiqa.service.status import ServiceState, read_report, report_path

    name, root = arguments.name, arguments.root
    path = unit_path(name, root)
    report = read_report(report_path(name, root))
    if root != "/" or not systemctl.is_running():
        enabled = os.path.lexists(wanted_path(path))
        return ServiceState(name, os.path.lexists(path), enabled, None, report=report)
    found = systemctl.show(f"{name}.service")
    return ServiceState(
        name,
        found.get("LoadState") not in (None, "not-found"),
        found.get("UnitFileState") == "enabled",
        found.get("ActiveState"),
        found,
        report,
    )


def _need_root(path: str) -> None:
    """Refuses without root; says how to run the command as root."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return
    words = [sys.executable, "-m", "edgeiqa", *sys.argv[1:]]
    raise UsageError(f"only root can change {path}: sudo {shlex.join(words)}")


def _check_account(spec: UnitSpec) -> None:
    """Checks the account and creates the folders it writes to."""
    if spec.user is None:
        return
    import pwd

    try:
        account = pwd.getpwnam(spec.user)
    except KeyError as error:
        raise UsageError(f"--run-as {spec.user}: no such account") from error
    for folder in spec.writable:
        if not os.path.isdir(folder):
            os.makedirs(folder)
            os.chown(folder, account.pw_uid, account.pw_gid)


def _check_python(spec: UnitSpec) -> None:
    """Checks that the unit's Python finds this package from any folder."""
    words = [*spec.words[:3], "--version"]
    done = subprocess.run(
        words, cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(
            f"{shlex.join(words)} fails outside this folder ({reason}); install edgeiqa into a "
            "virtual environment and run it from there"
        )


def _check_source(live: argparse.Namespace) -> None:
    """Checks that the source exists, and that the package it needs is installed."""
    from edgeiqa.cli.live import open_frames
    from edgeiqa.sources.open import UnknownSourceError

    try:
        open_frames(live)
    except UnknownSourceError as error:
        raise UsageError(str(error)) from error


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected letters, digits, - and _, got {text!r}")
    return text


def _account(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected the name of an account, got {text!r}")
    return text


def _memory(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?[KMGT%]?|infinity", text):
        raise argparse.ArgumentTypeError(
            f"expected a size such as 256M, 1G, 50% or infinity, got {text!r}"
        )
    return text
