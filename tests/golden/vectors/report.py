"""Compares this Python with the committed vectors and writes the report of a platform.

Usage: python tests/golden/vectors/report.py --platform NAME --json FILE [--every N] [--no-timing]

It needs nothing but what edgeiqa itself needs, and so runs on a Raspberry Pi or in emulation, too.
README.md beside this file says what the report holds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[2]))

from edgeiqa import PixelFormat, Scorer  # noqa: E402
from tests.golden.vectors import memory  # noqa: E402
from tests.golden.vectors.expected import MODELS, Expected  # noqa: E402
from tests.golden.vectors.frames import build  # noqa: E402
from tests.golden.vectors.internals import CAUSES  # noqa: E402

TIMED = "NV21 1920x1080"
RUNS = 15


def compare(every: int = 1) -> dict[str, Any]:
    """Tries the vectors.

    Args:
        every: Only each so many-th vector, beginning with the first.

    Returns:
        The keys of a report but for the platform and the time.
    """
    committed = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))["vectors"]
    expected = Expected()
    found = {"vectors": 0, "max_tensor_diff": 0, "max_int8_diff": 0, "max_score_diff": 0.0}
    for wanted, case in list(zip(committed, expected.cases(), strict=True))[::every]:
        vector, _ = expected.vector(case)
        assert vector["name"] == wanted["name"]
        found["vectors"] += 1
        for name in (*MODELS, CAUSES):
            one, other = vector[name], wanted[name]
            if one["tensorSha256"] != other["tensorSha256"]:
                found["max_tensor_diff"] = 255
            off = np.abs(expected.integers(one["output"]) - expected.integers(other["output"]))
            found["max_int8_diff"] = max(found["max_int8_diff"], int(off.max()))
        for name in MODELS:
            off = abs(vector[name]["score"] - wanted[name]["score"])
            found["max_score_diff"] = max(found["max_score_diff"], off)
        print(f"{found['vectors']}: {vector['name']}", file=sys.stderr, flush=True)
    return found


def milliseconds() -> float:
    """The median for one 1080p NV21 frame, from its bytes to the quality with causes."""
    (case,) = [case for case in Expected.cases() if case["name"] == TIMED]
    buffers = [memory.make(buffer) for buffer in case["buffers"]]
    assert case["frame"]["format"] == PixelFormat.NV21.value
    scorer = Scorer()
    times = []
    for _ in range(RUNS + 3):
        start = time.perf_counter()
        scorer.score(build(case["frame"], buffers))
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times[3:]), 1)


def main() -> int:
    """Compares, measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platform", required=True, help="such as 'Python x86-64'")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--no-timing", action="store_true", help="as in emulation")
    arguments = parser.parse_args()
    report = {"platform": arguments.platform, **compare(arguments.every)}
    report["ms_1080p"] = None if arguments.no_timing else milliseconds()
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report))
    return 1 if report["max_tensor_diff"] or report["max_int8_diff"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
