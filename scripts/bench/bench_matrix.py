"""Runs `edgeiqa bench` for a model in all cases that docs/reports/benchmarks.md describes.

Usage: python scripts/bench/bench_matrix.py MODEL [--runs N] [--folder DIR]

Writes docs/benchmarks/bench-MODEL.json; `python scripts/docs/fill_tables.py` makes the tables of
it. The file is there whole or not at all. For the large photograph a sample is enlarged to 12
megapixels and saved as JPEG, as a phone would; nothing has to be fetched.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.files.atomic import open_output  # noqa: E402

FOLDER = ROOT / "docs" / "benchmarks"
PHOTOGRAPH = "photo-12mp.jpg"

CASES: dict[str, tuple[str, ...]] = {
    "1080p-nv21": ("--size", "1920x1080", "--pixel-format", "NV21"),
    "1080p-nv21-2-threads": ("--size", "1920x1080", "--pixel-format", "NV21", "--threads", "2"),
    "1080p-nv21-turned": ("--size", "1920x1080", "--pixel-format", "NV21", "--rotation", "90"),
    "480p-yuyv": ("--size", "640x480", "--pixel-format", "YUYV"),
    "12mp-jpeg": (PHOTOGRAPH,),
}
"""Name of a case and what follows `edgeiqa bench`."""


def make_photograph(folder: Path) -> Path:
    """A JPEG of 4000 x 3000 pixels, quality 92, out of a sample."""
    from PIL import Image, ImageOps

    from edgeiqa.bench.inputs import sample_picture

    photograph = folder / PHOTOGRAPH
    large = ImageOps.fit(sample_picture(), (4000, 3000), Image.Resampling.BICUBIC)
    large.save(photograph, quality=92)
    return photograph


def run_case(words: Sequence[str], folder: Path) -> dict[str, Any]:
    """Runs `edgeiqa bench WORDS` in a folder; returns its report.

    A process of its own, for memory is measured, too.

    Raises:
        RuntimeError: It failed.
    """
    command = [sys.executable, "-m", "edgeiqa", "bench", *words, "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(f"edgeiqa bench {shlex.join(words)} ended with {done.returncode}")
    report = json.loads(done.stdout)
    if not isinstance(report, dict):
        raise RuntimeError("edgeiqa bench gave no report")
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures all cases; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help="a shipped model's name")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--only", nargs="+", choices=CASES, metavar="CASE", default=list(CASES))
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="DIR")
    args = parser.parse_args(arguments)
    target = args.folder / f"bench-{args.model}.json"
    try:
        with tempfile.TemporaryDirectory() as made, open_output(str(target)) as stream:
            make_photograph(Path(made))
            reports = {}
            for name in args.only:
                print(f"{args.model}, {name}", file=sys.stderr)
                words = [*CASES[name], "--model", args.model, "--runs", str(args.runs)]
                reports[name] = run_case(words, Path(made))
            stream.write(json.dumps({"cases": reports}, indent=1) + "\n")
    except (RuntimeError, OSError) as error:
        print(f"bench_matrix: error: {error}", file=sys.stderr)
        return 2
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
