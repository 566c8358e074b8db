"""Bars are read from the right figures and judged the right way round."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.docs.tables.bars import BARS, bars_table
from tests.scripts.docs.tables import made

VALUES = {
    "srocc": 0.8312,
    "int8 srocc": 0.0013,
    "int8 shift": 1.504,
    "monotone": 34 / 35,
    "burst": 0.9143,
    "plcc gap": 0.0029,
    "map": 0.7629,
}


def write(folder: Path) -> None:
    reports = {
        "evaluate": made.evaluation(),
        "verify": made.verification(),
        "ladder": made.ladder(),
        "calibrate": made.calibration(),
        "maps": made.maps(),
    }
    for step, report in reports.items():
        (folder / f"{step}.json").write_text(json.dumps(report))


def test_the_bars_of_the_family() -> None:
    asked = {name: {bar.name: bar.bound for bar in bars} for name, bars in BARS.items()}
    assert asked["base"]["srocc"] == 0.87
    assert (asked["base"]["ss01"], asked["base"]["ss02"], asked["base"]["ss03"]) == (
        0.93,
        0.48,
        0.75,
    )
    assert (asked["nano"]["srocc"], asked["nano"]["macs"], asked["nano"]["size"]) == (
        0.82,
        0.12,
        1.2,
    )
    assert asked["nano"]["int8 shift"] == 2 * asked["base"]["int8 shift"] == 2.0
    for bars in BARS.values():
        assert len({bar.name for bar in bars}) == len(bars)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_values_come_from_the_reports(tmp_path: Path, name: str) -> None:
    bar = {bar.name: bar for bar in BARS["base"]}[name]
    assert bar.value(made.model(tmp_path)) is None
    write(tmp_path)
    assert bar.value(made.model(tmp_path)) == pytest.approx(VALUES[name])


def test_accuracy_on_validation_clears_no_bar(tmp_path: Path) -> None:
    report = made.evaluation(0.99)
    report["protocol"]["split"] = "validation"
    (tmp_path / "evaluate.json").write_text(json.dumps(report))
    bar = {bar.name: bar for bar in BARS["base"]}["srocc"]
    assert bar.value(made.model(tmp_path)) is None


def test_met_is_judged_by_the_sense_of_the_bar() -> None:
    bars = {bar.name: bar for bar in BARS["base"]}
    assert bars["srocc"].met(0.87)
    assert not bars["srocc"].met(0.8699)
    assert bars["int8 shift"].met(1.0)
    assert not bars["int8 shift"].met(1.01)


def test_the_table_says_by_how_much(tmp_path: Path) -> None:
    write(tmp_path)
    shown = bars_table((made.model(tmp_path),))
    assert (
        "| base | BIQ2021 test SROCC, pooled | at least 0.87 | 0.831 | **missed by 0.039** |"
        in shown
    )
    assert "at most 1 | 1.50 | **missed by 0.50** |" in shown
    assert "at least 0.97 | 0.971 | met |" in shown
    assert "within ss02 | at least 0.48 | - | not measured yet |" in shown
