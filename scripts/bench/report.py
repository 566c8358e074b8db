"""Measures `edgeiqa report` and its page in Chromium with 10,000 photographs.

Usage: python scripts/bench/report.py [--photos 10000] [--large 200000]
                                          [--json docs/benchmarks/report.json]

The photographs are crops of the sample photographs, 480 x 360, each another; the results are made
up. Measured are the command (time, memory, size of the page), the page (load, filter, sort,
scroll, JavaScript's heap; in headless Chromium, without a graphics card), and the search for
near-duplicates among more photographs than one would put on a page. Takes a few minutes and some
500 MB of temporary files; the machine should do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.assets import sample_paths  # noqa: E402
from edgeiqa.bench.environment import machine, versions  # noqa: E402
from edgeiqa.causes import CAUSES  # noqa: E402
from edgeiqa.report.near_duplicates import near_duplicates  # noqa: E402
from scripts.browser import Browser  # noqa: E402

SIZE = (480, 360)
RUNS = 7

# What each action does, as JavaScript, and how to undo it.
ACTIONS = {
    "search": ("field('search', 'input', 'f07 img_0')", "field('search', 'input', '')"),
    "score": ("field('low', 'input', '60')", "field('low', 'input', '')"),
    "verdict": ("field('verdict', 'change', '1')", "field('verdict', 'change', '-1')"),
    "folder": ("click('#folders tbody button')", "click('#folders tbody button')"),
    "sort by name": ("field('sort', 'change', 'name')", "field('sort', 'change', 'score')"),
    "sort by blur": ("field('sort', 'change', 'blur')", "field('sort', 'change', 'score')"),
}

_HELPERS = """
globalThis.click = selector => document.querySelector(selector).click();
globalThis.field = (id, kind, value) => {
  const element = document.getElementById(id);
  element.value = value;
  element.dispatchEvent(new Event(kind));
};
globalThis.frame = () => new Promise(done => requestAnimationFrame(done));
// From the action to the end of the frame that shows it.
globalThis.timed = async act => {
  await frame();
  const start = performance.now();
  act();
  await frame();
  document.body.getBoundingClientRect();
  await new Promise(done => setTimeout(done));
  return performance.now() - start;
};
// One wheel's turn a frame, down from the first photograph.
globalThis.scrolled = async frames => {
  const found = [];
  let before = performance.now();
  for (let i = 0; i < frames; i++) {
    window.scrollBy(0, 600);
    await frame();
    const now = performance.now();
    found.push(now - before);
    before = now;
  }
  return found;
};
"""


def make_photos(folder: Path, count: int) -> None:
    """Writes crops of the samples into 40 folders, and results beside them."""
    for number in range(40):
        (folder / f"f{number:02}").mkdir()
    with ProcessPoolExecutor() as pool:
        list(pool.map(_crop, [(folder, number) for number in range(count)], chunksize=100))
    random = np.random.default_rng(0)
    with open(folder / "results.jsonl", "w", encoding="utf-8") as stream:
        for number in range(count):
            stream.write(json.dumps(_row(_name(number), random)) + "\n")


def _name(number: int) -> str:
    return f"f{number % 40:02}/IMG_{number:05}.jpg"


def _crop(job: tuple[Path, int]) -> None:
    folder, number = job
    random = np.random.default_rng(number)
    paths = sample_paths()
    with Image.open(paths[number % len(paths)]) as sample:
        photo = sample.convert("RGB")
    share = random.uniform(0.4, 0.9)
    width, height = int(photo.width * share), int(photo.height * share)
    left = int(random.integers(0, photo.width - width + 1))
    top = int(random.integers(0, photo.height - height + 1))
    crop = photo.crop((left, top, left + width, top + height)).resize(SIZE)
    crop.save(folder / _name(number), quality=85)


def _row(path: str, random: np.random.Generator) -> dict[str, Any]:
    score = round(float(np.clip(random.normal(65, 18), 0, 100)), 2)
    causes = {cause: round(float(random.beta(0.4, 4)), 3) for cause in CAUSES}
    reasons = [
        {"cause": cause, "value": value, "threshold": 0.5, "decisive": True}
        for cause, value in causes.items()
        if value > 0.5
    ]
    if score < 57.5:
        reason = {"cause": "low_quality", "value": score, "threshold": 57.5, "decisive": True}
        reasons.append(reason)
    return {
        "path": path,
        "score": score,
        "std": 6.5,
        "causes": causes,
        "accept": not reasons,
        "reasons": reasons,
        "error": None,
    }


def measure_command(folder: Path) -> dict[str, Any]:
    """Runs the command.

    Raises:
        CalledProcessError: It failed.
    """
    command = [sys.executable, "-m", "edgeiqa", "report", "results.jsonl"]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {
        "seconds": round(seconds, 1),
        "peak_rss_mb": round(peak / 1e6, 1),
        "page_mb": round((folder / "results.html").stat().st_size / 1e6, 1),
    }


def measure_page(page: Path) -> dict[str, Any]:
    """Opens the page and uses it."""
    loads, heaps = [], []
    for _ in range(3):
        with Browser(1280, 900) as browser:
            start = time.perf_counter()
            browser.open(page)
            browser.settle()
            loads.append(1000 * (time.perf_counter() - start))
            heaps.append(browser.metrics()["JSHeapUsedSize"])
            renderer = browser.renderer_mb()
            found = {"photographs": browser.run("document.getElementById('matches').textContent")}
    with Browser(1280, 900) as browser:
        browser.open(page)
        browser.run(_HELPERS)
        found["actions_ms"] = {
            name: _action(browser, act, undo) for name, (act, undo) in ACTIONS.items()
        }
        browser.run("document.getElementById('grid').scrollIntoView()")
        frames = browser.run("scrolled(300)")
        browser.run("window.scrollTo(0, 0)")
        # All thumbnails are unpacked on the way down.
        browser.run(
            "(async () => { for (let y = 0; y < document.body.scrollHeight; y += 2000) {"
            "window.scrollTo(0, y); await frame(); } })()"
        )
        found["heap_mb"] = {
            "loaded": round(statistics.median(heaps) / 1e6, 1),
            "all seen": round(browser.metrics()["JSHeapUsedSize"] / 1e6, 1),
        }
        # Texts as long as thumbnails lie outside of the heap.
        found["renderer_mb"] = {
            "loaded": round(renderer, 1),
            "all seen": round(browser.renderer_mb(), 1),
        }
    found["load_ms"] = [round(one) for one in sorted(loads)]
    found["scroll_frame_ms"] = {
        "p50": round(float(np.percentile(frames, 50)), 1),
        "p95": round(float(np.percentile(frames, 95)), 1),
        "most": round(max(frames), 1),
    }
    return found


def _action(browser: Browser, act: str, undo: str) -> float:
    times = []
    for _ in range(RUNS):
        times.append(browser.run(f"timed(() => {act})"))
        browser.run(undo)
        browser.settle()
    return round(statistics.median(times), 1)


def measure_duplicates(count: int) -> float:
    """Seconds to group random looks, of which a tenth are near-duplicates."""
    random = np.random.default_rng(0)
    # As photographs are: most of what differs lies in few directions.
    axes = random.normal(size=(256, 256)) / np.arange(1, 257)[:, np.newaxis]
    looks = random.normal(size=(count, 256)).astype(np.float32) @ axes.astype(np.float32)
    near = random.integers(0, count, count // 10)
    looks[: len(near)] = looks[near] * np.float32(1.01)
    looks -= looks.mean(axis=1, keepdims=True)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    start = time.perf_counter()
    groups = near_duplicates(looks, np.zeros(count))
    seconds = time.perf_counter() - start
    print(f"{count:,}: {len(groups):,} groups in {seconds:.1f} s", file=sys.stderr)
    return round(seconds, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000, metavar="N")
    parser.add_argument("--large", type=int, default=200_000, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photos(folder, args.photos)
        report = {
            "command": "python scripts/bench/report.py "
            f"--photos {args.photos} --large {args.large} --json docs/benchmarks/report.json",
            "photos": args.photos,
            "run": measure_command(folder),
            "page": measure_page(folder / "results.html"),
            "duplicates_s": {str(n): measure_duplicates(n) for n in (args.photos, args.large)},
            "machine": {**machine(), "versions": versions()},
        }
    text = json.dumps(report, indent=1) + "\n"
    print(text, end="")
    if args.json is not None:
        args.json.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
