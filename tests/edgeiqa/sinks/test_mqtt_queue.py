"""The order of messages, whatever breaks when: nothing is lost that is not counted."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgeiqa.sinks.mqtt_queue import WINDOW, Outbox

MOST = 5


class Breaking(RuleBasedStateMachine):
    """An outbox, and a library and a broker that behave as MQTT says."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox(MOST)
        self.put = self.number = 0
        self.there = False
        self.library: dict[int, bytes] = {}  # What is not acknowledged, in order.
        self.wire: list[int] = []  # What the broker will see next.
        self.arrived: list[bytes] = []

    @rule()
    def new(self) -> None:
        self.put += 1
        self.outbox.put(b"%d" % self.put)

    @precondition(lambda self: self.outbox.can_send)
    @rule(early=st.booleans())
    def send(self, early: bool) -> None:
        message = self.outbox.take()
        self.number += 1
        self.library[self.number] = message
        self.wire.append(self.number)
        if early:
            self.answer()
        self.outbox.sent(self.number)

    @precondition(lambda self: self.outbox.can_send)
    @rule()
    def fail_to_send(self) -> None:
        self.outbox.take()
        self.outbox.put_back()

    @precondition(lambda self: self.there and self.wire)
    @rule()
    def answer(self) -> None:
        number = self.wire.pop(0)
        self.arrived.append(self.library.pop(number))
        self.outbox.acknowledged(number, True)

    @precondition(lambda self: self.there and self.wire)
    @rule()
    def lose_an_answer(self) -> None:
        self.arrived.append(self.library[self.wire.pop(0)])
        self.go_away()

    @precondition(lambda self: not self.there)
    @rule()
    def come(self) -> None:
        self.there = True
        self.outbox.connected()
        self.wire = list(self.library)  # The library sends them again.

    @precondition(lambda self: self.there)
    @rule()
    def go_away(self) -> None:
        self.there, self.wire = False, []
        self.outbox.disconnected()

    @invariant()
    def nothing_is_lost_uncounted(self) -> None:
        counts = self.outbox.counts()
        assert counts.waiting <= MOST
        assert counts.in_flight <= WINDOW
        assert self.put == sum(vars(counts).values())
        first = list(dict.fromkeys(int(message) for message in self.arrived))
        assert first == sorted(first)

    def teardown(self) -> None:
        if self.there is False:
            self.come()
        while not self.outbox.empty:
            if self.wire:
                self.answer()
            else:
                self.send(early=False)
        counts = self.outbox.counts()
        assert len(set(self.arrived)) == self.put - counts.dropped == counts.delivered
        self.nothing_is_lost_uncounted()


Breaking.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestBreaking = Breaking.TestCase


def drained(outbox: Outbox, number: int = 0) -> list[bytes]:
    """Hands over what can be, unacknowledged."""
    sent = []
    while outbox.can_send:
        sent.append(outbox.take())
        outbox.sent(number + len(sent))
    return sent


def test_what_was_in_flight_can_be_recalled_in_order() -> None:
    outbox = Outbox(10)
    messages = [b"1", b"2", b"3", b"4"]
    for text in messages:
        outbox.put(text)
    outbox.connected(2)
    assert drained(outbox) == messages[:2]  # The broker bears two.
    outbox.disconnected()
    outbox.recall()
    outbox.connected()
    assert drained(outbox, 10) == messages
