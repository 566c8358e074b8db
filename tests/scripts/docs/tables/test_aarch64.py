"""Tables of docs/reports/aarch64.md from reports."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.docs.tables.aarch64 import aarch64_blocks
from tests.golden.compare import Difference

VERSIONS = {"ai-edge-litert": "2.3.0", "numpy": "2.4.6", "pillow": "13.0.0"}
RUNS = {"base": {"count": 130, "median_ms": 10.0}, "nano": {"count": 130, "median_ms": 1.6}}


def difference(**changes: Any) -> dict[str, Any]:
    return asdict(Difference(compared=594, integers=32472, **changes))


def blocks(folder: Path, **reports: dict[str, Any]) -> dict[str, str]:
    for name, report in reports.items():
        (folder / f"{name}.json").write_text(json.dumps(report))
    return {name: fill() for name, fill in aarch64_blocks(folder).items()}


def test_what_was_not_measured_says_the_command(tmp_path: Path) -> None:
    for text in blocks(tmp_path).values():
        assert text.startswith("_Not measured yet: `")
        assert "docs/benchmarks/" in text


def emulated(**changes: Any) -> dict[str, Any]:
    run = {
        "python": "3.13.5",
        "machine": "aarch64",
        "features": ["asimd", "asimddp"],
        "versions": VERSIONS,
        "every": 1,
        "cpu": "cortex-a76",
        "runs": {"causes": 103, "base": 130, "nano": 130},
        "total": difference(),
        "cli": [{"command": "edgeiqa --version", "same": True}, {"command": "x", "same": False}],
        **changes,
    }
    return {
        "command": "tests/aarch64/run.sh",
        "qemu": "7.2.22",
        "reference": {"python": "3.11.7", "machine": "x86_64", "versions": VERSIONS},
        "runs": [run],
        "failed": [],
    }


def test_emulated_processors(tmp_path: Path) -> None:
    text = blocks(tmp_path, aarch64=emulated())["aarch64"]
    assert (
        "| cortex-a76 (dot products) | 3.13.5 | 594 | 363 | 32,472 | 0 | 0 | 0 | 0 | 1 of 2 |"
    ) in text
    assert "QEMU 7.2.22. Measured with `tests/aarch64/run.sh`." in text
    report = emulated(every=5, features=["asimd"], total=difference(integer_step=2))
    report["failed"] = ["Python 3.11 on cortex-a72: killed by signal 11"]
    text = blocks(tmp_path, aarch64=report)["aarch64"]
    assert "| cortex-a76 | 3.13.5 | 594 | 363 | 32,472 | 2 |" in text
    assert "up to each 5th. **1 could not be run.**" in text


def test_matrix_and_fallback(tmp_path: Path) -> None:
    plain = {"python": "3.11", "numpy": "oldest", "pillow": "newest", "fallback": False}
    done = {"version": "3.11.7", "versions": VERSIONS, "runs": RUNS, "state": "equal"}
    lacking = {**plain, "python": "3.13", "state": "no wheel", "why": "numpy==1.26.*"}
    slow = {name: {"count": 1, "median_ms": 22 * run["median_ms"]} for name, run in RUNS.items()}
    far = difference(integer_step=10, integers_off=15211, score=3.38, causes=0.029)
    report = {
        "command": "python scripts/release/version_matrix.py",
        "machine": "x86_64",
        "not_here": ["3.12"],
        "reference": {"python": "3.11.7", "versions": VERSIONS, "runs": slow},
        "rows": [
            {**plain, **done, "total": difference()},
            lacking,
            {**plain, "state": "failed", "why": "pip broke"},
            {**plain, **done, "fallback": True, "runs": slow, "total": far},
        ],
    }
    texts = blocks(tmp_path, matrix=report)
    assert "| 3.11.7 | 2.4.6 | 13.0.0 | 2.3.0 | 594 | 0 | 0 | equal |" in texts["matrix"]
    assert (
        "| 3.13 | oldest | newest | - | - | - | - | no wheel of numpy==1.26.* |"
        in (texts["matrix"])
    )
    assert "| **failed** |" in texts["matrix"]
    assert "Python 3.12 was not there." in texts["matrix"]
    assert texts["matrix"].count("\n| 3.") == 3
    assert "| base | 10.0 | 220.0 | 22 |" in texts["fallback"]
    assert "15,211 differ, by up to 10; scores differ by up to 3.4 points" in texts["fallback"]


def test_32_bit_arm(tmp_path: Path) -> None:
    report = {
        "other": {"machine": "armv7l", "python": "3.11.2", "versions": {"numpy": "1.24.2"}},
        "documents": {
            "causes": difference(integers_off=335, integer_step=5, causes=0.0072),
            "base": difference(integers_off=9, integer_step=2, score=0.698),
        },
    }
    text = blocks(tmp_path, armhf=report)["armhf"]
    assert "| causes | 594 | 335 of 32,472 | 5 | 0 | 0.007 |" in text
    assert "| base | 594 | 9 of 32,472 | 2 | 0 | 0.70 |" in text
    assert "armv7l, Python 3.11.2, numpy 1.24.2" in text
