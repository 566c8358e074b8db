"""Publishes verdicts: at least once each, in order, and never in the way of scoring.

What paho-mqtt does is used as it is: its thread, its back-off, sending again what a broken
connection left unacknowledged. Its own queue is not: a full one refuses the newest message, and
after a break it sends all of it at once. So messages wait in an `Outbox`, and paho has a few.
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

from edgeiqa.live.wall_clock import iso_time
from edgeiqa.sinks.mqtt_queue import Outbox
from edgeiqa.sinks.mqtt_url import Broker

if TYPE_CHECKING:
    from edgeiqa.live.result import LiveResult
    from edgeiqa.sources.base import Event

BUFFER = 10_000
"""Verdicts that wait for a broker that is away, unless another number is given."""

FLUSH_S = 5.0
"""Seconds that `close` waits for what is not acknowledged yet."""

KEEPALIVE_S = 30
"""A dead connection is noticed after so long, by the broker after 1.5 times that."""

SESSION_S = 86_400
"""Seconds that the broker keeps the session of a client that is away."""

_LONGEST_WAIT_S = 30
_LINES_A_MINUTE = 12
_REFUSES = "the broker refuses verdicts"
_UNSUPPORTED = "unsupported protocol version"


def import_paho() -> ModuleType:
    """The client of paho-mqtt.

    Raises:
        ImportError: It is not there, or too old; says how to get it.
    """
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
    """A name for the client that is the same after every start: of this machine and topic.

    23 letters and digits at most, which every broker has to accept.
    """
    digest = hashlib.sha256(f"{socket.gethostname()}\n{topic}".encode()).hexdigest()
    return f"edgeiqa{digest[:14]}"


def _print(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # Nobody listens; verdicts still go out.
        print(f"edgeiqa: mqtt: {message}", file=sys.stderr, flush=True)


class _Telling:
    """Tells, but does not fill logs where a broker comes and goes: so many lines a minute."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._times: deque[float] = deque(maxlen=_LINES_A_MINUTE)

    def __call__(self, message: str) -> None:
        now = time.monotonic()
        full = len(self._times) == _LINES_A_MINUTE
        if full and now - self._times[0] < 60:
            return
        self._times.append(now)
        if len(self._times) == _LINES_A_MINUTE and now - self._times[0] < 60:
            message += " (what more happens within this minute is not told)"
        self._tell(message)


