"""Lays out the worst misses: one self-contained HTML page, and one sheet as PNG."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from convert.files import replacing

if TYPE_CHECKING:
    from convert.measure.misses import Miss, MissReport

_THUMBNAIL = 320
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em;
  color: #202124; background: #fff }
.grid { display: grid; gap: 1em; grid-template-columns: repeat(auto-fill, minmax(17em, 1fr)) }
figure { margin: 0 } img { width: 100%; height: 14em; object-fit: contain; background: #eee }
figcaption { font-size: 0.85em; overflow-wrap: anywhere } b { font-size: 1.1em }
.over b { color: #b3261e } .under b { color: #1a5fb4 } small { color: #5f6368 }
@media (prefers-color-scheme: dark) { body { background: #1b1b1b; color: #e3e3e3 }
  img { background: #2b2b2b } .over b { color: #ff8a80 } .under b { color: #8ab4f8 } }
"""


def page(report: MissReport, root: Path) -> str:
    """Makes the page; nothing in it is loaded from elsewhere.

    Args:
        report: What `convert.measure.misses.worst_misses` returned.
        root: Folder that the pictures' paths start from.

    Returns:
        HTML text.
    """
    facts = report.protocol
    model = f"{facts.get('model', '')} {facts.get('model_version', '')}".strip()
    source = f"{facts.get('database', '')} {facts.get('split', '')}".strip()
    shares = ", ".join(
        f"{name or 'no subset'}: {missed} of {total:,}"
        for name, (total, missed) in report.subsets.items()
    )
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Worst misses</title><style>{_STYLE}</style></head><body>",
        f"<h1>The {len(report.misses)} worst misses</h1>",
        f"<p>{html.escape(model)} on {html.escape(source)}. {html.escape(shares)}.<br>",
        f"<small>{html.escape(str(facts.get('command', '')))}</small></p>",
    ]
    groups = (("over", "Over-rated", report.over), ("under", "Under-rated", report.under))
    for name, title, misses in groups:
        parts.append(f"<h2>{title}: {len(misses)}</h2>")
        parts.append(f'<div class="grid {name}">')
        parts += [_figure(miss, root) for miss in misses]
        parts.append("</div>")
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def contact_sheet(report: MissReport, root: Path, file: Path, columns: int = 5) -> None:
    """Draws all misses on one PNG, over-rated ones first.

    Args:
        report: What `convert.measure.misses.worst_misses` returned.
        root: Folder that the pictures' paths start from.
        file: The PNG.
        columns: Pictures in a row.
    """
    misses = (*report.over, *report.under)
    width, height, caption = _THUMBNAIL, 240, 36
    rows = -(-len(misses) // columns)
    sheet = Image.new("RGB", ((width + 8) * columns, (height + caption) * rows), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for index, miss in enumerate(misses):
        left, top = index % columns * (width + 8), index // columns * (height + caption)
        thumbnail = _thumbnail(miss, root)
        thumbnail.thumbnail((width, height))
        sheet.paste(thumbnail, (left, top))
        ink = (179, 38, 30) if miss.error > 0 else (26, 95, 180)
        draw.text((left, top + height), Path(miss.path).name, (32, 33, 36), font)
        std = "" if miss.std is None else f" ±{miss.std:.0f}"
        told = f"{miss.error:+.0f}: score {miss.score:.0f}{std}, MOS {miss.mos:.0f}"
        draw.text((left, top + height + 16), told, ink, font)
    with replacing(file) as scratch:
        sheet.save(scratch, "PNG")


def _figure(miss: Miss, root: Path) -> str:
    stream = io.BytesIO()
    _thumbnail(miss, root).save(stream, "JPEG", quality=85)
    data = base64.b64encode(stream.getvalue()).decode()
    std = "" if miss.std is None else f" &plusmn; {miss.std:.1f}"
    subset = f" ({html.escape(miss.subset)})" if miss.subset else ""
    return (
        f'<figure><img alt="" src="data:image/jpeg;base64,{data}"><figcaption>'
        f"<b>{miss.error:+.1f}</b> score {miss.score:.1f}{std}, MOS {miss.mos:.1f}<br>"
        f"<small>{html.escape(miss.path)}{subset}</small></figcaption></figure>"
    )


def _thumbnail(miss: Miss, root: Path) -> Image.Image:
    from edgeiqa.decode import decode

    picture = decode(root / miss.path)
    picture.thumbnail((2 * _THUMBNAIL, 2 * _THUMBNAIL))
    return picture
