"""Which of several similar photographs is the best."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    from edgeiqa._deprecated import load_from

    return load_from("burst", name)
