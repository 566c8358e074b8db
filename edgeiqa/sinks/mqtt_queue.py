"""Messages that wait for a broker: a bounded queue, those in flight, and what became of them."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

WINDOW = 16
"""So many messages at most are sent and not yet acknowledged."""


@dataclass(frozen=True)
class OutboxCounts:
    """What became of messages.

    Every message that was put in is exactly one of these.

    Attributes:
        waiting: Not sent yet.
        in_flight: Sent, not acknowledged; sent again after a break.
        delivered: Acknowledged by the broker.
        dropped: The oldest ones that gave way when the buffer was full.
        refused: The broker answered that it does not take them.
    """

    waiting: int = 0
    in_flight: int = 0
    delivered: int = 0
    dropped: int = 0
    refused: int = 0


class Outbox:
    """Keeps messages in order; knows no network and takes no locks.

    Messages in flight are kept by the client library too, which sends them again after a break.
    So nothing new may go out before those: `can_send` is False from `disconnected` until the
    first acknowledgement after `connected`, which shows that they have been sent.
    """

    def __init__(self, most: int) -> None:
        """Makes it empty.

        Args:
            most: Messages that wait at most; up to `WINDOW` in flight come on top.
        """
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._flying: OrderedDict[int, bytes] = OrderedDict()
        self._leaving: bytes | None = None
        self._early: dict[int, bool] = {}
        self._window = WINDOW
        self._there = self._settled = False
        self._delivered = self._dropped = self._refused = 0

    def put(self, message: bytes) -> bool:
        """Takes a message; False if the oldest that waited had to go for it."""
        self._waiting.append(message)
        if len(self._waiting) <= self._most:
            return True
        self._waiting.popleft()
        self._dropped += 1
        return False

    @property
    def can_send(self) -> bool:
        """Whether `leave` may be called."""
        return (
            self._there
            and self._settled
            and bool(self._waiting)
            and self._leaving is None
            and len(self._flying) < self._window
        )

    def leave(self) -> bytes:
        """The oldest message, which is about to be sent; `left` or `stayed` must follow."""
        self._leaving = self._waiting.popleft()
        return self._leaving

    def left(self, number: int) -> None:
        """The message was handed over and has a number by which it will be acknowledged."""
        assert self._leaving is not None
        message, self._leaving = self._leaving, None
        early, self._early = self._early, {}
        if number in early:
            self._count(early[number])
        else:
            self._flying[number] = message
        self._settled = self._settled or not self._flying

    def stayed(self) -> None:
        """The message could not be handed over and is the oldest again."""
        assert self._leaving is not None
        self._waiting.appendleft(self._leaving)
        self._leaving = None
        self._early = {}
        self._settled = self._settled or not self._flying

    def acknowledged(self, number: int, taken: bool) -> None:
        """The broker answered; numbers that are not known are other messages'."""
        if self._flying.pop(number, None) is not None:
            self._settled = True
            self._count(taken)
        elif self._leaving is not None:
            self._early[number] = taken

    def connected(self, window: int | None = None) -> None:
        """The broker is there.

        Args:
            window: So many messages in flight are what it bears, if it said so.
        """
        self._window = min(WINDOW, window or WINDOW)
        self._there = True
        self._settled = not self._flying and self._leaving is None

    def disconnected(self) -> None:
        """The broker is gone."""
        self._there = self._settled = False

    def recall(self) -> None:
        """Everything in flight waits again: another client will send it."""
        self._waiting.extendleft(reversed(self._flying.values()))
        self._flying.clear()

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is in flight."""
        return not self._waiting and not self._flying and self._leaving is None

    def counts(self) -> OutboxCounts:
        """What became of all messages so far."""
        flying = len(self._flying) + (self._leaving is not None)
        return OutboxCounts(
            len(self._waiting), flying, self._delivered, self._dropped, self._refused
        )

    def _count(self, taken: bool) -> None:
        if taken:
            self._delivered += 1
        else:
            self._refused += 1
