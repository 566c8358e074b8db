"""`edgeiqa service`: runs `edgeiqa live` under systemd, in a sandbox, from boot on."""

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

what follows -- are options of `edgeiqa live`; where they name no source, it is the camera of the
Pi and a verdict a second (--source picamera2 --every 1). JSON lines go to the journal:
journalctl -u edgeiqa -o cat -f. The service may write below /var/lib/NAME only; --save pictures is
a folder in there. See docs/raspberry-pi.md.
"""

STATUS_EPILOG = """exit codes:
  0    the service runs
  2    wrong usage, or systemd does not answer
  3    it is installed and does not run
  4    it is not installed
"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "service",
        allow_abbrev=False,
        help="run `live` as a service of systemd, on a Raspberry Pi for one",
        description="Installs `edgeiqa live` as a service of systemd that starts with the system.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    install = _action(actions, "install", "write the unit, enable and start it", EPILOG)
    install.add_argument(
        "--run-as",
        metavar="USER",
        help="an account that exists (default: one that is made for the time the service runs)",
    )
    install.add_argument(
        "--mqtt-password-file", metavar="FILE", help="password for --mqtt; keep it mode 0600, root"
    )
    install.add_argument(
        "--memory-max", metavar="SIZE", type=_memory, help="as systemd writes it (default: 384M)"
    )
    install.add_argument("--no-start", action="store_true", help="write the unit and no more")
    install.add_argument("--dry-run", action="store_true", help="print the unit and do nothing")
    install.add_argument("words", nargs="*", metavar="-- LIVE OPTIONS", help="of `edgeiqa live`")
    install.set_defaults(run=run_install)
    status = _action(actions, "status", "tell whether it runs, and its last verdict", STATUS_EPILOG)
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.set_defaults(run=run_status)
    uninstall = _action(
        actions, "uninstall", "stop it and remove the unit; saved pictures stay", None
    )
    uninstall.set_defaults(run=run_uninstall)


def run_install(arguments: argparse.Namespace) -> int:
    """Writes and starts the service; returns the exit code."""
    from edgeiqa.cli.service_plan import check_mqtt, completed, parsed_words, plan
    from edgeiqa.service import install as systemctl
    from edgeiqa.service.install import enable_offline, unit_path, write_unit
    from edgeiqa.service.unit import unit_text

    words = completed(arguments.words)
    asked = parsed_words(words)
    check_mqtt(asked, arguments.mqtt_password_file)
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
                "systemd does not run here; --dry-run prints the unit, --no-start writes it, "
                "--root DIR writes it below another root"
            )
        _check_account(spec)
        _check_python(spec)
        _check_source(asked)
    try:
        backup = write_unit(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    secret = arguments.mqtt_password_file
    if secret is not None and os.stat(secret).st_mode & 0o077:
        print(
            f"edgeiqa: warning: others than its owner can read {secret}: chmod 600", file=sys.stderr
        )
    print(f"wrote {path}{f' (the one before: {backup})' if backup else ''}")
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
        print(f"edgeiqa: see: journalctl -u {spec.name} -n 20 -o cat", file=sys.stderr)
        return EXIT_USAGE
    print(f"{spec.name} runs, and starts with the system; edgeiqa service status tells how it is")
    return EXIT_OK


def run_status(arguments: argparse.Namespace) -> int:
    """Tells how the service is; returns the exit code."""
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
        print(f"{arguments.name}: not installed ({path} is not there)")
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
    print(f"removed {path}; what it saved stays in /var/lib/{arguments.name}")
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
        "--name", type=_name, default="edgeiqa", help="of the service (default: edgeiqa)"
    )
    parser.add_argument(
        "--root", metavar="DIR", default="/", help="of another system, as an image that is mounted"
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
    """Says how to come back as root."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return
    words = [sys.executable, "-m", "edgeiqa", *sys.argv[1:]]
    raise UsageError(f"{path} can be changed by root only: sudo {shlex.join(words)}")


def _check_account(spec: UnitSpec) -> None:
    """Makes sure that the account and the folders it writes to exist."""
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
    """Makes sure that the unit's Python finds this package from anywhere."""
    words = [*spec.words[:3], "--version"]
    done = subprocess.run(
        words, cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise UsageError(
            f"{shlex.join(words)} fails outside of this folder ({said}); install edgeiqa into a "
            "virtual environment and use that one"
        )


def _check_source(asked: argparse.Namespace) -> None:
    """Makes sure that what the source needs, such as picamera2, is installed."""
    from edgeiqa.cli.live import asked_source

    try:
        asked_source(asked, lambda event: None, [])
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of letters, digits, - and _")
    return text


def _memory(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?[KMGT%]?|infinity", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 256M, 1G, 50% or infinity")
    return text
