"""Scores small frames of every kind for an hour, broken ones among them, and watches for leaks.

Usage: python scripts/stress/soak.py [--seconds 3600] [--frames 2000000]
                                      [--json docs/benchmarks/soak.json]

It ends at whichever limit comes first. Of 1,000 pictures 900 are frames of a stream (ten pixel
formats, 96x96 to 320x240, strides, rotations, regions) through one `LiveScorer`, 60 are encoded
pictures through `Scorer.score`, and 40 are broken and have to be refused: each with the error that
is right for it. After each thousand a `LiveScorer` with a thread of its own is opened, fed and
closed, and after each fifty thousand the model is opened anew. A picture that comes again must get
the score that it got the first time, to the last bit.

Sampled once a minute: resident memory, open descriptors, threads, objects that Python's collector
knows and blocks that its allocator has handed out, all without a collection being asked for.
Warm is when each thing has been done once: after the first tenth of the time and after the model
was opened anew for the first time, when the old one and the new one had to find room side by side.
The slope is that of a straight line through the samples from then on.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import platform
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa import ColorRange, Frame, LiveScorer, Mode, PixelFormat, Scorer  # noqa: E402
from edgeiqa._version import __version__  # noqa: E402
from scripts.stress.process import processor, resident_mb  # noqa: E402

PHOTO = ROOT / "edgeiqa" / "assets" / "samples" / "china.jpg"
CYCLE = 1000
ENCODED = 60
BROKEN = 40
LIVE_FRAMES = 10
REOPEN_EVERY = 50
"""Cycles from one opening of the model to the next."""
FRAME_NS = 33_333_333
SAMPLE_S = 60.0
TOP = 10
"""The first of so many parts of the run is warming up."""

Make = Callable[[int], Any]
"""From nanoseconds to a frame, or to what else is scored."""


@dataclass
class Kinds:
    """What is scored: by name how to make it, and for broken ones the error that must come."""

    frames: dict[str, Make] = field(default_factory=dict)
    encoded: dict[str, bytes] = field(default_factory=dict)
    broken: dict[str, tuple[Make, str]] = field(default_factory=dict)


def photographs(width: int, height: int, count: int) -> list[np.ndarray]:
    """RGB arrays of a photograph, each one panned a little further."""
    with Image.open(PHOTO) as photo:
        wide = photo.convert("RGB").resize((width + 4 * count, height))
    return [np.asarray(wide.crop((4 * n, 0, 4 * n + width, height))) for n in range(count)]


def buffer_of(rgb: np.ndarray, pixel_format: PixelFormat) -> bytes:
    """The bytes of a picture in a format; YUV is BT.601, full range. Sides must be even."""
    if pixel_format is PixelFormat.GRAY:
        return Image.fromarray(rgb).convert("L").tobytes()
    if not pixel_format.is_yuv:
        alpha = np.full((*rgb.shape[:2], 1), 255, np.uint8)
        channels = dict(zip("RGBA", np.dsplit(np.dstack([rgb, alpha]), 4), strict=True))
        return np.dstack([channels[name] for name in pixel_format.name]).tobytes()
    y, u, v = np.dsplit(np.asarray(Image.fromarray(rgb).convert("YCbCr")), 3)
    y, u, v = y[:, :, 0], u[:, ::2, 0], v[:, ::2, 0]
    if pixel_format is PixelFormat.YUYV:
        return np.dstack([y[:, ::2], u, y[:, 1::2], v]).tobytes()
    u, v = u[::2], v[::2]
    if pixel_format is PixelFormat.I420:
        return y.tobytes() + u.tobytes() + v.tobytes()
    pair = (v, u) if pixel_format is PixelFormat.NV21 else (u, v)
    return y.tobytes() + np.dstack(pair).tobytes()


def _framed(rgb: np.ndarray, pixel_format: PixelFormat, **more: Any) -> Make:
    height, width = rgb.shape[:2]
    data = buffer_of(rgb, pixel_format)
    if pixel_format.is_yuv:
        more["color_range"] = ColorRange.FULL

    def make(now: int) -> Frame:
        # A copy, so that memory is taken and given back as with a camera.
        return Frame.from_buffer(
            bytearray(data), width, height, pixel_format, timestamp_ns=now, **more
        )

    return make


def _planes(rgb: np.ndarray) -> Make:
    """As Android has it: rows padded, chroma of two planes that lie within each other."""
    height, width = rgb.shape[:2]
    data = np.frombuffer(buffer_of(rgb, PixelFormat.NV21), np.uint8).reshape(-1, width)
    padded = np.pad(data, ((0, 0), (0, 16)))

    def make(now: int) -> Frame:
        y, vu = padded[:height].copy().reshape(-1), padded[height:].copy().reshape(-1)
        stride = width + 16
        return Frame.from_planes(
            *(y, vu[1:], vu, width, height),
            row_strides=(stride, stride, stride),
            pixel_strides=(1, 2, 2),
            timestamp_ns=now,
            color_range=ColorRange.FULL,
        )

    return make


def kinds() -> Kinds:
    """All that is scored."""
    found = Kinds()
    turned = {"rotation": 90, "roi": (16, 8, 96, 96)}
    for name, size, pixel_format, more in (
        ("NV12 160x120", (160, 120), PixelFormat.NV12, {}),
        ("NV21 176x144 turned, region", (176, 144), PixelFormat.NV21, turned),
        ("I420 320x240", (320, 240), PixelFormat.I420, {}),
        ("YUYV 160x120", (160, 120), PixelFormat.YUYV, {}),
        ("RGB 160x120", (160, 120), PixelFormat.RGB, {}),
        ("BGR 128x96 turned", (128, 96), PixelFormat.BGR, {"rotation": 270}),
        ("RGBA 96x96", (96, 96), PixelFormat.RGBA, {}),
        ("BGRA 160x120 region", (160, 120), PixelFormat.BGRA, {"roi": (0, 0, 120, 100)}),
        ("GRAY 96x96", (96, 96), PixelFormat.GRAY, {}),
    ):
        for number, rgb in enumerate(photographs(*size, 8)):
            found.frames[f"{name} #{number}"] = _framed(rgb, pixel_format, **more)
    for number, rgb in enumerate(photographs(192, 108, 8)):
        found.frames[f"YUV_420_888 192x108 #{number}"] = _planes(rgb)
    for number, rgb in enumerate(photographs(200, 150, 4)):
        for suffix in ("JPEG", "PNG", "WEBP"):
            file = io.BytesIO()
            Image.fromarray(rgb).save(file, suffix)
            found.encoded[f"{suffix} 200x150 #{number}"] = file.getvalue()
    found.broken = _broken(found.encoded)
    return found


def _broken(encoded: dict[str, bytes]) -> dict[str, tuple[Make, str]]:
    png, jpeg = encoded["PNG 200x150 #0"], encoded["JPEG 200x150 #0"]
    bomb = png[:16] + (60_000).to_bytes(4, "big") * 2 + png[24:]
    noise = random.Random(1).randbytes(5000)
    unreadable = "UnreadableImageError"
    return {
        "JPEG cut in its header": (lambda now: jpeg[:100], unreadable),
        "noise": (lambda now: noise, unreadable),
        "no bytes": (lambda now: b"", unreadable),
        "PNG that claims 60,000 x 60,000": (lambda now: bomb, unreadable),
        "no such file": (lambda now: "no-such-file.jpg", unreadable),
        "floats": (lambda now: np.zeros((60, 80, 3)), "TypeError"),
        "five channels": (lambda now: np.zeros((60, 80, 5), np.uint8), "ValueError"),
        "too few bytes": (
            lambda now: Frame.from_buffer(bytes(100), 160, 120, PixelFormat.NV12),
            "ValueError",
        ),
        "region outside": (
            lambda now: Frame(np.zeros((60, 80, 3), np.uint8), roi=(70, 0, 20, 20)),
            "ValueError",
        ),
        "no time": (lambda now: Frame(np.zeros((60, 80, 3), np.uint8)), "ValueError"),
        "time set back": (
            lambda now: Frame(np.zeros((60, 80, 3), np.uint8), timestamp_ns=0),
            "ValueError",
        ),
    }


class Soak:
    """The run; `report` can be had at any time."""

    def __init__(self, model: str = "nano") -> None:
        self.kinds = kinds()
        self.model = model
        self.pictures = 0
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.scores: dict[str, float] = {}
        self.samples: list[dict[str, float]] = []
        self.rss_before_model_mb = round(resident_mb(), 1)
        self._scorer = Scorer(model)
        self._live = LiveScorer(self._scorer, self._scorer.gate(), mode=Mode.VIDEO)
        self._now = 0
        self._start = time.monotonic()
        self._random = random.Random(7)
        self._plan = self._planned()

    def _planned(self) -> list[tuple[str, str]]:
        plan = []
        for group, names, count in (
            ("frame", list(self.kinds.frames), CYCLE - ENCODED - BROKEN),
            ("encoded", list(self.kinds.encoded), ENCODED),
            ("broken", list(self.kinds.broken), BROKEN),
        ):
            plan += [(group, names[n % len(names)]) for n in range(count)]
        return plan

    def run(self, seconds: float, frames: int, on_sample: Callable[[Soak], None]) -> None:
        """Scores until either limit; `on_sample` is called after each sample."""
        self.sample()
        due = time.monotonic() + min(SAMPLE_S, seconds / 20)
        cycle = 0
        while not self._over(seconds, frames):
            self._random.shuffle(self._plan)
            for group, name in self._plan:
                self._one(group, name)
                if time.monotonic() >= due:
                    self.sample()
                    on_sample(self)
                    due = time.monotonic() + min(SAMPLE_S, seconds / 20)
                if self._over(seconds, frames):
                    break
            self._own_thread()
            cycle += 1
            if cycle % REOPEN_EVERY == 0:
                self._reopen()
        self.sample()
        self._live.close()
        on_sample(self)

    def _over(self, seconds: float, frames: int) -> bool:
        return self.pictures >= frames or time.monotonic() - self._start >= seconds

    def _one(self, group: str, name: str) -> None:
        self.pictures += 1
        self._now += FRAME_NS
        expected = self.kinds.broken[name][1] if group == "broken" else ""
        try:
            if group == "encoded":
                self._same(name, self._scorer.score(bytes(self.kinds.encoded[name])).score)
            elif group == "frame":
                quality = self._live.score(self.kinds.frames[name](self._now)).quality
                self._same(name, quality.score if quality is not None else -1.0)
            else:
                made = self.kinds.broken[name][0](self._now)
                if isinstance(made, (bytes, str)):
                    self._scorer.score(made)
                else:
                    self._live.score(made)
        except Exception as error:
            if type(error).__name__ != expected:
                self._complain(f"{name}: {type(error).__name__}: {error}")
            else:
                self.refused[name] += 1
        else:
            if expected:
                self._complain(f"{name} was scored, expected {expected}")
            self.counts[group] += 1

    def _same(self, name: str, score: float) -> None:
        if self.scores.setdefault(name, score) != score:
            self._complain(f"{name} scored {score!r}, before {self.scores[name]!r}")

    def _own_thread(self) -> None:
        """A stream of its own, in a thread, from beginning to end."""
        names = list(self.kinds.frames)[:LIVE_FRAMES]
        with LiveScorer(self._scorer, self._scorer.gate(), mode=Mode.LIVE) as live:
            results = iter(live)
            for number, name in enumerate(names):
                live.submit(self.kinds.frames[name](number + 1))
                result = next(results)
                self.pictures += 1
                self.counts["frame in a thread"] += 1
                if result.quality is None:
                    self._complain(f"{name}: {result.error}")
                else:
                    self._same(name, result.quality.score)

    def _reopen(self) -> None:
        self._live.close()
        del self._live, self._scorer  # First the old one goes, as in a program that is restarted.
        self._scorer = Scorer(self.model)
        self._live = LiveScorer(self._scorer, self._scorer.gate(), mode=Mode.VIDEO)
        self._now = 0
        self.counts["model opened anew"] += 1

    def _complain(self, text: str) -> None:
        self.counts["unexpected"] += 1
        if len(self.wrong) < 20:
            self.wrong.append(text)

    def sample(self) -> None:
        """Looks at the process."""
        self.samples.append(
            {
                "seconds": round(time.monotonic() - self._start, 1),
                "pictures": self.pictures,
                "rss_mb": round(resident_mb(), 2),
                "descriptors": len(os.listdir("/proc/self/fd")) - 1,
                "threads": threading.active_count(),
                "objects": len(gc.get_objects()),
                "blocks": sys.getallocatedblocks(),
            }
        )

    def report(self) -> dict[str, Any]:
        """Ready for JSON."""
        last = self.samples[-1]
        seconds = last["seconds"]
        return {
            "model": f"{self._scorer.contract.name} {self._scorer.contract.version}",
            "pictures": self.pictures,
            "seconds": seconds,
            "pictures_per_second": round(self.pictures / max(seconds, 1e-9), 1),
            "counts": dict(sorted(self.counts.items())),
            "refused": dict(sorted(self.refused.items())),
            "unexpected": self.counts["unexpected"],
            "unexpected_first": self.wrong,
            "rss_before_model_mb": self.rss_before_model_mb,
            **course(self.samples),
            "samples": self.samples,
        }


def course(samples: Sequence[dict[str, float]]) -> dict[str, Any]:
    """What samples say about the course of a run: memory at its turns, and slopes once warm."""
    last = samples[-1]
    after_tenth = [s for s in samples if s["seconds"] >= last["seconds"] / TOP] or list(samples)
    warm = [s for s in after_tenth if s["pictures"] > REOPEN_EVERY * CYCLE] or after_tenth
    return {
        "rss_mb": {
            "after_a_tenth": after_tenth[0]["rss_mb"],
            "warm": warm[0]["rss_mb"],
            "end": last["rss_mb"],
            "largest": max(s["rss_mb"] for s in samples),
        },
        "slope_mb_per_million": _slope(warm, "rss_mb", 1e6),
        "slope_objects_per_million": _slope(warm, "objects", 1e6),
        "slope_blocks_per_million": _slope(warm, "blocks", 1e6),
        "descriptors": [after_tenth[0]["descriptors"], last["descriptors"]],
        "threads": [after_tenth[0]["threads"], last["threads"]],
    }


def _slope(samples: list[dict[str, float]], key: str, per: float) -> float:
    """Of the least-squares line of `key` over pictures."""
    x = np.array([s["pictures"] for s in samples], float)
    y = np.array([s[key] for s in samples], float)
    spread = float(((x - x.mean()) ** 2).sum())
    return round(per * float(((x - x.mean()) * (y - y.mean())).sum()) / max(spread, 1e-9), 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; 1 if anything came out other than it should."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--frames", type=int, default=2_000_000, help="pictures of any kind")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(arguments)

    def show(soak: Soak) -> None:
        last = soak.samples[-1]
        print(" ".join(f"{key} {value}" for key, value in last.items()), flush=True)
        if args.json is not None:
            _write(args.json, args, soak.report())

    soak = Soak()
    soak.run(args.seconds, args.frames, show)
    report = soak.report()
    print(
        f"{report['pictures']} pictures in {report['seconds']:.0f} s, "
        f"{report['unexpected']} unexpected, {report['slope_mb_per_million']:+.2f} MB a million"
    )
    return 1 if soak.wrong else 0


def _write(path: Path, args: argparse.Namespace, run: dict[str, Any]) -> None:
    report = {
        "command": f"python scripts/stress/soak.py --seconds {args.seconds:g} "
        f"--frames {args.frames}",
        "versions": {
            "edgeiqa": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
        "processor": processor(),
        **run,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
