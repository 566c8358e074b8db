"""Draws a ladder report: scores over levels, and a sheet of all distorted pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..distortions.distort import LEVELS, RgbArray
from .ladder_report import LadderReport, rungs

_THUMBNAIL = (150, 112)
_CAPTION = 18
_LABEL = 150
_GAP = 6
_INK, _FAINT, _ALARM = (32, 33, 36), (110, 113, 118), (200, 35, 40)


def plot(report: LadderReport, file: Path) -> None:
    """Draws one panel per distortion with one line per picture.

    Args:
        report: what `convert.evaluation.monotonicity.check_ladders` returned.
        file: the PNG to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = min(3, len(report.kinds))
    rows = -(-len(report.kinds) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(4 * columns, 3 * rows), sharex=True, sharey=True, squeeze=False
    )
    levels = range(len(LEVELS) + 1)
    for axis, kind in zip(axes.flat, report.kinds, strict=False):
        for ladder in report.ladders:
            if ladder.kind == kind:
                axis.plot(levels, ladder.scores, marker=".", label=ladder.picture)
        for violation in report.violations:
            if violation.kind == kind:
                axis.plot(violation.level, violation.after, "o", color="red", fillstyle="none")
        count = report.count(kind)
        axis.set_title(f"{kind}: {count.violations} of {count.pairs} do not fall", fontsize=9)
        axis.set_ylim(0, 100)
        axis.grid(alpha=0.3)
    for axis in list(axes.flat)[len(report.kinds) :]:
        axis.set_visible(False)
    figure.supxlabel("level (0 is the original)")
    figure.supylabel("score")
    axes.flat[0].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(file, dpi=120, metadata={"Software": None})
    pyplot.close(figure)


def contact_sheet(report: LadderReport, pictures: Mapping[str, RgbArray], file: Path) -> None:
    """Lays out every distorted picture with its score; a score that does not fall is red.

    Args:
        report: what `convert.evaluation.monotonicity.check_ladders` returned for these pictures.
        pictures: name to uint8 (height, width, 3) RGB.
        file: the PNG to write.
    """
    width, height = _THUMBNAIL
    cell = (width + _GAP, height + _CAPTION + _GAP)
    size = (_LABEL + cell[0] * (len(LEVELS) + 1), cell[1] * len(report.ladders))
    sheet = Image.new("RGB", size, (250, 250, 250))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for row, ladder in enumerate(report.ladders):
        top = row * cell[1] + _GAP
        draw.text((_GAP, top), ladder.picture, _INK, font)
        draw.text((_GAP, top + _CAPTION), ladder.kind, _FAINT, font)
        wrong = {violation.level for violation in ladder.violations}
        steps = rungs(pictures[ladder.picture], ladder.kind, ladder.picture, report.seed)
        for level, (rgb, score) in enumerate(zip(steps, ladder.scores, strict=True)):
            left = _LABEL + level * cell[0]
            picture = Image.fromarray(rgb)
            picture.thumbnail(_THUMBNAIL)
            sheet.paste(picture, (left, top))
            ink = _ALARM if level in wrong else _INK
            draw.text((left, top + height + 1), f"{level}: {score:.1f}", ink, font)
    sheet.save(file)
