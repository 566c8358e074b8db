"""What an installation takes is added up from pip's own words and from the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.docs.tables.install import REPORT, install_table
from scripts.docs.tables.reports import read_report
from scripts.release import install_size
from scripts.release.install_size import disk_usage, downloaded, main

LOG = """
Collecting numpy>=1.26
  Downloading numpy-2.4.6-cp311-manylinux.whl.metadata (6.6 kB)
  Downloading numpy-2.4.6-cp311-manylinux.whl (16.9 MB)
     -------- 16.9/16.9 MB
Downloading tensorflow-2.21.0.whl (1.5 GB)
Using cached pillow.whl (6.5 MB)
"""


def test_downloads_are_added_up_without_what_was_cached() -> None:
    assert downloaded(LOG) == pytest.approx(6.6e3 + 16.9e6 + 1.5e9)


def test_disk_usage_counts_files_below(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"12345")
    (tmp_path / "c").write_bytes(b"123")
    assert disk_usage(tmp_path) == 8


def test_report_becomes_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"": 42.4, "convert": 1234.5}

    def fake(checkout: Path, extras: str) -> dict[str, object]:
        megabytes = rows[extras]
        return {
            **{"extras": extras, "downloaded_mb": megabytes, "installed_mb": 2 * megabytes},
            **{"packages": 9, "seconds": 12.3},
        }

    monkeypatch.setattr(install_size, "measured", fake)
    file = tmp_path / "install.json"
    assert main(["--extras", "", "convert", "--json", str(file)]) == 0
    assert [row["extras"] for row in json.loads(file.read_text())["rows"]] == ["", "convert"]
    text = install_table(file)
    assert "| `pip install .` | 42 MB | 85 MB | 9 | 12 |" in text
    assert '| `pip install ".[convert]"` | 1,234 MB | 2,469 MB | 9 | 12 |' in text


def test_the_script_that_installs_for_tests_says_what_was_measured() -> None:
    report = read_report(REPORT)
    assert report is not None
    (row,) = (row for row in report["rows"] if row["extras"] == "convert,test")
    script = (REPORT.parents[2] / "scripts" / "test.sh").read_text(encoding="utf-8")
    assert f"{row['installed_mb'] / 1000:.1f} GB" in script
    assert f"{row['downloaded_mb'] / 1000:.1f} GB" in script
