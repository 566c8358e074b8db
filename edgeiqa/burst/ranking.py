"""The best frames of one moment.

Which of two nearly equal frames is the better one is another question than how good a photograph
is: the network's score sees a small copy, and its differences of a point or two mean nothing. So
frames of one moment are compared by the score and by what `edgeiqa.burst.features` measures at
native resolution, weighed against each other by a Bradley-Terry model: the log odds that frame a is
better than frame b are value(a) - value(b), and a value is a weighted sum. The weights were
learnt from bursts made out of training photographs by

    python -m convert burst-weights --more $EDGEIQA_DATA/BSDS500/BSDS500/data/images/train

which prints them; `python -m convert burst` measures how often they are right (docs/burst.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from edgeiqa.burst.features import FEATURES, Luma, Places
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.frame import Frame
from edgeiqa.quality import Quality
from edgeiqa.scorer import Picture, Scorer

TERMS = (
    *(f"detail{n}" for n in range(4)),
    *(f"across{n}" for n in range(4)),
    *("edge0", "edge1", "noise", "noise_low", "blocks", "blocks_on_detail"),
    *("level", "level_squared", "contrast", "bright", "dark", "headroom"),
)
"""What is weighed, see `terms`."""

# Log odds per unit of each of `TERMS`.
WEIGHTS: dict[str, float] = {
    "detail0": 4.971,
    "detail1": 0.5099,
    "detail2": 11.49,
    "detail3": 7.369,
    "across0": 2.312,
    "across1": 0.4846,
    "across2": 0.7285,
    "across3": -0.3974,
    "edge0": 5.091,
    "edge1": -6.531,
    "noise": -8.627,
    "noise_low": 2.413,
    "blocks": 1.633,
    "blocks_on_detail": -4.448,
    "level": 19.42,
    "level_squared": -0.7055,
    "contrast": 26.53,
    "bright": -0.2797,
    "dark": 0.1129,
    "headroom": -19.66,
}

# What a number stands for, when people ask why.
_GROUPS = {
    **{name: "sharpness" for name in TERMS if name.startswith(("detail", "across", "edge"))},
    **{"noise": "noise", "noise_low": "noise"},
    **{"blocks": "compression", "blocks_on_detail": "compression"},
    **dict.fromkeys(("level", "level_squared", "contrast", "bright", "dark"), "exposure"),
    "headroom": "score",
}


@dataclass(frozen=True)
class Ranked:
    """A frame in its place among the others of its moment.

    Attributes:
        index: Which of the frames that came, from 0 on.
        rank: 1 for the best.
        value: Log odds against the average frame of this moment: the frame is taken to be
            better than another one with the probability 1 / (1 + exp(other - value)). Means
            nothing outside its moment.
        quality: What `Scorer.score` says about the frame alone.
        against_best: What sets it apart from the best frame, in log odds that add up to the
            difference of their values: "sharpness", "noise", "compression", "exposure",
            "score". Negative where it is worse; all 0 for the best.
    """

    index: int
    rank: int
    value: float
    quality: Quality
    against_best: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries and numbers, ready for JSON."""
        return {
            "index": self.index,
            "rank": self.rank,
            "value": self.value,
            "quality": self.quality.to_dict(),
            "against_best": dict(self.against_best),
        }


