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
SPLIT = ("LiteRT", "OpenCV", "Pillow", "NumPy", "Python", "C library")


def coldstart_tables(folder: Path) -> str:
    """Time, memory and instructions of the first verdict; what is not measured is left out."""
    report = read_report(folder / "coldstart.json")
    if report is None:
        return "_Not measured yet: `python scripts/bench/cold_start.py`_"
    parts = []
    if "time" in report:
        parts += [_times(report["time"]), _steps(report["time"])]
    if "instructions" in report:
        parts += [_pictures(report["instructions"]), _starts(report["instructions"])]
        most = max(one["differs"] for one in report["instructions"])
        parts.append(
            "Counted twice, the instructions per picture differed by "
            f"{most:.4%} at most. callgrind emulates a processor with AVX2 and without AVX-512 "
            "or VNNI, so LiteRT and OpenCV take the path that they take there."
        )
    told = report["machine"]
    what = report["what"][:1].upper() + report["what"][1:]
    where = f"{told['processor']}, {told['cores']} cores, load {told['load']}"
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


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f}"


def _pictures(cases: list[dict[str, Any]]) -> str:
    rows = []
    for case in cases:
        parts = case["picture"]
        rest = case["total"] - sum(parts.get(name, 0) for name in SPLIT)
        rows.append(
            [
                f"{'1080p NV21' if case['kind'] == 'frame' else '1080p JPEG'}, "
                f"{_name(case['subject'])}",
                f"**{_millions(case['total'])}**",
                *(_millions(parts.get(name, 0)) for name in SPLIT),
                _millions(rest),
                f"{case['differs']:.4%}",
            ]
        )
    head = ["one more picture", "all", *SPLIT, "other", "second count differs by"]
    return (
        "Millions of instructions for one more picture once all is warm, by who executed them. "
        "LiteRT runs the networks; Pillow decodes and resizes; NumPy and Python do the rest of "
        f"the preparation:\n\n{table(head, rows)}"
    )


def _starts(cases: list[dict[str, Any]]) -> str:
    shown = [case for case in cases if case["kind"] == "photo"]
    rows = []
    for key, words in STEPS.items():
        cells = [_millions(c["steps"][key]) if key in c["steps"] else "-" for c in shown]
        if any(cell != "-" for cell in cells):
            rows.append([words, *cells])
    rows.append(["**all**", *(f"**{_millions(case['start'])}**" for case in shown)])
    head = ["step", *(_name(case["subject"]) for case in shown)]
    return (
        "Millions of instructions from nothing to the first verdict about the JPEG:\n\n"
        f"{table(head, rows)}"
    )
