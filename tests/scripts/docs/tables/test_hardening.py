"""Tables about hostile models and the soak, from reports with made-up numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.docs.tables.hardening import hardening_blocks, models_table, soak_table

RUN: dict[str, Any] = {
    "command": "python scripts/stress/hostile_models.py --files 30",
    "versions": {"litert": "2.3.0"},
    "files": 30,
    "outcomes": {
        "bytes": {"ran": 3, "refused": 16, "refused by the runtime": 1, "killed its process": 1},
        "cut": {"refused": 9, "could not be written": 5},
    },
    "findings": [{"model": "causes", "kind": "bytes", "outcome": "killed its process"}],
    "slowest_check_ms": 12.4,
    "largest_child_mb": 99,
}
MODELS = {"runs": [RUN, RUN | {"command": "python scripts/stress/hostile_models.py --models x"}]}


def soak(samples: int) -> dict[str, Any]:
    return {
        "command": "python scripts/stress/soak.py",
        "model": "nano 0.1.0",
        "pictures": 123456,
        "seconds": 3600.4,
        "counts": {"frame": 111, "frame in a thread": 22, "encoded": 33, "model opened anew": 4},
        "refused": {"noise": 5, "floats": 6},
        "unexpected": 0,
        "rss_mb": {"after_a_tenth": 70.9, "warm": 71.04, "end": 71.26, "largest": 72.0},
        "slope_mb_per_million": 0.75,
        "samples": [
            {
                **{"seconds": 60.0 * n, "pictures": 1000 * n, "rss_mb": 70 + n / 10},
                **{"descriptors": 5, "threads": 1, "objects": 30000 + n},
            }
            for n in range(samples)
        ],
    }


def test_models_are_counted_by_damage_and_outcome() -> None:
    text = models_table(MODELS)
    assert "made right | 42 | 32 | 0 | 6 | 2 | 0 | 2 |" in text
    assert "| the file cut | 18 | 18 | 0 | 0 | 0 | 0 | 0 |" in text
    assert "60 files, 2 of which did harm." in text
    assert "`python scripts/stress/hostile_models.py --files 30`; `python" in text


def test_the_soak_is_told_from_its_first_sample_to_its_last() -> None:
    text = soak_table(soak(61))
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert len(rows) == 9
    assert rows[0].startswith("| 0 | 0 | 70.0 | 5 | 1 | 30,000 |")
    assert rows[-1].startswith("| 60 | 60,000 | 76.0 |")
    assert "11 broken ones refused; the model opened anew 4 times" in text
    assert (
        "70.9 MB after a tenth of the time, 71.0 once the model had been opened anew, and 71.3"
        in text
    )
    assert "+0.8 MB in a million" in text
    assert len([line for line in soak_table(soak(2)).splitlines() if line.startswith("|")]) == 4


def test_what_was_not_measured_says_how_to(tmp_path: Path) -> None:
    blocks = hardening_blocks(tmp_path, tmp_path)
    assert blocks["models"]() == (
        "_Not measured yet: `python scripts/stress/hostile_models.py --json models.json`_"
    )
    (tmp_path / "soak.json").write_text(json.dumps(soak(5)))
    assert "123,456 pictures in 60 minutes" in blocks["soak"]()
