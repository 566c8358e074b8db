"""The targets, one per file; each is imported when it is fuzzed."""

from __future__ import annotations

import importlib

from tests.fuzz.target import Target

NAMES = (
    *(
        "decode",
        "frame",
        "contract",
        "cli",
        "http",
        "xmp",
        "raw",
        "video",
        "address",
        "results",
        "journal",
    ),
)


def target(name: str) -> Target:
    """The target of a name.

    Raises:
        KeyError: There is none.
    """
    if name not in NAMES:
        raise KeyError(f"no target {name!r}, known: {', '.join(NAMES)}")
    module = importlib.import_module(f"tests.fuzz.targets.{name}")
    found = next(
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Target) and kind.__dict__.get("name") == name
    )
    made: Target = found()
    return made
