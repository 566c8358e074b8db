"""The result for one frame of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeiqa.gating.gate import Verdict
from edgeiqa.imaging.frame import Frame
from edgeiqa.quality import Quality
from edgeiqa.results.row import rounded_reason


@dataclass(frozen=True, eq=False)
class LiveResult:
    """The result for one frame.

    Attributes:
        timestamp_ns: Of the frame; None only in `Mode.IMAGE`.
        quality: Of this frame alone; None on error.
        smoothed: Smoothed over time, see `edgeiqa.live.smoothing`; `quality` itself without
            smoothing; None on error.
        verdict: On `smoothed`, with hysteresis; None without a gate or on error. It describes the
            stream: to choose single frames, use `gate(result.quality)`.
        latency_ms: Milliseconds from submitting the frame to this result.
        error: One line; None if the frame was scored.
        frame: What was scored, if `keep_frames` was set.
        dropped: Frames dropped between the previous result and this one.
    """

    timestamp_ns: int | None
    quality: Quality | None = None
    smoothed: Quality | None = None
    verdict: Verdict | None = None
    latency_ms: float = 0.0
    error: str | None = None
    frame: Frame | None = None
    dropped: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns a JSON-ready dict: scores with 2 decimals, severities with 3."""
        quality, smoothed, verdict = self.quality, self.smoothed, self.verdict
        std = None if smoothed is None else smoothed.std
        causes = {} if smoothed is None else smoothed.causes
        reasons = () if verdict is None else verdict.reasons
        return {
            "timestamp_ns": self.timestamp_ns,
            "score": None if quality is None else round(quality.score, 2),
            "smoothed": None if smoothed is None else round(smoothed.score, 2),
            "std": None if std is None else round(std, 2),
            "causes": {name: round(severity, 3) for name, severity in causes.items()},
            "accept": None if verdict is None else verdict.accept,
            "reasons": [rounded_reason(reason) for reason in reasons],
            "latency_ms": round(self.latency_ms, 2),
            "dropped": self.dropped,
            "error": self.error,
        }