class MqttPublisher:
    """Sends each result as one JSON message with QoS 1 to `topic`.

    A message is what a JSON line has (`LiveResult.to_dict`) and before it `sequence`, 1, 2, 3 ...
    within a `run`, the same eight characters for all of a process, and `time`, when the frame
    was taken, in UTC. QoS 1 is *at least once*: after a break the broker may get again what it
    had not acknowledged, at most `outbox.WINDOW` messages, with the same `run` and `sequence`.
    Leaving those out, what arrives is in order and has no gaps but those counted in `dropped`.

    `topic/status` is "online" or "offline", retained; the broker itself writes "offline" when
    the connection breaks. `topic/event` is the newest event of the source, retained.

    MQTT 5 is spoken, so that a broker that refuses a message can say so, and 3.1.1 with brokers
    that do not know it.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        buffer: int = BUFFER,
        client_id: str | None = None,
        ca: str | None = None,
        taken_at: Callable[[int | None], int] | None = None,
        tell: Callable[[str], None] = _print,
    ) -> None:
        """Begins to connect and returns at once; a broker that is away is told and awaited.

        Args:
            broker: Where to.
            buffer: Verdicts that wait at most; beyond it the oldest goes and is counted.
            client_id: A name of the client; two clients with one name push each other out.
            ca: A file of PEM certificates to trust instead of the system's, for `mqtts://`.
            taken_at: Turns the timestamp of a frame into nanoseconds since 1970.
            tell: Is told, in any thread, one line for people when something changes.

        Raises:
            ImportError: paho-mqtt is missing.
            ValueError: `buffer` is less than 1, or `ca` without `mqtts://` or no certificates.
        """
        if buffer < 1:
            raise ValueError(f"buffer is {buffer}, expected 1 or more")
        self._paho = import_paho()
        self._broker = broker
        self._tls = _tls_context(broker, ca)
        self._client_id = client_id or client_id_of(broker.topic)
        self._taken_at = taken_at
        self._tell = _Telling(tell)
        self._run = secrets.token_hex(4)
        self._sequence = 0
        self._changed = threading.Condition()
        self._outbox = Outbox(buffer)
        self._event: bytes | None = None
        self._connected = self._closing = self._old_protocol = self._downgrade = False
        self._told: set[str] = set()
        self._trouble: str | None = None
        self._client: Any = None
        self._start()
        self._sender = threading.Thread(target=self._send, name="edgeiqa-mqtt", daemon=True)
        self._sender.start()

    def result(self, result: LiveResult) -> None:
        """Takes a result; returns at once."""
        self._sequence += 1
        head: dict[str, Any] = {"run": self._run, "sequence": self._sequence}
        if self._taken_at is not None:
            head["time"] = iso_time(self._taken_at(result.timestamp_ns))
        message = json.dumps({**head, **result.to_dict()}, allow_nan=False).encode()
        with self._changed:
            kept = self._outbox.put(message)
            self._changed.notify_all()
        if not kept:
            self._tell_once("the buffer is full: the oldest verdicts are dropped and counted")

    def event(self, event: Event) -> None:
        """Takes an event of the source; the newest one is published."""
        document = {"event": event.kind, "message": event.message, "attempt": event.attempt}
        with self._changed:
            self._event = json.dumps(document).encode()
            self._changed.notify_all()

    def status(self) -> dict[str, Any]:
        """The connection, its last trouble, and `outbox.OutboxCounts`, ready for JSON."""
        with self._changed:
            counts = asdict(self._outbox.counts())
            return {
                "broker": self._broker.name,
                "connected": self._connected,
                "trouble": self._trouble,
                **counts,
            }

    def summary(self) -> str:
        """What became of the verdicts, for people; after `close` also what did not get there."""
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
        """Waits for acknowledgements, says "offline" and ends; any number of times.

        Args:
            flush_s: Seconds to wait at most for what waits or is in flight; `FLUSH_S` if None.
        """
        flush_s = FLUSH_S if flush_s is None else flush_s
        with self._changed:
            if self._closing:
                return
            if not self._outbox.empty and not self._connected:
                counts = self._outbox.counts()
                late = counts.waiting + counts.in_flight
                self._tell(f"waiting up to {flush_s:g} s for the broker with {late} verdicts")
            self._changed.wait_for(lambda: self._outbox.empty, flush_s)
            self._closing = True
            self._changed.notify_all()
        self._sender.join(2.0)
        if self._connected:
            with contextlib.suppress(RuntimeError, ValueError):  # It broke just now.
                info = self._client.publish(f"{self._broker.topic}/status", "offline", 1, True)
                info.wait_for_publish(1.0)
        self._stop(self._client)

    def _start(self) -> None:
        """Makes a client that connects by itself, and again whenever it has to."""
        paho, broker = self._paho, self._broker
        new = not self._old_protocol
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if new else False,
            protocol=paho.MQTTv5 if new else paho.MQTTv311,
        )
        client.suppress_exceptions = True  # What a callback raises must not end the thread.
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, _LONGEST_WAIT_S)
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
        """Ends a client; does not wait for a thread that hangs in the network."""
        client.disconnect()
        ending = threading.Thread(target=client.loop_stop, name="edgeiqa-mqtt-end", daemon=True)
        ending.start()
        ending.join(2.0)

    def _send(self) -> None:
        """Hands over what waits; a thread, as the client must not be called with our lock."""
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
                message = self._outbox.leave() if self._outbox.can_send else None
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
                        self._outbox.stayed()
                    else:  # Also without a connection: paho has it and sends it after the next.
                        self._outbox.left(info.mid)
                    self._changed.notify_all()

    def _on_connect(
        self, client: Any, data: Any, flags: Any, reason: Any, properties: Any = None
    ) -> None:
        if reason.is_failure:
            self._refused(reason)
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
        self._told = {told for told in self._told if told.startswith(_REFUSES)}
        self._tell(f"connected to {self._broker.name}, {late} verdicts wait{lost}")

    def _refused(self, reason: Any) -> None:
        """The broker answered that it does not want this client."""
        text = str(reason)
        if text.lower() == _UNSUPPORTED and not self._old_protocol:
            with self._changed:
                self._old_protocol = self._downgrade = True
                self._changed.notify_all()
            return
        hint = ""
        if "user name" in text.lower() or "authoriz" in text.lower():
            user = self._broker.user
            given = "no password was given" if self._broker.password is None else "password given"
            hint = " (no user in the address)" if user is None else f" (user {user!r}, {given})"
        self._trouble = f"refuses the connection: {text}{hint}"
        self._tell_once(f"{self._broker.name} {self._trouble}; tries go on")

    def _on_connect_fail(self, client: Any, data: Any) -> None:
        error = sys.exc_info()[1]  # Called while paho handles it; it is not handed over.
        reason = getattr(error, "strerror", None) or str(error or "no answer")
        hint = ""
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted: {error.verify_message}"
            hint = " (--mqtt-ca FILE names those to trust)"
        self._trouble = f"cannot be reached: {reason}{hint}"
        self._tell_once(f"{self._broker.name} {self._trouble}; tries go on")

    def _on_disconnect(
        self, client: Any, data: Any, flags: Any, reason: Any, properties: Any = None
    ) -> None:
        with self._changed:
            was, self._connected = self._connected, False
            self._outbox.disconnected()
            self._changed.notify_all()
        if was and not self._closing:
            self._tell(f"the connection broke: {reason}; verdicts wait, tries go on")

    def _on_publish(
        self, client: Any, data: Any, number: int, reason: Any, properties: Any = None
    ) -> None:
        taken = not reason.is_failure
        with self._changed:
            self._outbox.acknowledged(number, taken)
            self._changed.notify_all()
        if not taken:
            self._trouble = f"{_REFUSES}: {reason}"
            self._tell_once(self._trouble)

    def _tell_once(self, message: str) -> None:
        """Tells what has not been told since the last connection; a refusal only once."""
        if message not in self._told:
            self._told.add(message)
            self._tell(message)


def _tls_context(broker: Broker, ca: str | None) -> ssl.SSLContext | None:
    if not broker.tls:
        if ca is not None:
            raise ValueError("certificates are for mqtts://, and this is mqtt://")
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{ca}: no PEM certificates that can be read ({reason})") from error
