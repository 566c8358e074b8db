"""Photographs and results for the tests of the report."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from edgeiqa.assets import sample_paths
from edgeiqa.causes import CAUSES
from edgeiqa.gating.gate import Reason
from edgeiqa.report.items import Photo, photos_of
from edgeiqa.results.reader import Result


def result(path: str, score: float | None = 50.0, **more: Any) -> Result:
    """A result; without a score an unreadable one."""
    if score is None:
        return Result(path, error=more.get("error", "empty, 0 bytes"))
    return Result(path, score, **more)


def rejected(path: str, score: float, cause: str = "blur", value: float = 0.75) -> Result:
    """One that was rejected for a cause."""
    reasons = (Reason(cause, value, 0.5),)
    return Result(path, score, 4.5, {cause: value}, False, reasons)


def accepted(path: str, score: float) -> Result:
    """One without a fault."""
    return Result(path, score, 3.5, dict.fromkeys(CAUSES, 0.01), True)


def photos(*results: Result, root: str = "/nowhere") -> list[Photo]:
    """Results as photographs."""
    return photos_of(results, root)[0]


def sample(name: str) -> Image.Image:
    """A sample photograph, RGB."""
    path = next(path for path in sample_paths() if path.name == name)
    with Image.open(path) as image:
        return image.convert("RGB")


def write_results(file: Path, results: Sequence[Result]) -> Path:
    """Writes JSON lines as `edgeiqa score` does, any path and error as it is."""
    lines = []
    for one in results:
        reasons = [
            {"cause": r.cause, "value": r.value, "threshold": r.threshold, "decisive": r.decisive}
            for r in one.reasons
        ]
        row = {
            "path": one.path,
            "score": one.score,
            "std": one.std,
            "causes": one.causes,
            "accept": one.accept,
            "reasons": reasons,
            "error": one.error,
        }
        lines.append(json.dumps(row) + "\n")
    file.write_text("".join(lines), encoding="utf-8")
    return file


def data_of(page: str) -> dict[str, Any]:
    """The data within a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))
