"""Tables say what the reports say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.docs.tables import tables
from tests.scripts.docs.tables import made


def test_evaluate_table() -> None:
    table = tables.evaluate_table(made.evaluation())
    assert "| pictures of | number | SROCC | RMSE |" in table
    assert "| pooled | 2,000 | 0.831 <sub>0.821-0.841</sub> | 0.071 " in table
    assert "| ss02 | 3 | - | - |" in table
    assert "`python -m convert something`" in table


def test_verify_table() -> None:
    table = tables.verify_table(made.verification())
    assert "| keras float to tflite int8 | 0.9987 | 1.50 | 4.26 |" in table
    assert "2.71 MB" in table
    assert "870 million" in table
    assert "float islands: none" in table
    assert "tflite int8 0.8388" in table


def test_ladder_table() -> None:
    table = tables.ladder_table(made.ladder())
    assert "| motion blur | 35 | 1 | 2.9% | 31.3 |" in table
    assert "2 photographs" in table
    assert "first report" not in table  # it has no kinds beside these six


def test_ladder_table_tells_the_first_six_apart() -> None:
    report = made.ladder()
    report["kinds"] = {f"kind {n}": report["total"] for n in range(7)}
    report["original"] = {**report["total"], "violations": 0}
    assert "| the six of the first report | 35 | 0 |" in tables.ladder_table(report)


def test_burst_table() -> None:
    table = tables.burst_table(made.ladder())
    assert "| all | 35 | 91.4% <sub>80.0%-100.0%</sub> |" in table
    assert "| level 0 against 1 | 35 |" in table
    assert "| level 1 against 2 | 35 |" in table
    assert "framing (by up to 4%), exposure (up to 0.06 stops)" in table
    assert "by 0.43 points" in table


def test_calibrate_tables() -> None:
    shown = tables.calibrate_tables(made.calibration())
    assert "| 25.5 | 27.6 <sub>25.1-30.2</sub> | 100 |" in shown
    assert "Expected calibration error 1.53 points" in shown
    assert "0.8701 after a logistic fit, which is 0.0029 more" in shown
    assert "| as shipped | ss02 | 1,000 | 3.600 | 44.6% | 8.1 | 9.6 |" in shown
    assert "| fitted, 5 folds | pooled | 1,000 | 3.600 | 80.0% |" in shown


def test_a_model_without_histogram_has_no_std_table() -> None:
    shown = tables.calibrate_tables({**made.calibration(), "std": {}, "std_fitted": {}})
    assert "as shipped" not in shown
    assert "25.5" in shown


def test_stability_table() -> None:
    row = "| flip | validation | 200 | 0.77 | 3.37 | 4.56 | -0.19 |"
    assert row in tables.stability_table(made.stability())


def test_maps_table() -> None:
    table = tables.maps_table(made.maps())
    assert "| gaussian blur | 28 | 0.76 | 0.59 | 75% | 36 | 64 |" in table
    assert "1 photographs" in table
    assert "level 3" in table


@pytest.mark.parametrize(("scale", "words"), [(1.0, "not an error bar"), (0.1, "the error bar of")])
def test_std_is_called_what_the_contract_makes_it(tmp_path: Path, scale: float, words: str) -> None:
    model = made.model(tmp_path)
    calibration = replace(model.contract.calibration, std_scale=scale, std_power=1.0)
    model = replace(model, contract=replace(model.contract, calibration=calibration))
    assert words in tables.std_sentence(model)
    assert "photographs" not in tables.std_sentence(model)
    (tmp_path / "calibrate.json").write_text(json.dumps(made.calibration()))
    said = tables.std_sentence(replace(model))
    assert words in said
    assert "Of 1,000 validation photographs, 80% have" in said
    assert "by subset ss02 45%." in said


def test_missing_reports_name_their_command(tmp_path: Path) -> None:
    blocks = tables.model_blocks(made.model(tmp_path))
    assert set(blocks) == set(tables.TABLES)
    for block, (step, _) in tables.TABLES.items():
        assert f"`python scripts/docs/run_evaluations.py base --only {step}" in blocks[block]()


def test_a_ladder_without_bursts_is_to_be_made_again(tmp_path: Path) -> None:
    report = made.ladder()
    del report["burst"]
    (tmp_path / "ladder.json").write_text(json.dumps(report))
    blocks = tables.model_blocks(made.model(tmp_path))
    assert "| motion blur |" in blocks["ladder"]()
    assert "--only ladder --again`" in blocks["burst"]()
