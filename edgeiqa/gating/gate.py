"""Accepts or rejects a photograph, and gives the reasons."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from edgeiqa.causes import CAUSES
from edgeiqa.gating.threshold_fit import ThresholdFit, fit_threshold
from edgeiqa.quality import Quality

if TYPE_CHECKING:
    import numpy as np

PRESETS = ("relaxed", "normal", "strict")

LOW_QUALITY = "low_quality"
"""The reason for a score below the threshold."""

DAMAGED = "damaged"
"""The reason for a picture that lost data or cannot be a photograph."""

REASONS = (*CAUSES, DAMAGED, LOW_QUALITY)
"""All identifiers of reasons, a public contract."""

NOTABLE = 0.5
"""From this share of its limit on, a cause explains a rejected score. Causes without a limit count
as having the limit 1."""

FILE_FORMAT = 1
MAX_FILE_BYTES = 1 << 16

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
"""Cause: the phrase if it decides, the phrase if it only explains, and advice."""


@dataclass(frozen=True)
class Reason:
    """One thing that is wrong with a photograph.

    Attributes:
        cause: One of `REASONS`: "low_quality" if the score is below the threshold, "damaged" if
            the picture lost data, or one of `edgeiqa.causes.CAUSES` if its severity is above the
            limit.
        value: The measured value: a score 0-100, a severity 0-1, or for "damaged" the known share
            0-1 of rows that are missing.
        threshold: The required value in the same units: minimum score, or maximum severity.
        decisive: True if this alone rejects the photograph. False for a cause within its limit
            that is listed only because it explains a low score.
    """

    cause: str
    value: float
    threshold: float
    decisive: bool = True

    @property
    def sentence(self) -> str:
        """The reason as text, with advice.

        For example "quality 23.9 is below 45.0", "too dark: add light or expose longer (0.74, at
        most 0.50)", or, for a cause that only explains, "somewhat dark: add light or expose
        longer (0.41)".
        """
        if self.cause == LOW_QUALITY:
            digits = self._digits(1, 2, 4)
            return f"quality {self.value:.{digits}f} is below {self.threshold:.{digits}f}"
        if self.cause == DAMAGED:
            rows = f" ({self.value:.0%} of its rows are missing)" if self.value >= 0.005 else ""
            return f"damaged: take or transfer the picture again{rows}"
        name = self.cause.replace("_", " ")
        # A newer model may detect causes that this version has no phrases for.
        strong, weak, advice = _WORDS.get(self.cause, (f"too much {name}", f"some {name}", ""))
        phrase = strong if self.decisive else weak
        if advice:
            phrase += f": {advice}"
        if not self.decisive:
            return f"{phrase} ({self.value:.2f})"
        digits = self._digits(2, 3, 4)
        return f"{phrase} ({self.value:.{digits}f}, at most {self.threshold:.{digits}f})"

    def _digits(self, *choices: int) -> int:
        """Returns enough digits to show the difference: not "45.0 is below 45.0"."""
        return next((n for n in choices if f"{self.value:.{n}f}" != f"{self.threshold:.{n}f}"), 6)


@dataclass(frozen=True)
class Verdict:
    """Whether a photograph passes, and if not, why. True in a condition if it passes.

    >>> if not gate(quality): print("take another one")  # doctest: +SKIP

    Attributes:
        accept: True if nothing is wrong.
        reasons: Empty if and only if `accept`. Decisive reasons come first: damage, then causes,
            the one furthest beyond its limit first, as the photographer can act on them, then the
            low score. If the score alone decided, the causes that explain it follow, the worst
            first; their `decisive` is False.
    """

    accept: bool
    reasons: tuple[Reason, ...] = ()

    def __bool__(self) -> bool:
        return self.accept

    def to_dict(self) -> dict[str, Any]:
        """Returns plain dictionaries, lists and numbers, ready for JSON."""
        return {"accept": self.accept, "reasons": [asdict(reason) for reason in self.reasons]}


class Gate:
    """Turns a quality into a verdict.

    A photograph is accepted if its score is at least `min_score`, no cause is above its limit,
    and it is not damaged. Equal values pass, NaN never does. Causes that a quality does not have
    are not judged.

    Presets belong to a model, so a gate is best made by a scorer: `scorer.gate("strict")`.

    >>> gate = Gate(min_score=40, max_causes={"dark": 0.5})
    >>> [reason.sentence for reason in gate(Quality(55.0, causes={"dark": 0.74})).reasons]
    ['too dark: add light or expose longer (0.74, at most 0.50)']

    Attributes:
        min_score: Minimum score, 0-100.
        max_causes: Maximum severity, 0-1, per cause that has a limit.
        reject_damaged: Whether damaged pictures are rejected.
    """

    def __init__(
        self,
        preset: str = "normal",
        *,
        thresholds: Mapping[str, float] | None = None,
        min_score: float | None = None,
        limits: Mapping[str, Mapping[str, float]] | None = None,
        max_causes: Mapping[str, float] | None = None,
        reject_damaged: bool = True,
    ) -> None:
        """Chooses the thresholds.

        Args:
            preset: Which of `thresholds` and `limits` to apply, such as "relaxed", "normal" or
                "strict".
            thresholds: Minimum score 0-100 per preset, as in a model's contract; by default
                those of the model that ships with the package.
            min_score: Minimum score 0-100 that replaces the preset and its limits.
            limits: Maximum severity 0-1 per preset and cause, as in a model's contract. A preset
                or cause that is missing has no limit. By default those of the package if
                `thresholds` are, otherwise none.
            max_causes: Limits 0-1 per cause, which replace those of the preset one by one; 1
                switches a cause off, as no severity is above it.
            reject_damaged: Whether damaged pictures are rejected.

        Raises:
            ValueError: An unknown preset, a minimum score outside 0-100 or on a scale of 0 to 1, a
                limit outside 0-1, or an unknown cause in `max_causes`.
            TypeError: A threshold is not a number.
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
            # Causes that this version does not know come from a newer model, and are judged too.
            chosen = (limits or {}).get(preset, {})
        elif _checked("min_score", min_score, 100) and min_score < 1:
            raise ValueError(
                f"min_score is {min_score!r} on a scale of 0 to 100; "
                f"did you mean {100 * min_score:g}?"
            )
        own = max_causes or {}
        unknown = [cause for cause in own if cause not in CAUSES]
        if unknown:
            raise ValueError(f"no cause {unknown[0]!r} in max_causes, known: {', '.join(CAUSES)}")
        self.min_score = _checked("min_score", min_score, 100)
        self.max_causes = {
            cause: _checked(f"the limit of {cause}", limit, 1)
            for cause, limit in {**chosen, **own}.items()
        }
        self.reject_damaged = bool(reject_damaged)

    def __call__(self, quality: Quality) -> Verdict:
        """Judges one photograph."""
        failing = []
        if quality.damaged and self.reject_damaged:
            failing.append(damaged(quality))
        # Not "value > limit", which would let NaN pass.
        for cause, limit in self.max_causes.items():
            if cause in quality.causes and not quality.causes[cause] <= limit:
                failing.append(Reason(cause, quality.causes[cause], limit))
        if not quality.score >= self.min_score:
            failing.append(Reason(LOW_QUALITY, quality.score, self.min_score))
        return self.verdict(quality, failing)

    def verdict(self, quality: Quality, failing: Iterable[Reason]) -> Verdict:
        """Sorts decisive reasons and adds those that explain a low score.

        For code that decides by its own rules, such as `LiveGate`; to judge a photograph, call
        the gate.

        Args:
            quality: The quality that is judged.
            failing: All decisive reasons; none for an accepted photograph.
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
        """Fits the threshold to a person's own kept and rejected shots.

        Args:
            scores: Scores 0-100 or qualities, one per shot; at least 20, all by one model.
            keep: bool per shot: whether it was kept; at least 5 of each kind.
            keep_share: Keep this share of the kept shots, above 0 and at most 1. By default the
                threshold is the score at which a shot is as likely to be kept as not, by logistic
                regression, which makes the fewest mistakes if kept and rejected shots go on
                coming in the same proportion.

        Returns:
            The gate with its threshold, the 95% interval of that, and how many of the shots it
            would have judged correctly; see `GateFit`.

        Raises:
            ValueError: Too few shots in all or of a kind, NaN, scores outside 0-100 or all within
                0-1, unequal lengths, all scores equal, or shots with lower scores were kept more
                often.
            TypeError: `keep` is not bool, or `scores` are neither numbers nor qualities.
        """
        plain = [one.score if isinstance(one, Quality) else one for one in scores]
        return GateFit(**vars(fit_threshold(plain, keep, keep_share=keep_share)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the gate to a JSON file, for `Gate.load` and `--gate FILE`.

        Raises:
            OutputError: The file cannot be written.
        """
        from edgeiqa.files.atomic import open_output

        with open_output(os.fspath(path)) as stream:
            stream.write(json.dumps(self.to_dict(), indent=2) + "\n")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain dictionaries and numbers, ready for JSON."""
        return {
            "format": FILE_FORMAT,
            "min_score": self.min_score,
            "max_causes": dict(self.max_causes),
            "reject_damaged": self.reject_damaged,
        }

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Gate:
        """Reads a gate from a JSON file that `save` or `edgeiqa fit-gate --output` wrote.

        Raises:
            ValueError: The file is not a saved gate, is of a newer format, or has values out of
                range.
            OSError: The file cannot be read.
        """
        from edgeiqa.inference import strict_json

        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        try:
            if len(data) > MAX_FILE_BYTES:
                raise ValueError(f"more than {MAX_FILE_BYTES} bytes")
            saved = strict_json.loads(data)
            if not isinstance(saved, dict) or saved.get("format") != FILE_FORMAT:
                raise ValueError(f"expected a JSON object with the format {FILE_FORMAT}")
            limits = saved.get("max_causes", {})
            damaged = saved.get("reject_damaged", True)
            if not isinstance(limits, dict) or not isinstance(damaged, bool):
                raise ValueError("max_causes must be an object and reject_damaged a boolean")
            return cls(
                "saved",
                thresholds={"saved": cast("float", saved.get("min_score"))},
                limits={"saved": limits},
                reject_damaged=damaged,
            )
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{os.fspath(path)} is not a saved gate: {error}") from error

    def with_limits(
        self, max_causes: Mapping[str, float], *, reject_damaged: bool | None = None
    ) -> Gate:
        """Returns a gate with the same minimum score and further limits of causes.

        Args:
            max_causes: Limits 0-1 per cause, which replace those of this gate one by one.
            reject_damaged: Whether damaged pictures are rejected; by default as this gate does.

        Raises:
            ValueError: An unknown cause or a limit outside 0-1.
        """
        return Gate(
            "same",
            thresholds={"same": self.min_score},
            limits={"same": self.max_causes},
            max_causes=max_causes,
            reject_damaged=self.reject_damaged if reject_damaged is None else reject_damaged,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gate) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.min_score, *sorted(self.max_causes.items()), self.reject_damaged))

    def __repr__(self) -> str:
        limits = {cause: limit for cause, limit in self.max_causes.items() if limit < 1}
        causes = f", max_causes={limits}" if limits else ""
        damaged = "" if self.reject_damaged else ", reject_damaged=False"
        return f"Gate(min_score={self.min_score:g}{causes}{damaged})"


@dataclass(frozen=True)
class GateFit(ThresholdFit):
    """A gate made from a person's own shots, and how far it can be trusted.

    >>> fit = Gate.fit(scores, keep)  # doctest: +SKIP
    >>> print(f"{fit.threshold:.1f}, 95% between {fit.interval[0]:.1f} and {fit.interval[1]:.1f}")
    """

    @property
    def gate(self) -> Gate:
        """Accepts from `threshold` on; causes have no limits, see `Gate.with_limits`."""
        return Gate("fit", thresholds={"fit": self.threshold})


def damaged(quality: Quality) -> Reason:
    """Returns the reason for rejecting a damaged picture."""
    return Reason(DAMAGED, quality.missing, 0.0)


def _excess(reason: Reason) -> tuple[int, float, int]:
    """Sort key: damage, then causes by the share of the room above the limit, then the score."""
    if reason.cause in (LOW_QUALITY, DAMAGED):
        return 2 * (reason.cause == DAMAGED), 0.0, 0
    room = 1.0 - reason.threshold
    beyond = (reason.value - reason.threshold) / room if room > 0 else math.inf
    place = CAUSES.index(reason.cause) if reason.cause in CAUSES else len(CAUSES)
    return 1, math.inf if math.isnan(beyond) else beyond, -place


def _checked(name: str, value: object, upper: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is {value!r}, expected a number from 0 to {upper}")
    if not 0 <= value <= upper:
        raise ValueError(f"{name} is {value!r}, expected 0 to {upper}")
    return float(value)


def _defaults() -> tuple[Mapping[str, float], Mapping[str, Mapping[str, float]]]:
    """Returns thresholds and limits of the models that ship with the package."""
    # Imported here, so that a gate with its own numbers needs no model.
    from edgeiqa.inference import contract, model

    scores, causes = (
        contract.read(model.find(name).read_bytes())[0] for name in (model.DEFAULT, model.CAUSES)
    )
    return scores.gate, causes.limits
