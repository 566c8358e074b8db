"""What the published measurements of the shipped model say, and that they are of that model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.contract import Contract, to_json
from edgeiqa.model import Model

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
REPORTS = ("evaluate", "verify", "ladder")
MACHINE_PATH = re.compile(r"/(work|root|home|tmp)/")


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Model("base").contract


def load(name: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return report


@pytest.mark.parametrize("name", REPORTS)
def test_the_report_measured_the_shipped_model(name: str, contract: Contract) -> None:
    facts = load(name)["protocol"]
    assert facts["flatbuffer_sha256"] == contract.flatbuffer_sha256
    assert (facts["model"], facts["model_version"]) == (contract.name, contract.version)
    assert facts["command"].startswith(f"python -m convert {name} ")


def test_scores_rank_the_test_pictures_as_people_do() -> None:
    report = load("evaluate")
    assert report["protocol"]["split"] == "test"
    assert report["unreadable"] == []
    assert report["groups"]["pooled"]["SROCC"]["value"] >= 0.82


def test_int8_ranks_as_the_float_network() -> None:
    report = load("verify")
    assert report["passed"]
    correlations = report["srocc_mos"]
    assert abs(correlations["tflite int8"] - correlations["keras float"]) <= 0.005


def test_scores_fall_as_distortions_grow() -> None:
    total = load("ladder")["total"]
    assert total["pairs"] > 0
    assert total["violations"] <= 0.05 * total["pairs"]


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


def test_no_path_of_a_machine_is_published(contract: Contract) -> None:
    files = sorted(RESULTS.glob("*.json"))
    assert {f"{name}.json" for name in REPORTS} <= {file.name for file in files}
    texts = {"README.md": [(ROOT / "README.md").read_text(encoding="utf-8")]}
    texts["contract"] = list(strings(json.loads(to_json(contract))))
    texts |= {f.name: list(strings(json.loads(f.read_text(encoding="utf-8")))) for f in files}
    found = [(name, text) for name, all_ in texts.items() for text in all_]
    assert [(name, text) for name, text in found if MACHINE_PATH.search(text)] == []
