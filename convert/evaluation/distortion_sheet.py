"""``edgeiqa convert distort``: a contact sheet of all distortions at all levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..common.progress import progress
from ..distortions.distort import DISTORTIONS, LEVELS, RgbArray, distort
from ..distortions.mixture import mixture, mixture_steps

_LABEL, _CAPTION, _GAP = 150, 17, 6
_PAPER, _INK, _FAINT = (250, 250, 250), (32, 33, 36), (110, 113, 118)
_MAX_SIDE = 512


def cells(rgb: RgbArray, kind: str, levels: Sequence[int], seed: int) -> list[tuple[RgbArray, str]]:
    """One row of the sheet: the picture at each level, and what was done to it.

    Args:
        rgb: uint8 (height, width, 3) RGB.
        kind: a name in `convert.distortions.distort.DISTORTIONS`.
        levels: 1 to 5, mildest first.
        seed: non-negative integer.
    """
    says = DISTORTIONS[kind].says
    return [
        (distort(rgb, kind, level, seed=seed), f"{level}: {says(level / LEVELS[-1])}")
        for level in levels
    ]


def mixture_cells(
    rgb: RgbArray, number: int, levels: Sequence[int], seed: int
) -> list[tuple[RgbArray, str]]:
    """One row of the sheet: the same mixture at each level.

    Args:
        rgb: uint8 (height, width, 3) RGB.
        number: which mixture, from 0.
        levels: 1 to 5, mildest first.
        seed: non-negative integer.
    """
    row = []
    for level in levels:
        strength = level / LEVELS[-1]
        amounts = " ".join(f"{amount:.2f}" for _, amount in mixture_steps(seed + number, strength))
        row.append((mixture(rgb, seed + number, strength), f"{level}: {amounts}"))
    return row


def contact_sheet(
    pictures: Sequence[tuple[str, RgbArray]],
    kinds: Sequence[str],
    levels: Sequence[int] = LEVELS,
    *,
    mixtures: int = 3,
    seed: int = 0,
    thumbnail: int = 190,
) -> Image.Image:
    """Draws every picture under every kind at every level, labelled with its amount.

    The distortion acts on the picture as it is (sides over 512 px are first scaled down to that,
    so that a thumbnail still shows it); a crop of the middle at full resolution represents it.

    Args:
        pictures: name and uint8 (height, width, 3) RGB of each.
        kinds: names in `convert.distortions.distort.DISTORTIONS`.
        levels: 1 to 5, mildest first.
        mixtures: how many rows of mixtures follow.
        seed: non-negative integer.
        thumbnail: side of each cell in pixels.
    """
    font, small = ImageFont.load_default(13), ImageFont.load_default(11)
    pitch = (thumbnail + _GAP, thumbnail + _CAPTION + _GAP)
    rows = len(pictures) * (len(kinds) + mixtures)
    size = (_LABEL + pitch[0] * (len(levels) + 1) + _GAP, pitch[1] * rows + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    jobs = [(name, rgb, row) for name, rgb in pictures for row in range(len(kinds) + mixtures)]
    for line, (name, rgb, row) in enumerate(progress(jobs, len(jobs), "distorting")):
        source = _at_most(rgb, _MAX_SIDE)
        top = line * pitch[1] + _GAP
        if row < len(kinds):
            title, words = kinds[row].replace("_", " "), [DISTORTIONS[kinds[row]].cause]
            shown = cells(source, kinds[row], levels, seed)
        else:
            number = row - len(kinds)
            title = f"mixture {number + 1}"
            words = [kind.replace("_", " ") for kind, _ in mixture_steps(seed + number, 1.0)]
            shown = mixture_cells(source, number, levels, seed)
        draw.text((_GAP, top), title, _INK, font)
        for place, text in enumerate([*words, "", name], start=1):
            draw.text((_GAP, top + place * _CAPTION), text, _FAINT, small)
        for column, (picture, caption) in enumerate([(source, "0: original"), *shown]):
            left = _LABEL + column * pitch[0]
            sheet.paste(_middle(picture, thumbnail), (left, top))
            draw.text((left, top + thumbnail + 1), caption, _INK, small)
    return sheet


def _at_most(rgb: RgbArray, side: int) -> RgbArray:
    """The picture, its shorter side scaled down to ``side`` if it is longer."""
    height, width = rgb.shape[:2]
    if min(height, width) <= side:
        return rgb
    scale = side / min(height, width)
    size = (round(width * scale), round(height * scale))
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def _middle(rgb: RgbArray, side: int) -> Image.Image:
    """A square of the middle: up to twice the cell is shown at half size, more is cut off."""
    height, width = rgb.shape[:2]
    cut = min(height, width, 2 * side)
    top, left = (height - cut) // 2, (width - cut) // 2
    picture = Image.fromarray(rgb[top : top + cut, left : left + cut])
    return picture.resize((side, side), Image.Resampling.LANCZOS)
