"""Accept a photograph or not, and say why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgeiqa.causes import CAUSES
from edgeiqa.gating.threshold_fit import ThresholdFit, fit_threshold
from edgeiqa.quality import Quality

if TYPE_CHECKING:
    import numpy as np

PRESETS = ("relaxed", "normal", "strict")

LOW_QUALITY = "low_quality"
"""The reason that the score itself gives."""

REASONS = (*CAUSES, LOW_QUALITY)
"""All stable identifiers of reasons, in the order in which equal ones are told."""

NOTABLE = 0.5
"""From this share of its limit on, a cause explains a score that is rejected. A cause without a
limit counts as one with the limit 1."""

_WORDS = {
    "blur": ("too blurred", "somewhat blurred", "focus again and hold still"),
    "noise": ("too noisy", "somewhat noisy", "add light or lower the ISO"),
    "dark": ("too dark", "somewhat dark", "add light or expose longer"),
    "bright": ("too bright", "somewhat bright", "expose less"),
    "compression": ("too compressed", "somewhat compressed", "save or send in better quality"),
    "low_contrast": (
        "too little contrast",
        "little contrast",
        "wipe the lens and avoid haze and backlight",
    ),
}
"""Cause: what is said when it decides, what when it only explains, and what to do about it."""


@dataclass(frozen=True)
class Reason:
    """One thing that is wrong with a photograph.

    Attributes:
        cause: One of `REASONS`: "low_quality", the score is below the threshold; or one of
            `edgeiqa.causes.CAUSES`, its severity is above the limit.
        value: What was measured: a score 0-100, or a severity 0-1.
        threshold: What was asked for, in the same units: the least score, or the most severity.
        decisive: True if this alone rejects the photograph. False for a cause that is within its
            limit and told only because it explains a low score.
    """

    cause: str
    value: float
    threshold: float
    decisive: bool = True

    @property
    def sentence(self) -> str:
        """The same for people, with what to do about it.

        "quality 23.9 is below 45.0", "too dark: add light or expose longer (0.74, at most 0.50)",
        and of a cause that only explains "somewhat dark: add light or expose longer (0.41)".
        """
        if self.cause == LOW_QUALITY:
            digits = self._digits(1, 2, 4)
            return f"quality {self.value:.{digits}f} is below {self.threshold:.{digits}f}"
        name = self.cause.replace("_", " ")
        # A newer model may tell of more than this version has words for.
        strong, weak, advice = _WORDS.get(self.cause, (f"too much {name}", f"some {name}", ""))
        said = strong if self.decisive else weak
        if advice:
            said += f": {advice}"
        if not self.decisive:
            return f"{said} ({self.value:.2f})"
        digits = self._digits(2, 3, 4)
        return f"{said} ({self.value:.{digits}f}, at most {self.threshold:.{digits}f})"

    def _digits(self, *choices: int) -> int:
        """More digits where rounding would hide the difference: not "45.0 is below 45.0"."""
        return next((n for n in choices if f"{self.value:.{n}f}" != f"{self.threshold:.{n}f}"), 6)


@dataclass(frozen=True)
class Verdict:
    """Whether a photograph passes, and if not, why.

    Attributes:
        accept: True if nothing is wrong.
        reasons: Empty if and only if `accept`. First what decided: causes, the one furthest
            beyond its limit first, as a person can do something about them, then the low score.
            Where the score alone decided, the causes that explain it follow, the worst first;
            their `decisive` is False.
    """

    accept: bool
    reasons: tuple[Reason, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries, lists and numbers, ready for JSON."""
        return {"accept": self.accept, "reasons": [asdict(reason) for reason in self.reasons]}


