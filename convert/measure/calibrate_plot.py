"""Draws a calibration report: reliability, and errors against their error bars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.files import replacing
from convert.measure.predictions import Scores

if TYPE_CHECKING:
    from convert.measure.calibrate import CalibrationReport


def plot(report: CalibrationReport, scores: Scores, file: Path) -> None:
    """Writes a PNG with the reliability diagram and, where there is a std, its worth.

    Args:
        report: What `convert.measure.calibrate.calibration_report` returned.
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
        right.set_title("ten bins by std; on the line it tells the truth", fontsize=10)
        right.legend(fontsize=8)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    figure.tight_layout()
    with replacing(file) as scratch:
        figure.savefig(scratch, format="png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)
