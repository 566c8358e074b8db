"""A real mosquitto on loopback that tests stop, kill and start again; and a reader."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.tools import needs


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Waits until something is so; fails if it does not become so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Mosquitto:
    """A broker that keeps its sessions on disk."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None) -> None:
        needs("mosquitto")
        self.port = port or free_port()
        self.folder = folder
        self.config = folder / "mosquitto.conf"
        anonymous = [] if any("allow_anonymous" in line for line in lines) else [
            "allow_anonymous true"
        ]  # fmt: skip
        self.config.write_text(
            "\n".join((
                f"listener {self.port} 127.0.0.1",
                "persistence true", f"persistence_location {folder}/",
                "max_queued_messages 0",
                "user root",
                *anonymous, *lines, "",
            ))
        )  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
        log = (self.folder / "mosquitto.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                ["mosquitto", "-c", str(self.config)],
                env={**os.environ, "PATH": path}, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self._answers)
        return self

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=90)
            self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.kill()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "mosquitto.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class Reader:
    """Subscribes to everything, with a session that outlives breaks, and keeps what comes."""

    def __init__(self, port: int, **login: str) -> None:
        self.messages: list[paho.MQTTMessage] = []
        self.connected = threading.Event()
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="reader", protocol=paho.MQTTv5
        )
        if login:
            self.client.username_pw_set(login["user"], login["password"])
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = lambda client, data, message: self.messages.append(message)
        self.client.on_subscribe = lambda *_: self.connected.set()
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_disconnect = lambda *_: self.connected.clear()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        self.client.loop_start()
        assert self.connected.wait(90)

    def of(self, topic: str) -> list[str]:
        return [m.payload.decode() for m in list(self.messages) if m.topic == topic]

    def verdicts(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.of(topic)]

    def sequence(self, topic: str) -> list[int]:
        """The numbers that came, without the second of two that are the same."""
        return list(dict.fromkeys(one["sequence"] for one in self.verdicts(topic)))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