class Gate:
    """Turns a quality into a verdict.

    A photograph is accepted if its score is at least `min_score` and no cause is above its limit;
    equal passes. NaN never passes. A quality that tells no causes, as of models that do not
    measure them, is judged by its score alone.

    Presets belong to a model, so a gate is best had from a scorer: `scorer.gate("strict")`.

    >>> gate = Gate(min_score=40, max_causes={"dark": 0.5})
    >>> [reason.sentence for reason in gate(Quality(55.0, causes={"dark": 0.74})).reasons]
    ['too dark: add light or expose longer (0.74, at most 0.50)']

    Attributes:
        min_score: The least score that passes, 0-100.
        max_causes: The most severity that passes, 0-1, per cause that has a limit.
    """

    def __init__(
        self,
        preset: str = "normal",
        *,
        thresholds: Mapping[str, float] | None = None,
        min_score: float | None = None,
        limits: Mapping[str, Mapping[str, float]] | None = None,
        max_causes: Mapping[str, float] | None = None,
    ) -> None:
        """Chooses the thresholds.

        Args:
            preset: Which of `thresholds` and `limits` to apply, such as "relaxed", "normal" or
                "strict".
            thresholds: Least score 0-100 per preset, as in a model's contract; by default
                those of the model that comes with the package.
            min_score: A least score 0-100 of your own; the preset then does not count, nor do its
                limits.
            limits: Per preset the most severity 0-1 per cause, as in a model's contract. A cause
                or a preset that is not in it has no limit. By default there are none, but where
                `thresholds` are those of the package, limits are, too.
            max_causes: Limits 0-1 of your own per cause. They replace single ones of the preset,
                and 1 switches a cause off, as no severity is above it.

        Raises:
            ValueError: An unknown preset, a least score outside 0-100, a limit outside 0-1, or an
                unknown cause in `max_causes`.
            TypeError: A threshold that is no number.
        """
        chosen: Mapping[str, float] = {}
        if min_score is None:
            known = thresholds
            if known is None:
                known, own_limits = _defaults()
                limits = own_limits if limits is None else limits
            if preset not in known:
                raise ValueError(
                    f"no gate preset {preset!r}, this model has "
                    f"{', '.join(known) if known else 'none: give min_score'}"
                )
            min_score = known[preset]
            # Names that this version does not know are a newer model's, and judged all the same.
            chosen = (limits or {}).get(preset, {})
        own = max_causes or {}
        unknown = [cause for cause in own if cause not in CAUSES]
        if unknown:
            raise ValueError(f"no cause {unknown[0]!r} in max_causes, known: {', '.join(CAUSES)}")
        self.min_score = _checked("min_score", min_score, 100)
        self.max_causes = {
            cause: _checked(f"the limit of {cause}", limit, 1)
            for cause, limit in {**chosen, **own}.items()
        }

    def __call__(self, quality: Quality) -> Verdict:
        """Judges one photograph."""
        failing = []
        # Not "value > limit": that would let NaN pass.
        for cause, limit in self.max_causes.items():
            if cause in quality.causes and not quality.causes[cause] <= limit:
                failing.append(Reason(cause, quality.causes[cause], limit))
        if not quality.score >= self.min_score:
            failing.append(Reason(LOW_QUALITY, quality.score, self.min_score))
        return self.verdict(quality, failing)

    def verdict(self, quality: Quality, failing: Iterable[Reason]) -> Verdict:
        """Puts what is wrong into its order and adds what explains it.

        For whoever decides in another way what is wrong, as `LiveGate` does; to judge a
        photograph, call the gate.

        Args:
            quality: What was measured.
            failing: All that decided against it.
        """
        decisive = sorted(failing, key=_excess, reverse=True)
        if not decisive:
            return Verdict(True)
        explaining: list[Reason] = []
        if all(reason.cause == LOW_QUALITY for reason in decisive):
            for cause, severity in quality.causes.items():
                limit = self.max_causes.get(cause, 1.0)
                if severity >= max(NOTABLE * limit, 1e-9):
                    explaining.append(Reason(cause, severity, limit, decisive=False))
            explaining.sort(key=lambda reason: reason.value / reason.threshold, reverse=True)
        return Verdict(False, (*decisive, *explaining))

    @classmethod
    def fit(
        cls,
        scores: Sequence[float | Quality] | np.ndarray,
        keep: Sequence[bool] | np.ndarray,
        *,
        keep_share: float | None = None,
    ) -> GateFit:
        """Sets the threshold from a person's own kept and rejected shots.

        Args:
            scores: Scores 0-100 or qualities, one per shot; at least 20, all by one model.
            keep: Per shot whether it was kept; bool, at least 5 of each kind.
            keep_share: Put the threshold where it keeps this share of the kept shots, above 0
                and at most 1. By default it goes where a shot is as likely to be kept as not, by
                logistic regression: the fewest mistakes if kept and rejected shots go on coming
                in the same proportion.

        Returns:
            The gate with its threshold, the 95% interval of that, and how many of the shots it
            would have judged right; see `GateFit`.

        Raises:
            ValueError: Too few shots in all or of a kind, NaN, scores outside 0-100, unequal
                lengths, all scores alike, or shots that were kept although their scores are the
                lower ones.
            TypeError: `keep` is not bool, or `scores` are neither numbers nor qualities.
        """
        plain = [one.score if isinstance(one, Quality) else one for one in scores]
        return GateFit(**vars(fit_threshold(plain, keep, keep_share=keep_share)))

    def __repr__(self) -> str:
        limits = {cause: limit for cause, limit in self.max_causes.items() if limit < 1}
        told = f", max_causes={limits}" if limits else ""
        return f"Gate(min_score={self.min_score:g}{told})"


@dataclass(frozen=True)
class GateFit(ThresholdFit):
    """A gate made from a person's own shots, and how far it can be trusted.

    >>> fit = Gate.fit(scores, keep)  # doctest: +SKIP
    >>> print(f"{fit.threshold:.1f}, 95% between {fit.interval[0]:.1f} and {fit.interval[1]:.1f}")
    """

    @property
    def gate(self) -> Gate:
        """Accepts from `threshold` on; no cause has a limit."""
        return Gate(min_score=self.threshold)


def _excess(reason: Reason) -> tuple[bool, float, int]:
    """Sorts causes before the score, the one that has used up most of the room above its limit."""
    if reason.cause == LOW_QUALITY:
        return False, 0.0, 0
    room = 1.0 - reason.threshold
    beyond = (reason.value - reason.threshold) / room if room > 0 else math.inf
    place = CAUSES.index(reason.cause) if reason.cause in CAUSES else len(CAUSES)
    return True, math.inf if math.isnan(beyond) else beyond, -place


def _checked(name: str, value: object, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is {value!r}, expected a number from 0 to {most}")
    if not 0 <= value <= most:
        raise ValueError(f"{name} is {value!r}, expected 0 to {most}")
    return float(value)


def _defaults() -> tuple[Mapping[str, float], Mapping[str, Mapping[str, float]]]:
    """Thresholds and limits of the models that come with the package."""
    # Here, so that a gate with its own numbers needs no model.
    from edgeiqa.inference import contract, model

    scores, causes = (
        contract.read(model.find(name).read_bytes())[0] for name in (model.DEFAULT, model.CAUSES)
    )
    return scores.gate, causes.limits
