"""The block of docs/scale.md: what was measured with Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.docs.markdown import ROOT, Blocks, table
from scripts.docs.tables.reports import read_report

FOLDER = ROOT / "docs" / "benchmarks"
MISSING = "_Not measured yet: `python scripts/bench/ray.py`_"


def scale_blocks(folder: Path = FOLDER) -> Blocks:
    """What fills each block of docs/scale.md.

    Args:
        folder: Where the reports lie.
    """
    report = read_report(folder / "ray.json")

    return {"ray": lambda: MISSING if report is None else measured_table(report)}


def measured_table(report: dict[str, Any]) -> str:
    """Photographs a second, without Ray and with it."""
    rows = []
    for case in report["cases"]:
        cells = [f"{run['per_second']:.1f}" for run in case["ray"]]
        starts = max(run["first_results_s"] for run in case["ray"])
        rows.append(
            [
                f"{case['pictures']} ({case['file_bytes'] / 1e6:.2f} MB), {case['model']}",
                f"{case['alone_per_second']:.1f}",
                *cells,
                f"{starts:.1f}",
            ]
        )
    actors = [run["actors"] for run in report["cases"][0]["ray"]]
    head = ["photographs, model", "one process without Ray"]
    head += [f"Ray, {count} actor{'s' * (count > 1)}" for count in actors]
    machine = report["machine"]
    note = (
        f"{report['what']}. {machine['processor']}, {machine['cores']} cores, load "
        f"{machine['load']}, Ray {report['versions']['ray']}. `{report['command']}`."
    )
    shown = table([*head, "seconds to the first results"], rows)
    return f"Photographs a second:\n\n{shown}\n\n{note}"
