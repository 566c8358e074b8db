"""The gate's table says what the report says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.docs.tables.gates import gates_tables, operating_tables
from tests.scripts.docs.tables import made


def operating() -> dict[str, Any]:
    share = {"value": 0.9507, "low": 0.9316, "high": 0.9647}
    group = {
        **{"pictures": 1000, "good": 669, "bad": 143},
        **{"good_kept": share, "bad_caught": share, "accepted": share},
        "reasons": {"blur": {"good": 3, "bad": 20, "good_alone": 1, "bad_alone": 7}},
    }
    nobody = {"value": None, "low": None, "high": None}
    none = {**group, "bad": 0, "bad_caught": nobody, "reasons": {}}
    point = {"min_score": 57.5, "max_causes": {"blur": 0.6}, "groups": {"pooled": group}}
    return {
        "protocol": made.protocol(good="MOS of 0.6 or more", bad="below 0.4", interval="Wilson"),
        "presets": {
            "relaxed": {"min_score": 41.7, "max_causes": {}, "groups": {"pooled": none}},
            "normal": point,
        },
    }


def test_thresholds_shares_and_reasons(tmp_path: Path) -> None:
    (tmp_path / "operate.json").write_text(json.dumps(operating()))
    table = operating_tables(made.model(tmp_path))
    assert "| preset | score from | `blur` up to |" in table
    assert "| relaxed | 41.7 | - |" in table
    assert "| normal | 57.5 | 0.6 |" in table
    kept = "95.1% <sub>93.2%-96.5%</sub>"
    assert f"| normal | pooled | 669 | {kept} | 143 | {kept} | {kept} |" in table
    assert f"| relaxed | pooled | 669 | {kept} | 0 | - | {kept} |" in table
    assert "| normal | `blur` | 20 | 7 | 3 | 1 |" in table
    assert "Good: MOS of 0.6 or more; bad: below 0.4." in table
    assert "`python -m convert something`" in table


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    table = gates_tables((made.model(tmp_path),))
    assert table.startswith("### base\n")
    assert "`python scripts/docs/run_evaluations.py base --only operate`" in table
