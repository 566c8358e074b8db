"""The table of docs/installation.md, from what scripts/release/install_size.py wrote."""

from __future__ import annotations

from pathlib import Path

from scripts.docs.markdown import ROOT, table
from scripts.docs.tables.reports import read_report

REPORT = ROOT / "docs" / "benchmarks" / "install.json"
COMMAND = "python scripts/release/install_size.py --json docs/benchmarks/install.json"


def install_table(file: Path = REPORT) -> str:
    """Megabytes, packages and seconds of each set of extras."""
    report = read_report(file)
    if report is None:
        return f"_Not measured yet: `{COMMAND}`_"
    rows = [
        [
            f'`pip install ".[{row["extras"]}]"`' if row["extras"] else "`pip install .`",
            f"{row['downloaded_mb']:,.0f} MB",
            f"{row['installed_mb']:,.0f} MB",
            str(row["packages"]),
            f"{row['seconds']:.0f}",
        ]
        for row in report["rows"]
    ]
    head = ["", "downloaded", "on the disk", "packages", "seconds"]
    return (
        f"{table(head, rows)}\n\nx86-64 Linux, two cores, Python {report['python']}, without a "
        f"cache of wheels; pip itself is not counted, and seconds depend on the network "
        f"and on what else the machine does (it was busy). "
        f"`{COMMAND}`."
    )
