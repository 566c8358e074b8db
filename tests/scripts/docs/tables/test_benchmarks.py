"""The benchmark's tables say what the reports say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgeiqa.inference.model import available_models
from scripts.bench.bench_matrix import CASES
from scripts.docs.tables.benchmarks import FOLDER, bench_tables, benchmark_blocks, machine_lines


def times(p50: float) -> dict[str, float]:
    return {"p50": p50, "p90": p50 + 1, "p99": p50 + 2, "min": p50 - 1}


def report(**subject: Any) -> dict[str, Any]:
    ours = {
        "stages": {"colour": times(3.25), "score_network": times(11.5)},
        **{"total": times(20.5), "outside": times(9), "inside": times(11.5)},
        "ratio": {"p50": 0.783, "min": 0.762},
        "bar": {"at_most": 1.0, "holds": True},
        "rivals": [
            {"name": "laplacian", "about": "cv2.Laplacian", **times(8), "ratio": 0.39, "runs": 9},
            {"name": "brisque", "about": "features", "runs": 0, "error": "no run"},
        ],
        **subject,
    }
    return {
        "command": "edgeiqa bench --model base",
        "model": {
            **{"name": "base", "version": "1.2.3"},
            "causes": {"name": "causes", "version": "0.0.1"},
        },
        "versions": {"python": "3.11.7", "ai-edge-litert": "2.3.0"},
        "machine": {
            **{"board": "A Pi", "processor": "Cortex-A76", "architecture": "aarch64", "cores": 4},
            **{"features": ["asimd"], "system": "Linux 6", "governor": None, "priority": "normal"},
        },
        "memory": {"before_opening": 39.4, "opened": 68, "idle": 80, "after": 90, "peak": None},
        "subjects": [ours],
    }


def test_stages_bar_rivals_memory_and_commands() -> None:
    slow = report(bar={"at_most": 1.0, "holds": False}, stages={"decode": times(7)})
    table = bench_tables({"1080p": report(), "other": slow})
    assert "| stage | 1080p | other |" in table
    assert "| decode the file | - | 7.00 |" in table
    assert "| colour: YUV to RGB | 3.25 | - |" in table
    assert "| **total, p99** | 22.5 | 22.5 |" in table
    assert "| 1080p | 9.00 | 11.50 | 0.78 | 0.76 | yes |" in table
    assert "| other | 9.00 | 11.50 | 0.78 | 0.76 | no |" in table
    assert "| laplacian | 8.0 (0.39) | 8.0 (0.39) |" in table
    assert "| brisque | - | - |" in table
    assert "| 1080p | 39 | 68 | 80 | 90 | - |" in table
    assert "edgeiqa bench --model base" in table


def test_a_file_has_no_bar_and_rivals_may_be_missing() -> None:
    case = report(rivals=[])
    del case["subjects"][0]["bar"]
    table = bench_tables({"file": case})
    assert "| file | 9.00 | 11.50 | 0.78 | 0.76 | - |" in table
    assert "Nothing was run beside it." in table


def test_the_machine_is_told() -> None:
    line = machine_lines({"1080p": report()})
    assert "Model base 1.2.3 with causes causes 0.0.1, on A Pi, Cortex-A76 (aarch64" in line
    assert "governor unknown" in line


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    blocks = benchmark_blocks(["base"], tmp_path)
    assert set(blocks) == {"machine-base", "bench-base", "coldstart"}
    for name in ("machine-base", "bench-base"):
        assert "`python scripts/bench/bench_matrix.py base`" in blocks[name]()
    (tmp_path / "bench-base.json").write_text(json.dumps({"cases": {"1080p": report()}}))
    assert blocks["bench-base"]().startswith("Milliseconds")


def test_every_shipped_model_was_measured_in_all_cases() -> None:
    for name in available_models():
        found = json.loads((FOLDER / f"bench-{name}.json").read_text(encoding="utf-8"))
        assert list(found["cases"]) == list(CASES)
        for case in found["cases"].values():
            assert case["model"]["name"] == name
