"""Publishes verdicts: each at least once, in order, and without blocking scoring.

paho-mqtt supplies the thread, the back-off, and the resending of what a broken connection left
unacknowledged. Its own queue is not used: when full it refuses the newest message, and after a
disconnection it sends everything at once. Messages therefore wait in an `Outbox`, and paho holds
only a few.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import socket
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from types import ModuleType
from typing import TYPE_CHECKING, Any

from edgeiqa.live.timestamps import iso_time
from edgeiqa.sinks.mqtt_queue import Outbox
from edgeiqa.sinks.mqtt_url import Broker

if TYPE_CHECKING:
    from edgeiqa.live.result import LiveResult
    from edgeiqa.sources.base import Event

BUFFER = 10_000
"""Default number of verdicts that wait while the broker is away."""

FLUSH_S = 5.0
"""Seconds that `close` waits for acknowledgements."""

KEEPALIVE_S = 30
"""A dead connection is noticed after this time, by the broker after 1.5 times as long."""

SESSION_S = 86_400
"""Seconds that the broker keeps the session of a disconnected client."""

MAX_PACKET_BYTES = 256 * 1024
"""Larger packets from the broker end the connection; a publisher is only sent small ones."""

_MAX_RECONNECT_DELAY_S = 30
_LINES_PER_MINUTE = 12

# Reason codes of MQTT 5, to which paho converts those of MQTT 3.1.1.
_UNSUPPORTED_PROTOCOL = 0x84
_BAD_LOGIN, _NOT_AUTHORIZED = 0x86, 0x87


def import_paho() -> ModuleType:
    """Imports the client of paho-mqtt; an ImportError says how to install it."""
    try:
        import paho.mqtt.client as paho
    except ImportError as error:
        raise ImportError(
            f'--mqtt needs paho-mqtt ({error}): pip install "edgeiqa[mqtt]"'
        ) from error
    if not hasattr(paho, "CallbackAPIVersion"):
        raise ImportError('--mqtt needs paho-mqtt 2.0 or newer: pip install -U "edgeiqa[mqtt]"')
    return paho


def client_id_of(topic: str) -> str:
    """A client ID that is stable over restarts, derived from the host name and the topic.

    At most 23 letters and digits, which every broker must accept.
    """
    digest = hashlib.sha256(f"{socket.gethostname()}\n{topic}".encode()).hexdigest()
    return f"edgeiqa{digest[:14]}"


def _print(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # Nobody is listening; publishing continues.
        print(f"edgeiqa: mqtt: {message}", file=sys.stderr, flush=True)


class _RateLimited:
    """Limits messages per minute, so that an unstable broker does not fill the log."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._times: deque[float] = deque(maxlen=_LINES_PER_MINUTE)

    def __call__(self, message: str) -> None:
        now = time.monotonic()
        full = len(self._times) == _LINES_PER_MINUTE
        if full and now - self._times[0] < 60:
            return
        self._times.append(now)
        if len(self._times) == _LINES_PER_MINUTE and now - self._times[0] < 60:
            message += " (further messages within this minute are suppressed)"
        self._report(message)


