"""Tables that need no report: what contracts, databases and distortions say about themselves."""

from __future__ import annotations

from typing import Any

from edgeiqa.inference.contract import Contract
from scripts.docs.markdown import measured_with, table


def gate_table(contract: Contract) -> str:
    """The gate's presets with the shares of good and bad pictures that decided them."""
    points = contract.metrics["gate"]
    rows = [
        [
            preset,
            f"{least:g}",
            f"{points[preset]['good_kept']:.1%}",
            f"{points[preset]['bad_rejected']:.1%}" if "bad_rejected" in points[preset] else "-",
        ]
        for preset, least in contract.gate.items()
    ]
    head = ["preset", "accepted from", "good photographs kept", "bad ones rejected"]
    return (
        table(head, rows) + f"\n\nOn {contract.metrics['split']}. {measured_with(contract.metrics)}"
    )


def about_line(contract: Contract) -> str:
    """One sentence on what kind of network it is."""
    student = contract.training["student"]
    taught = "taught by larger networks" if contract.training.get("teacher") else "taught by people"
    size = contract.input
    return (
        f"Network `{student['network']}`, {taught}, full int8, one picture of "
        f"{size.width} x {size.height} at a time; version {contract.version}."
    )


def data_list(contract: Contract) -> str:
    """What the model was trained on and under which terms."""
    training = contract.training
    lines = [f"- {d['name']}: {d['split']}. Terms: {d['terms']}." for d in training["data"]]
    lines.append(f"- Initial weights: {training['initial_weights']}.")
    lines.append(f"- Spread of opinions: {training['opinion_spread']}.")
    return "\n".join(lines)


def recipe_table(contract: Contract) -> str:
    """How the model was trained, from its contract."""
    training = contract.training
    rows = _teacher_rows(training.get("teacher"))
    runs = [training["student"]]
    while runs[0].get("before"):
        runs.insert(0, runs[0]["before"])
    for number, run in enumerate(runs, start=1):
        title = "student" if len(runs) == 1 else f"student, run {number} of {len(runs)}"
        rows.append([title, settings(run)])
    rows.append(["quantisation", settings(training["quantization"])])
    validation = ", ".join(f"{k} {v}" for k, v in contract.metrics["validation"].items())
    rows.append(["int8 model on validation", validation])
    return table(["step", "settings"], rows, left=2)


def _teacher_rows(teacher: dict[str, Any] | None) -> list[list[str]]:
    if not teacher:
        return []
    if "members" not in teacher:
        return [["teacher", settings(teacher)]]
    recipes = teacher.get("recipes", {})
    rows = [
        [f"teacher, member {name}", settings({**recipes.get(name, {}), **figures})]
        for name, figures in teacher["members"].items()
    ]
    fused: dict[str, Any] = {
        key: teacher[key] for key in ("fused", "std", "unlabelled") if key in teacher
    }
    return [*rows, ["teacher, fused", settings(fused)]]


def settings(recipe: dict[str, Any], path: str = "") -> str:
    """A recipe on one line, nested values with their path, without the run before.

    Args:
        recipe: Names to values or further recipes.
        path: What to put before every name.
    """
    parts = []
    for key, value in recipe.items():
        if value is None or key == "before":
            continue
        if isinstance(value, dict):
            # A schedule belongs to its run like any other setting.
            parts.append(settings(value, path if key == "schedule" else f"{path}{key} "))
        elif isinstance(value, float):
            parts.append(f"{path}{key} {float(f'{value:.5g}'):g}")
        else:
            parts.append(f"{path}{key} {value}")
    return ", ".join(line for line in parts if line)


def databases_table() -> str:
    """All databases that can be read."""
    from convert.datasets.registry import DATABASES

    rows = [
        [
            f"`{database.name}`",
            database.title,
            database.kind if database.pictures else "any",
            f"{database.pictures:,}" if database.pictures else "yours",
            database.scale,
            database.split,
            database.terms,
        ]
        for database in DATABASES.values()
    ]
    head = ["`--database`", "title", "pictures are", "number", "scale", "split", "terms"]
    return table(head, rows, left=7)


def distortions_table() -> str:
    """The distortions that every machine has, with their mildest and their strongest level."""
    from convert.distortions.distort import DISTORTIONS, LEVELS

    rows = [
        [
            f"`{one.name}`",
            one.cause.replace("_", " "),
            one.summary,
            one.says(LEVELS[0] / LEVELS[-1]),
            one.says(1.0),
            "" if one.monotone else "a matter of taste",
        ]
        for one in DISTORTIONS.values()
        if one.portable  # or the table would change with the machine
    ]
    return table(["kind", "cause", "what it is", "level 1", "level 5", ""], rows, left=6)
