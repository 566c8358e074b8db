"""A report counts for the model that it measured, and for no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeiqa.inference.model import Model, available_models
from scripts.docs.tables.reports import (
    STEPS,
    Measured,
    family,
    load_report,
    measure_command,
    read_report,
)
from tests.scripts.docs.tables import made

MODEL = Measured(made.SHA, made.FILE_SHA)


def write(folder: Path, step: str, **facts: str) -> None:
    (folder / f"{step}.json").write_text(json.dumps({"protocol": made.protocol(**facts)}))


def test_missing_and_foreign_reports_do_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_report("ladder", tmp_path, MODEL) is None
    assert capsys.readouterr().err == ""
    write(tmp_path, "ladder", sha="cd" * 32)
    assert load_report("ladder", tmp_path, MODEL) is None
    assert "another model" in capsys.readouterr().err
    write(tmp_path, "ladder")
    assert load_report("ladder", tmp_path, MODEL) == {"protocol": made.protocol()}


def test_a_new_contract_makes_old_what_depends_on_it(tmp_path: Path) -> None:
    for step in STEPS:
        write(tmp_path, step, model_sha256="00" * 32)
    found = made.model(tmp_path).reports
    assert set(found) == set(STEPS) - {"calibrate", "operate"}


def test_half_a_report_is_told(tmp_path: Path) -> None:
    file = tmp_path / "maps.json"
    for text in ('{"protocol": ', "[]"):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"maps\.json.*measure again"):
            read_report(file)


def test_the_family_is_what_is_shipped(tmp_path: Path) -> None:
    models = family(tmp_path)
    assert {model.name for model in models} == set(available_models())
    assert [model.macs for model in models] == sorted(model.macs for model in models)
    base = next(model for model in models if model.name == "base")
    assert base.measured.flatbuffer_sha256 == Model("base").contract.flatbuffer_sha256
    assert base.folder == tmp_path / "base"
    assert base.reports == {}


def test_commands_name_what_a_step_needs() -> None:
    assert (
        measure_command("ladder", "nano")
        == "python scripts/docs/run_evaluations.py nano --only ladder"
    )
    assert measure_command("verify", "nano").endswith("--only verify --student STUDENT.keras")
    assert measure_command("evaluate", "nano").endswith("--only evaluate --test")
