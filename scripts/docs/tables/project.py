"""Tables about more than one model: the family, its peers, and what each ingredient is worth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from scripts.docs.markdown import ROOT, table
from scripts.docs.tables.bars import FLOAT, INT8
from scripts.docs.tables.reports import PROJECT_COMMANDS, RESULTS, Shipped, read_report

PARETO = Path("docs") / "images" / "pareto.png"
RELIABILITY = "docs/images/reliability-{}.png"
GROUPS = ("pooled", "ss01", "ss02", "ss03")


def missing(name: str) -> str:
    """What stands where a report of the project is missing."""
    return f"_Not measured yet with the models as they are shipped: `{PROJECT_COMMANDS[name]}`_"


def baselines_report(models: tuple[Shipped, ...], results: Path = RESULTS) -> dict[str, Any] | None:
    """The comparison with other methods, if it is about the models that are shipped."""
    file = results / "baselines.json"
    found = read_report(file)
    if found is None:
        return None
    ours = {entry["title"]: entry["fingerprint"] for entry in found["methods"] if entry["ours"]}
    if ours != {model.name: model.measured.model_sha256 for model in models}:
        print(f"{file}: compared other models than the shipped ones, left out", file=sys.stderr)
        return None
    return found


def family_table(models: tuple[Shipped, ...], results: Path = RESULTS) -> str:
    """Size, work, time and agreement with people of every shipped model."""
    peers = baselines_report(models, results)
    times = {
        entry["title"]: entry["milliseconds"]["median"]
        for entry in (peers or {}).get("methods", ())
        if entry["ours"]
    }
    rows = []
    for model in models:
        spec = model.contract.input
        groups = model.reports.get("evaluate", {}).get("groups", {})
        found = [groups.get(name, {}).get("SROCC", {}).get("value") for name in GROUPS]
        took = times.get(model.name)
        rows.append(
            [
                f"[{model.name}](edgeiqa/assets/models/{model.name}.md) {model.contract.version}",
                f"{spec.width} x {spec.height}",
                f"{model.size / 1e6:.2f} MB",
                f"{model.macs / 1e6:.0f} M",
                "-" if took is None else f"{took:.1f}",
                *("-" if value is None else f"{value:.3f}" for value in found),
            ]
        )
    head = ["model", "input", "size", "MACs", "ms", *(f"SROCC {name}" for name in GROUPS)]
    notes = []
    for model in models:
        report = model.reports.get("evaluate")
        if report is not None:
            facts = report["protocol"]
            pooled = report["groups"]["pooled"]["pictures"]
            notes.append(f"SROCC: {facts['database']}, {facts['split']} split, {pooled:,} pictures")
            break
    if peers is not None:
        notes.append(f"ms: {peers['protocol']['timing']}")
    notes.append("MACs: multiply-accumulates per score")
    return table(head, rows) + "\n\n" + "; ".join(notes) + "."


def summary_table(model: Shipped) -> str:
    """What a model costs and how well it does, for the first screen of its card."""
    groups = model.reports.get("evaluate", {}).get("groups", {})
    srocc = {name: group["SROCC"]["value"] for name, group in groups.items() if group.get("SROCC")}
    parts = ", ".join(f"{name} {value:.3f}" for name, value in srocc.items() if name != "pooled")
    agrees = f"**{srocc['pooled']:.3f}** ({parts})" if srocc else "not measured"
    rows = [
        ["order agrees with people's, SROCC, BIQ2021 test split", agrees],
        ["size of the file", f"{model.size / 1e6:.2f} MB"],
        ["multiply-accumulates per score", f"{model.macs / 1e6:.0f} million"],
        *_checks((model,)),
    ]
    return table(["", ""], rows, left=2)


def checks_table(models: tuple[Shipped, ...]) -> str:
    """What else was checked, one column per model."""
    return table(["check", *(model.name for model in models)], _checks(models))


def _checks(models: tuple[Shipped, ...]) -> list[list[str]]:
    return [
        [title, *(value(model) or "not measured" for model in models)]
        for title, value in (
            ("int8 against float, 99th percentile of shifts", _int8),
            ("score falls with each level of distortion", _ladder),
            ("better of two burst frames scores higher", _burst),
            ("95th percentile of shifts when mirrored", lambda m: _stability(m, "flip")),
            ("... when re-encoded at JPEG 95", lambda m: _stability(m, "JPEG 95")),
            ("... at 0.75 of its size", lambda m: _stability(m, "size x 0.75")),
            ("mean MOS against mean score, by bins of score", _reliability),
            ("MOS within score ± 1.28 std (80% wanted)", _coverage),
            ("half-blurred photograph: overlap of map and half", _map),
        )
    ]


def _int8(model: Shipped) -> str | None:
    for shift in model.reports.get("verify", {}).get("shifts", ()):
        if (shift["reference"], shift["other"]) == (FLOAT, INT8):
            return f"{shift['p99']:.2f} points"
    return None


def _ladder(model: Shipped) -> str | None:
    total = model.reports.get("ladder", {}).get("total")
    return f"{1 - total['share']:.1%} of {total['pairs']}" if total else None


def _burst(model: Shipped) -> str | None:
    burst = model.reports.get("ladder", {}).get("burst")
    return f"{burst['total']['accuracy']:.1%} of {burst['total']['pairs']}" if burst else None


def _stability(model: Shipped, change: str) -> str | None:
    for changes in model.reports.get("stability", {}).get("groups", {}).values():
        return f"{changes[change]['p95']:.2f} points"
    return None


def _reliability(model: Shipped) -> str | None:
    report = model.reports.get("calibrate")
    return f"{report['expected_calibration_error']:.2f} points apart" if report else None


def _coverage(model: Shipped) -> str | None:
    found = model.reports.get("calibrate", {}).get("std")
    return f"{found['pooled']['coverage']:.0%}" if found else None


def _map(model: Shipped) -> str | None:
    kinds = model.reports.get("maps", {}).get("kinds")
    return f"IoU {kinds['gaussian_blur']['mean_iou']:.2f}" if kinds else None


def baselines_table(models: tuple[Shipped, ...], results: Path = RESULTS) -> str:
    """Our models beside the survey's strategies, and the plot of what accuracy costs."""
    from convert.baselines.table import markdown_table

    found = baselines_report(models, results)
    if found is None:
        return missing("baselines")
    parts = [markdown_table(found)]
    if (ROOT / PARETO).is_file():
        title = "SROCC against milliseconds per picture, our models and the survey's strategies"
        parts.append(f"![{title}]({PARETO.as_posix()})")
    return "\n\n".join(parts)


