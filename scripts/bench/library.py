"""Measures how fast `edgeiqa score` goes through a library, and what memory it takes.

Usage: python scripts/bench/library.py [--photographs 200] [--workers 1 2] [--folder DIR]
                                           [--nightly 200000] [--json docs/benchmarks/library.json]

Without --folder a library is made of the sample photographs: enlarged to 12 and 3 megapixels with
a grain of their own on top, so that their JPEGs are as large as those of a camera. Each case is one
run of the command over all of them, its start included. Beside it runs what people write instead:
a loop in one process over OpenCV's variance of Laplacian, or BRISQUE's features. At last a run
that resumes over many photographs of which all but one are known. Peak memory is the resident set,
as Linux reports it, of the process that was started and of its largest worker.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa import Scorer, sample_paths  # noqa: E402
from edgeiqa._version import __version__  # noqa: E402
from edgeiqa.batch.settings import Fingerprint  # noqa: E402
from edgeiqa.bench.environment import machine, versions  # noqa: E402
from edgeiqa.bench.opencv_baselines import baselines  # noqa: E402
from edgeiqa.files.atomic import open_output  # noqa: E402
from edgeiqa.imaging.decode import MAX_PIXELS  # noqa: E402
from edgeiqa.imaging.discovery import expand  # noqa: E402
from edgeiqa.results.row import json_line  # noqa: E402
from edgeiqa.results.score_row import score_row  # noqa: E402

SIZES = {"12 MP": (4000, 3000), "3 MP": (2048, 1536)}
DIFFERENT = 8
"""So many photographs are made; the others are links to them."""

RIVALS = {"laplacian": 1.0, "brisque": 0.1}
"""What runs beside it, and over which share of the photographs, as some take their time."""


def make_library(folder: Path, size: tuple[int, int], count: int) -> None:
    """JPEGs of a size in pixels, quality 90, with the orientation and the grain of a camera's."""
    random = np.random.default_rng(5)
    folder.mkdir(parents=True)
    for number, path in enumerate(sample_paths()[:DIFFERENT]):
        with Image.open(path) as sample:
            large = ImageOps.fit(sample.convert("RGB"), size, Image.Resampling.BICUBIC)
        pixels = np.asarray(large, np.float32)
        grain = random.normal(0.0, 5.0, pixels.shape[:2]).astype(np.float32)[:, :, np.newaxis]
        noisy = np.clip(pixels + grain, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:05}.jpg", quality=90)
    for number in range(DIFFERENT, count):
        os.link(folder / f"{number % DIFFERENT:05}.jpg", folder / f"{number:05}.jpg")


def watched(command: Sequence[str]) -> tuple[float, float, float]:
    """Runs a command; returns seconds, and the peak MB of it and of its largest child.

    Raises:
        RuntimeError: It failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    own = largest = 0.0
    while True:
        own = max(own, peak_mb(process.pid))
        largest = max([largest, *map(peak_mb, children(process.pid))])
        try:
            code = process.wait(0.05)
            break
        except subprocess.TimeoutExpired:
            continue
    seconds = time.perf_counter() - start
    if code not in (0, 3):
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return seconds, own, largest


def peak_mb(pid: int) -> float:
    """Most resident memory that a process has had so far, in 10^6 bytes; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 / 1e6 if lines else 0.0


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


def measure(folder: Path, what: str, args: argparse.Namespace) -> list[dict[str, Any]]:
    """All cases over one folder; ready for JSON."""
    paths = [item.path for item in expand([str(folder)], raws=True) if item.error is None]
    megabytes = sum(os.path.getsize(path) for path in paths) / len(paths) / 1e6
    print(f"{what}: {len(paths)} photographs of {megabytes:.1f} MB", flush=True)
    runs = []
    with tempfile.TemporaryDirectory() as out:
        for mode in ("exact", "quick"):
            for workers in args.workers:
                words = ["--model", args.model, "--workers", str(workers), "--no-progress"]
                words += ["--output", f"{out}/{mode}-{workers}.jsonl", "--resume"]
                words += ["--quick"] if mode == "quick" else []
                command = [sys.executable, "-m", "edgeiqa", "score", str(folder), *words]
                seconds, own, largest = watched(command)
                runs.append(
                    {
                        "what": what,
                        "mode": mode,
                        "workers": workers,
                        **_rates(len(paths), seconds, own, largest),
                    }
                )
                print(f"  {mode}, {workers} workers: {runs[-1]['per_second']}/s", flush=True)
    for name, share in RIVALS.items():
        count = max(1, round(len(paths) * share))
        command = [sys.executable, __file__, "--rival", name, "--photographs", str(count)]
        seconds, own, largest = watched([*command, "--folder", str(folder)])
        runs.append(
            {"what": what, "mode": name, "workers": 1, **_rates(count, seconds, own, largest)}
        )
        print(f"  {name}: {runs[-1]['per_second']}/s", flush=True)
    for run in runs:
        run["megabytes"] = round(megabytes, 2)
    return runs


