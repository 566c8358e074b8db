"""Steadies the qualities of a stream over time, and still tells a sudden smear at once.

Between jumps it is exponential smoothing with a time constant in seconds, so that it behaves
alike at 5 and at 60 frames a second: level += (1 - exp(-dt / time_constant)) * (value - level).

A value is *far off* when it differs from the level by more than `limit`, the larger of a least
jump and `JUMP_SPREADS` times the flicker: the mean absolute difference of consecutive values,
itself smoothed (`Quality.std` is something else, it tells how far the model may be off). Far
values do not move the level; they have to be confirmed, and then it jumps to the newest of them:

* for the worse by two far values in a row, so a smear is told with its second frame,
* for the better by three in a row, or by two that are a time constant apart.

So one odd frame changes nothing, whichever way it is off. After a pause of `STALE` time constants
what was before says nothing any more, and smoothing starts anew.
"""

from __future__ import annotations

import math
from dataclasses import replace

from edgeiqa.quality import Quality

TIME_CONSTANT_S = 0.4
LEAST_JUMP = 8.0
LEAST_CAUSE_JUMP = 0.15
JUMP_SPREADS = 4.0
STALE = 5.0

WORSE_AFTER, BETTER_AFTER = 2, 3
"""How many far values in a row make the level jump."""


class _Level:
    """One number over time; `sign` is 1 where higher is better and -1 where it is worse."""

    def __init__(self, value: float, least_jump: float, sign: int) -> None:
        self.value = value
        self._least_jump = least_jump
        self._sign = sign
        self._newest = value
        self._flicker = least_jump / JUMP_SPREADS / 2  # At first, that of a steady stream.
        self._far = 0  # Values far off in a row: below 0 for the worse, above 0 for the better.
        self._since = 0.0

    def update(self, value: float, step: float, time_constant: float) -> bool:
        """Takes the next value, `step` seconds after the last; returns whether the level jumped."""
        off = value - self.value
        limit = max(self._least_jump, JUMP_SPREADS * self._flicker)
        # Half as quick as the level; one wild value must not raise the limit beyond reach.
        weight = 1.0 - math.exp(-step / (2.0 * time_constant))
        self._flicker += weight * (min(abs(value - self._newest), limit) - self._flicker)
        self._newest = value
        if abs(off) <= limit:
            self._far = 0
            self.value += (1.0 - math.exp(-step / time_constant)) * off
            return False
        way = 1 if off * self._sign > 0 else -1
        if self._far * way <= 0:
            self._far, self._since = way, 0.0
            return False
        self._far += way
        self._since += step
        enough = WORSE_AFTER if way < 0 else BETTER_AFTER
        if abs(self._far) < enough and self._since < time_constant:
            return False
        self.jump(value)
        return True

    def jump(self, value: float) -> None:
        """Forgets the level for this value."""
        self.value, self._far = value, 0


class Smoother:
    """Smooths score, spread and causes of one stream.

    >>> smoother = Smoother()
    >>> steady = smoother.update(scorer.score(frame), frame.timestamp_ns)  # doctest: +SKIP
    """

    def __init__(
        self,
        time_constant_s: float = TIME_CONSTANT_S,
        *,
        least_jump: float = LEAST_JUMP,
        least_cause_jump: float = LEAST_CAUSE_JUMP,
    ) -> None:
        """Chooses how steady and how quick.

        Args:
            time_constant_s: Seconds after which a small change is told to 63%; 0 smooths nothing.
            least_jump: Points of the score, 0-100; changes up to here are always smoothed.
            least_cause_jump: The same for severities, 0-1.

        Raises:
            ValueError: A negative number, NaN, or a least jump of 0.
        """
        for name, value in (("least_jump", least_jump), ("least_cause_jump", least_cause_jump)):
            if not value > 0:
                raise ValueError(f"{name} is {value!r}, expected a number above 0")
        if not 0 <= time_constant_s < math.inf:
            raise ValueError(f"time_constant_s is {time_constant_s!r}, expected 0 or more seconds")
        self._time_constant = time_constant_s
        self._least_jump = least_jump
        self._least_cause_jump = least_cause_jump
        self._time_ns: int | None = None
        self._score = _Level(0.0, least_jump, 1)
        self._std: float | None = None
        self._causes: dict[str, _Level] = {}

    def reset(self) -> None:
        """Forgets everything: the next quality starts a new stream."""
        self._time_ns = None

    def update(self, quality: Quality, timestamp_ns: int) -> Quality:
        """Takes the quality of the next frame.

        Args:
            quality: As the model gave it.
            timestamp_ns: When the frame was taken; later than the one before.

        Returns:
            The same with `score`, `std` and `causes` smoothed. It has no histogram, as that
            belongs to a single frame; `attributes` are the newest. When the score jumps, `std`
            and all causes jump with it, so that they tell of the same frames.

        Raises:
            ValueError: `timestamp_ns` is not later than the last one; nothing is changed then.
        """
        step = math.inf
        if self._time_ns is not None:
            step = (timestamp_ns - self._time_ns) / 1e9
            if step <= 0:
                raise ValueError(
                    f"timestamp_ns is {timestamp_ns}, expected later than the {self._time_ns} "
                    "of the frame before"
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
        self._score = _Level(quality.score, self._least_jump, 1)
        self._std = quality.std
        self._causes = {
            name: _Level(severity, self._least_cause_jump, -1)
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
            level = self._causes.get(name) or _Level(severity, self._least_cause_jump, -1)
            level.update(severity, step, self._time_constant)
            if jumped:
                level.jump(severity)
            causes[name] = level
        self._causes = causes
