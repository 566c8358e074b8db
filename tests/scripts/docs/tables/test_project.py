"""Tables about the family, its peers and the ingredients."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.docs.tables import project
from tests.scripts.docs.tables import made


def methods(fingerprint: str) -> dict[str, Any]:
    entry = {
        "parameters": 1,
        "macs": 2e6,
        "bytes": 1000,
        "groups": {"pooled": {"SROCC": made.interval(0.5), "PLCC": made.interval(0.4)}},
    }
    return {
        "format": "edgeiqa-baselines-1",
        "protocol": {**made.protocol(), "timing": "one thread"},
        "methods": [
            {
                "title": "NIQE",
                "ours": False,
                "fingerprint": "-",
                "milliseconds": {"median": 80.0},
                **entry,
            },
            {
                "title": "base",
                "ours": True,
                "fingerprint": fingerprint,
                "milliseconds": {"median": 41.26},
            }
            | entry,
        ],
    }


def test_family_table_takes_figures_from_reports(tmp_path: Path) -> None:
    model = made.model(tmp_path)
    assert "| - | - | - | - | - |" in project.family_table((model,), tmp_path)
    (tmp_path / "evaluate.json").write_text(json.dumps(made.evaluation()))
    (tmp_path / "baselines.json").write_text(json.dumps(methods(made.FILE_SHA)))
    shown = project.family_table((made.model(tmp_path),), tmp_path)
    assert f"| {model.size / 1e6:.2f} MB | {model.macs / 1e6:.0f} M | 41.3 | 0.831 | - |" in shown
    assert "biq2021, test split, 2,000 pictures; ms: one thread" in shown


def test_peers_of_another_model_do_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = (made.model(tmp_path),)
    assert "`python -m convert baselines" in project.baselines_table(models, tmp_path)
    (tmp_path / "baselines.json").write_text(json.dumps(methods("00")))
    assert "Not measured yet" in project.baselines_table(models, tmp_path)
    assert "other models" in capsys.readouterr().err
    (tmp_path / "baselines.json").write_text(json.dumps(methods(made.FILE_SHA)))
    shown = project.baselines_table(models, tmp_path)
    assert "| NIQE | 0.500" in shown
    assert "| **base** | 0.500" in shown


def test_checks_say_what_is_not_measured(tmp_path: Path) -> None:
    assert project.checks_table((made.model(tmp_path),)).count("not measured") == 9
    for step, report in (
        ("verify", made.verification()),
        ("ladder", made.ladder()),
        ("stability", made.stability()),
        ("calibrate", made.calibration()),
        ("maps", made.maps()),
    ):
        (tmp_path / f"{step}.json").write_text(json.dumps(report))
    shown = project.checks_table((made.model(tmp_path),))
    assert "not measured" not in shown
    for cell in ("1.50 points", "97.1% of 35", "91.4% of 35", "3.37 points", "80%", "IoU 0.76"):
        assert f"| {cell} |" in shown


def test_ablation_tables(tmp_path: Path) -> None:
    assert "`python -m convert ablation" in project.ablation_tables(tmp_path)
    row = {
        "name": "MOS only",
        "mean": {"srocc": 0.8, "srocc_ss02": 0.3, "plcc": 0.81},
        "deviation": {"srocc": 0.01, "srocc_ss02": 0.02, "plcc": 0.01},
    }
    step = {"srocc": 0.012, "standard_error": 0.004}
    budget = {
        "seeds": 3,
        "pictures": 3000,
        "input_pictures": 1000,
        "probe": 600,
        "frozen": 11,
        "epochs": 2,
        "network": "mobilenet_v2",
        "size": 256,
    }
    report = {
        "losses": [row, {**row, "name": "+ teacher's score", "step": step}],
        "input": [{**row, "name": "224 px"}],
        "protocol": {**made.protocol(split="validation"), "budget": budget},
    }
    (tmp_path / "ablation.json").write_text(json.dumps(report))
    shown = project.ablation_tables(tmp_path)
    assert "| + teacher's score | 0.800 ± 0.010 | 0.300 ± 0.020 | 0.810 ± 0.010 | +0.012" in shown
    assert "| 224 px |" in shown
    assert "3 seeds, 3,000 rated pictures (1,000 where inputs are compared), 2 epochs" in shown


def test_teacher_table_is_of_the_teacher_that_the_contract_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = made.model(tmp_path)
    alone = {**model.contract.training, "teacher": {"network": "efficientnet_lite2"}}
    taught = replace(model, contract=replace(model.contract, training=alone))
    assert "single network" in project.teacher_table((taught,), tmp_path)
    teacher = {"members": {"lite2": {"val_srocc": 0.871}}, "fused": {"val_srocc": 0.8825}}
    training = {**model.contract.training, "teacher": teacher}
    models = (replace(model, contract=replace(model.contract, training=training)),)
    shown = project.teacher_table(models, tmp_path)
    assert "| teacher | split | SROCC |" in shown
    assert "| lite2 | validation | 0.871 |" in shown
    assert "--test" in shown
    test = {"members": {"lite2": {"test_srocc": 0.861}}, "fused": {"test_srocc": 0.877}}
    (tmp_path / "teacher.json").write_text(json.dumps({**teacher, "test": test}))
    shown = project.teacher_table(models, tmp_path)
    assert "| **fused** | test | 0.877 |" in shown
    assert "--test" not in shown
    (tmp_path / "teacher.json").write_text(json.dumps({**teacher, "fused": {}, "test": test}))
    assert "| test |" not in project.teacher_table(models, tmp_path)
    assert "another teacher" in capsys.readouterr().err
