"""Reads choices out of bytes, so that whatever makes bytes makes arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Takes whole numbers, choices and pieces from the front of some bytes; zeros follow the end.

    The same bytes give the same choices, so an input is kept by keeping its bytes, and a fuzzer
    that changes bytes changes one choice at a time.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def bits(self, count: int) -> int:
        """A number of so many bytes."""
        piece = self._data[self._at : self._at + count]
        self._at += count
        return int.from_bytes(piece.ljust(count, b"\0"), "big")

    def integer(self, low: int, high: int) -> int:
        """A number from low to high, both inclusive."""
        span = high - low + 1
        return low + self.bits((span.bit_length() + 14) // 8) % span

    def choice(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.integer(0, len(options) - 1)]

    def chance(self, one_in: int) -> bool:
        """True once in so many times, of bytes that are evenly spread."""
        return self.bits(1) % one_in == 1 % one_in

    def piece(self, most: int) -> bytes:
        """Some bytes as they are, at most so many."""
        count = self.integer(0, most)
        piece = self._data[self._at : self._at + count]
        self._at += count
        return piece

    def rest(self) -> bytes:
        """All that is left."""
        piece = self._data[self._at :]
        self._at = len(self._data)
        return piece
