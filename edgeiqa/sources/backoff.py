"""How long to wait before a lost camera is tried again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Waits that grow from one failed try to the next, always in the same way.

    Attributes:
        first_s: Seconds before the first try.
        factor: By which the wait grows, 1 or more.
        most_s: Seconds that are never exceeded.
        tries: Failed tries in a row after which it is given up; None for never.

    Raises:
        ValueError: A number outside of its range.
    """

    first_s: float = 0.5
    factor: float = 2.0
    most_s: float = 15.0
    tries: int | None = None

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if not (0 < self.first_s <= self.most_s < float("inf")):
            raise ValueError(
                f"waits from {self.first_s} to {self.most_s} seconds, "
                "expected 0 < first_s <= most_s"
            )
        if not 1 <= self.factor < float("inf"):
            raise ValueError(f"factor is {self.factor}, expected 1 or more")
        if self.tries is not None and self.tries < 1:
            raise ValueError(f"tries are {self.tries}, expected 1 or more, or None")

    def delay_s(self, attempt: int) -> float:
        """Seconds to wait before try `attempt`, which is 1 for the first.

        Raises:
            ValueError: `attempt` is less than 1.
        """
        if attempt < 1:
            raise ValueError(f"attempt is {attempt}, expected 1 or more")
        try:
            return min(self.first_s * self.factor ** (attempt - 1), self.most_s)
        except OverflowError:
            return self.most_s

    def gives_up(self, attempt: int) -> bool:
        """Whether try `attempt` is one too many."""
        return self.tries is not None and attempt > self.tries
