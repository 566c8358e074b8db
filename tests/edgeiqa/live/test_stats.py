"""Counts and rates of a stream, on a clock of the test's own."""

from __future__ import annotations

import json

import pytest

from edgeiqa.live.stats import WINDOW, LiveMeter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rates_latencies_and_counts() -> None:
    clock = Clock()
    meter = LiveMeter(clock)
    for number in range(300):
        meter.arrived()
        if number % 3 == 0:
            meter.scored(float(number))
        else:
            meter.dropped()
        clock.now += 1 / 30
    meter.failed()
    meter.callback_failed()
    stats = meter.stats()
    assert (stats.frames_in, stats.scored, stats.dropped) == (300, 100, 200)
    assert (stats.errors, stats.callback_errors) == (1, 1)
    assert stats.fps_in == pytest.approx(30, rel=0.01)
    assert stats.fps_scored == pytest.approx(10, rel=0.01)
    latencies = (stats.latency_p50_ms, stats.latency_p90_ms, stats.latency_p99_ms)
    assert latencies == (147.0, 267.0, 294.0)
    assert json.loads(json.dumps(stats.to_dict()))["scored"] == 100


def test_rates_sink_when_nothing_comes() -> None:
    clock = Clock()
    meter = LiveMeter(clock)
    for _ in range(100):
        meter.arrived()
        clock.now += 0.01
    assert meter.stats().fps_in == pytest.approx(100)
    clock.now += 2
    assert meter.stats().fps_in < 40
    clock.now += 10
    assert meter.stats().fps_in == 0.0


def test_nothing_yet() -> None:
    stats = LiveMeter().stats()
    assert (stats.fps_in, stats.fps_scored, stats.latency_p50_ms) == (0.0, 0.0, None)


def test_memory_is_bounded() -> None:
    meter = LiveMeter()
    for number in range(3 * WINDOW):
        meter.arrived()
        meter.scored(float(number))
    assert meter.stats().latency_p50_ms == pytest.approx(2.5 * WINDOW, rel=0.01)
