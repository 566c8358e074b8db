"""The unit: how systemd starts `edgeiqa live`, watches it, and what it may touch.

Every line of the sandbox is there for a reason that docs/raspberry-pi.md tells.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[A-Za-z0-9_./:=@,+-]+")


def quoted(word: str) -> str:
    """A word of a command line or of a list of paths.

    Quotes, backslashes, control characters and bytes that are not UTF-8 become C escapes, %
    becomes %%, as specifiers are put in everywhere. A $ stays: commands are written with the
    prefix ":", with which systemd puts in no variables.

    Raises:
        ValueError: A zero byte, which no word can hold.
    """
    if "\0" in word:
        raise ValueError(f"{word!r} has a zero byte in it")
    if _PLAIN.fullmatch(word):
        return word
    return f'"{_escaped(word)}"'


def command(words: list[str]) -> str:
    """A command line for `ExecStart=`.

    No variables are put in (":"), so a $ is a $, in the path of the program, too.

    Args:
        words: The program, by its absolute path, and its arguments.

    Raises:
        ValueError: The program has no absolute path, or one that systemd refuses, with quotes
            or backslashes in it; or a word holds a zero byte.
    """
    program = words[0]
    if not os.path.isabs(program):
        raise ValueError(f"{program}: expected an absolute path")
    if any(sign in "\"'\\" or not sign.isprintable() for sign in program):
        raise ValueError(f"{program!r}: systemd starts no program with such signs in its path")
    return " ".join([quoted(f":{program}"), *(quoted(word) for word in words[1:])])


def listed(path: str) -> str:
    """A path in `ReadWritePaths=`, `BindPaths=` or `BindReadOnlyPaths=`.

    There a backslash only takes the meaning from the sign after it, so that what would need a C
    escape cannot be written; a colon would begin another path.

    Raises:
        ValueError: A control character, or bytes that are not UTF-8.
    """
    if any(ord(sign) < 32 or 0xD800 <= ord(sign) < 0xE000 for sign in path):
        raise ValueError(f"{path!r}: systemd cannot be told such a path")
    escaped = "".join(f"\\{sign}" if sign in "\\\"':" else sign for sign in path)
    return f'"{escaped.replace("%", "%%")}"'


def plain(text: str) -> str:
    """A value that is taken to the end of its line, such as a description or one path.

    Raises:
        ValueError: It holds a control character.
    """
    if any(ord(sign) < 32 for sign in text):
        raise ValueError(f"{text!r} has a control character in it")
    return text.replace("%", "%%")


def _escaped(word: str) -> str:
    parts = []
    for sign in word:
        if sign in '"\\':
            parts.append(f"\\{sign}")
        elif sign == "%":
            parts.append("%%")
        elif ord(sign) < 32 or ord(sign) == 127 or 0xD800 <= ord(sign) < 0xE000:
            parts.extend(f"\\x{byte:02x}" for byte in os.fsencode(sign))
        else:
            parts.append(sign)
    return "".join(parts)


WATCHDOG_S = 60
"""Seconds without a frame after which the service is started again."""

MEMORY_MAX = "384M"
"""Memory of the service at most; beyond it the service is killed and started again."""

_HEAD = "# Written by `edgeiqa service install`, which replaces it; changes belong into\n"


@dataclass(frozen=True)
class UnitSpec:
    """What a unit is made of.

    Attributes:
        name: Of the service, without ".service".
        words: The command: an absolute path and arguments.
        description: One line for people.
        user: An account that exists; None for one that systemd makes for the time it runs.
        cameras: Whether it needs cameras (V4L2 and media devices, DMA heaps).
        udev: Whether it listens to udev, as libcamera does.
        network: Whether it may use the network.
        only_host: With `network`: the only address that it may talk to, "localhost" or a
            literal IP address; None for any.
        readable: Paths below /home, /root and /run/user, which are hidden, and /tmp, which is
            the service's own, that it must read.
        writable: Folders outside of its state directory that it must write; they exist.
        credentials: Name to file that systemd reads for it.
        environment: Name to value.
        memory_max: As `MemoryMax=` takes it.
        systemd: Version of systemd; newer ones know more settings.
    """

    name: str
    words: list[str]
    description: str
    user: str | None = None
    cameras: bool = False
    udev: bool = False
    network: bool = False
    only_host: str | None = None
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    credentials: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    memory_max: str = MEMORY_MAX
    systemd: int = 252


HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
"""Folders that the service sees empty, but for what is bound into them."""


def is_hidden(path: str) -> bool:
    """Whether a path lies where the service sees nothing by itself."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in HIDDEN)


