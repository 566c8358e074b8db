"""Pushes many frames through a LiveScorer and prints how much memory it takes on the way.

Usage: python scripts/stress/soak.py [--models nano base] [--frames 20000] [--size 640x360]
                              [--json docs/benchmarks/live-memory.json]

Frames are NV12 of a sample photograph, panned, each in memory of its own as a camera's would be;
every one is scored (Mode.VIDEO), smoothed and judged. RSS is the resident memory of the process
as Linux gives it. Growth is what it gained after the first tenth of the frames, when all is warm.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa import Frame, LiveScorer, Mode, PixelFormat, Scorer  # noqa: E402
from edgeiqa._version import __version__  # noqa: E402

PHOTO = ROOT / "edgeiqa" / "assets" / "samples" / "china.jpg"
STEPS = 10
FRAME_NS = 33_333_333


def resident_mb() -> float:
    """Resident memory of this process in MB (10^6 bytes)."""
    return _status_mb("VmRSS:")


def peak_mb() -> float:
    """Its highest so far; unlike `ru_maxrss` without what its parent was when it was forked."""
    return _status_mb("VmHWM:")


def _status_mb(key: str) -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(key))
    return int(line.split()[1]) * 1024 / 1e6


def nv12(width: int, height: int, count: int = 16) -> list[bytes]:
    """NV12 buffers (BT.601, limited range) of a photograph, each one panned a little further."""
    with Image.open(PHOTO) as photo:
        wide = photo.convert("YCbCr").resize((width + 2 * count, height))
    buffers = []
    for number in range(count):
        part = np.asarray(wide.crop((2 * number, 0, 2 * number + width, height))).astype(float)
        y = np.round(16 + part[:, :, 0] * 219 / 255).astype(np.uint8)
        chroma = part[: height // 2 * 2, : width // 2 * 2, 1:]
        chroma = chroma.reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
        uv = np.round(128 + (chroma - 128) * 224 / 255).astype(np.uint8)
        buffers.append(y.tobytes() + uv.tobytes())
    return buffers


def soak(model: str, frames: int, size: tuple[int, int]) -> dict[str, Any]:
    """Scores the frames with one model and prints memory and rate on the way.

    Returns:
        Ready for JSON: `rss_mb` is a list of [frames done, MB].
    """
    width, height = size
    buffers = nv12(width, height)
    start_mb = resident_mb()
    print(f"{model}: before the model is opened {start_mb:.1f} MB", flush=True)
    scorer = Scorer(model)
    rss: list[tuple[int, float]] = [(0, round(resident_mb(), 1))]
    start = time.monotonic()
    with LiveScorer(scorer, scorer.gate(), mode=Mode.VIDEO) as live:
        for number in range(frames):
            # A copy, so that memory is taken and given back as with a camera.
            data = bytearray(buffers[number % len(buffers)])
            frame = Frame.from_buffer(
                data, width, height, PixelFormat.NV12, timestamp_ns=number * FRAME_NS
            )
            live.score(frame)
            if (number + 1) % max(1, frames // STEPS) == 0:
                rss.append((number + 1, round(resident_mb(), 1)))
                rate = (number + 1) / (time.monotonic() - start)
                print(
                    f"{model}: {number + 1:6} frames, {rss[-1][1]:.1f} MB, {rate:.1f}/s", flush=True
                )
        stats = live.stats()
    seconds = time.monotonic() - start
    return {
        "model": f"{scorer.contract.name} {scorer.contract.version}",
        "frames": frames,
        "scored": stats.scored,
        "errors": stats.errors,
        "rss_before_model_mb": round(start_mb, 1),
        "rss_mb": rss,
        "growth_mb": round(rss[-1][1] - rss[1][1], 1),
        "frames_per_second": round(frames / seconds, 1),
        "latency_p50_ms": round(stats.latency_p50_ms or 0.0, 2),
        "latency_p99_ms": round(stats.latency_p99_ms or 0.0, 2),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it for each model, one after the other; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["nano", "base"])
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--size", default="640x360", metavar="WxH")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(arguments)
    width, height = map(int, args.size.split("x"))
    runs: list[dict[str, Any]] = []
    for model in args.models:
        runs.append(soak(model, args.frames, (width, height)))
        if args.json is not None:
            _write(args.json, args, runs)  # After each, as one takes minutes.
    for run in runs:
        print(
            f"{run['model']}: {run['rss_mb'][1][1]:.1f} MB after {run['rss_mb'][1][0]} frames, "
            f"{run['rss_mb'][-1][1]:.1f} MB after {run['frames']}: {run['growth_mb']:+.1f} MB"
        )
    return 0


def _write(path: Path, args: argparse.Namespace, runs: list[dict[str, Any]]) -> None:
    report = {
        "command": f"python scripts/stress/soak.py --models {' '.join(args.models)} "
        f"--frames {args.frames} --size {args.size}",
        "what": "Mode.VIDEO, NV12, smoothing and gate, 1 thread",
        "versions": {
            "edgeiqa": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
        "processor": processor(),
        "runs": runs,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def processor() -> str:
    """What the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    sys.exit(main())
