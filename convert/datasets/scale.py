"""From a database's own scale to 0-1, higher is better."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import DataError


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale of scores.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        lower_is_better: True for scores of degradation, such as DMOS.
    """

    low: float
    high: float
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise DataError(f"a scale must run from low to high, got {self.low} to {self.high}")

    def mos(self, score: float, what: str) -> float:
        """A score on 0-1, higher is better.

        Args:
            score: On this scale.
            what: File or line, for the message.

        Raises:
            DataError: The score is outside the scale: not the table that was expected.
        """
        if not self.low <= score <= self.high:  # NaN fails too
            raise DataError(f"{what}: score {score:g} is not within {self.low:g} to {self.high:g}")
        share = (score - self.low) / (self.high - self.low)
        return 1.0 - share if self.lower_is_better else share

    def std(self, deviation: float) -> float:
        """A standard deviation in units of 0-1."""
        return deviation / (self.high - self.low)
