"""Scoring a stream of frames as they come."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    from edgeiqa._deprecated import load_from

    return load_from("live", name)
