"""Smooths the qualities of a stream over time, yet follows a sudden change at once.

Between jumps this is exponential smoothing with a time constant in seconds, so that it behaves
alike at 5 and at 60 frames a second: level += (1 - exp(-dt / time_constant)) * (value - level).

A value is an *outlier* when it differs from the level by more than `limit`, the larger of a
minimum jump and `JUMP_SPREADS` times the flicker: the mean absolute difference of consecutive
values, itself smoothed (`Quality.std` is something else, the uncertainty of the model). Outliers
do not move the level until they are confirmed; then it jumps to the newest of them:

* downwards by two outliers in a row, so a blurred frame is confirmed by the next one,
* upwards by three in a row,
* either way by outliers that span a time constant, counting the step before the first of them: at
  2.5 frames a second or fewer, a single one.

So at camera rates one odd frame changes nothing in either direction, and at low rates the level
never lags a frame. After a pause of `STALE` time constants the past is irrelevant and smoothing
starts over.
"""

from __future__ import annotations

import math
from dataclasses import replace

from edgeiqa.quality import Quality

TIME_CONSTANT_S = 0.4
MIN_JUMP = 8.0
MIN_CAUSE_JUMP = 0.15
JUMP_SPREADS = 4.0
STALE = 5.0

WORSE_AFTER, BETTER_AFTER = 2, 3
"""Outliers in a row that make the level jump."""


class _Level:
    """One number over time; `sign` is 1 where higher is better and -1 where it is worse."""

    def __init__(self, value: float, min_jump: float, sign: int) -> None:
        self.value = value
        self._min_jump = min_jump
        self._sign = sign
        self._newest = value
        self._flicker = min_jump / JUMP_SPREADS / 2  # Initially that of a steady stream.
        self._outliers = 0  # In a row: negative for worse ones, positive for better ones.
        self._spanned = 0.0  # Seconds.

    def update(self, value: float, step: float, time_constant: float) -> bool:
        """Takes the next value, `step` seconds after the last; returns whether the level jumped."""
        off = value - self.value
        limit = max(self._min_jump, JUMP_SPREADS * self._flicker)
        # Half as fast as the level; one wild value must not raise the limit out of reach.
        weight = 1.0 - math.exp(-step / (2.0 * time_constant))
        self._flicker += weight * (min(abs(value - self._newest), limit) - self._flicker)
        self._newest = value
        if abs(off) <= limit:
            self._outliers = 0
            self.value += (1.0 - math.exp(-step / time_constant)) * off
            return False
        way = 1 if off * self._sign > 0 else -1
        if self._outliers * way <= 0:
            self._outliers, self._spanned = 0, 0.0
        self._outliers += way
        self._spanned += step
        enough = WORSE_AFTER if way < 0 else BETTER_AFTER
        if abs(self._outliers) < enough and self._spanned < time_constant:
            return False
        self.jump(value)
        return True

    def jump(self, value: float) -> None:
        """Replaces the level."""
        self.value, self._outliers = value, 0


class Smoother:
    """Smooths score, spread and causes of one stream.

    >>> smoother = Smoother()
    >>> steady = smoother.update(scorer.score(frame), frame.timestamp_ns)  # doctest: +SKIP
    """

    def __init__(
        self,
        time_constant_s: float = TIME_CONSTANT_S,
        *,
        min_jump: float = MIN_JUMP,
        min_cause_jump: float = MIN_CAUSE_JUMP,
    ) -> None:
        """Sets the constants.

        Args:
            time_constant_s: Seconds after which 63% of a small change is visible; 0 does not
                smooth.
            min_jump: Points of the score, 0-100; smaller changes are always smoothed.
            min_cause_jump: The same for severities, 0-1.

        Raises:
            ValueError: A negative number, NaN, or a minimum jump of 0.
        """
        for name, value in (("min_jump", min_jump), ("min_cause_jump", min_cause_jump)):
            if not value > 0:
                raise ValueError(f"{name} is {value!r}, expected a number above 0")
        if not 0 <= time_constant_s < math.inf:
            raise ValueError(f"time_constant_s is {time_constant_s!r}, expected 0 or more seconds")
        self._time_constant = time_constant_s
        self._min_jump = min_jump
        self._min_cause_jump = min_cause_jump
        self._time_ns: int | None = None
        self._score = _Level(0.0, min_jump, 1)
        self._std: float | None = None
        self._causes: dict[str, _Level] = {}

    def reset(self) -> None:
        """Forgets everything: the next quality starts a new stream."""
        self._time_ns = None

    def is_stale(self, timestamp_ns: int) -> bool:
        """Whether a frame comes so late that the past no longer counts; never without smoothing."""
        stale_s = STALE * self._time_constant
        return (
            stale_s > 0
            and self._time_ns is not None
            and (timestamp_ns - self._time_ns) / 1e9 >= stale_s
        )

    def update(self, quality: Quality, timestamp_ns: int) -> Quality:
        """Takes the quality of the next frame.

        Args:
            quality: From the model.
            timestamp_ns: When the frame was taken; later than the previous one.

        Returns:
            A copy with `score`, `std` and `causes` smoothed. It has no histogram, which belongs
            to a single frame; `attributes` are the newest. When the score jumps, `std` and all
            causes jump with it, so that they describe the same frames.

        Raises:
            ValueError: `timestamp_ns` is not later than the last one. The state is unchanged.
        """
        step = math.inf
        if self._time_ns is not None:
            step = (timestamp_ns - self._time_ns) / 1e9
            if step <= 0:
                raise ValueError(
                    f"timestamp_ns is {timestamp_ns}, expected later than {self._time_ns} of the "
                    "previous frame"
                )
        self._time_ns = timestamp_ns
        if step >= STALE * self._time_constant:
            self._start(quality)
        else:
            self._step(quality, step)
        return replace(
            quality,
            score=self._score.value,
            std=self._std,
            histogram=None,
            bins=None,
            causes={name: min(max(level.value, 0.0), 1.0) for name, level in self._causes.items()},
        )

    def _start(self, quality: Quality) -> None:
        self._score = _Level(quality.score, self._min_jump, 1)
        self._std = quality.std
        self._causes = {
            name: _Level(severity, self._min_cause_jump, -1)
            for name, severity in quality.causes.items()
        }

    def _step(self, quality: Quality, step: float) -> None:
        jumped = self._score.update(quality.score, step, self._time_constant)
        weight = 1.0 if jumped else 1.0 - math.exp(-step / self._time_constant)
        if quality.std is None or self._std is None:
            self._std = quality.std
        else:
            self._std += weight * (quality.std - self._std)
        causes: dict[str, _Level] = {}
        for name, severity in quality.causes.items():
            level = self._causes.get(name) or _Level(severity, self._min_cause_jump, -1)
            level.update(severity, step, self._time_constant)
            if jumped:
                level.jump(severity)
            causes[name] = level
        self._causes = causes
