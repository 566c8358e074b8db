"""Messages waiting for a broker: a bounded queue, messages in flight, and their outcome."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

WINDOW = 16
"""Maximum number of messages sent and not yet acknowledged."""


@dataclass(frozen=True)
class OutboxCounts:
    """What became of the messages; each is counted exactly once.

    Attributes:
        waiting: Not sent yet.
        in_flight: Sent, not acknowledged; sent again after a disconnection.
        delivered: Acknowledged by the broker.
        dropped: The oldest ones, dropped when the buffer was full.
        refused: Refused by the broker.
    """

    waiting: int = 0
    in_flight: int = 0
    delivered: int = 0
    dropped: int = 0
    refused: int = 0


class Outbox:
    """Keeps messages in order; knows neither network nor locks.

    The client library keeps messages in flight too and resends them after a disconnection.
    Nothing new may overtake those: `can_send` is False from `disconnected` until the first
    acknowledgement after `connected`, which shows that they were sent.

    Args:
        limit: Maximum number of waiting messages, in addition to `WINDOW` in flight.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._in_flight: OrderedDict[int, bytes] = OrderedDict()
        self._sending: bytes | None = None
        self._early: dict[int, bool] = {}  # Acknowledged before `sent` was called.
        self._window = WINDOW
        self._connected = self._settled = False
        self._delivered = self._dropped = self._refused = 0

    def put(self, message: bytes) -> bool:
        """Adds a message; False if the oldest waiting one was dropped for it."""
        self._waiting.append(message)
        if len(self._waiting) <= self._limit:
            return True
        self._waiting.popleft()
        self._dropped += 1
        return False

    @property
    def can_send(self) -> bool:
        """Whether `take` may be called."""
        return (
            self._connected
            and self._settled
            and bool(self._waiting)
            and self._sending is None
            and len(self._in_flight) < self._window
        )

    def take(self) -> bytes:
        """Returns the oldest message for sending; `sent` or `put_back` must follow."""
        self._sending = self._waiting.popleft()
        return self._sending

    def sent(self, number: int) -> None:
        """The taken message was handed over and will be acknowledged by this number."""
        assert self._sending is not None
        message, self._sending = self._sending, None
        early, self._early = self._early, {}
        if number in early:
            self._count(early[number])
        else:
            self._in_flight[number] = message
        self._settled = self._settled or not self._in_flight

    def put_back(self) -> None:
        """The taken message could not be handed over and is the oldest again."""
        assert self._sending is not None
        self._waiting.appendleft(self._sending)
        self._sending = None
        self._early = {}
        self._settled = self._settled or not self._in_flight

    def acknowledged(self, number: int, accepted: bool) -> None:
        """The broker answered; unknown numbers belong to other messages."""
        if self._in_flight.pop(number, None) is not None:
            self._settled = True
            self._count(accepted)
        elif self._sending is not None:
            self._early[number] = accepted

    def connected(self, window: int | None = None) -> None:
        """The broker is connected and accepts `window` messages in flight, if it said so."""
        self._window = min(WINDOW, window or WINDOW)
        self._connected = True
        self._settled = not self._in_flight and self._sending is None

    def disconnected(self) -> None:
        """The broker is gone."""
        self._connected = self._settled = False

    def recall(self) -> None:
        """Everything in flight waits again, for another client to send it."""
        self._waiting.extendleft(reversed(self._in_flight.values()))
        self._in_flight.clear()

    @property
    def empty(self) -> bool:
        """Whether nothing is waiting or in flight."""
        return not self._waiting and not self._in_flight and self._sending is None

    def counts(self) -> OutboxCounts:
        """What became of all messages so far."""
        in_flight = len(self._in_flight) + (self._sending is not None)
        return OutboxCounts(
            len(self._waiting), in_flight, self._delivered, self._dropped, self._refused
        )

    def _count(self, accepted: bool) -> None:
        self._delivered += accepted
        self._refused += not accepted