def reliability_pictures(models: tuple[Shipped, ...]) -> str:
    """The reliability diagrams that were drawn along with the report."""
    lines = []
    for model in models:
        file = RELIABILITY.format(model.name)
        if "calibrate" in model.reports and (ROOT / file).is_file():
            lines.append(f"![Reliability diagram and error bars of {model.name}]({file})")
    return "\n\n".join(lines) or "_No reliability diagram has been drawn yet._"


def ablation_tables(results: Path = RESULTS) -> str:
    """What each ingredient of distillation and of the input is worth."""
    from convert.training.ablation import markdown

    report = read_report(results / "ablation.json")
    if report is None:
        return missing("ablation")
    facts = report["protocol"]
    budget = facts["budget"]
    tables = {name: lines for name, lines in report.items() if name != "protocol"}
    note = (
        f"Each row: {budget['seeds']} seeds, {budget['pictures']:,} rated pictures "
        f"({budget['input_pictures']:,} where inputs are compared), {budget['epochs']} epochs "
        f"after {budget['probe']:,} steps of the opinion layer alone, {budget['network']} with the "
        f"first {budget['frozen']} blocks as they were loaded, {budget['size']} px unless the row "
        f"says otherwise; {facts['database']}, {facts['split']} split. Mean and deviation over "
        "seeds; the step is the paired difference to the row above with its standard error. "
        f"Measured with `{facts['command']}`."
    )
    return markdown(tables) + "\n\n" + note


def teacher_table(models: tuple[Shipped, ...], results: Path = RESULTS) -> str:
    """How well the members of the teacher do, and how well they do together.

    The figures are those of the teacher that a shipped model's contract names; what docs/results
    adds to them (the test split) counts only if it is about the same one.
    """
    taught = [model.contract.training.get("teacher") or {} for model in models]
    fused = [teacher for teacher in taught if "fused" in teacher]
    if not fused:
        return "_The shipped models had a single network for a teacher; see their cards._"
    file = results / "teacher.json"
    report = read_report(file)
    if report is not None and report.get("fused") not in [teacher["fused"] for teacher in fused]:
        print(f"{file}: another teacher than that of the shipped models, left out", file=sys.stderr)
        report = None
    teacher = report or fused[-1]
    parts = [("validation", teacher)]
    if "test" in teacher:
        parts.append(("test", teacher["test"]))
    rows = [
        [
            "**fused**" if name == "fused" else name,
            split,
            *(f"{value:.3f}" if value is not None else "-" for value in figures.values()),
        ]
        for split, found in parts
        for name, figures in {**found["members"], "fused": found["fused"]}.items()
    ]
    names = [key.removeprefix("val_").replace("_", " ") for key in teacher["fused"]]
    head = ["teacher", "split", *(name.replace("srocc", "SROCC") for name in names)]
    note = "" if "test" in teacher else f"\n\n_On test: `{PROJECT_COMMANDS['teacher']}`_"
    return table(head, rows, left=2) + note
