"""Bytes that every language can make for itself: the generators that README.md specifies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent

_MULTIPLIER, _INCREMENT, _MASK = 1_664_525, 1_013_904_223, (1 << 32) - 1


def make(buffer: Mapping[str, Any]) -> np.ndarray:
    """The bytes that an entry of `buffers` describes.

    Args:
        buffer: With "kind" and what README.md lists for that kind.

    Returns:
        uint8 [length].

    Raises:
        ValueError: An unknown kind.
    """
    kind = buffer["kind"]
    if kind == "file":
        return _file(buffer["file"])
    if kind == "lcg":
        return lcg(buffer["seed"], buffer["length"])
    if kind == "waves":
        return _waves(buffer)
    raise ValueError(f"buffer kind is {kind!r}, expected file, lcg or waves")


@lru_cache(maxsize=4)
def lcg(seed: int, length: int) -> np.ndarray:
    """The high bytes of a linear congruential generator modulo 2**32, read-only."""
    states = np.empty(max(length, 1), np.uint32)
    states[0] = (seed * _MULTIPLIER + _INCREMENT) & _MASK
    # Each round doubles what is known: `multiplier` and `increment` make `known` steps in one.
    known, multiplier, increment = 1, _MULTIPLIER, _INCREMENT
    while known < length:
        more = min(known, length - known)
        following = states[known : known + more]
        np.multiply(states[:more], np.uint32(multiplier), out=following)
        following += np.uint32(increment)
        increment = (increment * multiplier + increment) & _MASK
        multiplier = (multiplier * multiplier) & _MASK
        known *= 2
    made = (states[:length] >> np.uint32(24)).astype(np.uint8)
    made.setflags(write=False)
    return made


def _waves(buffer: Mapping[str, Any]) -> np.ndarray:
    length, stride, unit = buffer["length"], buffer["stride"], buffer["unit"]
    ax, ay, bx, by = buffer["slopes"]
    made = np.empty(length, np.uint8)
    noise = lcg(buffer["seed"], length)
    band = max(1, (1 << 20) // stride) * stride
    for start in range(0, length, band):
        place = np.arange(start, min(start + band, length), dtype=np.int32)
        row, byte = place // stride, place % stride
        column = byte // unit
        first = _triangle(column * ax + row * ay + (byte % unit) * buffer["tint"])
        second = _triangle(column * bx - row * by)
        wave = (first * second >> 8) * buffer["gain"]
        grain = (noise[start : start + band].astype(np.int32) - 128) * buffer["noise"]
        made[start : start + band] = np.clip(buffer["base"] + ((wave + grain) >> 8), 0, 255)
    return made


def _triangle(value: np.ndarray) -> np.ndarray:
    """Up from 0 to 255 and down again, with a period of 512."""
    phase = value & 511
    return np.where(phase < 256, phase, 511 - phase)


@lru_cache(maxsize=8)
def _file(name: str) -> np.ndarray:
    made = np.fromfile(FOLDER / name, np.uint8)
    made.setflags(write=False)
    return made
