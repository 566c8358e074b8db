"""Sizes in bytes, as people write them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(b?)\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Parses "500MB", "1.5 G", "200 KiB" or "1000"; k is 1000, Ki is 1024.

    Raises:
        ValueError: It is not a size.
    """
    found = _SIZE.fullmatch(text)
    if found is None or (found[3] and not found[2]):
        raise ValueError(f"{text!r} is not a size, such as 500MB, 2GB or 200MiB")
    unit = found[2].lower()
    return round(float(found[1]) * (_BINARY[unit] if found[3] else _UNITS[unit]))


def size_words(size: int) -> str:
    """Formats bytes: "0 B", "12.3 kB", "500 MB"."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= factor:
            value = size / factor
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    return f"{size} B"
