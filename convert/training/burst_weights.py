"""``edgeiqa convert burst-weights``: learns how `edgeiqa.best_of` weighs what it measures.

From bursts made out of training pictures, where it is known which frame is worse. A Bradley-Terry
model (Bradley & Terry, 1952): the log odds that one frame is better than another are a weighted
sum of the differences of their terms. The strength of the regularisation is chosen on a quarter
of the scenes, which by then took no part: the strongest whose loss there is within 3% of the
least, as weights of little use are best small. The weights are then fitted to all.

Half of the scenes are enlarged first: photographs of many megapixels are softer at the pixel than
the small pictures of the databases, and the weights are to hold for both. Framing and exposure
waver more than in the measurement, so that the weights do not lean on what a hand changes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeiqa.burst.ranking import TERMS, terms
from edgeiqa.imaging.discovery import expand

from ..datasets.augment import MARKED_SUBSETS
from ..datasets.biq2021 import build_manifest
from ..datasets.ladders import MIN_MOS
from ..evaluation.burst_measures import MeasuredSeries, Scene
from ..evaluation.burst_series import APART, KINDS, MIXED, SLIGHT

STRENGTHS: tuple[float, ...] = (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2)
"""Of the quadratic regularisation, in units of each term's deviation."""

_SLACK = 1.03
_LARGEST_SCALE = 2.0
_STOPS = 0.12
_MIN_SHARE = 0.9
_VALIDATION = 4  # One scene in so many.


class Pairs:
    """Differences of terms, better frame minus worse frame.

    Attributes:
        differences: float64 [pairs, len(TERMS)].
        kinds: the distortion of each.
        apart: levels between the two.
    """

    def __init__(self, measured: Sequence[MeasuredSeries]) -> None:
        rows, kinds, apart = [], [], []
        for series, frames in measured:
            values = [terms(frame.detail, frame.quality.score) for frame in frames]
            for better, worse, levels in series.pairs():
                rows.append(values[better] - values[worse])
                kinds.append(series.kind)
                apart.append(levels)
        self.differences: NDArray[np.float64] = np.array(rows).reshape(-1, len(TERMS))
        self.kinds = np.array(kinds)
        self.apart = np.array(apart)

    def loss(self, weights: NDArray[np.float64]) -> float:
        """Mean negative log likelihood."""
        return float(np.logaddexp(0.0, -(self.differences @ weights)).mean())

    def accuracy(self, weights: NDArray[np.float64]) -> dict[str, dict[str, float]]:
        """Share of pairs in the right order, by kind and by levels apart."""
        right = self.differences @ weights > 0
        found: dict[str, dict[str, float]] = {}
        for kind in (*dict.fromkeys(map(str, self.kinds)), "all"):
            of_kind = np.ones(len(right), bool) if kind == "all" else self.kinds == kind
            found[kind] = {
                str(levels): round(float(right[of_kind & (self.apart == levels)].mean()), 4)
                for levels in APART
            }
        return found


def fit(pairs: Pairs, strength: float) -> NDArray[np.float64]:
    """Fits the weights.

    Args:
        pairs: at least one.
        strength: of the regularisation, see `STRENGTHS`.

    Returns:
        float64 [len(TERMS)], log odds per unit.
    """
    from scipy.optimize import minimize

    scale = np.maximum(pairs.differences.std(axis=0), 1e-6)
    scaled = pairs.differences / scale

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = scaled @ w
        # 1 / (1 + exp(m)) in a form that cannot overflow.
        slope = 0.5 * (1.0 - np.tanh(0.5 * margins))
        value = np.logaddexp(0.0, -margins).mean() + strength * (w @ w)
        return float(value), -(scaled * slope[:, None]).mean(axis=0) + 2.0 * strength * w

    start = np.zeros(len(TERMS))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000})
    return np.asarray(found.x / scale)


def learn(measured: Sequence[MeasuredSeries]) -> dict[str, Any]:
    """Chooses the regularisation and fits.

    Args:
        measured: series of training scenes.

    Returns:
        `weights` by term, `strength`, `validation` (losses by strength, accuracies of the chosen
        one), and counts of scenes and pairs.
    """
    held_out = [m for m in measured if _is_validation(m[0].scene)]
    rest = [m for m in measured if not _is_validation(m[0].scene)]
    if not held_out or not rest:
        raise ValueError("too few scenes to hold a quarter of them out; expected 20 or more")
    training, validation = Pairs(rest), Pairs(held_out)
    fits = {strength: fit(training, strength) for strength in STRENGTHS}
    losses = {strength: validation.loss(weights) for strength, weights in fits.items()}
    best = max(s for s, loss in losses.items() if loss <= _SLACK * min(losses.values()))
    weights = fit(Pairs(measured), best)
    return {
        "scenes": len({series.scene for series, _ in measured}),
        "pairs": len(training.kinds) + len(validation.kinds),
        "strength": best,
        "weights": {n: float(f"{w:.4g}") for n, w in zip(TERMS, weights, strict=True)},
        "validation": {
            "scenes": len({series.scene for series, _ in held_out}),
            "loss": {f"{strength:g}": round(loss, 5) for strength, loss in losses.items()},
            "accuracy": validation.accuracy(fits[best]),
        },
    }


def training_scenes(
    root: Path, count: int, more: Sequence[Path], more_count: int, seed: int
) -> list[Scene]:
    """Draws rated training pictures, and some of further folders.

    Args:
        root: the data root; BIQ2021's train split without watermarks is drawn from.
        count: of rated pictures.
        more: folders of pictures that no measurement uses.
        more_count: how many to draw from those.
        seed: of the draw, of scales and of series.
    """
    good = sorted(
        row.path
        for row in build_manifest(root)
        if row.split == "train" and row.mos >= MIN_MOS and row.subset not in MARKED_SUBSETS
    )
    generator = np.random.default_rng(seed)
    paths = [str(root / good[i]) for i in generator.permutation(len(good))[:count]]
    further = [item.path for item in expand(map(str, more)) if item.error is None]
    paths += [further[i] for i in generator.permutation(len(further))[:more_count]]
    return [
        Scene(
            Path(path).name,
            path,
            (*_some(generator), *SLIGHT, MIXED),
            seed,
            1.0 if generator.random() < 0.5 else float(generator.uniform(1.25, _LARGEST_SCALE)),
            others=False,
            stops=_STOPS,
            least_share=_MIN_SHARE,
        )
        for path in paths
    ]


def _some(generator: np.random.Generator) -> list[str]:
    """Half of the kinds: scenes teach more than series of one scene."""
    return [str(kind) for kind in generator.permutation(KINDS)[: len(KINDS) // 2]]


def _is_validation(scene: str) -> bool:
    return zlib.crc32(scene.encode()) % _VALIDATION == 0