def best_of(
    frames: Iterable[Picture],
    *,
    scorer: Scorer | None = None,
    k: int = 1,
    on_error: Callable[[int, Exception], None] | None = None,
) -> list[Ranked]:
    """Finds the best frames of one moment.

    The frames are taken one by one and not kept, so an iterable may make them as it goes.

    >>> best = best_of(["a.jpg", "b.jpg", "c.jpg"])[0]
    >>> print(best.index, best.quality.score)

    Args:
        frames: Of one scene: whatever `Scorer.score` takes, in any mixture. Sizes may differ a
            little (crops); copies of another resolution are compared at that of the first.
        scorer: With which model; by default the one that comes with the package.
        k: How many at most.
        on_error: Told (index, error) of a frame that cannot be read or is no picture; the
            others are ranked without it. By default such a frame raises.

    Returns:
        The best k frames, best first. Equal frames stay in the order in which they came.

    Raises:
        TypeError: One path or frame came instead of several; or a frame is no picture.
        ValueError: `k` is below 1, or as `Scorer.score` about a frame.
        UnreadableImageError: No picture can be had from a frame; a ValueError.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"k is {k!r}, expected a whole number from 1 on")
    if isinstance(frames, str | bytes | bytearray | memoryview | Frame | Image.Image):
        raise TypeError(f"best_of got one {type(frames).__name__}, expected several frames")
    moment = Moment(scorer or Scorer())
    for index, frame in enumerate(frames):
        try:
            moment.add(frame, index)
        except (UnreadableImageError, TypeError, ValueError) as error:
            if on_error is None:
                raise
            on_error(index, error)
    return moment.ranking()[:k]


class Moment:
    """Frames of one moment that come one after the other; `best_of` in pieces."""

    def __init__(self, scorer: Scorer) -> None:
        """Starts without frames."""
        self._scorer = scorer
        self._places: Places | None = None
        self._indexes: list[int] = []
        self._qualities: list[Quality] = []
        self._details: list[np.ndarray] = []

    def add(self, frame: Picture, index: int | None = None) -> Quality:
        """Scores and measures a frame.

        Args:
            frame: Whatever `Scorer.score` takes.
            index: By which the ranking calls it; by default how many came before.

        Returns:
            Its quality.

        Raises:
            UnreadableImageError: As `Scorer.score`; the moment is then as before.
            TypeError: As `Scorer.score`.
            ValueError: As `Scorer.score`.
        """
        if isinstance(frame, np.ndarray):
            frame = Frame.from_array(frame)
        if not isinstance(frame, Frame):
            frame = decode(frame)
        quality = self._scorer.score(frame)
        luma = Luma(frame)
        places = self._places or Places(luma)
        self._details.append(places.measure(luma).values)
        self._places = places
        self._qualities.append(quality)
        self._indexes.append(len(self._indexes) if index is None else index)
        return quality

    def ranking(self) -> list[Ranked]:
        """All frames so far, best first; equal ones in the order in which they came."""
        return [
            replace(ranked, index=self._indexes[ranked.index])
            for ranked in rank(self._qualities, self._details)
        ]


def rank(qualities: Sequence[Quality], details: Sequence[np.ndarray]) -> list[Ranked]:
    """Ranks frames of one moment that were measured before.

    Args:
        qualities: Of the frames.
        details: Per frame `edgeiqa.burst.features.FrameDetail.values` of the same `Places`.

    Returns:
        All of them, best first; equal ones in the order in which they came.
    """
    if not qualities:
        return []
    groups = [
        _groups(terms(detail, quality.score))
        for quality, detail in zip(qualities, details, strict=True)
    ]
    totals = np.array([sum(group.values()) for group in groups])
    values = totals - totals.mean()
    order = [int(index) for index in np.argsort(-values, kind="stable")]
    best = groups[order[0]]
    return [
        Ranked(
            index,
            place,
            float(values[index]),
            qualities[index],
            {name: groups[index][name] - best[name] for name in best},
        )
        for place, index in enumerate(order, start=1)
    ]


def terms(detail: np.ndarray, score: float) -> np.ndarray:
    """What is weighed of a frame: its numbers, so turned that each says one thing.

    Detail is told relative to the brightness, as twice the light is four times the energy of
    gradients, and of the finer octaves what they have more than the next coarser one; of the
    poorest direction what it lacks against the others. Blocks also count times the fine detail,
    which hides them. The score counts by its distance from the top: the last points are the
    hardest to gain.

    Args:
        detail: float64 [len(FEATURES)], see `edgeiqa.burst.features.FrameDetail`.
        score: 0-100.

    Returns:
        float64 [len(TERMS)].
    """
    found = dict(zip(FEATURES, map(float, detail), strict=True))
    level = math.log(128.0 * max(0.0, found["mean"]) + 8.0)
    octaves = [found[f"detail{n}"] for n in range(4)]
    poorest = [found[f"across{n}"] for n in range(4)]
    finer = [octaves[n] - octaves[n + 1] for n in range(3)]
    return np.array(
        [
            *finer,
            octaves[3] - 2.0 * level,
            *(low - mean for low, mean in zip(poorest, octaves, strict=True)),
            found["edge0"] - 0.5 * octaves[0],
            found["edge1"] - 0.5 * octaves[1],
            found["noise"],
            found["noise_low"],
            found["blocks"],
            found["blocks"] * octaves[0],
            level,
            level * level,
            found["spread"] - level,
            found["bright"],
            found["dark"],
            math.log(105.0 - score),
        ]
    )


def _groups(values: np.ndarray) -> dict[str, float]:
    """The weighted sum, by what its parts stand for."""
    sums = dict.fromkeys(("sharpness", "noise", "compression", "exposure", "score"), 0.0)
    for name, value in zip(TERMS, values, strict=True):
        sums[_GROUPS[name]] += WEIGHTS[name] * float(value)
    return sums
