"""Is a score what it claims to be? The expected MOS, with a `std` that tells how far off it is."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convert import protocol
from convert.files import prepare_targets, write_bytes
from convert.measure.command import add_picture_arguments, picture_rows, report
from convert.measure.predictions import (
    Scores,
    arrays,
    model_facts,
    open_scorer,
    predict,
    tell_unreadable,
)
from convert.measure.spread import (
    COVERAGE,
    SpreadFigures,
    SpreadFit,
    cross_fitted,
    fit_spread,
    plain_spread,
    spread_figures,
    with_spread,
)
from convert.measure.texttable import aligned
from convert.metrics import fit_logistic4, logistic4, plcc

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
            told = [head]
            for name, figures in self.shipped.items():
                told.append([name, "of the file", *_cells(figures)])
                told.append(["", "fitted, 5 folds", *_cells(self.fitted[name])])
            parts.append(aligned(told, left=2))
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
    told: dict[str, SpreadFigures] = {}
    fitted: dict[str, SpreadFigures] = {}
    fit = None
    if scores.std is not None and shipped.std is not None:
        fit = fit_spread(x, scores.std, y)
        std = cross_fitted(x, scores.std, y, seed=seed)
        for name, inside in scores.groups().items():
            told[name] = spread_figures(x[inside], shipped.std[inside], y[inside])
            fitted[name] = spread_figures(x[inside], std[inside], y[inside])
    return CalibrationReport(
        bins,
        expected_error(bins),
        plcc(x, y),
        plcc(logistic4(x, fit_logistic4(x, y)), y),
        told,
        fitted,
        fit,
        dict(facts or {}),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model", metavar="MODEL", help=".tflite with its contract, or a shipped model's name: base"
    )
    add_picture_arguments(parser, "validation")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of draws and folds (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="pictures scored at a time (default: processors)"
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument(
        "--plot", type=Path, metavar="PNG", help="draw the reliability diagram and the error bars"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the model with the fitted std in its contract; validation pictures only",
    )


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    from edgeiqa.model import find

    if args.output is not None and args.split == "test":
        raise ValueError("--output with --split test: nothing may be fitted to the test split")
    rows, root = picture_rows(args)
    prepare_targets(args.json, args.plot, args.output)
    model = find(args.model).read_bytes()
    scorer, workers = open_scorer(plain_spread(model), args.jobs)
    predictions = predict(scorer, rows, root, workers)
    unreadable = tell_unreadable(predictions)
    scores = arrays(predictions)
    as_shipped, _ = open_scorer(model, 1)
    calibration = as_shipped.contract.calibration
    std = None
    if scores.std is not None:
        std = np.array([calibration.std(float(s)) for s in scores.std])
    facts = {
        **model_facts(as_shipped, args.model),
        "database": args.database,
        "split": args.split,
        "pictures": len(rows),
        "unreadable": unreadable,
        "score": "edgeiqa.Scorer from the image file; points of 0-100, MOS times 100",
        "reliability": f"{BINS} bins of equal numbers of pictures, 95% bootstrap of the mean MOS",
        "nll": "Gaussian, nats per picture, MOS in points",
        "coverage": "share of MOS within score +- 1.2816 std",
        "std_fitted": "std_scale * spread ** std_power: power by NLL, scale by 80% coverage; "
        "figures by 5-fold cross-fitting, each picture's std from a fit that did not see it",
        "seed": args.seed,
        "versions": protocol.versions(),
        "command": protocol.command_line("convert.measure.calibrate.calibration_report"),
        "date": protocol.now(),
    }
    shipped = Scores(scores.score, scores.mos, std, scores.subsets)
    result = calibration_report(scores, shipped, seed=args.seed, facts=facts)
    report(result.to_dict(), result.table(), args.json)
    if args.plot is not None:
        from convert.measure.calibrate_plot import plot

        plot(result, scores, args.plot)
    if args.output is not None:
        if result.fit is None:
            raise ValueError("this model has no histogram, so there is no std to calibrate")
        write_bytes(args.output, with_spread(model, result.fit))
    return 3 if unreadable else 0


def _cells(figures: SpreadFigures) -> list[str]:
    return [
        f"{figures.pictures:,}",
        f"{figures.nll:.3f}",
        f"{figures.coverage:.1%}",
        f"{figures.sharpness:.1f}",
        f"{figures.rmse:.1f}",
    ]
