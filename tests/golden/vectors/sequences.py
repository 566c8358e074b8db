"""Values in, verdicts out: the gate, its hysteresis, smoothing, and smoothing before the gate."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

from edgeiqa import Gate, LiveGate, LiveScorer, Mode, Quality, Smoother, Verdict
from tests.golden.vectors.internals import CAUSE_NAMES

Document = dict[str, Any]
Frame = dict[str, Any]

_LIMITS = {
    **{"blur": 0.5, "noise": 0.5, "dark": 0.77, "bright": 0.91, "compression": 0.5},
    "low_contrast": 0.5,
}


def everything() -> Document:
    """All sequences by kind."""
    return {
        "gate": list(gates()),
        "liveGate": list(live_gates()),
        "smoother": list(smoothers()),
        "live": list(lives()),
    }


def gates() -> Iterator[Document]:
    """Single qualities and their verdicts."""
    random_ = random.Random(14)
    for name, min_score, limits in (
        ("no limits", 50.0, {}),
        ("the shipped limits", 57.5, _LIMITS),
        ("zero and one", 0.0, {"dark": 0.0, "blur": 1.0}),
        ("everything is too bad", 100.0, {"noise": 0.1}),
    ):
        gate = Gate(min_score=min_score, max_causes=limits)
        qualities = [
            *((min_score, {}), (math.nextafter(min_score, -1), {}), (math.nan, {})),
            (min_score, dict(limits)),
            (min_score, {cause: min(1.0, limit + 1e-6) for cause, limit in limits.items()}),
            (99.0, {"blur": math.nan, "dark": 1.0, "haze": 0.9}),
            (0.0, dict.fromkeys(CAUSE_NAMES, 1.0)),
            (0.0, dict.fromkeys(CAUSE_NAMES, 0.0)),
        ]
        for _ in range(20):
            chosen = random_.sample(CAUSE_NAMES, random_.randint(0, len(CAUSE_NAMES)))
            causes = {c: round(random_.random(), 3) for c in CAUSE_NAMES if c in chosen}
            qualities.append((round(random_.uniform(0, 100), 2), causes))
        verdicts = [gate(Quality(s, causes=c)) for s, c in qualities]
        yield {
            "name": name,
            "gate": _gate(gate),
            "qualities": [_quality(Quality(s, causes=c)) for s, c in qualities],
            "verdicts": [_verdict(v) for v in verdicts],
            "sentences": [[reason.sentence for reason in v.reasons] for v in verdicts],
        }


def live_gates() -> Iterator[Document]:
    """Hysteresis and hold time."""
    streams: tuple[tuple[str, Gate, Document, list[Frame]], ...] = (
        ("defaults, noise around the threshold", _SCORE, {}, _wander(1, 120, 50, 6)),
        ("defaults, shipped limits", _SHIPPED, {}, _wander(2, 200, 58, 12, causes=0.6)),
        ("no hold time", _SCORE, {"holdS": 0}, _wander(3, 80, 50, 6)),
        ("long hold time", _SHIPPED, {"holdS": 2.5}, _wander(4, 150, 58, 15, causes=0.5)),
        ("no margins", _SHIPPED, {"margin": 0, "causeMargin": 0}, _wander(5, 80, 58, 5)),
        ("nothing is sudden", _SHIPPED, {"sudden": None, "causeSudden": None}, _wander(6, 90, 58)),
        ("wide margins at the ends", _ENDS, {"margin": 40, "causeMargin": 0.9}, _wander(7, 90, 9)),
        ("causes come and go", _SHIPPED, {}, _come_and_go()),
        ("single steps", _SCORE, {}, _steps(60, 49, 51, 20, 80, 80, 80, 80, 80, 80)),
        ("NaN", _SCORE, {"holdS": 0}, _steps(60, math.nan, 60, 60, 47, 51, 52)),
        ("time stands still", _SCORE, {}, _backwards()),
    )
    for name, gate, settings, frames in streams:
        live = LiveGate(gate, **{_SNAKE[key]: value for key, value in settings.items()})
        verdicts: list[Document | None] = []
        for frame in frames:
            try:
                verdicts.append(_verdict(live(_read(frame), frame["timestampNs"])))
            except ValueError:
                verdicts.append(None)
        yield {
            "name": name,
            "gate": _gate(gate),
            "settings": settings,
            "frames": [_write(frame) for frame in frames],
            "verdicts": verdicts,
        }


def smoothers() -> Iterator[Document]:
    """Smoothing over time."""
    for name, settings, frames in (
        ("defaults", {}, _wander(11, 150, 55, 5, causes=0.3)),
        ("jumps", {}, _jumps()),
        ("slow", {"timeConstantS": 2.0}, _wander(12, 80, 55, 10, causes=0.4)),
        ("none", {"timeConstantS": 0}, _wander(13, 30, 55, 10)),
        ("small jumps", {"leastJump": 1.0, "leastCauseJump": 0.02}, _wander(14, 80, 55, 9)),
        ("pauses", {}, _pauses()),
        ("causes come and go", {}, _come_and_go()),
        ("time stands still", {}, _backwards()),
    ):
        smoother = Smoother(
            settings.get("timeConstantS", 0.4),
            min_jump=settings.get("leastJump", 8.0),
            min_cause_jump=settings.get("leastCauseJump", 0.15),
        )
        smoothed: list[Document | None] = []
        for frame in frames:
            try:
                smoothed.append(_quality(smoother.update(_read(frame), frame["timestampNs"])))
            except ValueError:
                smoothed.append(None)
        yield {
            "name": name,
            "settings": settings,
            "frames": [_write(frame) for frame in frames],
            "smoothed": smoothed,
        }


def lives() -> Iterator[Document]:
    """Smoothing, then the gate with hysteresis, all with their defaults."""
    for name, gate, frames in (
        ("a camera in a steady hand", _SHIPPED, _wander(21, 150, 70, 4, causes=0.3)),
        ("at the threshold", _SHIPPED, _wander(22, 200, 57.5, 6, causes=0.5)),
        ("smeared, dark, good again", _SHIPPED, _story()),
        ("causes come and go", _SHIPPED, _come_and_go()),
        ("jumps", _SCORE, _jumps()),
        ("pauses", _SHIPPED, _pauses()),
    ):
        live = LiveScorer(_AsItIs(), gate, mode=Mode.VIDEO)
        smoothed, verdicts = [], []
        for frame in frames:
            result = live.score(_read(frame), frame["timestampNs"])
            assert result.smoothed is not None
            assert result.verdict is not None
            smoothed.append(_quality(result.smoothed))
            verdicts.append(_verdict(result.verdict))
        yield {
            "name": name,
            "gate": _gate(gate),
            "frames": [_write(frame) for frame in frames],
            "smoothed": smoothed,
            "verdicts": verdicts,
        }


class _AsItIs:
    """Takes qualities for frames, so that a `LiveScorer` judges those that a test makes."""

    def score(self, quality: Quality, /) -> Quality:
        return quality


_SCORE = Gate(min_score=50)
_SHIPPED = Gate(min_score=57.5, max_causes=_LIMITS)
_ENDS = Gate(min_score=2, max_causes={"blur": 0.02, "noise": 0.99, "dark": 0.0, "bright": 1.0})
_SNAKE = {
    **{"holdS": "hold_s", "margin": "margin", "causeMargin": "cause_margin"},
    **{"sudden": "sudden", "causeSudden": "cause_sudden"},
}


def _frame(time_ns: int, score: float, causes: dict[str, float], std: float | None = None) -> Frame:
    return {"timestampNs": time_ns, "score": score, "std": std, "causes": causes}


def _wander(
    seed: int, count: int, centre: float, spread: float = 8.0, *, causes: float = 0.0
) -> list[Frame]:
    """A random walk that is drawn to `centre`, at an uneven rate of about 20 frames a second."""
    random_ = random.Random(seed)
    time_ns, score, levels = 10**9, float(centre), [causes] * len(CAUSE_NAMES)
    frames = []
    for _ in range(count):
        time_ns += random_.choice((16_666_667, 33_333_333, 50_000_000, 120_000_001))
        score += 0.2 * (centre - score) + random_.gauss(0, spread / 3)
        if random_.random() < 0.05:
            score += random_.choice((-3, 3)) * spread
        score = min(max(score, 0.0), 100.0)
        levels = [
            min(max(v + 0.1 * (causes - v) + random_.gauss(0, 0.08), 0.0), 1.0) for v in levels
        ]
        told = {n: round(v, 4) for n, v in zip(CAUSE_NAMES, levels, strict=True)} if causes else {}
        frames.append(_frame(time_ns, round(score, 3), told, round(random_.uniform(3, 9), 3)))
    return frames


def _steps(*scores: float) -> list[Frame]:
    return [_frame(10**8 * n, score, {}) for n, score in enumerate(scores)]


def _jumps() -> list[Frame]:
    """One odd frame, two, three; up and down."""
    scores = [70.0] * 8 + [20.0] + [70.0] * 5 + [20.0] * 6 + [75.0] + [20.0] * 3 + [75.0] * 2
    scores += [20.0] * 2 + [75.0] * 8 + [95.0, 40.0, 95.0, 40.0] + [75.0] * 6
    frames = []
    for number, score in enumerate(scores):
        blur = 0.1 if score > 50 else 0.8
        frames.append(_frame(40_000_000 * number, score, {"blur": blur}, 5.0 + number % 3))
    return frames


def _pauses() -> list[Frame]:
    frames = _wander(15, 60, 60, 9, causes=0.3)
    for number in range(20, 60):
        frames[number]["timestampNs"] += 2_000_000_000
    for number in range(40, 60):
        frames[number]["timestampNs"] += 1_700_000_000
    return frames


def _come_and_go() -> list[Frame]:
    frames = _wander(16, 90, 62, 9, causes=0.5)
    for number, frame in enumerate(frames):
        if number // 15 % 2:
            frame["causes"].pop("noise")
        if number // 9 % 3 == 2:
            frame["causes"] = {}
        if number // 20 % 2:
            frame["std"] = None
    return frames


def _backwards() -> list[Frame]:
    times = (100, 200, 200, 150, 250, 10, 300)
    scores = (60.0, 61.0, 20.0, 20.0, 62.0, 20.0, 63.0)
    return [_frame(t * 10**6, s, {}) for t, s in zip(times, scores, strict=True)]


def _story() -> list[Frame]:
    """Sharp, smeared, sharp, dark, sharp: two seconds each at 15 frames a second."""
    random_ = random.Random(17)
    frames = []
    for number in range(150):
        part = number // 30
        score, blur, dark = ((72, 0.1, 0.0), (31, 0.9, 0.0), (72, 0.1, 0.0), (22, 0.4, 0.95))[
            part % 4
        ]
        causes = {"blur": blur + random_.uniform(-0.05, 0.05), "dark": dark}
        causes = {name: round(value, 4) for name, value in causes.items()}
        seen = round(score + random_.gauss(0, 1.5), 3)
        frames.append(_frame(66_666_667 * number, seen, causes, 6.0))
    return frames


def _read(frame: Frame) -> Quality:
    return Quality(frame["score"], frame["std"], causes=frame["causes"])


def _write(frame: Frame) -> Frame:
    """JSON has no NaN: it is the text "NaN"."""
    return {**frame, "score": _number(frame["score"])}


def _gate(gate: Gate) -> Document:
    return {"minScore": gate.min_score, "maxCauses": gate.max_causes}


def _quality(quality: Quality) -> Document:
    causes = {name: _number(value) for name, value in quality.causes.items()}
    return {"score": _number(quality.score), "std": quality.std, "causes": causes}


def _verdict(verdict: Verdict) -> Document:
    reasons: Sequence[Any] = verdict.to_dict()["reasons"]
    return {
        "accept": verdict.accept,
        "reasons": [{**reason, "value": _number(reason["value"])} for reason in reasons],
    }


def _number(value: float) -> float | str:
    return "NaN" if math.isnan(value) else value
