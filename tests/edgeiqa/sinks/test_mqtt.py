"""No verdict is lost up to the buffer, and beyond it as many as are counted: a real broker."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.live.result import LiveResult
from edgeiqa.quality import Quality
from edgeiqa.sinks.mqtt import MqttPublisher, client_id_of
from edgeiqa.sinks.mqtt_queue import WINDOW
from edgeiqa.sinks.mqtt_url import Broker
from edgeiqa.sources.base import Event
from tests.edgeiqa.sinks.mosquitto import Mosquitto, Reader, free_port, wait_for
from tests.tools import needs

TOPIC = "camera/door"


def result(number: int) -> LiveResult:
    quality = Quality(number % 100, causes={"blur": 0.25})
    return LiveResult(number, quality, quality)


class Publishing:
    """A publisher and what it reported."""

    def __init__(self, broker: Broker | int, **options: Any) -> None:
        self.reports: list[str] = []
        if isinstance(broker, int):
            broker = Broker("127.0.0.1", broker, TOPIC)
        self.publisher = MqttPublisher(broker, report=self.reports.append, **options)
        self.sent = 0

    def send(self, count: int, pause: float = 0.0) -> None:
        for _ in range(count):
            self.sent += 1
            self.publisher.result(result(self.sent))
            time.sleep(pause)

    @property
    def status(self) -> dict[str, Any]:
        return self.publisher.status()

    def delivered(self) -> bool:
        status = self.status
        return status["waiting"] == status["in_flight"] == 0


@pytest.fixture
def ends() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def publishing(ends: contextlib.ExitStack, *args: Any, **options: Any) -> Publishing:
    one = Publishing(*args, **options)
    ends.callback(one.publisher.close, 0.0)
    return one


def reading(ends: contextlib.ExitStack, port: int, **login: str) -> Reader:
    reader = Reader(port, **login)
    ends.callback(reader.close)
    return reader


def test_a_message_is_what_a_json_line_has_and_more(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    broker = ends.enter_context(Mosquitto(tmp_path))
    reader = reading(ends, broker.port)
    one = publishing(ends, broker.port, taken_at=lambda ns: 1_764_000_000_123_456_789 + (ns or 0))
    one.publisher.event(Event("opened", "a camera"))
    one.send(2)
    wait_for(lambda: len(reader.verdicts(TOPIC)) == 2)
    first, second = reader.verdicts(TOPIC)
    head = ["run", "sequence", "time"]
    assert list(first) == [*head, *result(1).to_dict()]
    assert {key: first[key] for key in result(1).to_dict()} == result(1).to_dict()
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert first["run"] == second["run"]
    assert first["time"] == "2025-11-24T16:00:00.123Z"
    wait_for(lambda: reader.of(f"{TOPIC}/event"))
    assert reader.of(f"{TOPIC}/event") == [
        '{"event": "opened", "message": "a camera", "attempt": 0}'
    ]
    one.publisher.close()
    wait_for(lambda: reader.of(f"{TOPIC}/status") == ["online", "offline"])
    assert one.publisher.summary() == "mqtt: 2 delivered"
    (report,) = one.reports
    assert f"mqtt://127.0.0.1:{broker.port}," in report


@pytest.mark.slow
def test_a_broker_that_is_stopped_and_killed_in_the_middle_gets_every_verdict(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    saving = ("autosave_interval 1", "autosave_on_changes true")
    broker = ends.enter_context(Mosquitto(tmp_path, *saving))
    reader = reading(ends, broker.port)
    one = publishing(ends, broker.port)
    for _ in range(2):  # It ends in order while verdicts come.
        for _ in range(100):
            one.send(1, pause=0.002)
        broker.stop()
        one.send(100)
        broker.start()
        wait_for(lambda: one.status["connected"])
    for _ in range(2):
        # It is killed with verdicts in flight that it has not acknowledged. What a killed broker
        # has acknowledged and not saved is lost in the broker, so that is waited for first.
        wait_for(lambda: len(reader.sequence(TOPIC)) == one.sent)
        assert broker.process is not None
        broker.process.send_signal(signal.SIGSTOP)
        one.send(100)
        wait_for(lambda: one.status["in_flight"] == WINDOW)
        broker.kill()
        one.send(100)
        broker.start()
        wait_for(lambda: one.status["connected"])
    wait_for(one.delivered)
    wait_for(lambda: len(reader.sequence(TOPIC)) == one.sent)
    assert reader.sequence(TOPIC) == list(range(1, one.sent + 1))  # In order, each.
    assert one.status["dropped"] == one.status["refused"] == 0
    assert one.status["delivered"] == one.sent == 800
    assert sum(report.startswith("connected") for report in one.reports) == 5
    assert sum(report.startswith("disconnected") for report in one.reports) == 4
    wait_for(lambda: reader.of(f"{TOPIC}/status")[-1] == "online")


def test_beyond_the_buffer_the_oldest_go_and_are_counted(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    broker = Mosquitto(tmp_path)
    one = publishing(ends, broker.port, buffer=50)
    one.send(170)
    wait_for(lambda: one.reports)
    ends.enter_context(broker)
    reader = reading(ends, broker.port)
    wait_for(one.delivered)
    wait_for(lambda: len(reader.sequence(TOPIC)) == 50)
    assert reader.sequence(TOPIC) == list(range(121, 171))
    assert one.status["dropped"] == 120
    assert one.status["delivered"] == 50
    assert sum("Connection refused" in report for report in one.reports) == 1
    assert len(one.reports) == 3  # Unreachable, the buffer is full, connected: each once.
    assert re.search(r"\b50\b.*\b120\b", one.reports[-1])
    broker.kill()
    wait_for(lambda: not one.status["connected"])
    one.send(80)
    broker.start()
    wait_for(one.delivered)
    wait_for(lambda: reader.sequence(TOPIC)[-1] == 250)
    lost = set(range(1, 251)) - set(reader.sequence(TOPIC))
    assert len(lost) == one.status["dropped"] == 150
    assert one.publisher.summary() == "mqtt: 100 delivered, 150 dropped beyond the buffer"


def test_the_broker_announces_that_a_publisher_died(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    broker = ends.enter_context(Mosquitto(tmp_path))
    reader = reading(ends, broker.port)
    one = publishing(ends, broker.port)
    wait_for(lambda: reader.of(f"{TOPIC}/status") == ["online"])
    one.publisher._client.socket().shutdown(socket.SHUT_RDWR)  # As if the cable was pulled.
    wait_for(lambda: reader.of(f"{TOPIC}/status") == ["online", "offline", "online"])


def test_a_wrong_password_is_reported_and_the_right_one_works(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    needs("mosquitto_passwd")
    words = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", words, "pi", "right one"], check=True)
    words.chmod(0o700)
    broker = ends.enter_context(
        Mosquitto(tmp_path, "allow_anonymous false", f"password_file {words}")
    )
    wrong = publishing(ends, Broker("127.0.0.1", broker.port, TOPIC, user="pi", password="odd"))
    none = publishing(ends, Broker("127.0.0.1", broker.port, f"{TOPIC}2"))
    wait_for(lambda: wrong.reports and none.reports)
    assert "'pi'" in wrong.reports[0]
    assert "no user" in none.reports[0]
    assert "odd" not in "".join(wrong.reports)
    right = Broker("127.0.0.1", broker.port, TOPIC, user="pi", password="right one")
    reader = reading(ends, broker.port, user="pi", password="right one")
    wrong.publisher.close(0.0)
    one = publishing(ends, right)
    one.send(3)
    wait_for(lambda: reader.sequence(TOPIC) == [1, 2, 3])
    assert "right one" not in repr(right)


def test_a_broker_that_takes_no_verdicts_says_so(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    rules = tmp_path / "rules"
    rules.write_text(f"topic read #\ntopic write {TOPIC}/status\n")
    rules.chmod(0o700)
    broker = ends.enter_context(Mosquitto(tmp_path, f"acl_file {rules}"))
    one = publishing(ends, broker.port)
    one.send(5)
    wait_for(one.delivered)  # mosquitto 2.0.11 hangs up after each refusal.
    assert one.status["refused"] == 5
    assert one.status["delivered"] == 0
    assert one.reports.count("the broker refuses verdicts: Not authorized") == 1  # Not once each.
    assert one.publisher.summary() == "mqtt: 0 delivered, 5 refused by the broker"
    assert len(one.reports) <= 12


def certificates(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself."""
    needs("openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "key.pem").chmod(0o644)
    return folder / "cert.pem"


def test_tls_checks_the_certificate(tmp_path: Path, ends: contextlib.ExitStack) -> None:
    ca = certificates(tmp_path)
    port = free_port()
    broker = ends.enter_context(
        Mosquitto(
            tmp_path, f"listener {port} 127.0.0.1", f"certfile {ca}", f"keyfile {tmp_path}/key.pem"
        )
    )
    address = Broker("127.0.0.1", port, TOPIC, tls=True)
    strange = publishing(ends, address, client_id="strange")
    wait_for(lambda: strange.reports)
    assert "self-signed certificate" in strange.reports[0]
    assert "--mqtt-ca FILE" in strange.reports[0]
    reader = reading(ends, broker.port)
    one = publishing(ends, address, ca=str(ca))
    one.send(20)
    wait_for(lambda: reader.sequence(TOPIC) == list(range(1, 21)))
    with pytest.raises(ValueError, match="PEM"):
        MqttPublisher(address, ca=str(tmp_path / "mosquitto.conf"))
    with pytest.raises(ValueError, match="mqtts://"):
        MqttPublisher(Broker("127.0.0.1", port, TOPIC), ca=str(ca))


def old_broker(port: int, ends: contextlib.ExitStack) -> int:
    """A door before a broker that turns away MQTT 5, as brokers do that do not know it."""
    door = ends.enter_context(socket.create_server(("127.0.0.1", 0)))

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = door.accept()
                hello = client.recv(65536)
                if hello[hello.index(b"MQTT") + 4] == 5:
                    client.sendall(b"\x20\x02\x00\x01")
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", port))
                server.sendall(hello)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pass_on, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return int(door.getsockname()[1])


def test_a_broker_that_knows_no_mqtt_5_gets_the_older_one(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    broker = ends.enter_context(Mosquitto(tmp_path))
    reader = reading(ends, broker.port)
    one = publishing(ends, old_broker(broker.port, ends))
    one.send(40)
    wait_for(lambda: reader.sequence(TOPIC) == list(range(1, 41)))
    assert len(one.reports) == 1  # Connected; the first attempt is not worth a message.
    one.publisher.close()
    wait_for(lambda: reader.of(f"{TOPIC}/status") == ["online", "offline"])


def test_closing_waits_for_what_is_in_flight_but_not_for_ever(
    tmp_path: Path, ends: contextlib.ExitStack
) -> None:
    broker = ends.enter_context(Mosquitto(tmp_path))
    reader = reading(ends, broker.port)
    one = publishing(ends, broker.port)
    one.send(2000)
    one.publisher.close()
    assert one.publisher.summary() == "mqtt: 2000 delivered"
    wait_for(lambda: len(reader.sequence(TOPIC)) == 2000)
    broker.stop()
    late = publishing(ends, broker.port)
    late.send(7)
    start = time.monotonic()
    late.publisher.close(0.3)
    assert time.monotonic() - start < 10
    assert any("0.3 s" in report and "7 verdicts" in report for report in late.reports)
    assert late.publisher.summary() == "mqtt: 0 delivered, 7 not delivered"


def test_the_name_of_a_client_stays_and_reveals_nothing() -> None:
    assert client_id_of("a") == client_id_of("a") != client_id_of("b")
    assert len(client_id_of("a")) <= 23
    assert client_id_of("a").isalnum()
    with pytest.raises(ValueError, match="buffer is 0"):
        MqttPublisher(Broker("127.0.0.1", 1, TOPIC), buffer=0)


def test_a_huge_packet_of_the_broker_is_not_buffered(ends: contextlib.ExitStack) -> None:
    """A PUBLISH of 268,435,455 bytes, the most that MQTT can announce."""
    door = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    ended = threading.Event()

    def serve() -> None:
        client, _ = door.accept()
        with client, contextlib.suppress(OSError):
            client.recv(65536)
            client.sendall(b"\x20\x03\x00\x00\x00\x30\xff\xff\xff\x7f")
            for _ in range(64):
                client.sendall(bytes(1 << 20))
        ended.set()

    threading.Thread(target=serve, daemon=True).start()
    one = publishing(ends, door.getsockname()[1])
    assert ended.wait(20)
    wait_for(lambda: any(report.startswith("disconnected") for report in one.reports))
    assert len(one.publisher._client._in_packet["packet"]) < 1 << 20
