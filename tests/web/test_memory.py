"""Memory stays flat, in a short run; `python tests/web/memory.py` takes ten minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.web.film import write_film
from tests.web.memory import MARGIN_MB, growth, run


def test_twenty_seconds_of_camera_and_photographs_needs_no_more_memory(
    playwright: Any, url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    film = tmp_path / "film.y4m"
    write_film(film, [("sharp", 2), ("blurred", 1)])
    samples = run(playwright, url, film, seconds=20, every=1.0)
    record_property("growth_mb", growth(samples))
    assert len(samples) >= 8
    assert growth(samples) <= MARGIN_MB