def make_known(folder: Path, journal: Path, count: int, model: str) -> None:
    """A folder of so many photographs, and the journal of a run that has scored all but one."""
    scorer = Scorer(model)
    gate = scorer.gate() if "normal" in scorer.contract.gate else None
    photo = sample_paths()[0]
    document = score_row(str(photo), scorer, gate).to_dict()
    made = Fingerprint.of(scorer, gate, quick=False, max_pixels=MAX_PIXELS)
    made_with = {"mode": made.mode, "model": made.model, "settings": made.digest}
    with journal.open("w", encoding="utf-8") as stream:
        for number in range(count):
            path = folder / f"{number // 1000:04}" / f"{number % 1000:03}.jpg"
            if number % 1000 == 0:
                path.parent.mkdir(parents=True)
                path.write_bytes(photo.read_bytes())
                first, status = path, path.stat()
            else:
                os.link(first, path)
            stamp = {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
            row = {**document, "path": str(path), **stamp, **made_with}
            if number != count // 2:
                stream.write(json_line(row) + "\n")


def nightly(count: int, model: str) -> dict[str, Any]:
    """A run over many photographs of which one is new; ready for JSON."""
    with tempfile.TemporaryDirectory() as made:
        folder, journal = Path(made) / "photos", Path(made) / "journal.jsonl"
        make_known(folder, journal, count, model)
        words = ["--model", model, "--output", str(journal), "--resume", "--no-progress"]
        command = [sys.executable, "-m", "edgeiqa", "score", str(folder), *words]
        seconds, own, _ = watched(command)
        with journal.open(encoding="utf-8") as stream:
            if sum(1 for _ in stream) != count:
                raise RuntimeError("the journal has not one line per photograph")
    print(f"{count} photographs, one of them new: {seconds:.1f} s, {own:.0f} MB", flush=True)
    return {"photographs": count, "seconds": round(seconds, 2), "peak_mb": round(own, 1)}


def _rates(count: int, seconds: float, own: float, largest: float) -> dict[str, Any]:
    """What was measured, ready for JSON."""
    return {
        "photographs": count,
        "seconds": round(seconds, 2),
        "per_second": round(count / seconds, 2),
        "peak_mb": round(own, 1),
        "peak_worker_mb": round(largest, 1),
    }


def run_rival(name: str, folder: str, count: int) -> int:
    """What people write instead: a loop."""
    (rival,) = (one for one in baselines(1) if one.name == name)
    for item in list(expand([folder]))[:count]:
        print(item.path, rival.call(item.path))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photographs", type=int, default=200, metavar="N", help="of each size")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--model", default="base")
    parser.add_argument(
        "--nightly", type=int, default=200_000, metavar="N", help="photographs that are known"
    )
    parser.add_argument("--folder", metavar="DIR", help="a library of yours instead")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rival", choices=RIVALS, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.rival:
        return run_rival(args.rival, args.folder, args.photographs)
    runs = []
    with tempfile.TemporaryDirectory() as made:
        if args.folder:
            folder = Path(args.folder).absolute()
            runs += measure(folder, folder.name, args)
        else:
            for number, (what, size) in enumerate(SIZES.items()):
                folder = Path(made) / str(number)
                make_library(folder, size, args.photographs)
                runs += measure(folder, what, args)
    known = nightly(args.nightly, args.model)
    if args.json:
        contract = Scorer(args.model, causes=False).contract
        own = f" --folder {Path(args.folder).name}" if args.folder else ""
        report = {
            "command": f"python scripts/bench/library.py --photographs {args.photographs} "
            f"--workers {' '.join(map(str, args.workers))} --model {args.model}{own}",
            "model": f"{contract.name} {contract.version}",
            "machine": machine(),
            "versions": {"edgeiqa": __version__, **versions()},
            "runs": runs,
            "nightly": known,
        }
        with open_output(args.json) as stream:
            stream.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
