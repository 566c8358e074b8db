"""The table of docs/report.md, from what `python scripts/bench/report.py` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from scripts.docs.markdown import Blocks, measured_with, table
from scripts.docs.tables.benchmarks import FOLDER
from scripts.docs.tables.reports import read_report

COMMAND = "python scripts/bench/report.py --json docs/benchmarks/report.json"


def report_blocks(folder: Path = FOLDER) -> Blocks:
    """What fills each block of docs/report.md.

    Args:
        folder: Where the report lies.
    """
    return {"report": partial(report_table, folder)}


def report_table(folder: Path = FOLDER) -> str:
    """What the command and the page cost."""
    report = read_report(folder / "report.json")
    return f"_Not measured yet: `{COMMAND}`_" if report is None else _told(report)


def _told(report: Mapping[str, Any]) -> str:
    run, page = report["run"], report["page"]
    photos = report["photos"]
    loads, frames = page["load_ms"], page["scroll_frame_ms"]
    rows = [
        ["`edgeiqa report`, thumbnails and all", f"{run['seconds']:g} s"],
        ["its memory, the largest process", f"{run['peak_rss_mb']:.0f} MB"],
        ["the page", f"{run['page_mb']:g} MB"],
        ["to open it, median of three", f"{loads[len(loads) // 2]} ms"],
        *(
            [f"{name if name.startswith('sort') else f'filter by {name}'}", f"{ms:.0f} ms"]
            for name, ms in page["actions_ms"].items()
        ),
        [
            "a frame while scrolling, p50, p95, the longest",
            ", ".join(f"{frames[name]:.0f}" for name in ("p50", "p95", "most")) + " ms",
        ],
        ["JavaScript's heap, loaded", f"{page['heap_mb']['loaded']:g} MB"],
        ["JavaScript's heap, all thumbnails seen", f"{page['heap_mb']['all seen']:g} MB"],
        *(
            [f"memory of the page's process, {when}", f"{size:.0f} MB"]
            for when, size in page.get("renderer_mb", {}).items()
        ),
        *(
            [f"near-duplicates among {int(count):,}, once looked at", f"{seconds:g} s"]
            for count, seconds in report["duplicates_s"].items()
        ),
    ]
    host = report["machine"]
    where = f"{host['processor']}, {host['cores']} cores"
    head = [f"{photos:,} photographs", "measured"]
    return (
        f"{table(head, rows)}\n\nOn {where}; headless Chromium, drawing in software. Filters and "
        f"sorting: to the end of the frame that shows it. {measured_with(report)}"
    )
