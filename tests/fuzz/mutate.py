"""Mutates bytes the way disks, networks and attackers do; the same seed gives the same bytes."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence

INTERESTING = (0, 1, 2, 3, 7, 8, 15, 16, 127, 128, 255, 256, 4095, 32767, 32768, 65535, 65536)
LARGE = (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, 0x7FFF, 0xFFFE)
MAX_BYTES = 1 << 16
PNG = b"\x89PNG\r\n\x1a\n"


def mutated(
    data: bytes,
    rng: random.Random,
    others: Sequence[bytes] = (),
    tokens: Sequence[bytes] = (),
    doublings: int = 4,
) -> bytes:
    """A few changes of some bytes.

    Args:
        data: What to mutate.
        rng: Decides.
        others: Files whose pieces may be put in.
        tokens: Words of the format that may be put in.
        doublings: There are 1, 2, 4 ... changes; so many of these numbers are used.

    Returns:
        At most 64 KiB.
    """
    piece = bytearray(data[:MAX_BYTES])
    for _ in range(1 << rng.randrange(doublings)):
        rng.choice(_CHANGES)(piece, rng, others, tokens)
        del piece[MAX_BYTES:]
    whole = bytes(piece)
    if whole.startswith(PNG) and rng.randrange(4):
        whole = with_right_sums(whole)  # Else nothing behind the checksums would be reached.
    return whole


def with_right_sums(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums that their bodies ask for."""
    fixed, at = bytearray(data), len(PNG)
    while at + 12 <= len(fixed):
        (length,) = struct.unpack_from(">I", fixed, at)
        end = at + 8 + length
        if end + 4 > len(fixed):
            break
        struct.pack_into(">I", fixed, end, zlib.crc32(fixed[at + 4 : end]))
        at = end + 4
    return bytes(fixed)


Change = Callable[[bytearray, random.Random, Sequence[bytes], Sequence[bytes]], None]


def _at(piece: bytearray, rng: random.Random) -> int:
    # Headers decide most; half of all changes fall into the first 200 bytes.
    end = len(piece) if rng.randrange(2) else min(len(piece), 200)
    return rng.randrange(end + 1)


def _flip(piece: bytearray, rng: random.Random, *_: object) -> None:
    if piece:
        piece[min(_at(piece, rng), len(piece) - 1)] ^= 1 << rng.randrange(8)


def _byte(piece: bytearray, rng: random.Random, *_: object) -> None:
    if piece:
        piece[min(_at(piece, rng), len(piece) - 1)] = rng.randrange(256)


def _number(piece: bytearray, rng: random.Random, *_: object) -> None:
    """Puts an awkward number of 1, 2, 4 or 8 bytes in either order over what is there."""
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice(INTERESTING + LARGE) & ((1 << 8 * size) - 1)
    order = "big" if rng.randrange(2) else "little"
    at = _at(piece, rng)
    piece[at : at + size] = value.to_bytes(size, order)  # type: ignore[arg-type]


def _step(piece: bytearray, rng: random.Random, *_: object) -> None:
    """Adds a little to a number of 1, 2 or 4 bytes."""
    size = rng.choice((1, 2, 4))
    order = "big" if rng.randrange(2) else "little"
    at = _at(piece, rng)
    old = int.from_bytes(piece[at : at + size].ljust(size, b"\0"), order)  # type: ignore[arg-type]
    new = (old + rng.randint(-20, 20)) % (1 << 8 * size)
    piece[at : at + size] = new.to_bytes(size, order)  # type: ignore[arg-type]


def _cut(piece: bytearray, rng: random.Random, *_: object) -> None:
    del piece[_at(piece, rng) :]


def _delete(piece: bytearray, rng: random.Random, *_: object) -> None:
    at = _at(piece, rng)
    del piece[at : at + rng.choice((1, 2, 4, 16, 100))]


def _repeat(piece: bytearray, rng: random.Random, *_: object) -> None:
    at = _at(piece, rng)
    some = piece[at : at + rng.choice((1, 4, 12, 64, 500))]
    piece[at:at] = some * rng.choice((1, 2, 8, 40))


def _insert(piece: bytearray, rng: random.Random, *_: object) -> None:
    at = _at(piece, rng)
    piece[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))


def _splice(
    piece: bytearray, rng: random.Random, others: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    if others:
        other = rng.choice(others)
        start = rng.randrange(len(other) + 1)
        some = other[start : start + rng.choice((4, 16, 100, 1000))]
        at = _at(piece, rng)
        piece[at : at + (len(some) if rng.randrange(2) else 0)] = some


def _token(
    piece: bytearray, rng: random.Random, others: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    if tokens:
        token = rng.choice(tokens)
        at = _at(piece, rng)
        piece[at : at + (len(token) if rng.randrange(2) else 0)] = token


_CHANGES: tuple[Change, ...] = (
    *(_flip, _flip, _byte, _byte, _number, _number, _number, _step, _step),
    *(_cut, _delete, _repeat, _insert, _splice, _token, _token),
)
