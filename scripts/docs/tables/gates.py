"""Tables about the gate: what each preset keeps and catches, and for which reasons."""

from __future__ import annotations

from typing import Any

from scripts.docs.markdown import measured_with, table
from scripts.docs.tables.reports import Shipped, measure_command


def gates_tables(models: tuple[Shipped, ...]) -> str:
    """The operating points of every model, each below a heading."""
    return "\n\n".join(f"### {model.name}\n\n{operating_tables(model)}" for model in models)


def operating_tables(model: Shipped) -> str:
    """The operating points of one model, or the command that measures them."""
    report = model.reports.get("operate")
    if report is None:
        command = measure_command("operate", model.name)
        return f"_Not measured yet for {model.name} as it is shipped: `{command}`_"
    rows, reasons = [], []
    for preset, point in report["presets"].items():
        for name, group in point["groups"].items():
            rows.append(
                [
                    preset,
                    name,
                    str(group["good"]),
                    _share(group["good_kept"]),
                    str(group["bad"]),
                    _share(group["bad_caught"]),
                    _share(group["accepted"]),
                ]
            )
        for cause, found in point["groups"]["pooled"]["reasons"].items():
            numbers = (found[key] for key in ("bad", "bad_alone", "good", "good_alone"))
            reasons.append([preset, f"`{cause}`", *map(str, numbers)])
    head = ["preset", "pictures of", "good", "kept", "bad", "caught", "accepted of all"]
    parts = [_thresholds(report), table(head, rows, left=2)]
    if reasons:
        head = ["preset", "reason", "bad ones caught", "by it alone", "good ones lost"]
        parts.append(table([*head, "by it alone"], reasons, left=2))
    facts = report["protocol"]
    parts.append(
        f"Good: {facts['good']}; bad: {facts['bad']}. {facts['database']}, {facts['split']} split, "
        f"{facts['pictures']:,} pictures; model {facts['model']} {facts['model_version']}; small "
        f"print: {facts['interval']}. {measured_with(facts)}"
    )
    return "\n\n".join(parts)


def _thresholds(report: dict[str, Any]) -> str:
    """What each preset asks for."""
    points = report["presets"]
    causes = list(dict.fromkeys(c for point in points.values() for c in point["max_causes"]))
    rows = [
        [
            preset,
            f"{point['min_score']:g}",
            *(f"{point['max_causes'][c]:g}" if c in point["max_causes"] else "-" for c in causes),
        ]
        for preset, point in points.items()
    ]
    return table(["preset", "score from", *(f"`{c}` up to" for c in causes)], rows)


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "-"
    return f"{share['value']:.1%} <sub>{share['low']:.1%}-{share['high']:.1%}</sub>"
