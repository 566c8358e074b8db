"""Reads unit files as systemd does, as far as ours go."""

from __future__ import annotations

import os
import re

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


def values(text: str, name: str) -> list[str]:
    """All values of a setting."""
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


def words(command: str) -> list[str]:
    """The words of an `ExecStart=` that begins with ":"."""
    found = []
    for inside, bare in _WORD.findall(command):
        raw = re.sub(
            r"\\(x[0-9a-f]{2}|.)",
            lambda m: os.fsdecode(bytes([int(m[1][1:], 16)])) if m[1][1:] else m[1],
            inside or bare,
        )
        found.append(os.fsdecode(os.fsencode(raw)).replace("%%", "%"))
    assert found[0].startswith(":/")
    return [found[0][1:], *found[1:]]
