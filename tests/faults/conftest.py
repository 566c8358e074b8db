"""What tests of faults share: a record of each, and a small file system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.running import Tmpfs

Fault = Callable[..., None]


@pytest.fixture
def fault(record_property: Callable[[str, object], None]) -> Fault:
    """Records a fault for the report: what was done, what happens, exit code, figures."""

    def note(what: str, happens: str, code: int | str, **figures: object) -> None:
        entry = {"fault": what, "happens": happens, "exit": code, "lost": "nothing"}
        record_property("fault", {**entry, **({"figures": figures} if figures else {})})

    return note


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Tmpfs]:
    """A folder that a small file system can be mounted on."""
    made = Tmpfs(tmp_path / "small")
    yield made
    made.unmount()
