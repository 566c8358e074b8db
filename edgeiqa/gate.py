"""Accept a photograph or not, and say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgeiqa.quality import Quality

PRESETS = ("relaxed", "normal", "strict")


@dataclass(frozen=True)
class Reason:
    """One thing that is wrong with a photograph.

    Attributes:
        cause: "low_quality": the score is below the threshold.
        value: What was measured; a score 0-100.
        threshold: What was asked for, in the same units.
    """

    cause: str
    value: float
    threshold: float

    @property
    def sentence(self) -> str:
        """The same for people: "quality 23.9 is below 45.0"."""
        # More digits where rounding would hide the difference: not "45.0 is below 45.0".
        digits = next(
            (n for n in (1, 2, 4) if f"{self.value:.{n}f}" != f"{self.threshold:.{n}f}"), 6
        )
        return f"quality {self.value:.{digits}f} is below {self.threshold:.{digits}f}"


@dataclass(frozen=True)
class Verdict:
    """Whether a photograph passes, and if not, why.

    Attributes:
        accept: True if nothing is wrong.
        reasons: What is wrong; empty if and only if `accept`.
    """

    accept: bool
    reasons: tuple[Reason, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries, lists and numbers, ready for JSON."""
        return {"accept": self.accept, "reasons": [asdict(reason) for reason in self.reasons]}


class Gate:
    """Turns a quality into a verdict.

    Presets are least scores that belong to a model, so a gate is best had from a scorer:
    `scorer.gate("strict")`. A score equal to the threshold passes.

    Attributes:
        min_score: The least score that passes, 0-100.
    """

    def __init__(
        self,
        preset: str = "normal",
        *,
        thresholds: Mapping[str, float] | None = None,
        min_score: float | None = None,
    ) -> None:
        """Chooses the threshold.

        Args:
            preset: Which of `thresholds` to apply, such as "relaxed", "normal" or "strict".
            thresholds: Least score 0-100 per preset, as in a model's contract; by default
                those of the model that comes with the package.
            min_score: A least score 0-100 of your own; the preset then does not count.

        Raises:
            ValueError: An unknown preset, or a least score outside 0-100.
        """
        if min_score is None:
            known = _default_thresholds() if thresholds is None else thresholds
            if preset not in known:
                raise ValueError(
                    f"no gate preset {preset!r}, this model has "
                    f"{', '.join(known) if known else 'none: give min_score'}"
                )
            min_score = known[preset]
        if isinstance(min_score, bool) or not isinstance(min_score, (int, float)):
            raise TypeError(f"min_score is {min_score!r}, expected a number from 0 to 100")
        if not 0 <= min_score <= 100:
            raise ValueError(f"min_score is {min_score!r}, expected 0 to 100")
        self.min_score = float(min_score)

    def __call__(self, quality: Quality) -> Verdict:
        """Judges one photograph."""
        if quality.score >= self.min_score:
            return Verdict(True)
        return Verdict(False, (Reason("low_quality", quality.score, self.min_score),))

    def __repr__(self) -> str:
        return f"Gate(min_score={self.min_score:g})"


def _default_thresholds() -> Mapping[str, float]:
    # Here, so that a gate with its own numbers needs no model.
    from edgeiqa import contract, model

    return contract.read(model.find(model.DEFAULT).read_bytes())[0].gate
