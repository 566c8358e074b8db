"""What a ladder check found: scores over growing distortions, and where they do not fall."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ..distortions.distort import LEVELS, ORIGINAL, RgbArray, distort
from .ladder_burst import BurstReport


@dataclass(frozen=True)
class Violation:
    """A step down in quality at which the score did not fall.

    Attributes:
        picture: name of the picture.
        kind: name of the distortion.
        level: the worse one of the two levels, 1-5.
        before: score (0-100) one level earlier (level 0 is the original).
        after: score at `level`; at least `before`.
    """

    picture: str
    kind: str
    level: int
    before: float
    after: float

    @property
    def rise(self) -> float:
        """How much the score rose instead of falling, 0-100."""
        return self.after - self.before


@dataclass(frozen=True)
class Ladder:
    """The scores of one picture under one distortion.

    Attributes:
        picture: name of the picture.
        kind: name of the distortion.
        scores: 0-100, the original first, then levels 1 to 5.
    """

    picture: str
    kind: str
    scores: tuple[float, ...]

    @property
    def violations(self) -> list[Violation]:
        """The neighbouring pairs in which the score does not fall, mildest level first."""
        return [
            Violation(self.picture, self.kind, level, before, after)
            for level, (before, after) in enumerate(pairwise(self.scores), start=1)
            if after >= before
        ]


@dataclass(frozen=True)
class Count:
    """Violations among the neighbouring pairs of some ladders.

    Attributes:
        pairs: number of neighbouring pairs.
        violations: pairs in which the score does not fall.
        drop: mean fall of the score from the original to the last level, 0-100.
    """

    pairs: int
    violations: int
    drop: float

    @property
    def share(self) -> float:
        """Violations per pair, 0-1; 0 without pairs."""
        return self.violations / self.pairs if self.pairs else 0.0

    @property
    def monotone(self) -> float:
        """Pairs in which the score falls, 0-1; 1 without pairs."""
        return 1.0 - self.share


@dataclass(frozen=True)
class LadderReport:
    """All ladders of one model.

    Attributes:
        ladders: in the order of pictures, then of distortions.
        seed: what fixed noise and motion angles; see `rungs`.
        protocol: model checksum, versions, command; what it takes to repeat the check.
        burst: pairs of frames one level apart, if they were checked too.
    """

    ladders: tuple[Ladder, ...]
    seed: int = 0
    protocol: dict[str, Any] = field(default_factory=dict)
    burst: BurstReport | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The distortions that were tried."""
        return tuple(dict.fromkeys(ladder.kind for ladder in self.ladders))

    @property
    def violations(self) -> list[Violation]:
        """All violations, the largest rise first."""
        found = [violation for ladder in self.ladders for violation in ladder.violations]
        return sorted(found, key=lambda v: (-v.rise, v.picture, v.kind, v.level))

    def count(self, kind: str | Sequence[str] | None = None) -> Count:
        """Counts the violations of one distortion, of several, or of all together (None)."""
        kinds = self.kinds if kind is None else (kind,) if isinstance(kind, str) else kind
        chosen = [ladder for ladder in self.ladders if ladder.kind in kinds]
        drops = [ladder.scores[0] - ladder.scores[-1] for ladder in chosen]
        return Count(
            pairs=sum(len(ladder.scores) - 1 for ladder in chosen),
            violations=sum(len(ladder.violations) for ladder in chosen),
            drop=float(np.mean(drops)) if drops else 0.0,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the whole report as JSON-ready values, scores rounded to 0.001.

        Keys: `protocol`; `pictures` and `kinds` that were tried; for each kind, for `total` (all
        of them) and for `original` (the six kinds of the first report, as far as tried) the
        neighbouring `pairs` of levels, `violations` (the score does not fall), their `share`,
        the `monotone` rest and the mean `drop` to level 5 (points of 0-100); every violation and
        every ladder; `burst` as in `BurstReport.to_dict`, if frames were compared.
        """
        result = {
            "protocol": {**self.protocol, "seed": self.seed},
            "pictures": list(dict.fromkeys(ladder.picture for ladder in self.ladders)),
            "kinds": {kind: _count_to_dict(self.count(kind)) for kind in self.kinds},
            "total": _count_to_dict(self.count()),
            "original": _count_to_dict(self.count(ORIGINAL)),
            "violations": [
                {
                    "picture": v.picture,
                    "kind": v.kind,
                    "level": v.level,
                    "before": round(v.before, 3),
                    "after": round(v.after, 3),
                }
                for v in self.violations
            ],
            "ladders": [
                {
                    "picture": ladder.picture,
                    "kind": ladder.kind,
                    "scores": [round(score, 3) for score in ladder.scores],
                }
                for ladder in self.ladders
            ],
        }
        if self.burst is not None:
            result["burst"] = self.burst.to_dict()
        return result

    def table(self) -> str:
        """Returns the report as text for people."""
        lines = [f"{'distortion':16}{'pairs':>7}{'violations':>12}{'share':>8}{'mean fall':>11}"]
        rows = [(kind, self.count(kind)) for kind in self.kinds]
        if set(self.kinds) - set(ORIGINAL) and set(self.kinds) & set(ORIGINAL):
            rows.append(("original six", self.count(ORIGINAL)))
        rows.append(("all", self.count()))
        lines += [
            f"{name:16}{count.pairs:7}{count.violations:12}{count.share:8.1%}{count.drop:11.1f}"
            for name, count in rows
        ]
        violations = self.violations
        if violations:
            lines += ["", "does not fall, largest rise first:"]
        lines += [
            f"  {v.picture}, {v.kind}, level {v.level - 1} to {v.level}: "
            f"{v.before:.2f} to {v.after:.2f} (+{v.rise:.2f})"
            for v in violations
        ]
        if self.burst is not None:
            lines += ["", self.burst.table()]
        return "\n".join(lines)


def _count_to_dict(count: Count) -> dict[str, float]:
    return {
        "pairs": count.pairs,
        "violations": count.violations,
        "share": round(count.share, 4),
        "monotone": round(count.monotone, 4),
        "drop": round(count.drop, 3),
    }


def rungs(rgb: RgbArray, kind: str, name: str, seed: int = 0) -> list[RgbArray]:
    """Returns a picture and its five levels of one distortion.

    Args:
        rgb: uint8 (height, width, 3) RGB.
        kind: a name in `convert.distortions.distort.DISTORTIONS`.
        name: the picture's name; with the seed it fixes noise and motion angle, so that
            pictures differ in them and adding one picture changes no other.
        seed: non-negative integer.
    """
    own_seed = seed + zlib.crc32(name.encode())
    return [rgb, *(distort(rgb, kind, level, seed=own_seed) for level in LEVELS)]
