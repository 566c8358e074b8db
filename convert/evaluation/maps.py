"""Do quality maps find the degraded half of a photograph? Compared with the known half.

The map knows nothing of the halves: it is cut in two by Otsu's threshold over its own values
(`QualityMap.worse_half`), the same rule for every picture and model, and the worse part is
compared with the degraded half: intersection over union, in pixels.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgeiqa.analysis.quality_map import QualityMap, map_tiles, otsu
from edgeiqa.scorer import Scorer

from ..common.progress import progress
from ..common.text_table import aligned
from ..distortions.distort import RgbArray, distort

HALVES = ("left", "right", "top", "bottom")
KINDS = ("gaussian_blur", "defocus", "motion_blur", "noise")
LEVEL = 3
BAR = 0.7

Mapper = Callable[[RgbArray], QualityMap]


@dataclass(frozen=True)
class HalfMap:
    """One picture with one half degraded.

    Attributes:
        picture: Its name.
        kind: Of the distortion.
        half: Which one was degraded.
        iou: Of the map's worse part with that half, 0-1.
        inside: Mean of the map in the degraded half, 0-100.
        outside: Mean of the map in the other one.
    """

    picture: str
    kind: str
    half: str
    iou: float
    inside: float
    outside: float


@dataclass(frozen=True)
class MapReport:
    """All halves of one model.

    Attributes:
        halves: By picture, kind and half.
        protocol: What it takes to repeat it.
    """

    halves: tuple[HalfMap, ...]
    protocol: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean intersection over union."""
        return float(np.mean([h.iou for h in self.halves]))

    @property
    def worst(self) -> float:
        """The least intersection over union."""
        return min(h.iou for h in self.halves)

    def summary(self, name: str) -> dict[str, dict[str, float]]:
        """Figures per value of an attribute of `HalfMap`, such as "kind"."""
        found: dict[str, dict[str, float]] = {}
        for value in dict.fromkeys(getattr(h, name) for h in self.halves):
            chosen = [h for h in self.halves if getattr(h, name) == value]
            found[value] = {
                "maps": len(chosen),
                "mean_iou": round(float(np.mean([h.iou for h in chosen])), 4),
                "worst_iou": round(min(h.iou for h in chosen), 4),
                "found": round(float(np.mean([h.iou >= BAR for h in chosen])), 4),
                "spoilt_score": round(float(np.mean([h.inside for h in chosen])), 2),
                "sound_score": round(float(np.mean([h.outside for h in chosen])), 2),
            }
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "protocol": self.protocol,
            "mean_iou": round(self.mean, 4),
            "worst_iou": round(self.worst, 4),
            "found": round(float(np.mean([h.iou >= BAR for h in self.halves])), 4),
            "kinds": self.summary("kind"),
            "pictures": self.summary("picture"),
            "maps": [
                {
                    "picture": h.picture,
                    "kind": h.kind,
                    "half": h.half,
                    "iou": round(h.iou, 4),
                    "spoilt_score": round(h.inside, 2),
                    "sound_score": round(h.outside, 2),
                }
                for h in self.halves
            ],
        }

    def table(self) -> str:
        """For people: per distortion, per picture, all."""
        rows = [["", "maps", "mean IoU", "worst", f"IoU >= {BAR}", "degraded half", "sound half"]]
        for name in ("kind", "picture"):
            for value, f in self.summary(name).items():
                cells = [f"{f['mean_iou']:.3f}", f"{f['worst_iou']:.3f}", f"{f['found']:.0%}"]
                scores = [f"{f['spoilt_score']:.1f}", f"{f['sound_score']:.1f}"]
                rows.append([value, str(f["maps"]), *cells, *scores])
        found = float(np.mean([h.iou >= BAR for h in self.halves]))
        rows.append(["all", str(len(self.halves)), f"{self.mean:.3f}", f"{self.worst:.3f}"])
        rows[-1] += [f"{found:.0%}", "", ""]
        return aligned(rows)


