"""Is a score what it claims to be? The expected MOS, with a `std` that estimates its error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..common.files import replacing
from ..common.metrics import fit_logistic4, logistic4, plcc
from ..common.text_table import aligned
from .predictions import (
    Scores,
)
from .uncertainty import (
    COVERAGE,
    SpreadFigures,
    SpreadFit,
    cross_fitted,
    fit_spread,
    spread_figures,
)

BINS = 10
PLCC_BAR = 0.01
"""How much the logistic may add to PLCC where the score is the MOS itself."""


@dataclass(frozen=True)
class Bin:
    """Pictures of like scores.

    Attributes:
        pictures: How many.
        score: Their mean score, points of 0-100.
        mos: Their mean MOS, points.
        low: Lower end of the 95% interval of the mean MOS (bootstrap over pictures).
        high: Upper end.
    """

    pictures: int
    score: float
    mos: float
    low: float
    high: float


def reliability(
    score: npt.ArrayLike, mos: npt.ArrayLike, bins: int = BINS, repeats: int = 1000, seed: int = 0
) -> tuple[Bin, ...]:
    """Compares mean score and mean MOS among pictures of like scores.

    Args:
        score: Points of 0-100, [N].
        mos: Points, [N].
        bins: Number of bins, of equal numbers of pictures; fewer where there are fewer pictures.
        repeats: Bootstrap draws per bin.
        seed: Of the draws.

    Returns:
        Bins by rising score.

    Raises:
        ValueError: shapes differ or nothing is there.
    """
    x, y = np.asarray(score, np.float64), np.asarray(mos, np.float64)
    if x.shape != y.shape or x.ndim != 1 or not len(x):
        raise ValueError(f"expected two vectors of one length, got {x.shape} and {y.shape}")
    generator = np.random.default_rng(seed)
    found = []
    for chosen in np.array_split(np.argsort(x, kind="stable"), min(bins, len(x))):
        inside = y[chosen]
        draws = inside[generator.integers(0, len(inside), (repeats, len(inside)))].mean(axis=1)
        low, high = np.percentile(draws, (2.5, 97.5))
        mean = (float(x[chosen].mean()), float(inside.mean()))
        found.append(Bin(len(chosen), *mean, float(low), float(high)))
    return tuple(found)


def expected_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error in points: mean |score - MOS| of the bins, by their pictures.

    After Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015, for a regression. Noise alone makes it larger than 0.
    """
    total = sum(b.pictures for b in bins)
    return sum(b.pictures * abs(b.score - b.mos) for b in bins) / total


@dataclass(frozen=True)
class CalibrationReport:
    """All of it for one model.

    Attributes:
        bins: Of the pooled pictures.
        ece: Expected calibration error, points.
        plcc: Without any fit.
        plcc_logistic: After the VQEG 4-parameter logistic, fitted on the same pictures.
        shipped: Per group, of `std` as the model file gives it; empty for a model without.
        fitted: The same for a fitted `std`, each picture's by a fit without it (5 folds).
        fit: On all pictures, for the contract; None for a model without a histogram.
        protocol: What it takes to repeat it.
    """

    bins: tuple[Bin, ...]
    ece: float
    plcc: float
    plcc_logistic: float
    shipped: dict[str, SpreadFigures]
    fitted: dict[str, SpreadFigures]
    fit: SpreadFit | None
    protocol: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "protocol": self.protocol,
            "reliability": [
                {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(b).items()}
                for b in self.bins
            ],
            "expected_calibration_error": round(self.ece, 3),
            "plcc": round(self.plcc, 4),
            "plcc_logistic": round(self.plcc_logistic, 4),
            "plcc_gap": round(self.plcc_logistic - self.plcc, 4),
            "std": {name: figures.to_dict() for name, figures in self.shipped.items()},
            "std_fitted": {name: figures.to_dict() for name, figures in self.fitted.items()},
            "fit": None if self.fit is None else asdict(self.fit),
        }

    def table(self) -> str:
        """For people."""
        rows = [["score", "MOS", "95% interval", "pictures"]]
        rows += [
            [f"{b.score:.1f}", f"{b.mos:.1f}", f"{b.low:.1f}-{b.high:.1f}", str(b.pictures)]
            for b in self.bins
        ]
        gap = self.plcc_logistic - self.plcc
        verdict = "within" if gap <= PLCC_BAR else "NOT within"
        parts = [
            aligned(rows, left=0),
            f"expected calibration error {self.ece:.2f} points; PLCC {self.plcc:.4f}, with "
            f"logistic {self.plcc_logistic:.4f}: {verdict} {PLCC_BAR}",
        ]
        if self.shipped:
            head = ["", "std", "pictures", "NLL", f"{COVERAGE:.0%} coverage", "mean std", "RMSE"]
            spreads = [head]
            for name, figures in self.shipped.items():
                spreads.append([name, "of the file", *_cells(figures)])
                spreads.append(["", "fitted, 5 folds", *_cells(self.fitted[name])])
            parts.append(aligned(spreads, left=2))
        if self.fit is not None:
            parts.append(f"std = {self.fit.std_scale:g} * spread ^ {self.fit.std_power:g}")
        return "\n\n".join(parts)


