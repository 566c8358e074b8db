"""What systemd hears, on a real socket."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from edgeiqa.service.sd_notify import Notifier

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sockets of Unix")


def waiting(manager: socket.socket) -> int:
    """Takes the signs of life that lie there, and counts them."""
    count = 0
    while True:
        try:
            assert manager.recv(100) == b"WATCHDOG=1"
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_lines_arrive(kind: str, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    if kind == "abstract":
        if not sys.platform.startswith("linux"):
            pytest.skip("Linux only")
        address = f"\0edgeiqa-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        notifier = Notifier({"NOTIFY_SOCKET": address.replace("\0", "@")})
        assert notifier.present
        notifier.send(READY=1, STATUS="waits")
        assert manager.recv(1000) == b"READY=1\nSTATUS=waits"


def test_signs_of_life_are_few_and_only_sent_when_asked_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        notifier = Notifier({**environ, "WATCHDOG_PID": str(os.getpid())})
        assert notifier.watchdog_s == 0.4
        start = time.monotonic()
        while time.monotonic() - start < 0.5:
            notifier.beat()
            time.sleep(0.001)
        manager.setblocking(False)
        assert waiting(manager) in range(1, 7)  # One in 0.1 s.
        Notifier({**environ, "WATCHDOG_PID": "1"}).beat()  # Meant for another process.
        Notifier(environ | {"WATCHDOG_USEC": "odd"}).beat()
        assert waiting(manager) == 0


def test_without_a_manager_nothing_happens(tmp_path: Path) -> None:
    cases: list[dict[str, str]] = [{}, {"NOTIFY_SOCKET": "odd"}]
    for environ in cases:
        assert not Notifier(environ).present
        Notifier(environ).send(READY=1)
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1"}).beat()
