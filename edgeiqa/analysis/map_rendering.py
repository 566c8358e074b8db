"""Renders a quality map over its picture, with a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from edgeiqa.analysis.quality_map import QualityMap


MAX_PANEL = 1024
"""Longest side of each of the two panels, in pixels."""

MIN_PANEL = 240
"""Pictures with a shorter longest side are enlarged to this length or a little more, in pixels."""

_OPACITY = 0.6
_GAP, _BAR, _MARGIN = 12, 18, 44
_LEGEND = 120
_PAPER, _INK = (255, 255, 255), (32, 33, 36)

# Viridis (S. van der Walt and N. Smith, 2015, CC0) at 17 even steps: perceptually uniform, and
# monotonic in lightness, so that it works for colour-blind readers and in grayscale print. Dark is
# bad, bright is good.
_VIRIDIS = np.array(
    [
        (68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141),
        (44, 114, 142), (38, 130, 142), (33, 145, 140), (31, 160, 136), (40, 174, 128),
        (63, 188, 115), (94, 201, 98), (132, 212, 75), (173, 220, 48), (216, 226, 25),
        (253, 231, 37),
    ],
    dtype=np.float64,
)  # fmt: skip


def colours(scores: np.ndarray) -> np.ndarray:
    """Maps scores to colours; the same score has the same colour in every picture.

    Args:
        scores: Any shape, 0-100; values outside are clipped.

    Returns:
        uint8 [..., 3], RGB.
    """
    at = np.clip(np.asarray(scores, np.float64) / 100.0, 0.0, 1.0) * (len(_VIRIDIS) - 1)
    steps = np.arange(len(_VIRIDIS))
    channels = [np.interp(at, steps, _VIRIDIS[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def draw(picture: Image.Image, quality_map: QualityMap) -> Image.Image:
    """Draws the picture, a grayscale copy of it under its map, and a legend.

    The two panels stand side by side, or one above the other if the picture is more than twice
    as wide as it is high.

    Args:
        picture: The mapped picture, upright, mode RGB.
        quality_map: Its map.

    Returns:
        An RGB picture; each panel has at most `MAX_PANEL` pixels a side.
    """
    shown = panel(picture)
    width, height = shown.size
    # At half contrast, so that a bright region is not mistaken for a good one.
    gray = 64 + np.asarray(shown.convert("L"), dtype=np.float64)[..., np.newaxis] / 2
    tint = colours(quality_map.at_size(width, height))
    overlay = np.round((1 - _OPACITY) * gray + _OPACITY * tint).astype(np.uint8)
    stacked = width > 2 * height
    second = (_GAP, height + 2 * _GAP) if stacked else (width + 2 * _GAP, _GAP)
    tall = max(second[1] - _GAP + height, _LEGEND)
    left = second[0] + width + _GAP
    zoom = max(1.0, tall / 400)  # Large sheets are viewed scaled down, so they need large digits.
    size = (left + round(zoom * (_BAR + _MARGIN)), tall + 2 * _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    sheet.paste(shown, (_GAP, _GAP))
    sheet.paste(Image.fromarray(overlay), second)
    _legend(sheet, (left, _GAP), tall, zoom, quality_map)
    return sheet


def panel(picture: Image.Image) -> Image.Image:
    """Scales the picture to the size of a panel."""
    longest = max(picture.size)
    if longest < MIN_PANEL:
        times = -(-MIN_PANEL // longest)  # A whole number, so that pixels stay square.
        size = (times * picture.width, times * picture.height)
        return picture.resize(size, Image.Resampling.NEAREST)
    factor = min(1.0, MAX_PANEL / longest)
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _legend(
    sheet: Image.Image, corner: tuple[int, int], tall: int, zoom: float, quality_map: QualityMap
) -> None:
    """Draws a colour bar from 100 down to 0 and outlines the range of this map on it."""
    left, top = corner
    bar, tick = round(zoom * _BAR), round(zoom * 4)
    scale = np.linspace(100.0, 0.0, tall)[:, np.newaxis]
    tint = np.repeat((1 - _OPACITY) * 128 + _OPACITY * colours(scale), bar, axis=1)
    sheet.paste(Image.fromarray(np.round(tint).astype(np.uint8)), (left, top))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(round(zoom * 12))
    half = round(zoom * 6)
    for mark in range(0, 101, 20):
        y = top + round((100 - mark) / 100 * (tall - 1))
        draw.line((left + bar, y, left + bar + tick, y), _INK)
        middle = min(max(y, half), top + tall + _GAP - half)
        draw.text((left + bar + 2 * tick, middle), str(mark), _INK, font, anchor="lm")
    ends = (float(quality_map.scores.max()), float(quality_map.scores.min()))
    high, low = (top + round((100 - end) / 100 * (tall - 1)) for end in ends)
    draw.rectangle(
        (left, high, left + bar - 1, max(low, high + 1)), outline=_INK, width=round(zoom * 2)
    )
