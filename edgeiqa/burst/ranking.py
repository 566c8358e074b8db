"""The best frames of one moment.

Which of two nearly equal frames is the better one is another question than how good a photograph
is: the network's score sees a small copy, and its differences of a point or two mean nothing. So
frames of one moment are compared by the score and by what `edgeiqa.burst.features` measures at
native resolution, weighed against each other by a Bradley-Terry model: the log odds that frame a is
better than frame b are value(a) - value(b), and a value is a weighted sum. The weights are
those of `edgeiqa/assets/models/burst.json`, learned from bursts made of training photographs
(`edgeiqa.burst.weights`); `python -m convert burst` measures how often they are right
(docs/burst.md).
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from edgeiqa.burst.features import FEATURES, Luma, Places
from edgeiqa.burst.weights import BurstWeights, load_weights
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
"""Terms of the weighted sum, see `terms`."""

# What a term stands for in an explanation.
_GROUPS = {
    **{name: "sharpness" for name in TERMS if name.startswith(("detail", "across", "edge"))},
    **{"noise": "noise", "noise_low": "noise"},
    **{"blocks": "compression", "blocks_on_detail": "compression"},
    **dict.fromkeys(("level", "level_squared", "contrast", "bright", "dark"), "exposure"),
    "headroom": "score",
}


@dataclass(frozen=True)
class Ranked:
    """A ranked frame.

    Attributes:
        index: Position of the frame in the input, starting at 0.
        rank: 1 for the best.
        value: Log odds against the average frame of this moment: the frame is better than another
            with probability 1 / (1 + exp(other - value)). Meaningless outside its moment.
        quality: The result of `Scorer.score` for the frame alone.
        against_best: The differences to the best frame, in log odds that add up to the difference
            of their values: "sharpness", "noise", "compression", "exposure", "score". Negative
            where the frame is worse; all 0 for the best.
        picture: The frame as it was given, where that takes no memory: an element of a sequence,
            or a path. None for frames that an iterator generated.
    """

    index: int
    rank: int
    value: float
    quality: Quality
    against_best: dict[str, float] = field(default_factory=dict)
    picture: Any = field(default=None, compare=False)

    def __repr__(self) -> str:
        name = f", {os.fspath(self.picture)!r}" if _is_path(self.picture) else ""
        return f"Ranked(rank={self.rank}, index={self.index}, score={self.quality.score:.1f}{name})"

    def to_dict(self) -> dict[str, Any]:
        """Returns a JSON-ready dict."""
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

    Frames are processed one by one and not kept, so that an iterable may generate them.

    >>> best = best_of(["a.jpg", "b.jpg", "c.jpg"])[0]
    >>> print(best.index, best.quality.score)

    Args:
        frames: Of one scene: anything `Scorer.score` accepts, in any mixture. Sizes may differ
            slightly (crops); copies at another resolution are compared at that of the first.
        scorer: By default one with the default model.
        k: Maximum number of frames to return.
        on_error: Called with (index, error) for a frame that cannot be read; the others are
            ranked without it. By default such a frame raises.

    Returns:
        The best k frames, best first. Equal frames keep their order.

    Raises:
        TypeError: A single path or frame instead of several, or a frame that is not a picture.
        ValueError: `k` is below 1, or as for `Scorer.score`.
        UnreadableImageError: A frame cannot be read; a ValueError.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"k is {k!r}, expected a whole number of at least 1")
    if isinstance(frames, str | bytes | bytearray | memoryview | Frame | Image.Image):
        raise TypeError(f"best_of got one {type(frames).__name__}, expected several frames")
    moment = Moment(scorer or Scorer())
    paths: dict[int, Any] = {}
    for index, frame in enumerate(frames):
        if _is_path(frame):
            paths[index] = frame
        try:
            moment.add(frame, index)
        except (UnreadableImageError, TypeError, ValueError) as error:
            if on_error is None:
                raise
            on_error(index, error)
    kept: Any = frames if isinstance(frames, Sequence) else None
    return [
        replace(one, picture=paths.get(one.index) if kept is None else kept[one.index])
        for one in moment.ranking()[:k]
    ]


def _is_path(picture: object) -> bool:
    return isinstance(picture, str | os.PathLike)


class Moment:
    """Collects the frames of one moment one by one; the steps of `best_of`."""

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
            frame: Anything `Scorer.score` accepts.
            index: Identifies it in the ranking; by default the number of frames before it.

        Returns:
            Its quality. Raises like `Scorer.score`, and leaves the moment unchanged then.
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
        """All frames so far, best first; equal ones keep their order."""
        return [
            replace(ranked, index=self._indexes[ranked.index])
            for ranked in rank(self._qualities, self._details)
        ]


def rank(qualities: Sequence[Quality], details: Sequence[np.ndarray]) -> list[Ranked]:
    """Ranks measured frames of one moment.

    Args:
        qualities: Of the frames.
        details: Per frame `edgeiqa.burst.features.FrameDetail.values` of the same `Places`.

    Returns:
        All of them, best first; equal ones keep their order.
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
    """The terms of a frame: its features, transformed so that each expresses one thing.

    Detail is relative to brightness, as twice the light means four times the gradient energy; the
    finer octaves count by their excess over the next coarser one, and the poorest direction by its
    deficit against the others. Blocks also count times the fine detail, which hides them. The
    score counts by its distance from the top, as the last points are the hardest to gain.

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


@functools.cache
def burst_weights() -> BurstWeights:
    """The weights in use."""
    return load_weights(TERMS)


def _groups(values: np.ndarray) -> dict[str, float]:
    """The weighted sum, by the meaning of its parts."""
    weights = burst_weights().weights
    sums = dict.fromkeys(("sharpness", "noise", "compression", "exposure", "score"), 0.0)
    for name, value in zip(TERMS, values, strict=True):
        sums[_GROUPS[name]] += weights[name] * float(value)
    return sums
