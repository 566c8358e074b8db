"""Tables of docs/libraries.md: how fast a library is scored, and what quick mode changes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from scripts.docs.markdown import Blocks, table
from scripts.docs.tables.benchmarks import FOLDER
from scripts.docs.tables.reports import read_report

BENCHMARK = "python scripts/bench/library.py --json docs/benchmarks/library.json"
SHIFT = "python scripts/bench/quick_shift.py FOLDER... --json docs/benchmarks/library-quick.json"

MODES = {
    "exact": "`edgeiqa score`",
    "quick": "`edgeiqa score --quick`",
    "laplacian": "a loop over `cv2.Laplacian(gray, cv2.CV_64F).var()`",
    "brisque": "a loop over the 36 features of OpenCV's BRISQUE",
}


def library_blocks(folder: Path = FOLDER) -> Blocks:
    """What fills each block of docs/libraries.md.

    Args:
        folder: Where the reports lie.
    """
    return {
        "library": partial(library_tables, folder),
        "quick": partial(quick_table, folder),
    }


def library_tables(folder: Path = FOLDER) -> str:
    """Photographs per second and memory, by size of the photographs."""
    report = read_report(folder / "library.json")
    if report is None:
        return f"_Not measured yet: `{BENCHMARK}`_"
    runs = report["runs"]
    parts = [_sized([run for run in runs if run["what"] == what]) for what in _kinds(runs)]
    known = report["nightly"]
    parts.append(
        f"`edgeiqa score --resume` over {known['photographs']:,} photographs of which one is new: "
        f"{known['seconds']:.0f} s, {known['peak_mb']:.0f} MB."
    )
    machine = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    parts.append(
        f"Model {report['model']} with causes, on {machine['processor'] or 'an unknown processor'} "
        f"({machine['cores']} cores), {machine['system']}. {versions}. `{report['command']}`."
    )
    return "\n\n".join(parts)


def _kinds(runs: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(run["what"] for run in runs))


def _sized(runs: list[dict[str, Any]]) -> str:
    single = {run["mode"]: run["per_second"] for run in runs if run["workers"] == 1}
    rows = []
    for run in runs:
        one = single.get(run["mode"])
        by_one = one is None or run["workers"] == 1
        ours = run["mode"] in ("exact", "quick")
        rows.append(
            [
                MODES[run["mode"]],
                str(run["workers"]) if ours else "-",
                f"{run['per_second']:.1f}" if run["per_second"] < 1000 else ">1000",
                "-" if by_one else f"{run['per_second'] / one:.2f}",
                f"{run['peak_mb']:.0f}",
                f"{run['peak_worker_mb']:.0f}" if ours else "-",
            ]
        )
    head = ["", "workers", "photographs/s", "times one worker", "MB", "MB per worker"]
    first = runs[0]
    return (
        f"{first['photographs']} JPEGs of {first['what']}, {first['megabytes']:.1f} MB each:\n\n"
        f"{table(head, rows)}"
    )


def quick_table(folder: Path = FOLDER) -> str:
    """How far quick scores are from exact ones, by model and gap."""
    report = read_report(folder / "library-quick.json")
    if report is None:
        return f"_Not measured yet: `{SHIFT}`_"
    rows = []
    for model in report["models"]:
        for row in model["gaps"]:
            chosen = row["gap"] == report["gap"]
            gap = f"**{row['gap']:g}**" if chosen else f"{row['gap']:g}"
            rows.append(
                [
                    model["model"],
                    gap,
                    *(f"{row[key]:.2f}" for key in ("median", "p95", "max", "mean")),
                    f"{row['srocc']:.3f}",
                    f"{row['light_p95']:.3f} ({row['light_max']:.3f})",
                    f"{row['ms']:.0f} of {model['ms_exact']:.0f}",
                ]
            )
    head = [
        *("model", "gap", "median", "p95", "max", "mean", "SROCC", "light, p95 (max)"),
        "ms, of exact",
    ]
    count = report["models"][0]["photographs"]
    return (
        f"Points between quick and exact, {count} photographs of 3 megapixels and more:\n\n"
        f"{table(head, rows)}\n\n`{report['command']}`."
    )
