"""Scores pictures from 16 threads at once and compares with one thread, to the last bit.

Usage: python scripts/stress/threads.py [--models nano base] [--threads 16] [--pictures 1000]
                                 [--json docs/results/threads.json]

One `Scorer` serves all threads. Each scores all pictures, in an order of its own, so at any moment
different pictures are on their way; of four threads one goes through `Scorer.score`, one through a
`LiveScorer` of its own, one through `Scorer.score` with a broken picture after each twentieth, and
one through `CauseDetector.causes` and `Scorer.score` in turn. What is compared is the whole result:
score, std, shares of opinion, causes. Python is the ordinary build, with its global lock, which
LiteRT lets go of while it calculates; free-threaded builds are out of scope.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa import Frame, LiveScorer, Mode, Scorer  # noqa: E402
from edgeiqa._version import __version__  # noqa: E402
from edgeiqa.assets import sample_paths  # noqa: E402
from edgeiqa.quality import Quality  # noqa: E402
from scripts.stress.process import processor  # noqa: E402

SIZE = (128, 96)
BROKEN = (b"no picture", b"\xff\xd8\xff\xe0 half a JPEG", np.zeros((4, 4, 7), np.uint8))
BROKEN_EVERY = 20
WAYS = (
    "Scorer.score",
    "LiveScorer",
    "Scorer.score with broken pictures",
    "CauseDetector and Scorer",
)


@dataclass
class Outcome:
    """What threads report."""

    scores: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def pictures(count: int) -> list[Frame]:
    """So many pictures that all differ: places in the samples, turned, mirrored, dimmed."""
    photos = []
    for path in sample_paths():
        with Image.open(path) as photo:
            photos.append(photo.convert("RGB").resize((320, 240)))
    rng = np.random.default_rng(16)
    found: list[Frame] = []
    seen: set[bytes] = set()
    while len(found) < count:
        photo = photos[len(found) % len(photos)]
        x, y = (int(rng.integers(0, edge)) for edge in (320 - SIZE[0], 240 - SIZE[1]))
        pixels = np.asarray(photo.crop((x, y, x + SIZE[0], y + SIZE[1])))
        pixels = (pixels[:, :: int(rng.choice((-1, 1)))] * rng.uniform(0.4, 1)).astype(np.uint8)
        if pixels.tobytes() not in seen:
            seen.add(pixels.tobytes())
            found.append(Frame(pixels, rotation=int(rng.choice((0, 90, 180, 270)))))
    return found


def as_text(quality: Quality) -> str:
    """All that a result says, every number to its last bit."""
    return json.dumps(quality.to_dict())


def work(
    number: int, scorer: Scorer, frames: Sequence[Frame], expected: Sequence[str], outcome: Outcome
) -> None:
    """What one thread does."""
    order = list(range(len(frames)))
    random.Random(number).shuffle(order)
    way = number % len(WAYS)
    live = LiveScorer(scorer, scorer.gate(), mode=Mode.IMAGE)
    scores = refused = 0
    wrong: list[str] = []
    for step, index in enumerate(order):
        frame = frames[index]
        if way == 1:
            quality = live.score(frame).quality
        elif way == 3 and scorer.cause_detector is not None:
            causes = scorer.cause_detector.causes(frame)
            quality = scorer.score(frame)
            if causes != quality.causes:
                wrong.append(f"thread {number}, picture {index}: causes differ")
        else:
            quality = scorer.score(frame)
        scores += 1
        got = "nothing" if quality is None else as_text(quality)
        if got != expected[index]:
            wrong.append(
                f"thread {number}, picture {index}: {got[:80]}, not {expected[index][:80]}"
            )
        if way == 2 and step % BROKEN_EVERY == 0:
            try:
                scorer.score(BROKEN[step // BROKEN_EVERY % len(BROKEN)])
                wrong.append(f"thread {number}: a broken picture was scored")
            except ValueError:
                refused += 1
    with outcome.lock:
        outcome.scores += scores
        outcome.refused += refused
        outcome.wrong += wrong


def compare(model: str, threads: int, frames: Sequence[Frame]) -> dict[str, Any]:
    """Scores with one thread, then with many.

    Returns:
        Ready for JSON.
    """
    scorer = Scorer(model)
    start = time.monotonic()
    expected = [as_text(scorer.score(frame)) for frame in frames]
    single = time.monotonic() - start
    print(f"{model}: {len(frames)} pictures by one thread in {single:.0f} s", flush=True)
    outcome = Outcome()
    workers = [
        threading.Thread(target=_run, args=(number, scorer, frames, expected, outcome))
        for number in range(threads)
    ]
    start = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - start
    print(
        f"{model}: {outcome.scores} scores, {len(outcome.wrong)} differ, {seconds:.0f} s",
        flush=True,
    )
    return {
        "model": f"{scorer.contract.name} {scorer.contract.version}",
        "threads": threads,
        "pictures": len(frames),
        "different_results": len(set(expected)),
        "scores": outcome.scores,
        "refused": outcome.refused,
        "differ": len(outcome.wrong),
        "first": outcome.wrong[:10],
        "seconds": round(seconds, 1),
    }


def _run(number: int, scorer: Scorer, frames: Any, expected: Any, outcome: Outcome) -> None:
    try:
        work(number, scorer, frames, expected, outcome)
    except Exception as error:
        with outcome.lock:
            outcome.wrong.append(f"thread {number} ended: {type(error).__name__}: {error}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it for each model; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["nano", "base"])
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(arguments)
    frames = pictures(args.pictures)
    runs = [compare(model, args.threads, frames) for model in args.models]
    if args.json is not None:
        report = {
            "command": f"python scripts/stress/threads.py --models {' '.join(args.models)} "
            f"--threads {args.threads} --pictures {args.pictures}",
            "ways": list(WAYS),
            "versions": {
                "edgeiqa": __version__,
                "python": platform.python_version(),
                "numpy": np.__version__,
            },
            "processor": processor(),
            "runs": runs,
        }
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if any(run["differ"] for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
