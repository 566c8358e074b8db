"""Steady verdicts on a stream of frames: hysteresis with two thresholds and a hold time.

| situation | verdict |
| --- | --- |
| the first frame | that of the gate |
| a value between its two thresholds | unchanged |
| a value beyond the far threshold, `hold_s` after the last change | changes at once |
| the same, earlier | changes when `hold_s` has passed |
| a value far on the wrong side ("sudden"), or a damaged frame | rejected at once |

Acceptance may wait, rejection may not: a smeared frame is rejected at once. Except for such sudden
rejections, at least `hold_s` seconds lie between two changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeiqa.gating.gate import LOW_QUALITY, Gate, Reason, Verdict, damaged
from edgeiqa.quality import Quality


@dataclass(frozen=True)
class Band:
    """The thresholds of one value on a scale where higher is worse.

    Attributes:
        limit: The limit of the gate; equal values pass.
        fine: Values up to this end a rejection; at or below `limit`.
        bad: Values above this end an acceptance; at or above `limit`.
        sudden: Values above this end it at once; at or above `bad`, or infinite.
    """

    limit: float
    fine: float
    bad: float
    sudden: float

    def is_bad(self, value: float, was_bad: bool | None) -> bool:
        """Returns whether a value counts as bad; NaN always does.

        Args:
            value: The value.
            was_bad: Whether the previous value was bad; None if there was none.
        """
        if was_bad is None:
            return not value <= self.limit
        return not value <= (self.fine if was_bad else self.bad)


def _band(limit: float, least: float, most: float, margin: float, sudden: float | None) -> Band:
    # Near an end of the scale a margin takes half of what is left. Otherwise the best value could
    # not end a rejection, or the worst an acceptance.
    below, above = (limit - least) / 2, (most - limit) / 2
    far = math.inf if sudden is None else min(max(sudden, margin), above)
    # Rounded, so that 0.6 - 0.05 is exactly 0.55.
    return Band(
        limit,
        min(limit, round(limit - min(margin, below), 9)),
        max(limit, round(limit + min(margin, above), 9)),
        max(limit, round(limit + far, 9)),
    )


class LiveGate:
    """Applies a gate to the frames of a stream, in order. Not thread-safe.

    The thresholds derive from those of the gate: a rejected stream is accepted again once the
    score reaches `min_score + margin` and every cause has fallen to its limit minus
    `cause_margin`; an accepted one is rejected once the score falls below `min_score - margin` or
    a cause rises above its limit plus `cause_margin`. Near the ends of the scale a margin takes at
    most half of what is left.

    The reasons of a rejection give the gate's own threshold if it is not met, otherwise the one
    that would end the rejection. While the hold time delays an acceptance, they are those of the
    last bad frame.

    >>> live = LiveGate(Gate(min_score=50))
    >>> [live(Quality(score), 10**8 * n).accept for n, score in enumerate((60, 49, 51, 20))]
    [True, True, True, False]

    Attributes:
        gate: The gate.
        hold_ns: The hold time in nanoseconds.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        hold_s: float = 0.5,
        margin: float = 2.0,
        cause_margin: float = 0.05,
        sudden: float | None = 8.0,
        cause_sudden: float | None = 0.2,
    ) -> None:
        """Sets the thresholds.

        In 19 of 20 photographs, a shift by one to four pixels changes the score of the model base
        by at most the default `margin` (docs/reports/measurements.md, stability). Raise it if the
        score varies more from frame to frame.

        Args:
            gate: The gate to apply.
            hold_s: Minimum time in seconds between two changes; 0 for none.
            margin: Half the distance between the two thresholds of the score, in points.
            cause_margin: The same for causes, in units of severity.
            sudden: A score more than this many points below `min_score` rejects at once,
                regardless of the hold time; None for never. At least `margin`.
            cause_sudden: The same for causes above their limits, in units of severity.

        Raises:
            ValueError: A negative or infinite number, or NaN.
            TypeError: An argument is not a number.
        """
        numbers = {"hold_s": hold_s, "margin": margin, "cause_margin": cause_margin}
        optional = {"sudden": sudden, "cause_sudden": cause_sudden}
        numbers |= {name: value for name, value in optional.items() if value is not None}
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} is {value!r}, expected a number")
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value!r}, expected a finite number of at least 0")
        self.gate = gate
        self.hold_ns = round(hold_s * 1e9)
        self._bands = {LOW_QUALITY: _band(-gate.min_score, -100, 0, margin, sudden)} | {
            cause: _band(limit, 0, 1, cause_margin, cause_sudden)
            for cause, limit in gate.max_causes.items()
        }
        self.reset()

    def reset(self) -> None:
        """Forgets all frames before a new stream; timestamps may start again."""
        self._bad: dict[str, bool] = {}
        self._last_ns: int | None = None
        self._changed_ns = 0
        self._verdict: Verdict | None = None

    def __call__(self, quality: Quality, timestamp_ns: int) -> Verdict:
        """Judges the next frame.

        Args:
            quality: Quality of the frame, smoothed over a few frames if it is noisy.
            timestamp_ns: Time of the frame, in nanoseconds of any clock.

        Returns:
            The current verdict.

        Raises:
            ValueError: The frame is not later than the previous one. It is ignored, and the next
                frame can be judged.
            TypeError: `timestamp_ns` is not an integer.
        """
        now = _nanoseconds(timestamp_ns)
        if self._last_ns is not None and now <= self._last_ns:
            raise ValueError(
                f"timestamp_ns is {now}, expected more than the {self._last_ns} of the previous "
                "frame; call reset() to begin a new stream"
            )
        self._last_ns = now
        sudden = self._update(quality)
        failing = [self._reason(name, quality) for name, bad in self._bad.items() if bad]
        if quality.damaged and self.gate.reject_damaged:
            failing.append(damaged(quality))
            sudden = True
        verdict = self.gate.verdict(quality, failing)
        current = self._verdict
        if current is not None and verdict.accept == current.accept:
            self._verdict = verdict  # Unchanged, but with the latest reasons.
            return verdict
        held = current is not None and now - self._changed_ns < self.hold_ns
        if current is None or not held or (sudden and not verdict.accept):
            self._changed_ns, current = now, verdict
        self._verdict = current
        return current

    def _update(self, quality: Quality) -> bool:
        """Updates which values are bad; returns whether one is suddenly bad."""
        before, self._bad = self._bad, {}
        sudden = False
        for name, band in self._bands.items():
            value = _value(name, quality)
            if value is None:  # The cause was not measured.
                continue
            self._bad[name] = band.is_bad(value, before.get(name))
            sudden |= not value <= band.sudden
        return sudden

    def _reason(self, name: str, quality: Quality) -> Reason:
        band = self._bands[name]
        if name == LOW_QUALITY:
            passes = quality.score >= self.gate.min_score
            least = -band.fine if passes else self.gate.min_score
            return Reason(name, quality.score, least)
        value = quality.causes[name]
        return Reason(name, value, band.fine if value <= band.limit else band.limit)

    def __repr__(self) -> str:
        return f"LiveGate({self.gate!r}, hold_s={self.hold_ns / 1e9:g})"


def _value(name: str, quality: Quality) -> float | None:
    """Returns a value on a scale where higher is worse; a score is negated, which is exact."""
    return -quality.score if name == LOW_QUALITY else quality.causes.get(name)


def _nanoseconds(timestamp: int) -> int:
    try:
        if isinstance(timestamp, bool):
            raise TypeError
        return timestamp.__index__()  # NumPy's integers as well
    except (AttributeError, TypeError):
        raise TypeError(f"timestamp_ns is {timestamp!r}, expected an integer") from None
