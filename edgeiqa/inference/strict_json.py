"""Reads untrusted JSON: no duplicate keys, no huge numbers, no deep nesting."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 32
MAX_DIGITS = 400

_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]', re.DOTALL)
"""Strings, whose brackets do not count, and brackets."""


def loads(text: str | bytes) -> Any:
    """Parses a document.

    Args:
        text: JSON; bytes must be UTF-8. The caller limits its length.

    Returns:
        The parsed document.

    Raises:
        ValueError: Not JSON; nested more than 32 deep; a duplicate key in an object; NaN, Infinity
            or a number beyond 1e308; a number of more than 400 digits.
    """
    if isinstance(text, (bytes, bytearray)):
        text = text.decode("utf-8")  # UTF-8 only: json.loads would also detect UTF-16 and UTF-32.
    depth = _depth(text)
    if depth > MAX_DEPTH:
        raise ValueError(f"lists and objects are nested {depth} deep, expected at most {MAX_DEPTH}")
    return json.loads(
        text,
        parse_constant=_no_constant,
        parse_float=_finite,
        parse_int=_whole,
        object_pairs_hook=_once,
    )


def _depth(text: str) -> int:
    """Returns the nesting depth; checked before parsing, since the parser recurses."""
    deepest = depth = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:60]!r} occurs twice")
        found[key] = value
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:40]} is too large or too long")
    return value


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(
            f"the number {digits[:40]}... has {len(digits)} digits, expected at most {MAX_DIGITS}"
        )
    return int(digits)
