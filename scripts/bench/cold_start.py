"""Measures what the first verdict costs: time from nothing, and memory.

Usage: python scripts/bench/cold_start.py [--runs 15] [--cold 5]
                                   [--json docs/benchmarks/coldstart.json]

From the start of a process to the first verdict about a JPEG of 1920 x 1080, with the files in the
page cache and, where the kernel lets us drop it (root on Linux), without; step by step; and the
memory then.

`edgeiqa bench` measures a process that has long been warm.
`python scripts/docs/fill_tables.py` makes the tables of docs/reports/benchmarks.md from the report.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.bench.environment import machine, versions  # noqa: E402
from edgeiqa.bench.inputs import sample_picture  # noqa: E402
from edgeiqa.cli.progress import Progress  # noqa: E402
from edgeiqa.files.atomic import open_output  # noqa: E402

RUN = ROOT / "scripts" / "bench" / "cold_start_run.py"
SIZE = (1920, 1080)
DROP = Path("/proc/sys/vm/drop_caches")
SUBJECTS: tuple[tuple[str, str], ...] = (
    ("base", "causes"),
    ("base", "plain"),
    ("nano", "causes"),
    ("nano", "plain"),
    ("laplacian", "-"),
)
"""Model and whether causes are wanted; last what many use instead, with OpenCV."""


def make_photo(folder: Path) -> Path:
    """One sample as a JPEG (quality 92) of `SIZE`."""
    from PIL import Image, ImageOps

    photo = folder / "photo.jpg"
    ImageOps.fit(sample_picture(), SIZE, Image.Resampling.BICUBIC).save(photo, quality=92)
    return photo


def command(photo: Path, subject: tuple[str, str], scores: int) -> list[str]:
    """What runs one start."""
    return [sys.executable, str(RUN), str(photo), *subject, str(scores)]


def start_once(words: Sequence[str]) -> dict[str, Any]:
    """Runs one start; returns its steps in milliseconds, the sum, and its memory."""
    begun = time.monotonic()  # The same clock as the child's.
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed: {done.stderr[-500:]}")
    reply = json.loads(done.stdout)
    steps: dict[str, float] = {}
    for name, moment in reply["marks"]:
        steps[name] = (moment - begun) * 1e3
        begun = moment
    memory = {key: reply[key] for key in ("rss_mb", "peak_mb")}
    return {"steps": steps, "total": sum(steps.values()), **memory}


def command_once(words: Sequence[str]) -> dict[str, Any]:
    """Runs `edgeiqa score` to its end; returns milliseconds and its peak memory."""
    begun = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr is not None
    with process.stderr as stream:
        said = stream.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} failed: {said.decode(errors='replace')[-500:]}")
    return {"total": seconds * 1e3, "peak_mb": round(usage.ru_maxrss * 1024 / 1e6, 1)}


def drop_page_cache() -> bool:
    """Has the kernel forget what it holds of files; whether it did."""
    try:
        os.sync()
        DROP.write_text("1")
    except OSError:
        return False
    return True


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median and least of many starts, in milliseconds; medians of steps and memory."""
    totals = [run["total"] for run in runs]
    found: dict[str, Any] = {
        "runs": len(runs),
        "median_ms": round(statistics.median(totals), 1),
        "min_ms": round(min(totals), 1),
    }
    if "steps" in runs[0]:
        found["steps_ms"] = {
            name: round(statistics.median(run["steps"][name] for run in runs), 1)
            for name in runs[0]["steps"]
        }
    for key in ("rss_mb", "peak_mb"):
        if key in runs[0]:
            found[key] = round(statistics.median(run[key] for run in runs), 1)
    return found


def times(photo: Path, runs: int, cold: int) -> Iterator[dict[str, Any]]:
    """Measures the time of starts, subject by subject; yields each one's figures."""
    for subject in SUBJECTS:
        figures = _warm_and_cold(command(photo, subject, 1), runs, cold, True)
        yield {"subject": list(subject), "how": "Python", **figures}
    for model in ("base", "nano"):
        words = [sys.executable, "-m", "edgeiqa", "score", str(photo), "--model", model]
        figures = _warm_and_cold(words, runs, cold, False)
        yield {"subject": [model, "causes"], "how": "edgeiqa score", **figures}


def _warm_and_cold(words: Sequence[str], runs: int, cold: int, marks: bool) -> dict[str, Any]:
    once = start_once if marks else command_once
    once(words)  # Fills the page cache, and Python's own of compiled files.
    found: dict[str, Any] = {"warm": summary([once(words) for _ in range(runs)]), "cold": None}
    if cold and drop_page_cache():
        found["cold"] = summary([once(words) for _ in range(cold) if drop_page_cache()])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, metavar="N", help="warm starts each")
    parser.add_argument("--cold", type=int, default=5, metavar="N", help="cold starts each")
    parser.add_argument(
        "--json", type=Path, default=ROOT / "docs/benchmarks/coldstart.json", metavar="FILE"
    )
    args = parser.parse_args(arguments)
    # Whoever uses it has Python's compiled files; a shell that forbids them would not be typical.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    report: dict[str, Any] = {
        "command": f"python scripts/bench/cold_start.py --runs {args.runs} --cold {args.cold}",
        "what": f"a sample photograph at {SIZE[0]} x {SIZE[1]}: JPEG of quality 92",
        "machine": machine(),
        "versions": versions(),
    }
    report["time"] = []
    progress = Progress(len(SUBJECTS) + 2)
    try:
        with tempfile.TemporaryDirectory() as made, open_output(str(args.json)) as stream:
            for one in times(make_photo(Path(made)), args.runs, args.cold):
                report["time"].append(one)
                progress.step()
            stream.write(json.dumps(report, indent=1) + "\n")
    except (RuntimeError, OSError) as error:
        print(f"cold_start: error: {error}", file=sys.stderr)
        return 2
    finally:
        progress.close()
    print(args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
