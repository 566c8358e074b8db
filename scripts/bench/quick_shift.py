"""Measures how far quick scores are from exact ones, on large photographs of yours.

Usage: python scripts/bench/quick_shift.py FOLDER... [--models base nano] [--most 60] [--json FILE]

For each model and each gap (a JPEG is decoded at no less than so many times the model's input) it
prints the differences of the scores in points, their rank correlation, the largest differences of
the severities that quick mode gives, and milliseconds per photograph without causes. The gap that
edgeiqa uses is `edgeiqa.scorer.QUICK_GAP`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa import Scorer, UnreadableImageError  # noqa: E402
from edgeiqa._version import __version__  # noqa: E402
from edgeiqa.analysis.patches import reduction  # noqa: E402
from edgeiqa.analysis.severity import exposure  # noqa: E402
from edgeiqa.bench.environment import versions  # noqa: E402
from edgeiqa.files.atomic import open_output  # noqa: E402
from edgeiqa.imaging.decode import decode  # noqa: E402
from edgeiqa.imaging.discovery import expand  # noqa: E402
from edgeiqa.imaging.openers import identify  # noqa: E402
from edgeiqa.preprocessing.luma import luma_small  # noqa: E402
from edgeiqa.scorer import QUICK_GAP  # noqa: E402

GAPS = (1.0, 1.5, 2.0, 3.0)
MIN_PIXELS = 3_000_000


def large_jpegs(folders: Sequence[str], most: int) -> list[str]:
    """Paths of large JPEGs, at most so many per folder, chosen by lot with a fixed seed."""
    chosen = []
    for folder in folders:
        found = []
        for item in expand([folder]):
            try:
                with open(item.path, "rb") as stream:
                    image = identify(stream, item.path)
                    if image is None or image.format not in ("JPEG", "MPO"):
                        continue
                    if image.width * image.height >= MIN_PIXELS:
                        found.append(item.path)
            except Exception as error:  # Test suites hold files that are broken on purpose.
                print(f"{item.path}: {error}", file=sys.stderr)
        random.Random(1).shuffle(found)
        chosen += sorted(found[:most])
    return chosen


def measured(name: str, paths: Sequence[str]) -> dict[str, Any]:
    """The shifts of one model; ready for JSON."""
    scorer = Scorer(name, causes=False)
    side = max(scorer.contract.input.height, scorer.contract.input.width)
    exact: list[float] = []
    seconds = 0.0
    scores: dict[float, list[float]] = {gap: [] for gap in GAPS}
    light: dict[float, list[float]] = {gap: [] for gap in GAPS}
    spent = dict.fromkeys(GAPS, 0.0)
    for path in paths:
        try:
            start = time.perf_counter()
            whole = decode(path)
            score = scorer.score(whole).score
        except UnreadableImageError as error:
            print(error, file=sys.stderr)
            continue
        seconds += time.perf_counter() - start
        exact.append(score)
        exact_light = exposure(luma_small(whole, reduction(whole.height, whole.width)))
        for gap in GAPS:
            start = time.perf_counter()
            small = decode(path, side=math.ceil(gap * side))
            scores[gap].append(scorer.score(small).score)
            spent[gap] += time.perf_counter() - start
            again = exposure(luma_small(small, reduction(small.height, small.width)))
            light[gap].append(max(abs(exact_light[cause] - again[cause]) for cause in exact_light))
    rows = []
    for gap in GAPS:
        shift = np.array(scores[gap]) - np.array(exact)
        rows.append(
            {
                "gap": gap,
                "median": round(float(np.median(np.abs(shift))), 3),
                "p95": round(float(np.percentile(np.abs(shift), 95)), 3),
                "max": round(float(np.abs(shift).max()), 3),
                "mean": round(float(shift.mean()), 3),
                "srocc": round(float(spearmanr(exact, scores[gap])[0]), 4),
                "light_p95": round(float(np.percentile(light[gap], 95)), 4),
                "light_max": round(max(light[gap]), 4),
                "ms": round(1e3 * spent[gap] / len(exact), 1),
            }
        )
    contract = scorer.contract
    return {
        "model": f"{contract.name} {contract.version}",
        "photographs": len(exact),
        "ms_exact": round(1e3 * seconds / len(exact), 1),
        "gaps": rows,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--models", nargs="+", default=["base", "nano"])
    parser.add_argument("--most", type=int, default=60, metavar="N", help="per folder (60)")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args(arguments)
    paths = large_jpegs(args.folders, args.most)
    if not paths:
        print("quick_shift: error: no JPEG of 3 megapixels or more there", file=sys.stderr)
        return 2
    models = []
    for name in args.models:
        models.append(measured(name, paths))
        for row in models[-1]["gaps"]:
            print(models[-1]["model"], *(f"{key} {value}" for key, value in row.items()))
    if args.json:
        folders = " ".join(Path(folder).name for folder in args.folders)
        report = {
            "command": f"python scripts/bench/quick_shift.py {folders} --most {args.most}",
            "versions": {"edgeiqa": __version__, **versions()},
            "gap": QUICK_GAP,
            "models": models,
        }
        with open_output(args.json) as stream:
            stream.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