def calibration_report(
    scores: Scores, shipped: Scores, *, seed: int = 0, facts: dict[str, Any] | None = None
) -> CalibrationReport:
    """Computes everything from scored pictures.

    Args:
        scores: With the plain spread of the histogram as std.
        shipped: The same pictures with std as the model file gives it.
        seed: Of draws and folds.
        facts: For the protocol.

    Raises:
        ValueError: too few pictures; see `fit_spread`.
    """
    x, y = scores.score, scores.mos
    bins = reliability(x, y, seed=seed)
    as_shipped: dict[str, SpreadFigures] = {}
    fitted: dict[str, SpreadFigures] = {}
    fit = None
    if scores.std is not None and shipped.std is not None:
        fit = fit_spread(x, scores.std, y)
        std = cross_fitted(x, scores.std, y, seed=seed)
        for name, inside in scores.groups().items():
            as_shipped[name] = spread_figures(x[inside], shipped.std[inside], y[inside])
            fitted[name] = spread_figures(x[inside], std[inside], y[inside])
    return CalibrationReport(
        bins,
        expected_error(bins),
        plcc(x, y),
        plcc(logistic4(x, fit_logistic4(x, y)), y),
        as_shipped,
        fitted,
        fit,
        dict(facts or {}),
    )


def _cells(figures: SpreadFigures) -> list[str]:
    return [
        f"{figures.pictures:,}",
        f"{figures.nll:.3f}",
        f"{figures.coverage:.1%}",
        f"{figures.sharpness:.1f}",
        f"{figures.rmse:.1f}",
    ]


def plot(report: CalibrationReport, scores: Scores, file: Path) -> None:
    """Writes a PNG with the reliability diagram and, where there is a std, its worth.

    Args:
        report: What `convert.evaluation.calibrate.calibration_report` returned.
        scores: The pictures that it was computed from, with the plain spread as std.
        file: The PNG.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = 1 if report.fit is None else 2
    figure, axes = pyplot.subplots(1, panels, figsize=(5.2 * panels, 4.8), squeeze=False)
    left = axes[0, 0]
    left.scatter(scores.score, scores.mos, s=4, alpha=0.25, color="gray", linewidths=0)
    left.plot((0, 100), (0, 100), color="black", linewidth=0.8)
    x, y = [b.score for b in report.bins], [b.mos for b in report.bins]
    ends = ([b.mos - b.low for b in report.bins], [b.high - b.mos for b in report.bins])
    left.errorbar(x, y, yerr=ends, fmt="o", markersize=4, capsize=2, color="#1f6f8b")
    left.set(xlim=(0, 100), ylim=(0, 100), xlabel="score", ylabel="MOS x 100", aspect="equal")
    left.set_title(f"expected calibration error {report.ece:.2f} points", fontsize=10)
    if report.fit is not None and scores.std is not None:
        right = axes[0, 1]
        error = np.abs(scores.mos - scores.score)
        for std, label, colour in (
            (scores.std, "spread of the histogram", "#c46210"),
            (report.fit.apply(scores.std), "fitted std", "#1f6f8b"),
        ):
            parts = np.array_split(np.argsort(std, kind="stable"), min(10, len(std)))
            means = [float(np.mean(std[part])) for part in parts]
            actual = [float(np.sqrt(np.mean(error[part] ** 2))) for part in parts]
            right.plot(means, actual, "o-", markersize=4, color=colour, label=label)
        limit = float(np.max(scores.std)) * 1.05
        right.plot((0, limit), (0, limit), color="black", linewidth=0.8)
        right.set(xlim=(0, limit), ylim=(0, limit), xlabel="std", ylabel="RMS error of the score")
        right.set_title("ten bins by std; on the line it is exact", fontsize=10)
        right.legend(fontsize=8)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    figure.tight_layout()
    with replacing(file) as scratch:
        figure.savefig(scratch, format="png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)
