"""The distribution of scores: counts per bin, and their drawing without a script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgeiqa.report.items import OUTCOMES, REJECTED, Photo

BINS = 20
"""Bins of 5 points each; the last one includes 100."""

_WIDTH, _HEIGHT, _BASE = 320, 120, 102
_LEFT, _RIGHT, _TOP = 0, 320, 8


@dataclass(frozen=True)
class Bin:
    """Photographs with a score from `low` up to, but not including, `high`.

    Attributes:
        low: 0-95.
        high: 5-100; the last bin includes 100.
        rejected: Rejected photographs.
        others: Photographs accepted or without a verdict.
    """

    low: float
    high: float
    rejected: int
    others: int

    @property
    def count(self) -> int:
        """All photographs in the bin."""
        return self.rejected + self.others


def histogram(photos: Sequence[Photo], bins: int = BINS) -> list[Bin]:
    """Counts scores in equal bins from 0 to 100."""
    counts = [[0, 0] for _ in range(bins)]
    for photo in photos:
        score = photo.result.score
        if score is not None:
            counts[bin_of(score, bins)][photo.outcome != REJECTED] += 1
    return [Bin(i * 100 / bins, (i + 1) * 100 / bins, *counts[i]) for i in range(bins)]


def bin_of(score: float, bins: int = BINS) -> int:
    """The bin of a score 0-100."""
    return min(math.floor(score * bins / 100), bins - 1)


def histogram_svg(bins: Sequence[Bin], middle: float | None, judged: bool) -> str:
    """The histogram as inline SVG; the page's script turns each bar into a button.

    Args:
        bins: From `histogram`.
        middle: The median, 0-100, marked with a line; None for none.
        judged: Whether there are verdicts, which give the bars two colours.
    """
    largest = max((one.count for one in bins), default=0) or 1
    room = _BASE - _TOP
    wide = (_RIGHT - _LEFT) / max(len(bins), 1)
    parts = [
        f'<svg id="histogram" class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="group" '
        'aria-label="Distribution of scores">'
    ]
    for number, one in enumerate(bins):
        x = _LEFT + number * wide
        # A single photograph among thousands must be visible.
        tall = max(2.0, one.count / largest * room) if one.count else 0.0
        low = tall * one.rejected / one.count if one.count else 0.0
        label = _label(one, judged)
        parts.append(
            f'<g class="bin" data-low="{one.low:g}" data-high="{one.high:g}" '
            f'aria-label="{label}"><title>{label}</title>'
            f'<rect class="reach" x="{x:.2f}" y="0" width="{wide:.2f}" height="{_BASE}"/>'
        )
        for name, y, height in (
            (OUTCOMES[2] if judged else OUTCOMES[3], _BASE - tall, tall - low),
            (OUTCOMES[1], _BASE - low, low),
        ):
            if height > 0:
                parts.append(
                    f'<rect class="bar {name}" x="{x + 1:.2f}" y="{y:.2f}" '
                    f'width="{wide - 2:.2f}" height="{height:.2f}"/>'
                )
        parts.append("</g>")
    parts.append(f'<line class="axis" x1="{_LEFT}" y1="{_BASE}" x2="{_RIGHT}" y2="{_BASE}"/>')
    for value in (0, 25, 50, 75, 100):
        x = _LEFT + value * (_RIGHT - _LEFT) / 100
        anchor = {0: "start", 100: "end"}.get(value, "middle")
        parts.append(
            f'<text class="tick" x="{x:g}" y="{_HEIGHT - 4}" text-anchor="{anchor}">{value}</text>'
        )
    if middle is not None:
        x = _LEFT + middle * (_RIGHT - _LEFT) / 100
        parts.append(
            f'<line class="median" x1="{x:.2f}" y1="0" x2="{x:.2f}" y2="{_BASE}">'
            f"<title>median {middle:.1f}</title></line>"
        )
    return "".join([*parts, "</svg>"])


def _label(one: Bin, judged: bool) -> str:
    noun = "photograph" if one.count == 1 else "photographs"
    rest = f", {one.rejected:,} rejected" if judged and one.count else ""
    return f"score {one.low:g} to {one.high:g}: {one.count:,} {noun}{rest}"