class MqttPublisher:
    """Sends each result as one JSON message with QoS 1 to `topic`.

    A message contains the keys of a JSON line (`LiveResult.to_dict`), preceded by `run`, eight
    characters that identify the process, `sequence`, 1, 2, 3 ... within the run, and `time`, when
    the frame was taken, in UTC. QoS 1 is *at least once*: after a disconnection the broker may
    receive unacknowledged messages again, at most `WINDOW`, with the same `run` and `sequence`.
    Apart from those, messages arrive in order and without gaps except those counted in `dropped`.

    `topic/status` is "online" or "offline", retained; the broker itself publishes "offline" when
    the connection breaks. `topic/event` is the newest event of the source, retained.

    The protocol is MQTT 5, in which a broker can refuse a single message, with a fallback to
    3.1.1.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        buffer: int = BUFFER,
        client_id: str | None = None,
        ca: str | None = None,
        taken_at: Callable[[int | None], int] | None = None,
        report: Callable[[str], None] = _print,
    ) -> None:
        """Starts connecting and returns at once; an unreachable broker is reported and awaited.

        Args:
            broker: Address, topic and login.
            buffer: Maximum number of waiting verdicts; beyond it the oldest is dropped.
            client_id: Must be unique: two clients with one ID disconnect each other.
            ca: File of PEM certificates to trust instead of the system's, for `mqtts://`.
            taken_at: Converts a frame's timestamp to nanoseconds since 1970.
            report: Called, in any thread, with one line for people when something changes.

        Raises:
            ImportError: paho-mqtt is missing.
            ValueError: `buffer` is less than 1, or `ca` without `mqtts://` or without certificates.
        """
        if buffer < 1:
            raise ValueError(f"buffer is {buffer}, expected 1 or more")
        self._paho = import_paho()
        self._broker = broker
        self._tls = _tls_context(broker, ca)
        self._client_id = client_id or client_id_of(broker.topic)
        self._taken_at = taken_at
        self._report = _RateLimited(report)
        self._run = secrets.token_hex(4)
        self._sequence = 0
        self._changed = threading.Condition()
        self._outbox = Outbox(buffer)
        self._event: bytes | None = None
        self._connected = self._closing = self._old_protocol = self._downgrade = False
        self._reported: set[str] = set()
        self._trouble: str | None = None
        self._client: Any = None
        self._start()
        self._sender = threading.Thread(target=self._send, name="edgeiqa-mqtt", daemon=True)
        self._sender.start()

    def result(self, result: LiveResult) -> None:
        """Queues a result; returns at once."""
        self._sequence += 1
        head: dict[str, Any] = {"run": self._run, "sequence": self._sequence}
        if self._taken_at is not None:
            head["time"] = iso_time(self._taken_at(result.timestamp_ns))
        message = json.dumps({**head, **result.to_dict()}, allow_nan=False).encode()
        with self._changed:
            kept = self._outbox.put(message)
            self._changed.notify_all()
        if not kept:
            self._report_once("full", "the buffer is full: the oldest verdicts are dropped")

    def event(self, event: Event) -> None:
        """Queues an event of the source; the newest one is published."""
        document = {"event": event.kind, "message": event.message, "attempt": event.attempt}
        with self._changed:
            self._event = json.dumps(document).encode()
            self._changed.notify_all()

    def status(self) -> dict[str, Any]:
        """The connection, its last problem, and `OutboxCounts`, ready for JSON."""
        with self._changed:
            counts = asdict(self._outbox.counts())
            return {
                "broker": self._broker.name,
                "connected": self._connected,
                "trouble": self._trouble,
                **counts,
            }

    def summary(self) -> str:
        """What became of the verdicts, for people; after `close` including the undelivered ones."""
        counts = self.status()
        parts = [f"{counts['delivered']} delivered"]
        late = counts["waiting"] + counts["in_flight"]
        for number, what in (
            (counts["dropped"], "dropped beyond the buffer"),
            (counts["refused"], "refused by the broker"),
            (late, "not delivered" if self._closing else "waiting"),
        ):
            if number:
                parts.append(f"{number} {what}")
        return f"mqtt: {', '.join(parts)}"

    def close(self, flush_s: float | None = None) -> None:
        """Waits up to `flush_s` (`FLUSH_S`) for acknowledgements, then publishes "offline"."""
        flush_s = FLUSH_S if flush_s is None else flush_s
        with self._changed:
            if self._closing:
                return
            if not self._outbox.empty and not self._connected:
                counts = self._outbox.counts()
                late = counts.waiting + counts.in_flight
                self._report(f"waiting up to {flush_s:g} s for the broker: {late} verdicts left")
            self._changed.wait_for(lambda: self._outbox.empty, flush_s)
            self._closing = True
            self._changed.notify_all()
        self._sender.join(2.0)
        if self._connected:
            with contextlib.suppress(RuntimeError, ValueError):  # Just disconnected.
                info = self._client.publish(f"{self._broker.topic}/status", "offline", 1, True)
                info.wait_for_publish(1.0)
        self._stop(self._client)

    def _start(self) -> None:
        """Creates a client that connects and reconnects by itself."""
        paho, broker = self._paho, self._broker
        new = not self._old_protocol

        class Client(paho.Client):  # type: ignore[misc, name-defined]
            def _sock_recv(self, bufsize: int) -> bytes:
                # Called with the whole length of a packet; paho itself would buffer 268 MB.
                if bufsize > MAX_PACKET_BYTES:
                    raise ConnectionError(f"the broker sends a packet of {bufsize} bytes")
                return bytes(super()._sock_recv(bufsize))

        client = Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if new else False,
            protocol=paho.MQTTv5 if new else paho.MQTTv311,
        )
        client.suppress_exceptions = True  # A callback must not end the thread.
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, _MAX_RECONNECT_DELAY_S)
        client.will_set(f"{broker.topic}/status", "offline", qos=1, retain=True)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        options: dict[str, Any] = {}
        if new:
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties

            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = SESSION_S
            options = {"clean_start": False, "properties": properties}
        client.connect_async(broker.host, broker.port, KEEPALIVE_S, **options)
        self._client = client
        client.loop_start()

    def _stop(self, client: Any) -> None:
        """Stops a client without waiting for a thread that hangs in the network."""
        client.disconnect()
        ending = threading.Thread(target=client.loop_stop, name="edgeiqa-mqtt-end", daemon=True)
        ending.start()
        ending.join(2.0)

    def _send(self) -> None:
        """Sends what waits; in its own thread, because paho must not be called with our lock."""
        topic = self._broker.topic
        while True:
            with self._changed:
                while not (
                    self._closing
                    or self._downgrade
                    or self._outbox.can_send
                    or (self._event is not None and self._connected)
                ):
                    self._changed.wait()
                if self._closing:
                    return
                downgrade, self._downgrade = self._downgrade, False
                event = None
                if self._connected and self._event is not None:
                    event, self._event = self._event, None
                message = self._outbox.take() if self._outbox.can_send else None
            if downgrade:
                self._stop(self._client)
                with self._changed:
                    self._outbox.recall()
                self._start()
            if event is not None:
                self._client.publish(f"{topic}/event", event, 0, True)
            if message is not None:
                info = self._client.publish(topic, message, 1)
                with self._changed:
                    if info.rc == self._paho.MQTT_ERR_QUEUE_SIZE:
                        self._outbox.put_back()
                    else:  # Even when disconnected: paho keeps it and sends it later.
                        self._outbox.sent(info.mid)
                    self._changed.notify_all()

    def _on_connect(
        self, client: Any, data: Any, flags: Any, reason: Any, properties: Any = None
    ) -> None:
        if reason.is_failure:
            self._on_refusal(reason)
            return
        client.publish(f"{self._broker.topic}/status", "online", 0, True)
        with self._changed:
            self._connected = True
            self._outbox.connected(getattr(properties, "ReceiveMaximum", None))
            counts = self._outbox.counts()
            self._changed.notify_all()
        late = counts.waiting + counts.in_flight
        lost = f", {counts.dropped} were dropped" if counts.dropped else ""
        self._trouble = None
        self._reported &= {"refused"}  # Some brokers disconnect after every refused verdict.
        self._report(f"connected to {self._broker.name}, {late} verdicts waiting{lost}")

    def _on_refusal(self, reason: Any) -> None:
        """The broker refused the connection."""
        if reason.value == _UNSUPPORTED_PROTOCOL and not self._old_protocol:
            with self._changed:
                self._old_protocol = self._downgrade = True
                self._changed.notify_all()
            return
        hint = ""
        if reason.value in (_BAD_LOGIN, _NOT_AUTHORIZED):
            user = self._broker.user
            given = "without a password" if self._broker.password is None else "with a password"
            hint = " (no user in the URL)" if user is None else f" (user {user!r}, {given})"
        self._fail(f"refuses the connection: {reason}{hint}")

    def _on_connect_fail(self, client: Any, data: Any) -> None:
        error = sys.exc_info()[1]  # Being handled by paho, which does not pass it on.
        reason = getattr(error, "strerror", None) or str(error or "no answer")
        hint = ""
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted: {error.verify_message}"
            hint = " (--mqtt-ca FILE names certificates to trust)"
        self._fail(f"cannot be reached: {reason}{hint}")

    def _on_disconnect(
        self, client: Any, data: Any, flags: Any, reason: Any, properties: Any = None
    ) -> None:
        with self._changed:
            was, self._connected = self._connected, False
            self._outbox.disconnected()
            self._changed.notify_all()
        if was and not self._closing:
            self._report(f"disconnected: {reason}; verdicts wait, reconnecting")

    def _on_publish(
        self, client: Any, data: Any, number: int, reason: Any, properties: Any = None
    ) -> None:
        accepted = not reason.is_failure
        with self._changed:
            self._outbox.acknowledged(number, accepted)
            self._changed.notify_all()
        if not accepted:
            self._trouble = f"the broker refuses verdicts: {reason}"
            self._report_once("refused", self._trouble)

    def _fail(self, trouble: str) -> None:
        self._trouble = trouble
        self._report_once(trouble, f"{self._broker.name} {trouble}; retrying")

    def _report_once(self, key: str, message: str) -> None:
        """Reports a message unless one with this key was reported since the last connection."""
        if key not in self._reported:
            self._reported.add(key)
            self._report(message)


def _tls_context(broker: Broker, ca: str | None) -> ssl.SSLContext | None:
    if not broker.tls:
        if ca is not None:
            raise ValueError("certificates need mqtts://, and this is mqtt://")
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{ca}: no readable PEM certificates ({reason})") from error
