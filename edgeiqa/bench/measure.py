"""Runs ours and the others' in turns, and keeps the times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgeiqa.bench.environment import forget_peak, peak_rss_mb, rss_mb
from edgeiqa.bench.inputs import Subject
from edgeiqa.bench.opencv_baselines import Rival
from edgeiqa.bench.profiler import STAGES, Lap, Stopwatch, tapped
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer

PERCENTILES = (50, 90, 99)

BAR = 1.0
"""A frame is to cost no more outside the networks than within the one that gives the score."""


def spread(nanoseconds: Sequence[int]) -> dict[str, float]:
    """What is told of some times.

    Args:
        nanoseconds: At least one.

    Returns:
        Milliseconds: "p50", "p90" and "p99", interpolated between neighbours as
        `numpy.percentile` does, and "min".
    """
    milliseconds = np.asarray(nanoseconds, dtype=np.float64) / 1e6
    found = np.percentile(milliseconds, PERCENTILES)
    told = {f"p{p}": round(float(v), 4) for p, v in zip(PERCENTILES, found, strict=True)}
    return {**told, "min": round(float(milliseconds.min()), 4)}


def summary(laps: Sequence[Lap]) -> dict[str, Any]:
    """What is told of some runs.

    Args:
        laps: At least one.

    Returns:
        Ready for JSON: "stages" (per stage what `spread` says; stages that were never entered
        are left out), "total", "outside" and "inside" (likewise), "ratio" with the quotient
        outside / inside of the medians ("p50") and of the fastest ("min"), and the mean sum of
        the stages over the mean total ("accounted").
    """
    entered = [name for name in STAGES if any(name in lap.stages for lap in laps)]
    outside, inside = spread([lap.outside for lap in laps]), spread([lap.inside for lap in laps])
    total = sum(lap.total for lap in laps)
    return {
        "stages": {n: spread([lap.stages.get(n, 0) for lap in laps]) for n in entered},
        "total": spread([lap.total for lap in laps]),
        "outside": outside,
        "inside": inside,
        "ratio": {
            key: round(outside[key] / inside[key], 3) if inside[key] else None
            for key in ("p50", "min")
        },
        "accounted": round(sum(sum(lap.stages.values()) for lap in laps) / max(total, 1), 6),
    }


WARM_UP = 5
"""Runs that are not counted, of everything."""

RIVAL_SECONDS = 15.0
"""No rival gets more turns once it has had this long; it has had `RIVAL_LEAST` by then."""

RIVAL_LEAST = 5


def once(scorer: Scorer, subject: Subject, watch: Stopwatch) -> tuple[Quality, Lap]:
    """One score, from the file or the buffer on; timed by stages under `tapped`."""
    source = subject.source
    if isinstance(source, str):
        path = source
        return watch.lap(lambda: scorer.score(path))
    make = watch.timed("frame", source)
    return watch.lap(lambda: scorer.score(make()))


def memory(scorer: Scorer, subjects: Sequence[Subject], runs: int = WARM_UP) -> dict[str, Any]:
    """What scoring takes, before anything else (OpenCV, say) has been loaded.

    Args:
        scorer: Opened.
        subjects: Each is scored so many times.
        runs: At least 1; they also serve as warm-up.

    Returns:
        Megabytes of 10**6 of the process in RAM: "idle", with the subjects in memory but before
        the first run; "after" the last one; "peak", the most in between, None where the kernel
        cannot tell.
    """
    idle = rss_mb()
    forgotten = forget_peak()
    for subject in subjects:
        for _ in range(runs):
            once(scorer, subject, Stopwatch())
    told = {"idle": idle, "after": rss_mb(), "peak": peak_rss_mb() if forgotten else None}
    return {key: None if value is None else round(value, 1) for key, value in told.items()}


def measure(
    scorer: Scorer,
    subject: Subject,
    rivals: Sequence[Rival] = (),
    *,
    runs: int = 100,
    on_round: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Times one subject: in every round ours once and each rival once.

    In turns, so that what else the machine does in the meantime hits all alike.

    Args:
        scorer: Opened.
        subject: What to score.
        rivals: What else to run.
        runs: Rounds that count, at least 1; `WARM_UP` more come first.
        on_round: Told after each round, the warm-up's too.

    Returns:
        Ready for JSON: the subject's facts, "score", what `summary` says, "bar" for frames
        (whether the time outside the networks is at most `BAR` times that inside the network
        for the score, by the medians) and "rivals": a list of "name", "about", "runs", the
        times, and "ratio", its median over ours; or "error".
    """
    watch = Stopwatch()
    laps: list[Lap] = []
    times: dict[str, list[int]] = {rival.name: [] for rival in rivals}
    errors: dict[str, str] = {}
    frame = subject.source if isinstance(subject.source, str) else subject.source()
    with tapped(watch, scorer):
        for number in range(WARM_UP + runs):
            warm = number < WARM_UP
            quality, lap = once(scorer, subject, watch)
            if not warm:
                laps.append(lap)
            for rival in rivals:
                spent = times[rival.name]
                if rival.name in errors or _has_had_enough(spent):
                    continue
                start = time.perf_counter_ns()
                try:
                    rival.call(frame)
                except Exception as error:  # Another's failure is no reason to lose ours.
                    errors[rival.name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
                    continue
                taken = time.perf_counter_ns() - start
                if not warm:
                    spent.append(taken)
            on_round()
    found = summary(laps)
    report = {"name": subject.name, **subject.facts, "runs": runs, "score": round(quality.score, 2)}
    report |= found
    ratio = found["ratio"]["p50"]
    if subject.facts["kind"] == "frame" and ratio is not None:
        report["bar"] = {"at_most": BAR, "holds": ratio <= BAR}
    ours = found["total"]["p50"]
    report["rivals"] = [_told(r, times[r.name], errors.get(r.name), ours) for r in rivals]
    return report


def _has_had_enough(times: Sequence[int]) -> bool:
    return len(times) >= RIVAL_LEAST and sum(times) > RIVAL_SECONDS * 1e9


def _told(rival: Rival, times: Sequence[int], error: str | None, ours: float) -> dict[str, Any]:
    told: dict[str, Any] = {"name": rival.name, "about": rival.about, "runs": len(times)}
    if error is not None or not times:
        return {**told, "error": error or "no run"}
    figures = spread(times)
    return {**told, **figures, "ratio": round(figures["p50"] / ours, 3)}
