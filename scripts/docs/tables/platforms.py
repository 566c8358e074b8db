"""The table of platforms: golden vectors in Python, on the JVM and in Chromium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.docs.markdown import table
from scripts.docs.tables.reports import RESULTS

COMMANDS = {
    "Python x86-64": "python tests/golden/vectors/report.py --platform 'Python x86-64' "
    "--json docs/results/platforms/python-x86-64.json",
    "Python aarch64 (emulated)": "tests/golden/vectors/report.py under QEMU, see "
    "tests/golden/vectors/README.md",
    "JVM": "EDGEIQA_REPORTS=docs/results/platforms android_demo/test.sh core",
    "Chromium": "EDGEIQA_REPORTS=docs/results/platforms python -m pytest tests/web/test_vectors.py",
}
"""Platforms in the order of the table, and what measures each."""


def platforms_table(results: Path = RESULTS) -> str:
    """Golden vectors tried, largest differences, time per 1080p frame.

    Args:
        results: The folder of all reports; those of platforms lie in `platforms`.
    """
    paths = (results / "platforms").glob("*.json")
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    found = {report["platform"]: report for report in reports}
    rows = []
    for name in (*COMMANDS, *(name for name in sorted(found) if name not in COMMANDS)):
        if name in found:
            rows.append(_row(found[name]))
        else:
            rows.append([name, f"_not measured yet: {COMMANDS[name]}_", "", "", "", ""])
    head = [
        *("platform", "golden vectors", "largest difference: tensor", "int8 output", "score"),
        "ms per 1080p frame",
    ]
    return table(head, rows)


def _row(report: dict[str, Any]) -> list[str]:
    time = report["ms_1080p"]
    return [
        report["platform"],
        str(report["vectors"]),
        str(report["max_tensor_diff"]),
        str(report["max_int8_diff"]),
        f"{report['max_score_diff']:.0e}" if report["max_score_diff"] else "0",
        "-" if time is None else f"{time:.0f}",
    ]