def half_mask(height: int, width: int, half: str) -> npt.NDArray[np.bool_]:
    """Marks one half of a picture: bool [height, width], true in the named half.

    Raises:
        ValueError: `half` is none of `HALVES`.
    """
    if half not in HALVES:
        raise ValueError(f"half is {half!r}, expected one of {', '.join(HALVES)}")
    mask = np.zeros((height, width), bool)
    if half in ("left", "right"):
        mask[:, : width // 2] = True
    else:
        mask[: height // 2] = True
    return mask if half in ("left", "top") else ~mask


def overlap(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    """Intersection over union of two masks of one shape, 0-1; 1 where both are empty."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


def check_maps(
    mapper: Mapper,
    pictures: Mapping[str, RgbArray],
    kinds: Sequence[str] = KINDS,
    halves: Sequence[str] = HALVES,
    *,
    level: int = LEVEL,
    seed: int = 0,
    facts: Mapping[str, Any] | None = None,
) -> MapReport:
    """Maps every picture with every half degraded in every way.

    Args:
        mapper: uint8 (height, width, 3) RGB to its map.
        pictures: Name to uint8 (height, width, 3) RGB, sharp all over ideally: what the
            photographer blurred is found too, and counts against the map.
        kinds: Names in `convert.distortions.distort.DISTORTIONS`.
        halves: Out of `HALVES`.
        level: Of the distortion, 1-5.
        seed: Fixes noise and motion angles.
        facts: What the report shall say about how it was made.

    Raises:
        ValueError: no pictures, or an unknown kind or half.
    """
    if not pictures:
        raise ValueError("no pictures to map")
    found = []
    jobs = [(name, kind) for name in pictures for kind in kinds]
    for name, kind in progress(jobs, len(jobs), "maps"):
        rgb = pictures[name]
        # The name enters the seed so that no two pictures share their noise.
        degraded = distort(rgb, kind, level, seed=seed + zlib.crc32(name.encode()))
        for half in halves:
            mask = half_mask(rgb.shape[0], rgb.shape[1], half)
            quality = mapper(np.where(mask[..., np.newaxis], degraded, rgb))
            values = quality.at_size(rgb.shape[1], rgb.shape[0])
            worse = values < otsu(quality.scores)
            ends = (float(values[mask].mean()), float(values[~mask].mean()))
            found.append(HalfMap(name, kind, half, overlap(worse, mask), *ends))
    return MapReport(tuple(found), dict(facts or {}))


def remembering(scorer: Scorer) -> Mapper:
    """Maps as `scorer.quality_map` does, without scoring a tile twice.

    The four halves of a picture share most of their tiles: this halves the time.
    """
    scores: dict[tuple[tuple[int, ...], bytes], float] = {}

    def score(part: npt.NDArray[np.uint8]) -> float:
        key = (part.shape, hashlib.blake2b(part.tobytes(), digest_size=16).digest())
        if key not in scores:
            scores[key] = scorer.score(part).score
        return scores[key]

    return lambda rgb: map_tiles(Image.fromarray(rgb), scorer.contract.input, score)


def sheet(
    mapper: Mapper,
    pictures: Mapping[str, RgbArray],
    kinds: Sequence[str],
    file: Path,
    *,
    level: int = LEVEL,
    seed: int = 0,
) -> None:
    """Draws one map per picture and kind, the halves taking turns; arguments as `check_maps`."""
    from edgeiqa.analysis.map_rendering import draw

    from ..common.files import replacing

    cell = (560, 220)
    canvas = Image.new("RGB", (cell[0] * len(kinds), cell[1] * len(pictures)), (255, 255, 255))
    for row, (name, rgb) in enumerate(pictures.items()):
        for column, kind in enumerate(kinds):
            degraded = distort(rgb, kind, level, seed=seed + zlib.crc32(name.encode()))
            half = HALVES[(row + column) % len(HALVES)]
            mask = half_mask(rgb.shape[0], rgb.shape[1], half)
            mixed = np.where(mask[..., np.newaxis], degraded, rgb)
            drawn = draw(Image.fromarray(mixed), mapper(mixed))
            drawn.thumbnail(cell)
            canvas.paste(drawn, (column * cell[0], row * cell[1]))
    with replacing(file) as scratch:
        canvas.save(scratch, "PNG")
