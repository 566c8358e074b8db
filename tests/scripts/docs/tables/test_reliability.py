"""Tables about fuzzing and faults say what the reports say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.docs.tables.reliability import faults_table, fuzz_table, interrupts_table


def target(**more: Any) -> dict[str, Any]:
    return {
        "target": "decode",
        "about": "files",
        "command": "python -m tests.fuzz",
        "inputs": 1200,
        "outcomes": {f"Error{index}": 10 - index for index in range(7)},
        "slowest": {"seconds": 1.234, "input": 7},
        "rss_mb": 99.6,
        "crashes": 1,
        "hangs": 0,
        "memory": 0,
        "undocumented": 2,
        **more,
    }


def test_without_reports_the_commands_are_named(tmp_path: Path) -> None:
    assert "python -m tests.fuzz" in fuzz_table(tmp_path)
    assert "python -m tests.faults" in faults_table(tmp_path)
    assert "python -m tests.faults" in interrupts_table(tmp_path)


def test_fuzzing(tmp_path: Path) -> None:
    report = {
        "versions": {"python": "3.11"},
        "inputs": 1200,
        "seconds": 120,
        "findings": 3,
        "targets": [target()],
    }
    (tmp_path / "fuzz.json").write_text(json.dumps(report))
    text = fuzz_table(tmp_path)
    assert "1,200 inputs in 2 minutes, 3 findings" in text
    assert (
        "| `decode` | Files | Error0 10, Error1 9, Error2 8, Error3 7, Error4 6, others 9" in text
    )
    assert "| 1,200 | 1.23 | 100 | 3 |" in text
    assert "`python -m tests.fuzz`" in text
    assert "Atheris" not in text
    found = {"target": "xmp", "inputs": 5, "edges": 6, "features": 7, "corpus": 8, "finding": None}
    guided = {"command": "x", "targets": [found]}
    (tmp_path / "fuzz.json").write_text(json.dumps({**report, "guided": guided}))
    assert "| `xmp` | 5 | 6 | 7 | 8 | 0 |" in fuzz_table(tmp_path)


def test_faults_and_interrupts(tmp_path: Path) -> None:
    fault = {"fault": "`| head`", "happens": "ends", "exit": 141, "lost": "nothing"}
    report = {
        "command": "python -m tests.faults",
        "sweep_command": "python -m tests.faults --only sweep",
        "system": "Linux",
        "python": "3.11",
        "tests": {"passed": 4, "failed": 0, "skipped": 1},
        "faults": [fault, {**fault, "fault": "bomb (PNG)"}, {**fault, "fault": "bomb (GIF)"}],
        "interrupts": 40,
        "wrong": 0,
        "sweep": [{"command": "score", "runs": 40, "ends": {"b": 1, "a": 39}, "wrong": []}],
    }
    (tmp_path / "faults.json").write_text(json.dumps(report))
    text = faults_table(tmp_path)
    assert "3 faults in 4 tests passed, 0 failed, 1 skipped" in text
    assert "| `\\| head`; bomb (PNG; GIF) | ends | 141 | nothing |" in text
    swept = interrupts_table(tmp_path)
    assert "| `score` | 40 | a 39, b 1 | 0 |" in swept
    assert swept.endswith("`python -m tests.faults --only sweep`.")
