"""The benchmark of the report runs, and its table says what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.bench.report import ACTIONS, main, measure_duplicates
from scripts.docs.tables.report_page import report_blocks
from tests.tools import needs

REPORT = {
    "command": "python scripts/bench/report.py",
    "photos": 10_000,
    "run": {"seconds": 61.5, "peak_rss_mb": 199.6, "page_mb": 31.4},
    "page": {
        "load_ms": [700, 812, 950],
        "actions_ms": {"search": 17.6, "sort by name": 30.2},
        "scroll_frame_ms": {"p50": 16.7, "p95": 20.4, "most": 45.0},
        "heap_mb": {"loaded": 4.1, "all seen": 36.0},
        "renderer_mb": {"loaded": 150.2, "all seen": 190.4},
    },
    "duplicates_s": {"10000": 0.9, "200000": 51.0},
    "machine": {"processor": "Some CPU", "cores": 2},
}


def test_the_table_tells_what_was_measured(tmp_path: Path) -> None:
    show = report_blocks(tmp_path)["report"]
    assert show().startswith("_Not measured yet: `python scripts/bench/report.py --json")
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    text = show()
    for row in (
        "| 10,000 photographs | measured |",
        "| the page | 31.4 MB |",
        "| to open it, median of three | 812 ms |",
        "| filter by search | 18 ms |",
        "| sort by name | 30 ms |",
        "| memory of the page's process, all seen | 190 MB |",
        "| near-duplicates among 200,000, once looked at | 51 s |",
        "On Some CPU, 2 cores",
    ):
        assert row in text


def test_near_duplicates_are_found_among_made_up_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_duplicates(500) >= 0
    # A tenth copies others; some of these the same ones, or ones that are overwritten in turn.
    groups = int(capsys.readouterr().err.split(": ")[1].split()[0])
    assert 35 <= groups <= 50


@pytest.mark.browser
@pytest.mark.slow
def test_the_benchmark_measures_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("chromium")
    file = tmp_path / "report.json"
    assert main(["--photos", "80", "--large", "200", "--json", str(file)]) == 0
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["page"]["photographs"] == "80 photographs"
    assert report["page"]["actions_ms"].keys() == ACTIONS.keys()
    assert all(value > 0 for value in report["page"]["actions_ms"].values())
    assert report["run"]["page_mb"] > 0.2
    assert report["page"]["heap_mb"]["loaded"] > 0
    assert report["page"]["renderer_mb"]["all seen"] > 20
