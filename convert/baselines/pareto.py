"""The plot of what accuracy costs: SROCC against milliseconds, ours and the survey's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.files import replacing
from ..datasets.manifest import DataError

OURS, PEERS = "#1a73e8", "#80868b"
_MIN_AREA, _MAX_AREA = 25.0, 550.0


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other beats: as quick or quicker, and better.

    Args:
        points: (milliseconds, SROCC).

    Returns:
        In the order of rising milliseconds.
    """
    kept: list[int] = []
    best = -math.inf
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if points[index][1] > best:
            kept.append(index)
            best = points[index][1]
    return kept


def marker_area(size: float) -> float:
    """Area of a marker in square points: grows with the logarithm from 1 kB to 10 MB."""
    share = (math.log10(max(size, 1.0)) - 3) / 4
    return _MIN_AREA + (_MAX_AREA - _MIN_AREA) * min(max(share, 0.0), 1.0)


def draw(found: Mapping[str, Any], file: Path) -> None:
    """Draws the plot.

    Args:
        found: A document of `convert.baselines.table`.
        file: ``.png``, ``.svg`` or ``.pdf``; written whole or not at all.

    Raises:
        DataError: No method was both measured and timed.
        ValueError: Another suffix.
    """
    kind = file.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        raise ValueError(f"cannot draw {file}: the suffix must be .png, .svg or .pdf")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    entries, points = [], []
    for entry in found["methods"]:
        value = entry["groups"].get("pooled", {}).get("SROCC", {}).get("value")
        if value is not None and entry.get("milliseconds"):
            entries.append(entry)
            points.append((float(entry["milliseconds"]["median"]), float(value)))
    if not entries:
        raise DataError("no method was both measured and timed: nothing to draw")
    figure, axes = pyplot.subplots(figsize=(8.4, 5.2), constrained_layout=True)
    best = [points[index] for index in front(points)]
    axes.plot(*zip(*best, strict=True), "--", color="#bdc1c6", linewidth=1, zorder=1)
    for entry, (x, y) in zip(entries, points, strict=True):
        interval = entry["groups"]["pooled"]["SROCC"]
        colour = OURS if entry["ours"] else PEERS
        if interval["low"] is not None and interval["high"] is not None:
            # A percentile interval of few pictures need not hold the value itself.
            below, above = max(0.0, y - interval["low"]), max(0.0, interval["high"] - y)
            axes.errorbar(x, y, [[below], [above]], color=colour, linewidth=1, zorder=2)
        axes.scatter(x, y, marker_area(entry["bytes"]), colour, alpha=0.55, zorder=3)
        axes.scatter(x, y, 8, colour, zorder=4)
    axes.set_xscale("log")
    _pad(axes, points)
    _label(figure, axes, entries, points)
    protocol = found["protocol"]
    axes.set_xlabel("milliseconds per picture of 512 x 512, one thread (logarithmic)")
    axes.set_ylabel(f"SROCC with human scores, {protocol['database']} {protocol['split']}")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for size, name in ((1e4, "10 kB"), (1e6, "1 MB"), (1e7, "10 MB")):
        axes.scatter([], [], marker_area(size), PEERS, alpha=0.55, label=name)
    axes.legend(title="size", loc="lower right", labelspacing=1.0, borderpad=1.0, frameon=False)
    with replacing(file) as scratch:
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(scratch, dpi=130, format=kind, metadata=metadata)
    pyplot.close(figure)


def _pad(axes: Any, points: Sequence[tuple[float, float]]) -> None:
    """Room for labels and for the legend in the lower right corner."""
    times, values = zip(*points, strict=True)
    axes.set_xlim(min(times) / 1.8, max(times) * 3.5)
    axes.set_ylim(min(0.0, min(values) - 0.05), 1.0)


def _label(
    figure: Any, axes: Any, entries: Sequence[Mapping[str, Any]], points: Sequence[Any]
) -> None:
    """Writes each name beside its marker, moved up or down until it overlaps no other."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    centres = [axes.transData.transform(point) for point in points]
    taken: list[Any] = []
    for entry, point in sorted(
        zip(entries, points, strict=True), key=lambda item: (not item[0]["ours"], -item[1][1])
    ):
        reach = math.sqrt(marker_area(entry["bytes"]) / math.pi) + 4
        text = axes.annotate(
            f"edgeiqa {entry['title']}" if entry["ours"] else entry["title"],
            point,
            xytext=(reach, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            fontweight="bold" if entry["ours"] else "normal",
            color=OURS if entry["ours"] else "#3c4043",
            zorder=5,
        )
        for step in (0, 14, -14, 28, -28, 42, -42):
            text.set_position((reach, step))
            box = text.get_window_extent(renderer)
            covered = any(box.overlaps(other) for other in taken)
            if not covered and not any(box.contains(x, y) for x, y in centres):
                break
        taken.append(text.get_window_extent(renderer))
