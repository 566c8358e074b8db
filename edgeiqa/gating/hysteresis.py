"""A verdict on a stream of frames that does not flicker: two thresholds and a hold time.

| situation | what happens |
| --- | --- |
| the first frame | judged as the gate judges it |
| a value between its two thresholds | as it was |
| a value beyond the far threshold, `hold_s` after the last change | the verdict changes at once |
| the same, earlier | the verdict waits until `hold_s` has passed |
| a value far on the wrong side, "sudden" | rejected at once, whatever the hold time |

So good news may wait and bad news may not: a smear is told on the very frame that shows it.
Between two changes lie at least `hold_s` seconds, but for a rejection that is sudden; an
acceptance is never hurried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeiqa.gating.gate import LOW_QUALITY, Gate, Reason, Verdict
from edgeiqa.quality import Quality


@dataclass(frozen=True)
class Band:
    """The thresholds of one value on a scale where more is worse.

    Attributes:
        limit: Of the gate: at most this much passes.
        fine: At most this much ends a rejection; at or below `limit`.
        bad: More than this ends an acceptance; at or above `limit`.
        sudden: More than this ends it at once; at or above `bad`, infinite where nothing does.
    """

    limit: float
    fine: float
    bad: float
    sudden: float

    def is_bad(self, value: float, was_bad: bool | None) -> bool:
        """Whether a value counts as bad; NaN always does.

        Args:
            value: The value.
            was_bad: What the one before counted as; None if there was none.
        """
        if was_bad is None:
            return not value <= self.limit
        return not value <= (self.fine if was_bad else self.bad)


def _band(limit: float, least: float, most: float, margin: float, sudden: float | None) -> Band:
    # Near an end of the scale a margin takes half of what is left: else the best value could not
    # end a rejection there, or the worst not end an acceptance.
    below, above = (limit - least) / 2, (most - limit) / 2
    far = math.inf if sudden is None else min(max(sudden, margin), above)
    # Rounded, so that 0.6 - 0.05 is the 0.55 that it is taken for.
    return Band(
        limit,
        min(limit, round(limit - min(margin, below), 9)),
        max(limit, round(limit + min(margin, above), 9)),
        max(limit, round(limit + far, 9)),
    )


class LiveGate:
    """Applies a gate to the frames of a stream, in their order.

    The thresholds follow from those of the gate: to be accepted again the score must reach
    `min_score + margin`, to be rejected it must fall below `min_score - margin`; a cause must
    fall to its limit minus `cause_margin`, or rise above its limit plus `cause_margin`. Near the
    ends of the scale a margin takes at most half of what is left.

    The reasons of a rejection name the gate's own threshold where that is not met, and else the
    one that ends the rejection. While nothing is wrong any more but the hold time has not passed,
    they are those of the last frame with which something was wrong.

    Not for several threads at a time.

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

        The default of `margin` is what a shift by one to four pixels does to the scores of the
        model base in 19 of 20 photographs (docs/reports/measurements.md, stability); take more
        where the score moves more from frame to frame.

        Args:
            gate: What to apply.
            hold_s: Seconds that a verdict stays, at least; 0 for no hold time.
            margin: Half the distance between the two thresholds of the score, in points.
            cause_margin: The same for causes, in units of severity.
            sudden: A score below `min_score` by more than this many points rejects at once, in
                spite of the hold time; None: none does. Never less than `margin`.
            cause_sudden: The same for causes above their limits, in units of severity.

        Raises:
            ValueError: A negative or infinite number, or NaN.
            TypeError: Something else than a number.
        """
        numbers = {"hold_s": hold_s, "margin": margin, "cause_margin": cause_margin}
        optional = {"sudden": sudden, "cause_sudden": cause_sudden}
        numbers |= {name: value for name, value in optional.items() if value is not None}
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} is {value!r}, expected a number")
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value!r}, expected a finite number from 0 on")
        self.gate = gate
        self.hold_ns = round(hold_s * 1e9)
        self._bands = {LOW_QUALITY: _band(-gate.min_score, -100, 0, margin, sudden)} | {
            cause: _band(limit, 0, 1, cause_margin, cause_sudden)
            for cause, limit in gate.max_causes.items()
        }
        self.reset()

    def reset(self) -> None:
        """Forgets all frames, as before a new stream; timestamps may start anew."""
        self._bad: dict[str, bool] = {}
        self._last_ns: int | None = None
        self._changed_ns = 0
        self._told: Verdict | None = None

    def __call__(self, quality: Quality, timestamp_ns: int) -> Verdict:
        """Judges the next frame.

        Args:
            quality: Of the frame; smoothed over a few frames if single ones are noisy.
            timestamp_ns: When it was taken, in nanoseconds of any clock.

        Returns:
            The verdict that stands with this frame.

        Raises:
            ValueError: The frame is not later than the one before. Nothing has changed then, and
                the next frame is welcome.
            TypeError: `timestamp_ns` is no integer.
        """
        now = _nanoseconds(timestamp_ns)
        if self._last_ns is not None and now <= self._last_ns:
            raise ValueError(
                f"timestamp_ns is {now}, expected later than the {self._last_ns} of the frame "
                "before; call reset() to begin a new stream"
            )
        self._last_ns = now
        sudden = self._look(quality)
        failing = [self._reason(name, quality) for name, bad in self._bad.items() if bad]
        verdict = self.gate.verdict(quality, failing)
        if self._told is None:
            changes = True
        elif verdict.accept == self._told.accept:
            # The same as ever; the reasons are those of now.
            self._told = verdict
            return verdict
        else:
            held = now - self._changed_ns < self.hold_ns
            changes = not held or (sudden and not verdict.accept)
        if changes:
            self._changed_ns, self._told = now, verdict
        assert self._told is not None
        return self._told

    def _look(self, quality: Quality) -> bool:
        """Takes in what each value counts as; returns whether one is suddenly bad."""
        before, self._bad = self._bad, {}
        sudden = False
        for name, band in self._bands.items():
            value = _value(name, quality)
            if value is None:  # A cause that this model, or this frame, tells nothing about.
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
    """A value on a scale where more is worse: a score with its sign turned, which is exact."""
    return -quality.score if name == LOW_QUALITY else quality.causes.get(name)


def _nanoseconds(timestamp: int) -> int:
    try:
        if isinstance(timestamp, bool):
            raise TypeError
        return timestamp.__index__()  # NumPy's integers as well
    except (AttributeError, TypeError):
        raise TypeError(f"timestamp_ns is {timestamp!r}, expected an integer") from None
