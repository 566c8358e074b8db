"""Tables about bursts: how often the better of two frames is found, and by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.docs.markdown import table
from scripts.docs.tables.project import missing
from scripts.docs.tables.reports import RESULTS, Shipped, read_report

METHODS = {
    "burst": "best_of",
    "score": "score alone",
    "laplacian": "var. of Laplacian",
    "tenengrad": "Tenengrad",
}


def burst_tables(models: tuple[Shipped, ...], results: Path = RESULTS) -> str:
    """One table per origin of pairs, if the report is about a shipped model."""
    report = read_report(results / "burst.json")
    shipped = {model.name: model.measured.flatbuffer_sha256 for model in models}
    facts = {} if report is None else report["protocol"]
    if report is None or shipped.get(facts["model"]) != facts["flatbuffer_sha256"]:
        return missing("burst")
    parts = [_set_table(one) for one in report["sets"]]
    note = (
        f"Small print: 95% interval (Wilson). Model {facts['model']} {facts['model_version']}; "
        f"`{facts['command']}`."
    )
    return "\n\n".join([*parts, note])


def _set_table(one: dict[str, Any]) -> str:
    rows = []
    for row in one["rows"]:
        cells = [
            f"{row[method]['accuracy']:.3f} <sub>{row[method]['low']:.3f}-"
            f"{row[method]['high']:.3f}</sub>"
            for method in METHODS
        ]
        rows.append([row["kind"].replace("_", " "), str(row["apart"]), str(row["pairs"]), *cells])
    what = one["what"][0].upper() + one["what"][1:]
    head = ["difference", "steps apart", "pairs", *METHODS.values()]
    return f"{what}, {one['scenes']} scenes:\n\n{table(head, rows)}"
