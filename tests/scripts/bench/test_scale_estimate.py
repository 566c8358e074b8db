"""The reckoning follows from what was measured and from what was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.bench.scale_estimate import core_hours, duration, main, scale_block, size
from scripts.docs.tables.scale import scale_blocks

REPORT: dict[str, Any] = {
    "command": "python scripts/bench/ray.py --seconds 20",
    "what": "JPEG",
    "machine": {"processor": "a processor", "cores": 2, "load": 0.1},
    "versions": {"ray": "2"},
    "cases": [
        {
            "pictures": "512x512",
            "model": "base",
            "file_bytes": 100_000,
            "alone_per_second": 60.0,
            "ray": [
                {
                    **{"actors": actors, "per_second": 50.0 * actors},
                    **{"per_second_and_core": 50.0, "first_results_s": 3.0},
                }
                for actors in (1, 2)
            ],
        }
    ],
    "parquet": {"rows": 10, "bytes_per_row": 120.0},
}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "ray.json"
    path.write_text(json.dumps(REPORT))
    return path


def test_a_billion_at_fifty_a_second() -> None:
    assert core_hours(1e9, 50) == pytest.approx(5555.56, abs=0.01)
    text = scale_block(REPORT)
    (row,) = (line for line in text.splitlines() if line.startswith("| 512x512, base | 50.0"))
    assert row.split(" | ")[2:] == ["5,556", "2.3 days", "5.6 h", "33 min", "100 TB", "5.0 MB/s |"]
    assert "| 512x512, base | 56 | 111 | 278 | 556 |" in text
    assert "120 bytes a row" in text
    assert "120 GB in all" in text
    # 56 deaths, half a block of 1,000 each.
    assert "56 die on the way" in text
    assert "1,000,000 of them have an error" in text


def test_what_is_asked_goes_in(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wishes = ["--images", "2e6", "--cores", "4", "--price", "3", "--megabytes", "2"]
    assert main([*wishes, "--core-speed", "0.5", "--report", str(report)]) == 0
    text = capsys.readouterr().out
    assert "| 512x512, base | 25.0 | 22 | 5.6 h | 4.0 TB | 50.0 MB/s |" in text
    assert "| 512x512, base | 67 |" in text


def test_without_a_report_the_command_that_makes_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--report", str(tmp_path / "none.json")]) == 2
    assert "scripts/bench/ray.py" in capsys.readouterr().err
    assert "Not measured yet" in scale_blocks(tmp_path)["scale"]()


def test_blocks_tell_what_was_measured(report: Path) -> None:
    blocks = scale_blocks(report.parent)
    assert "| 512x512 (0.10 MB), base | 60.0 | 50.0 | 100.0 | 3.0 |" in blocks["ray"]()
    assert blocks["scale"]() == scale_block(REPORT)


@pytest.mark.parametrize("wrong", [["--price", "0"], ["--images", "many"], ["--core-speed", "-1"]])
def test_nonsense_is_refused(wrong: list[str], report: Path) -> None:
    with pytest.raises(SystemExit):
        main([*wrong, "--report", str(report)])


def test_units() -> None:
    assert (size(999), size(2_000_000), size(1.2e16)) == ("999 B", "2 MB", "12,000 TB")
    assert (duration(0.5), duration(47.9), duration(48)) == ("30 min", "47.9 h", "2.0 days")
