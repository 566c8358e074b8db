"""Tables about the first verdict, from what `python scripts/bench/cold_start.py` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.docs.markdown import table
from scripts.docs.tables.reports import read_report

STEPS = {
    "interpreter": "interpreter",
    "numpy": "import NumPy",
    "pillow": "import Pillow",
    "litert": "import LiteRT",
    "edgeiqa": "import edgeiqa",
    "opencv": "import OpenCV",
    "open": "open models",
    "ready": "make ready",
    "score 1": "first verdict",
}


def coldstart_tables(folder: Path) -> str:
    """Time and memory of the first verdict."""
    report = read_report(folder / "coldstart.json")
    if report is None:
        return "_Not measured yet: `python scripts/bench/cold_start.py`_"
    parts = [_times(report["time"]), _steps(report["time"])]
    machine = report["machine"]
    what = report["what"][:1].upper() + report["what"][1:]
    where = f"{machine['processor']}, {machine['cores']} cores, load {machine['load']}"
    parts.append(f"{what}; {where}. `{report['command']}`.")
    return "\n\n".join(parts)


def _name(subject: list[str]) -> str:
    model, causes = subject
    if model == "laplacian":
        return "OpenCV, variance of Laplacian"
    return model if causes == "causes" else f"{model}, no causes"


def _times(cases: list[dict[str, Any]]) -> str:
    rows = []
    for case in cases:
        warm, cold = case["warm"], case["cold"]
        rows.append(
            [
                f"{_name(case['subject'])}, {case['how']}",
                *(f"{warm[key]:.0f}" for key in ("median_ms", "min_ms")),
                *("-" if cold is None else f"{cold[key]:.0f}" for key in ("median_ms", "min_ms")),
                f"{warm['rss_mb']:.0f}" if "rss_mb" in warm else "-",
                f"{warm['peak_mb']:.0f}",
            ]
        )
    head = ["what starts", "warm, median ms", "least", "cold page cache, median ms", "least"]
    rest = ["MB after the verdict", "peak MB"]
    return (
        "From the start of the process to the first verdict about a file (`edgeiqa score`: to its "
        f"end):\n\n{table([*head, *rest], rows)}"
    )


def _steps(cases: list[dict[str, Any]]) -> str:
    staged = [case for case in cases if "steps_ms" in case["warm"]]
    rows = []
    for key, words in STEPS.items():
        cells = []
        for case in staged:
            found = [case[how] and case[how]["steps_ms"].get(key) for how in ("warm", "cold")]
            cells.append(" / ".join("-" if ms is None else f"{ms:.0f}" for ms in found))
        if any(cell != "- / -" for cell in cells):
            rows.append([words, *cells])
    head = ["step", *(_name(case["subject"]) for case in staged)]
    return f"Milliseconds of each step, median, warm / cold:\n\n{table(head, rows)}"
