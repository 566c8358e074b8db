"""Draws docs/images/verdicts.jpg: the sample photographs with their scores and verdicts.

Usage: python scripts/docs/readme_picture.py [PATH...] [--model NAME_OR_FILE] [--output FILE]

What it shows is what `edgeiqa score` says; nothing is typed here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

Color = tuple[int, int, int]

COLUMNS = 4
OVERSAMPLING = 2  # drawn twice as large, then reduced, for smooth edges
PHOTO = (270, 180)
FOOT = 62
MARGIN = 18
RADIUS = 10

PAPER: Color = (255, 255, 255)
CARD: Color = (246, 247, 249)
INK: Color = (31, 35, 40)
FAINT: Color = (101, 109, 118)
TRACK: Color = (221, 225, 230)
GOOD: Color = (26, 127, 55)
BAD: Color = (207, 34, 46)


def score_paths(paths: Sequence[str], model: str) -> list[dict[str, Any]]:
    """Runs `edgeiqa score` and returns its JSON records.

    Raises:
        RuntimeError: a picture could not be scored.
    """
    from edgeiqa.cli.main import main as edgeiqa

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.json"
        options = ["--model", model, "--format", "json", "--no-progress", "--output", str(file)]
        code = edgeiqa(["score", *paths, *options])
        if code != 0:
            raise RuntimeError(f"edgeiqa score ended with exit code {code}")
        records: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return sorted(records, key=lambda record: Path(record["path"]).stem)


def draw_card(record: dict[str, Any], scale: int) -> Image.Image:
    """Draws one photograph with its name, score bar, score and verdict.

    Args:
        record: one entry of `edgeiqa score --format json`.
        scale: pixels per unit of the layout.
    """
    width, height = PHOTO[0] * scale, (PHOTO[1] + FOOT) * scale
    card = Image.new("RGB", (width, height), CARD)
    with Image.open(record["path"]) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    # The whole photograph, never a crop: composition is part of what people judge.
    inside = ImageOps.contain(upright, (width, PHOTO[1] * scale), Image.Resampling.LANCZOS)
    card.paste(TRACK, (0, 0, width, PHOTO[1] * scale))
    card.paste(inside, ((width - inside.width) // 2, (PHOTO[1] * scale - inside.height) // 2))

    draw = ImageDraw.Draw(card)
    color = GOOD if record["accept"] else BAD
    left, right = 12 * scale, width - 12 * scale
    top = (PHOTO[1] + 10) * scale
    small, bold = font(13 * scale), font(19 * scale)
    draw.text((left, top), Path(record["path"]).stem.replace("-", " "), INK, small)

    verdict = "accept" if record["accept"] else "reject"
    causes = [
        reason["cause"] for reason in record.get("reasons", ()) if reason["cause"] != "low_quality"
    ]
    if causes:
        verdict += f": {causes[0].replace('_', ' ')}"
    length = draw.textlength(verdict, small)
    pill = (right - length - 14 * scale, top - 3 * scale, right, top + 18 * scale)
    draw.rounded_rectangle(pill, 10 * scale, fill=color)
    draw.text((pill[0] + 7 * scale, top - scale), verdict, PAPER, small)

    bar_top = top + 30 * scale
    number = f"{record['score']:.0f}"
    bar = (left, bar_top, right - 36 * scale, bar_top + 9 * scale)
    draw.rounded_rectangle(bar, 4 * scale, fill=TRACK)
    filled = bar[0] + (bar[2] - bar[0]) * record["score"] / 100
    if filled - bar[0] > 9 * scale:
        draw.rounded_rectangle((*bar[:2], filled, bar[3]), 4 * scale, fill=color)
    draw.text((right, bar_top + 4 * scale), number, color, bold, anchor="rm")

    corners = Image.new("L", card.size, 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, width, height), RADIUS * scale, fill=255)
    rounded = Image.new("RGB", card.size, PAPER)
    rounded.paste(card, mask=corners)
    return rounded


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns the font that Pillow brings, in pixels; no system font is needed."""
    return ImageFont.load_default(size)


def draw_grid(records: Sequence[dict[str, Any]]) -> Image.Image:
    """Lays the cards out in rows of four."""
    scale = OVERSAMPLING
    rows = -(-len(records) // COLUMNS)
    step = (PHOTO[0] + MARGIN, PHOTO[1] + FOOT + MARGIN)
    size = (step[0] * COLUMNS + MARGIN, step[1] * rows + MARGIN)
    grid = Image.new("RGB", (size[0] * scale, size[1] * scale), PAPER)
    for index, record in enumerate(records):
        row, column = divmod(index, COLUMNS)
        place = ((column * step[0] + MARGIN) * scale, (row * step[1] + MARGIN) * scale)
        grid.paste(draw_card(record, scale), place)
    return grid.resize(size, Image.Resampling.LANCZOS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws the picture; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paths", nargs="*", help="photographs or folders (default: the samples)")
    parser.add_argument("--model", default="base")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images" / "verdicts.jpg")
    args = parser.parse_args(arguments)
    if not args.paths:
        args.paths = [str(ROOT / "edgeiqa" / "assets" / "samples")]
    grid = draw_grid(score_paths(args.paths, args.model))
    args.output.parent.mkdir(parents=True, exist_ok=True)
    grid.save(args.output, quality=90, subsampling="4:4:4", optimize=True)
    print(f"{args.output}: {grid.width} x {grid.height}, {args.output.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
