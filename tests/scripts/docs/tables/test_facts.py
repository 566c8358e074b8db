"""Tables of what contracts, databases and distortions say about themselves."""

from __future__ import annotations

from dataclasses import replace

from convert.datasets.registry import DATABASES
from convert.distortions.distort import DISTORTIONS
from edgeiqa.inference.model import Model
from scripts.docs.tables import facts

CONTRACT = Model("base").contract


def test_settings_are_flat_and_rounded() -> None:
    recipe = {
        "rate": 0.0029999999999999996,
        "init": None,
        "schedule": {"epochs": 3},
        "std": {"floor": 0.05},
        "before": {"rate": 1.0},
    }
    assert facts.settings(recipe) == "rate 0.003, epochs 3, std floor 0.05"


def test_the_recipe_names_runs_in_their_order() -> None:
    student = {"network": "a", "before": {"network": "b", "before": {"network": "c"}}}
    contract = replace(CONTRACT, training={**CONTRACT.training, "student": student})
    table = facts.recipe_table(contract)
    runs = [f"| student, run {n} of 3 | network {name} |" for n, name in ((1, "c"), (2, "b"))]
    assert all(run in table for run in runs)
    assert table.index(runs[0]) < table.index(runs[1]) < table.index("run 3 of 3")


def test_a_fused_teacher_names_its_members() -> None:
    teacher = {
        "members": {"lite2": {"srocc": 0.87}, "mobilenet": {"srocc": 0.86}},
        "fused": {"srocc": 0.88},
        "std": {"floor": 0.05},
        "test": {"fused": {"srocc": 0.5}},
        "recipes": {"lite2": {"size": 512}},
    }
    contract = replace(CONTRACT, training={**CONTRACT.training, "teacher": teacher})
    table = facts.recipe_table(contract)
    assert "| teacher, member lite2 | size 512, srocc 0.87 |" in table
    assert "| teacher, member mobilenet | srocc 0.86 |" in table
    assert "| teacher, fused | fused srocc 0.88, std floor 0.05 |" in table


def test_a_student_of_people_alone_has_no_teacher() -> None:
    contract = replace(CONTRACT, training={**CONTRACT.training, "teacher": None})
    assert "teacher," not in facts.recipe_table(contract).split("student")[0]
    assert "taught by people" in facts.about_line(contract)


def test_data_and_terms_are_told() -> None:
    shown = facts.data_list(CONTRACT)
    assert "BIQ2021" in shown.splitlines()[0]
    assert "Terms: research and benchmarking" in shown
    assert "Initial weights:" in shown


def test_gate_table_shows_every_preset() -> None:
    table = facts.gate_table(CONTRACT)
    for preset, least in CONTRACT.gate.items():
        assert f"| {preset} | {least:g} |" in table


def test_databases_and_distortions_are_all_there() -> None:
    databases, distortions = facts.databases_table(), facts.distortions_table()
    for name in DATABASES:
        assert f"| `{name}` |" in databases
    for name, one in DISTORTIONS.items():
        assert (f"| `{name}` |" in distortions) == one.portable
    assert "| `koniq10k` | KonIQ-10k | authentic | 10,073 |" in databases
    assert "sigma 0.8 px | sigma 6.0 px" in distortions
