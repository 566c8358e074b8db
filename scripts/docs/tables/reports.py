"""The reports below docs/results: which there are, and which of them measured a shipped model."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from convert.evaluation.predictions import causes_sha256
from edgeiqa.inference.contract import Contract, read
from edgeiqa.inference.model import available_models, find
from scripts.docs.markdown import ROOT

RESULTS = ROOT / "docs" / "results"

STEPS = ("verify", "ladder", "calibrate", "stability", "maps", "operate", "evaluate")
"""Steps of `python -m convert` that measure one model, in the order in which they are run."""

STUDENT_STEPS = frozenset({"verify"})
"""Those that need the float network which the model was made from."""

CONTRACT_STEPS = frozenset({"calibrate", "operate"})
"""Those whose figures depend on what the contract says beside the network."""

CAUSE_STEPS = frozenset({"operate"})
"""Those whose figures depend on the network for causes, too."""

TEST_STEPS = frozenset({"evaluate"})
"""Those that look at the test split, once, at the end."""

PROJECT_COMMANDS = {
    "teacher": "python -m convert teacher --fuse MEMBER... --unlabelled 3000 --test > "
    "docs/results/teacher.json",
    "ablation": "python -m convert ablation --unlabelled 3000 --json docs/results/ablation.json",
    "baselines": "python -m convert baselines --split test --json docs/results/baselines.json "
    "--pareto docs/images/pareto.png",
    "sharpness": "python -m convert sharpness --json docs/results/sharpness.json",
    "diagnose": "python -m convert diagnose --hard-cases --pictures 60 "
    "--json docs/results/diagnose.json",
    "burst": "python -m convert burst --large DIR... --pairs DIR --video DIR "
    "--json docs/results/burst.json",
}
"""The commands that write the reports about no single model."""


def measure_command(step: str, name: str) -> str:
    """The command that makes a missing report of a model."""
    parts = ["python scripts/docs/run_evaluations.py", name, "--only", step]
    if step in STUDENT_STEPS:
        parts.append("--student STUDENT.keras")
    if step in TEST_STEPS:
        parts.append("--test")
    return " ".join(parts)


@dataclass(frozen=True)
class Measured:
    """What a report must have measured to count.

    Attributes:
        flatbuffer_sha256: Of the network.
        model_sha256: Of the file, its contract included.
    """

    flatbuffer_sha256: str
    model_sha256: str

    def by(self, step: str, report: dict[str, Any]) -> bool:
        """Whether a report is about this model.

        What `std` says and what the gate's presets ask for depends on the contract too, and may
        be changed without the network; what the presets reject, on the network for causes.
        """
        facts = report.get("protocol", {})
        if step in CONTRACT_STEPS and facts.get("model_sha256") != self.model_sha256:
            return False
        if step in CAUSE_STEPS and facts.get("causes_sha256") != causes_sha256():
            return False
        return bool(facts.get("flatbuffer_sha256") == self.flatbuffer_sha256)


def read_report(file: Path) -> dict[str, Any] | None:
    """Reads a report; None when there is none.

    Raises:
        ValueError: It is no JSON object.
    """
    if not file.is_file():
        return None
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} is not JSON ({error}); delete it and measure again") from error
    if not isinstance(report, dict):
        raise ValueError(f"{file} holds no report; delete it and measure again")
    return report


def load_report(step: str, folder: Path, model: Measured) -> dict[str, Any] | None:
    """Reads the report of a step about a model.

    Args:
        step: One of `STEPS`.
        folder: Where the model's reports lie.
        model: What it must have measured.

    Returns:
        The report; None when there is none or it measured another model.
    """
    file = folder / f"{step}.json"
    report = read_report(file)
    if report is None or model.by(step, report):
        return report
    print(f"{file}: measured another model than the shipped one, left out", file=sys.stderr)
    return None


@dataclass(frozen=True)
class Shipped:
    """A model of the package with its reports.

    Attributes:
        name: As `edgeiqa score --model` takes it.
        contract: What the file says about itself.
        size: Bytes of the file.
        measured: What identifies its reports.
        folder: Where its reports lie.
    """

    name: str
    contract: Contract
    size: int
    measured: Measured
    folder: Path

    @cached_property
    def reports(self) -> dict[str, dict[str, Any]]:
        """The reports about this very model, by step."""
        found = {step: load_report(step, self.folder, self.measured) for step in STEPS}
        return {step: report for step, report in found.items() if report is not None}

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates per score, counted in the file."""
        from convert.quantization.tflite_export import inspect

        return inspect(find(self.name).read_bytes()).macs


def shipped(name: str, results: Path = RESULTS) -> Shipped:
    """A model of the package.

    Args:
        name: One of `edgeiqa.available_models()`.
        results: The folder of all reports.
    """
    data = find(name).read_bytes()
    contract = read(data)[0]
    measured = Measured(contract.flatbuffer_sha256, hashlib.sha256(data).hexdigest())
    return Shipped(name, contract, len(data), measured, results / name)


def family(results: Path = RESULTS) -> tuple[Shipped, ...]:
    """All models of the package, the one with the least work first."""
    models = [shipped(name, results) for name in available_models()]
    return tuple(sorted(models, key=lambda model: model.macs))
