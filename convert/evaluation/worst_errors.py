"""The pictures that a model judges worst, as a page to look at: where does it fail, and why?"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from ..common.files import replacing
from .predictions import (
    Prediction,
)

WORST = 20


@dataclass(frozen=True)
class Miss:
    """A picture far from its MOS.

    Attributes:
        path: Relative to the data root.
        subset: Part of the database.
        mos: Mean opinion, points of 0-100.
        score: Predicted, points.
        std: Predicted spread, points; None for a model without one.
    """

    path: str
    subset: str
    mos: float
    score: float
    std: float | None

    @property
    def error(self) -> float:
        """Score minus MOS, points: above 0 where the picture is over-rated."""
        return self.score - self.mos

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded to two decimals."""
        return {
            "path": self.path,
            "subset": self.subset,
            "mos": round(self.mos, 2),
            "score": round(self.score, 2),
            "std": None if self.std is None else round(self.std, 2),
            "error": round(self.error, 2),
        }


@dataclass(frozen=True)
class MissReport:
    """The worst misses of one model.

    Attributes:
        misses: The largest errors first.
        subsets: Per subset the number of scored pictures and of these misses.
        protocol: What it takes to repeat it.
    """

    misses: tuple[Miss, ...]
    subsets: dict[str, tuple[int, int]]
    protocol: dict[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> tuple[Miss, ...]:
        """Over-rated pictures, the worst first."""
        return tuple(miss for miss in self.misses if miss.error > 0)

    @property
    def under(self) -> tuple[Miss, ...]:
        """Under-rated pictures, the worst first."""
        return tuple(miss for miss in self.misses if miss.error <= 0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "protocol": self.protocol,
            "subsets": {
                name: {"pictures": total, "misses": missed}
                for name, (total, missed) in self.subsets.items()
            },
            "over_rated": [miss.to_dict() for miss in self.over],
            "under_rated": [miss.to_dict() for miss in self.under],
        }

    def table(self) -> str:
        """For people: one line per picture."""
        from ..common.text_table import aligned

        rows = [["picture", "subset", "MOS", "score", "std", "error"]]
        for miss in (*self.over, *self.under):
            std = "-" if miss.std is None else f"{miss.std:.1f}"
            cells = [f"{miss.mos:.1f}", f"{miss.score:.1f}", std, f"{miss.error:+.1f}"]
            rows.append([miss.path, miss.subset, *cells])
        return aligned(rows, left=2)


def worst_misses(
    predictions: Sequence[Prediction],
    count: int = WORST,
    facts: Mapping[str, Any] | None = None,
) -> MissReport:
    """Picks the pictures whose score is farthest from their MOS.

    Args:
        predictions: Scored pictures; unreadable ones are passed over.
        count: How many.
        facts: For the protocol.

    Raises:
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"the number of misses is {count}, expected at least 1")
    scored = [
        Miss(p.path, p.subset, 100.0 * p.mos, p.score, p.std)
        for p in predictions
        if p.score is not None
    ]
    # The path settles ties, so that the page is the same on every machine.
    chosen = sorted(scored, key=lambda miss: (-abs(miss.error), miss.path))[:count]
    subsets = {
        name: (sum(m.subset == name for m in scored), sum(m.subset == name for m in chosen))
        for name in sorted({miss.subset for miss in scored})
    }
    return MissReport(tuple(chosen), subsets, dict(facts or {}))


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
        report: What `convert.evaluation.worst_errors.worst_misses` returned.
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
        report: What `convert.evaluation.worst_errors.worst_misses` returned.
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
        line = f"{miss.error:+.0f}: score {miss.score:.0f}{std}, MOS {miss.mos:.0f}"
        draw.text((left, top + height + 16), line, ink, font)
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
    from edgeiqa.imaging.decode import decode

    picture = decode(root / miss.path)
    picture.thumbnail((2 * _THUMBNAIL, 2 * _THUMBNAIL))
    return picture
