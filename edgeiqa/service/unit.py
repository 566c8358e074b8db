"""The unit: how systemd starts and supervises `edgeiqa live`, and what it may access.

docs/raspberry-pi.md gives the reason for every line of the sandbox.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[A-Za-z0-9_./:=@,+-]+")


def quoted(word: str) -> str:
    """Quotes a word of a command line or a list of paths; ValueError for a zero byte.

    Quotes, backslashes, control characters and bytes that are not UTF-8 become C escapes, and %
    becomes %%, as specifiers are expanded everywhere. A $ is kept: commands have the prefix ":",
    which disables the expansion of variables.
    """
    if "\0" in word:
        raise ValueError(f"{word!r} contains a zero byte")
    if _PLAIN.fullmatch(word):
        return word
    return f'"{_escaped(word)}"'


def command(words: list[str]) -> str:
    """Returns a command line for `ExecStart=`, without expansion of variables (":").

    Args:
        words: The program, by its absolute path, and its arguments.

    Raises:
        ValueError: The path of the program is relative, or contains quotes, backslashes or
            control characters, which systemd refuses; or a word contains a zero byte.
    """
    program = words[0]
    if not os.path.isabs(program):
        raise ValueError(f"{program}: expected an absolute path")
    if any(sign in "\"'\\" or not sign.isprintable() for sign in program):
        raise ValueError(f"{program!r}: systemd refuses a program path with these characters")
    return " ".join([quoted(f":{program}"), *(quoted(word) for word in words[1:])])


def listed(path: str) -> str:
    """Quotes a path for `ReadWritePaths=`, `BindPaths=` or `BindReadOnlyPaths=`.

    These have no C escapes: a backslash only quotes the next character; an unquoted colon would
    start another path.

    Raises:
        ValueError: A control character, or bytes that are not UTF-8.
    """
    if any(ord(sign) < 32 or 0xD800 <= ord(sign) < 0xE000 for sign in path):
        raise ValueError(f"{path!r}: systemd cannot represent a path with control characters")
    escaped = "".join(f"\\{sign}" if sign in "\\\"':" else sign for sign in path)
    return f'"{escaped.replace("%", "%%")}"'


def plain(text: str) -> str:
    """Escapes a value that extends to the end of its line, such as a description."""
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
"""Seconds without a frame after which the service is restarted."""

MEMORY_MAX = "384M"
"""Memory limit; beyond it the service is killed and restarted."""

_HEAD = "# Written by `edgeiqa service install`, which overwrites it; put changes into\n"


@dataclass(frozen=True)
class UnitSpec:
    """The parameters of a unit.

    Attributes:
        name: Name of the service, without ".service".
        words: The command: an absolute path and arguments.
        description: One line of text.
        user: An existing account; None for one that systemd creates while the service runs.
        cameras: Whether it needs cameras (V4L2 and media devices, DMA heaps).
        udev: Whether it listens to udev, as libcamera does.
        network: Whether it may use the network.
        only_host: With `network`, the only permitted address, "localhost" or a literal IP
            address; None for any.
        readable: Paths it must read below /home, /root and /run/user, which are hidden, or below
            /tmp, which is private.
        writable: Existing folders outside its state directory that it must write.
        credentials: Files that systemd reads for it, by name.
        environment: Environment variables.
        memory_max: Value of `MemoryMax=`.
        systemd: Version of systemd; newer ones support more settings.
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
"""Folders that are empty for the service, except for what is bound into them."""


def is_hidden(path: str) -> bool:
    """Whether a path is hidden from the service unless bound."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in HIDDEN)


def unit_text(spec: UnitSpec) -> str:
    """Returns the text of the unit file.

    Raises:
        ValueError: Something that a unit cannot represent, such as a control character in the
            name of an account, which would inject another line.
    """
    sections = {
        "Unit": [
            ("Description", plain(spec.description)),
            # Never give up: a camera may come back after an hour.
            ("StartLimitIntervalSec", "0"),
            ("After", "network.target" if spec.network else "basic.target"),
        ],
        "Service": [*_running(spec), *_identity(spec), *_sandbox(spec), *_reach(spec)],
        "Install": [("WantedBy", "multi-user.target")],
    }
    lines = [f"{_HEAD}# {spec.name}.service.d/*.conf (sudo systemctl edit {spec.name})."]
    for title, pairs in sections.items():
        lines.append(f"\n[{title}]")
        for name, value in pairs:
            if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
                raise ValueError(f"{name}={value!r} contains a control character")
            lines.append(f"{name}={value}")
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
        ("RestartPreventExitStatus", "2"),  # Invalid usage is permanent.
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
        # Not ProcSubset=pid: XNNPACK reads /proc/cpuinfo and crashes without it.
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
        # Hides other users; impossible with cameras, which need the group video.
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
