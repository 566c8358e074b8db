"""Tables about causes: slight blur in large photographs, known faults, false alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeiqa.causes import CAUSES
from edgeiqa.inference.contract import read
from edgeiqa.inference.model import CAUSES as MODEL
from edgeiqa.inference.model import find
from scripts.docs.markdown import table
from scripts.docs.tables.project import missing
from scripts.docs.tables.reports import RESULTS, read_report

DETECTORS = {
    "edgeiqa": '`causes["blur"]`',
    "laplacian": "variance of Laplacian",
    "tenengrad": "Tenengrad",
}
LEVELS = (1, 2, 3, 4, 5)


def sharpness_table(results: Path = RESULTS) -> str:
    """ROC-AUC of slight blur, per kind and detector."""
    report = _report("sharpness", results)
    if report is None:
        return missing("sharpness")
    facts = report["protocol"]
    parts = []
    for condition, versions in report["auc"].items():
        shares = report["told"][condition]
        rows = [
            [f"{version} px", *(_area(found[detector]) for detector in DETECTORS)]
            for version, found in versions.items()
        ]
        for row, version in zip(rows, versions, strict=True):
            row.append(f"{shares[version]:.0%}")
        rows.insert(0, ["nothing", *["-"] * len(DETECTORS), f"{shares['sharp']:.0%}"])
        head = ["blurred by", *DETECTORS.values(), f"above {report['limit']:g}"]
        name = condition[0].upper() + condition[1:]
        parts.append(f"{name}:\n\n{table(head, rows)}")
    parts.append(
        f"{facts['photographs']} photographs of 2000 px and more whose scenes took no part in "
        f"training ({facts['list']}), every version coded as JPEG {facts['jpeg_quality']}; last "
        "column: share above the limit of the preset normal; small print: 95% bootstrap interval "
        f"over photographs. Model {facts['model']} {facts['model_version']}; `{facts['command']}`."
    )
    return "\n\n".join(parts)


def faults_table(results: Path = RESULTS) -> str:
    """How well known faults are detected, per kind and level."""
    report = _report("diagnose", results)
    if report is None:
        return missing("diagnose")
    facts = report["protocol"]
    rows = [
        [
            row["kind"].replace("_", " "),
            f"`{row['cause']}`",
            *(f"{value:.3f}" for value in row["auc"]),
            *(f"{value:.0%}" for value in row["told"]),
        ]
        for row in report["faults"]
    ]
    head = ["distortion", "cause", *(f"AUC {k}" for k in LEVELS), *(f"found {k}" for k in LEVELS)]
    untouched = ", ".join(f"`{cause}` {share:.0%}" for cause, share in report["untouched"].items())
    return (
        f"{table(head, rows, left=2)}\n\nLevels 1 to 5 of docs/training.md; found: share above the "
        f"limit of the preset normal. Of the untouched pictures are above it: {untouched}. "
        f"{facts['pictures']} liked pictures of {facts['database']}'s {facts['split']} split; "
        f"model {facts['model']} {facts['model_version']}; `{facts['command']}`."
    )


def alarms_table(results: Path = RESULTS) -> str:
    """False alarms on pictures that are hard to judge."""
    report = _report("diagnose", results)
    if report is None or "hard_cases" not in report:
        return missing("diagnose")
    facts = report["protocol"]
    rows = []
    for case, found in report["hard_cases"].items():
        for preset, alarms in found["alarms"].items():
            shares = [f"{alarms[cause]:.0%}" for cause in CAUSES]
            rows.append([case.replace("_", " "), str(found["pictures"]), preset, *shares])
    head = ["case", "pictures", "preset", *(f"`{cause}`" for cause in CAUSES)]
    return (
        f"{table(head, rows)}\n\nPictures of biq2021's test split with a MOS from 0.62, sorted by "
        f"eye (convert/causes/splits/hard_cases.csv). Model {facts['model']} "
        f"{facts['model_version']}; `{facts['command']}`."
    )


def _area(found: dict[str, Any]) -> str:
    return f"{found['auc']:.3f} <sub>{found['low']:.3f}-{found['high']:.3f}</sub>"


def _report(name: str, results: Path) -> dict[str, Any] | None:
    """A report about the network for causes that is shipped; None if there is none."""
    report = read_report(results / f"{name}.json")
    contract = read(find(MODEL).read_bytes())[0]
    facts = {} if report is None else report["protocol"]
    if facts.get("flatbuffer_sha256") != contract.flatbuffer_sha256:
        return None
    return report