def unit_text(spec: UnitSpec) -> str:
    """The text of the unit file.

    Raises:
        ValueError: Something that no unit can hold, such as a zero byte in a path.
    """
    sections = {
        "Unit": [
            ("Description", plain(spec.description)),
            # A camera that comes back after an hour is to be served.
            ("StartLimitIntervalSec", "0"),
            ("After", "network.target" if spec.network else "basic.target"),
        ],
        "Service": [*_running(spec), *_identity(spec), *_sandbox(spec), *_reach(spec)],
        "Install": [("WantedBy", "multi-user.target")],
    }
    lines = [f"{_HEAD}# {spec.name}.service.d/*.conf (sudo systemctl edit {spec.name})."]
    for title, pairs in sections.items():
        lines.append(f"\n[{title}]")
        lines.extend(f"{name}={value}" for name, value in pairs)
    return "\n".join(lines) + "\n"


def _running(spec: UnitSpec) -> list[tuple[str, str]]:
    later = [("RestartSteps", "6"), ("RestartMaxDelaySec", "300")] if spec.systemd >= 254 else []
    return [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("ExecStart", command(spec.words)),
        ("WorkingDirectory", "/"),
        *(("Environment", quoted(f"{name}={value}")) for name, value in spec.environment.items()),
        *(("LoadCredential", f"{name}:{plain(path)}") for name, path in spec.credentials.items()),
        ("Restart", "on-failure"),
        ("RestartSec", "5" if later else "10"),
        *later,
        ("RestartPreventExitStatus", "2"),  # Wrong usage does not heal.
        ("TimeoutStartSec", "120"),
        ("TimeoutStopSec", "30"),
        ("WatchdogSec", str(WATCHDOG_S)),
        ("StandardInput", "null"),
        ("StandardOutput", "journal"),
        ("StandardError", "journal"),
        ("SyslogIdentifier", spec.name),
    ]


def _identity(spec: UnitSpec) -> list[tuple[str, str]]:
    account = [("User", spec.user)] if spec.user else [("DynamicUser", "yes")]
    return [
        *account,
        *([("SupplementaryGroups", "video")] if spec.cameras else []),
        ("StateDirectory", spec.name),
        ("StateDirectoryMode", "0750"),
        ("RuntimeDirectory", spec.name),
        ("RuntimeDirectoryMode", "0755"),
        ("UMask", "0022"),
        ("MemoryMax", spec.memory_max),
        ("MemorySwapMax", "0"),
        ("TasksMax", "64"),
        ("OOMPolicy", "stop"),
    ]


def _sandbox(spec: UnitSpec) -> list[tuple[str, str]]:
    return [
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "tmpfs"),
        ("PrivateMounts", "yes"),
        ("PrivateTmp", "yes"),
        ("ProtectProc", "invisible"),
        # Not ProcSubset=pid: XNNPACK looks into /proc/cpuinfo and dies without it.
        ("ProtectClock", "yes"),
        ("ProtectControlGroups", "yes"),
        ("ProtectHostname", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("LockPersonality", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RemoveIPC", "yes"),
        ("RestrictNamespaces", "yes"),
        ("RestrictRealtime", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("KeyringMode", "private"),
        ("SystemCallArchitectures", "native"),
        ("SystemCallFilter", "@system-service"),
        ("SystemCallFilter", "~@privileged @resources"),
        ("SystemCallErrorNumber", "EPERM"),
    ]


def _reach(spec: UnitSpec) -> list[tuple[str, str]]:
    """Devices, network and files."""
    lines = []
    if spec.cameras:
        lines += [("PrivateDevices", "no"), ("DevicePolicy", "closed")]
        groups = ("video4linux", "media", "dma_heap")
        lines += [("DeviceAllow", f"char-{group} rw") for group in groups]
    else:
        # Other users' identities are not even known; group video has to be where cameras are.
        lines += [("PrivateDevices", "yes"), ("DevicePolicy", "closed"), ("PrivateUsers", "yes")]
    families = ["AF_UNIX"]
    if spec.network:
        families += ["AF_INET", "AF_INET6"]
    if spec.udev:
        families.append("AF_NETLINK")
    lines.append(("RestrictAddressFamilies", " ".join(families)))
    if not spec.network:
        lines += [("PrivateNetwork", "yes"), ("IPAddressDeny", "any")]
    elif spec.only_host is not None:
        lines += [("IPAddressDeny", "any"), ("IPAddressAllow", spec.only_host)]
    lines += [("BindReadOnlyPaths", listed(path)) for path in spec.readable]
    for path in spec.writable:
        lines.append(("BindPaths" if is_hidden(path) else "ReadWritePaths", listed(path)))
    return lines
