"""Times our scoring and the baselines in alternation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgeiqa.bench.environment import peak_rss_mb, reset_peak, rss_mb
from edgeiqa.bench.inputs import Subject
from edgeiqa.bench.opencv_baselines import Baseline
from edgeiqa.bench.profiler import STAGES, Lap, Stopwatch
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer
from edgeiqa.stages import stage, watched

PERCENTILES = (50, 90, 99)

BAR = 1.0
"""Target: time outside the networks, relative to the time inside the scoring network."""


def spread(nanoseconds: Sequence[int]) -> dict[str, float]:
    """Milliseconds "p50", "p90", "p99" (as `numpy.percentile`) and "min" of at least one time."""
    milliseconds = np.asarray(nanoseconds, dtype=np.float64) / 1e6
    found = np.percentile(milliseconds, PERCENTILES)
    percentiles = {f"p{p}": round(float(v), 4) for p, v in zip(PERCENTILES, found, strict=True)}
    return {**percentiles, "min": round(float(milliseconds.min()), 4)}


def summary(laps: Sequence[Lap]) -> dict[str, Any]:
    """Summarizes at least one run.

    Returns:
        JSON-ready: "stages" (`spread` per stage entered), "total", "outside" and "inside"
        (likewise), "ratio" with outside / inside of the medians ("p50") and of the fastest runs
        ("min"), and "accounted", the mean sum of the stages over the mean total.
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
"""Runs of everything that are not counted."""

BASELINE_SECONDS = 15.0
"""A baseline stops after this time, but not before `BASELINE_MIN_RUNS`."""

BASELINE_MIN_RUNS = 5


def once(scorer: Scorer, subject: Subject, watch: Stopwatch) -> tuple[Quality, Lap]:
    """Scores once, from the file or the buffer on; timed by stage while the watch is installed."""
    source = subject.source
    if isinstance(source, str):
        path = source
        return watch.lap(lambda: scorer.score(path))
    make = stage("frame")(source)
    return watch.lap(lambda: scorer.score(make()))


def memory(scorer: Scorer, subjects: Sequence[Subject], runs: int = WARM_UP) -> dict[str, Any]:
    """Measures memory, before OpenCV and the like are loaded.

    Args:
        scorer: An open scorer.
        subjects: What to score.
        runs: Runs of each subject, at least 1; they also serve as warm-up.

    Returns:
        Resident megabytes of 10**6: "idle", with the subjects in memory but before the first
        run; "after" the last one; "peak" in between; each None if unknown.
    """
    idle = rss_mb()
    resettable = reset_peak()
    for subject in subjects:
        for _ in range(runs):
            once(scorer, subject, Stopwatch())
    found = {"idle": idle, "after": rss_mb(), "peak": peak_rss_mb() if resettable else None}
    return {key: None if value is None else round(value, 1) for key, value in found.items()}


def measure(
    scorer: Scorer,
    subject: Subject,
    baselines: Sequence[Baseline] = (),
    *,
    runs: int = 100,
    on_round: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Times one subject: in every round our scoring once and each baseline once.

    In alternation, so that other load on the machine affects all alike.

    Args:
        scorer: An open scorer.
        subject: What to score.
        baselines: What else to run.
        runs: Rounds that count, at least 1, after `WARM_UP` others.
        on_round: Called after each round, including the warm-up.

    Returns:
        JSON-ready: the subject's facts, "score", the result of `summary`, "bar" for frames
        (whether the median time outside the networks is at most `BAR` times that inside the
        scoring network) and "rivals": a list of "name", "about", "runs", the times, and "ratio"
        of the median to ours; or "error".
    """
    watch = Stopwatch()
    laps: list[Lap] = []
    times: dict[str, list[int]] = {baseline.name: [] for baseline in baselines}
    errors: dict[str, str] = {}
    frame = subject.source if isinstance(subject.source, str) else subject.source()
    with watched(watch):
        for number in range(WARM_UP + runs):
            warm = number < WARM_UP
            quality, lap = once(scorer, subject, watch)
            if not warm:
                laps.append(lap)
            for baseline in baselines:
                spent = times[baseline.name]
                if baseline.name in errors or _has_enough(spent):
                    continue
                start = time.perf_counter_ns()
                try:
                    baseline.call(frame)
                except Exception as error:  # The other measurements are still of use.
                    reason = " ".join(str(error).split())
                    errors[baseline.name] = f"{type(error).__name__}: {reason}"
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
    report["rivals"] = [_row(b, times[b.name], errors.get(b.name), ours) for b in baselines]
    return report


def _has_enough(times: Sequence[int]) -> bool:
    return len(times) >= BASELINE_MIN_RUNS and sum(times) > BASELINE_SECONDS * 1e9


def _row(
    baseline: Baseline, times: Sequence[int], error: str | None, ours: float
) -> dict[str, Any]:
    row: dict[str, Any] = {"name": baseline.name, "about": baseline.about, "runs": len(times)}
    if error is not None or not times:
        return {**row, "error": error or "no run"}
    figures = spread(times)
    return {**row, **figures, "ratio": round(figures["p50"] / ours, 3)}
