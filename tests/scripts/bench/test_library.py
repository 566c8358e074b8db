"""The measurements of docs/libraries.md run, and their tables say what was measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from edgeiqa.assets import sample_paths
from scripts.bench import library, quick_shift
from scripts.docs.tables.library import (
    BENCHMARK,
    SHIFT,
    library_blocks,
    library_tables,
    quick_table,
)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_small_library_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2")
    monkeypatch.setattr(library, "SIZES", {"tiny": (240, 160)})
    monkeypatch.setattr(library, "RIVALS", {"laplacian": 1.0})
    report = tmp_path / "library.json"
    words = ["--photographs", "10", "--workers", "1", "--model", "nano", "--nightly", "1500"]
    assert library.main([*words, "--json", str(report)]) == 0
    document = json.loads(report.read_text())
    assert [run["mode"] for run in document["runs"]] == ["exact", "quick", "laplacian"]
    for run in document["runs"]:
        assert run["photographs"] == 10
        assert run["per_second"] == pytest.approx(10 / run["seconds"], rel=0.05)
        assert run["peak_mb"] > 10
    assert document["runs"][0]["peak_worker_mb"] > 30
    text = library_tables(tmp_path)
    assert "10 JPEGs of tiny" in text
    assert "over 1,500 photographs of which one is new" in text
    assert document["command"] in text


def test_quick_scores_are_compared_with_exact_ones(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, path in enumerate(sample_paths()[:3]):
        with Image.open(path) as sample:
            large = sample.convert("RGB").resize((2400, 1600), Image.Resampling.BICUBIC)
            large.save(folder / f"{number}.jpg", quality=92)
            sample.save(folder / f"small-{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    report = tmp_path / "library-quick.json"
    assert quick_shift.main([str(folder), "--models", "nano", "--json", str(report)]) == 0
    (model,) = json.loads(report.read_text())["models"]
    assert model["photographs"] == 3
    shifts = {row["gap"]: row for row in model["gaps"]}
    assert set(shifts) == set(quick_shift.GAPS)
    for row in shifts.values():
        assert 0 <= row["median"] <= row["p95"] <= row["max"] < 10
    assert "| **1.5** |" in quick_table(tmp_path)
    assert quick_shift.main([str(tmp_path / "photos" / "small-0.jpg")]) == 2


def test_what_was_not_measured_says_how(tmp_path: Path) -> None:
    blocks = library_blocks(tmp_path)
    assert blocks["library"]() == f"_Not measured yet: `{BENCHMARK}`_"
    assert blocks["quick"]() == f"_Not measured yet: `{SHIFT}`_"
