"""Smoothing and hysteresis together: from the qualities of a stream to steady verdicts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from edgeiqa.gate import Gate, Verdict
from edgeiqa.livegate import LiveGate
from edgeiqa.quality import Quality
from edgeiqa.smoothing import Smoother

AnyGate: TypeAlias = Gate | LiveGate | Callable[[Quality], Verdict]


class SteadyJudge:
    """Smooths a quality, then asks the gate; from one thread at a time."""

    def __init__(self, gate: AnyGate | None, smoother: Smoother | None) -> None:
        """Takes the parts.

        Args:
            gate: A `Gate` gets the hysteresis of `LiveGate` where there is a smoother.
            smoother: None judges every picture for itself.
        """
        steady = smoother is not None
        self._gate = LiveGate(gate) if steady and isinstance(gate, Gate) else gate
        self._smoother = smoother
        self._stream = 0
        self._lock = threading.Lock()

    def __call__(
        self, quality: Quality, timestamp_ns: int | None, stream: int
    ) -> tuple[Quality, Verdict | None]:
        """Judges the next frame.

        Args:
            quality: Of the frame.
            timestamp_ns: Rising within a stream; may be None where there is no smoother.
            stream: Another number than before begins anew.

        Returns:
            The smoothed quality; and the verdict on it, or None without a gate.
        """
        with self._lock:
            if stream != self._stream:
                self._stream = stream
                if self._smoother is not None:
                    self._smoother.reset()
                if isinstance(self._gate, LiveGate):
                    self._gate.reset()
            if self._smoother is not None and timestamp_ns is not None:
                quality = self._smoother.update(quality, timestamp_ns)
            if self._gate is None:
                return quality, None
            if isinstance(self._gate, LiveGate):
                return quality, self._gate(quality, timestamp_ns or 0)
            return quality, self._gate(quality)
