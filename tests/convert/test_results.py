"""What the published measurements of the shipped models say, and that they are of those models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.inference.contract import to_json
from edgeiqa.inference.model import available_models
from scripts.docs.tables.bars import BARS, Bar
from scripts.docs.tables.reports import PROJECT_COMMANDS, RESULTS, STEPS, shipped

ROOT = Path(__file__).resolve().parents[2]
MACHINE_PATH = re.compile(r"/(work|root|home|tmp)/")
MODELS = {name: shipped(name) for name in available_models()}

NEEDED = ("evaluate", "verify", "ladder")
"""Nothing is shipped without these reports; of the others, those that are there are checked."""

MISSED: dict[tuple[str, str], frozenset[str]] = {
    ("base", "0.2.0"): frozenset({"srocc", "int8 shift", "ss01", "ss02"}),
}
"""Bars that a version of a model is known to miss (docs/reports/measurements.md).

A new version starts without an entry: it is held to every bar that has been measured.
"""


def load(file: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("step", STEPS)
def test_the_report_measured_the_shipped_model(name: str, step: str) -> None:
    model = MODELS[name]
    file = model.folder / f"{step}.json"
    if not file.is_file():
        assert step not in NEEDED, f"missing: python scripts/docs/run_evaluations.py {name}"
        pytest.skip(f"{step} has not been measured for {name}")
    report = load(file)
    facts = report["protocol"]
    assert model.measured.by(step, report)
    assert (facts["model"], facts["model_version"]) == (name, model.contract.version)
    assert facts["command"].startswith(f"python -m convert {step} {name} ")


@pytest.mark.parametrize("name", MODELS)
def test_only_the_last_report_looked_at_the_test_split(name: str) -> None:
    for step, report in MODELS[name].reports.items():
        split = report["protocol"].get("split")
        assert split == "test" if step == "evaluate" else split in (None, "validation")
    assert MODELS[name].reports["evaluate"]["unreadable"] == []


@pytest.mark.parametrize("name", MODELS)
def test_the_int8_file_is_int8_throughout(name: str) -> None:
    report = MODELS[name].reports["verify"]
    assert report["passed"]
    assert report["tflite"]["full_int8"]
    assert report["tflite"]["macs"] == MODELS[name].macs


@pytest.mark.parametrize(
    ("name", "bar"),
    [(name, bar) for name in MODELS for bar in BARS.get(name, ())],
    ids=lambda value: value.name if isinstance(value, Bar) else str(value),
)
def test_bars(name: str, bar: Bar) -> None:
    model = MODELS[name]
    value = bar.value(model)
    if value is None:
        pytest.skip(f"{bar.text}: not measured for {name}")
    known = bar.name in MISSED.get((name, model.contract.version), ())
    words = f"{name} {model.contract.version}, {bar.text}: {value:.4f}, asked {bar.bound:g}"
    if bar.met(value):
        assert not known, f"{words}: met now, so take it out of MISSED"
    else:
        assert known, f"{words}: missed; better it, or enter it in MISSED and say why in the card"


def test_known_misses_are_of_bars_that_there_are() -> None:
    for (name, _), missed in MISSED.items():
        assert missed <= {bar.name for bar in BARS[name]}


@pytest.mark.parametrize("name", sorted(set(PROJECT_COMMANDS) - {"teacher"}))
def test_reports_of_the_project_say_how_they_were_made(name: str) -> None:
    file = RESULTS / f"{name}.json"
    if not file.is_file():
        pytest.skip(f"{name} has not been measured")
    facts = load(file)["protocol"]
    assert facts["command"].startswith(f"python -m convert {name}")
    if name == "ablation":
        assert facts["split"] == "validation"


def strings(node: Any) -> Iterator[str]:
    """Every string in a JSON value, keys too."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def test_no_path_of_a_machine_is_published() -> None:
    reports = sorted(RESULTS.rglob("*.json"))
    assert {file.parent.name for file in reports if file.stem == "verify"} == set(MODELS)
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    documents += sorted((ROOT / "edgeiqa" / "assets" / "models").glob("*.md"))
    texts = {str(file): [file.read_text(encoding="utf-8")] for file in documents}
    texts |= {name: list(strings(json.loads(to_json(m.contract)))) for name, m in MODELS.items()}
    texts |= {str(file): list(strings(load(file))) for file in reports}
    found = [(name, text) for name, all_ in texts.items() for text in all_]
    assert [(name, text) for name, text in found if MACHINE_PATH.search(text)] == []
