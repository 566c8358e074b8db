"""How far scores move under what should not matter: a flip, a few pixels, JPEG 95, the size."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..common.metrics import FloatArray
from ..common.progress import progress
from ..common.text_table import aligned
from ..distortions.distort import RgbArray
from ..distortions.watermark import paint

PICTURES = 200
SAMPLES = "samples"
"""Name of the group of the package's sample photographs."""

Change = Callable[[RgbArray, np.random.Generator], RgbArray]


def flip(rgb: RgbArray, generator: np.random.Generator) -> RgbArray:
    """Left and right swapped."""
    return np.ascontiguousarray(rgb[:, ::-1])


def shift(rgb: RgbArray, generator: np.random.Generator) -> RgbArray:
    """One to four pixels cut off at one side across and at one down, chosen at random."""
    down, across = (int(n) for n in generator.integers(1, 5, 2))
    from_top, from_left = (bool(n) for n in generator.integers(0, 2, 2))
    rows = slice(down, None) if from_top else slice(None, -down)
    columns = slice(across, None) if from_left else slice(None, -across)
    return np.ascontiguousarray(rgb[rows, columns])


def jpeg95(rgb: RgbArray, generator: np.random.Generator) -> RgbArray:
    """Encoded once more, at Pillow's JPEG quality 95, colour at half the resolution."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=95, subsampling="4:2:0")
    return np.array(Image.open(stream))


def resized(factor: float) -> Change:
    """A change of size with Pillow's antialiased bicubic filter, both sides by `factor`."""

    def change(rgb: RgbArray, generator: np.random.Generator) -> RgbArray:
        size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
        return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))

    change.__doc__ = f"Resized to {factor} of both sides, Pillow's antialiased bicubic filter."
    return change


def watermark(rgb: RgbArray, generator: np.random.Generator) -> RgbArray:
    """A phone maker's two lines of print in the lower left corner."""
    return paint(rgb, generator)


CHANGES: dict[str, Change] = {
    "flip": flip,
    "shift 1-4 px": shift,
    "JPEG 95": jpeg95,
    "size x 0.75": resized(0.75),
    "size x 1.5": resized(1.5),
    "watermark": watermark,
}
"""Name to what is done; the generator settles what is random."""


@dataclass(frozen=True)
class Shifts:
    """How scores moved under one change.

    Attributes:
        group: Which pictures.
        change: Name in `CHANGES`.
        values: Score after minus score before, points of 0-100, [N].
    """

    group: str
    change: str
    values: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Figures, JSON-ready, in points."""
        size = np.abs(self.values)
        return {
            "pictures": len(size),
            "median": round(float(np.median(size)), 3),
            "p95": round(float(np.percentile(size, 95)), 3),
            "largest": round(float(size.max()), 3),
            "mean_shift": round(float(self.values.mean()), 3),
        }


@dataclass(frozen=True)
class StabilityReport:
    """All groups and changes of one model.

    Attributes:
        shifts: By group and change.
        protocol: What it takes to repeat it.
    """

    shifts: tuple[Shifts, ...]
    protocol: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        groups: dict[str, dict[str, Any]] = {}
        for found in self.shifts:
            groups.setdefault(found.group, {})[found.change] = found.to_dict()
        return {"protocol": self.protocol, "groups": groups}

    def table(self) -> str:
        """For people."""
        rows = [["", "", "pictures", "median", "95th percentile", "largest", "mean shift"]]
        last = ""
        for found in self.shifts:
            f = found.to_dict()
            cells = [f"{f['median']:.2f}", f"{f['p95']:.2f}", f"{f['largest']:.2f}"]
            name = "" if found.group == last else found.group
            last = found.group
            rows.append([name, found.change, str(f["pictures"]), *cells, f"{f['mean_shift']:+.2f}"])
        return aligned(rows, left=2) + "\n\nchange of the score in points of 0-100"


def measure_shifts(
    score: Callable[[RgbArray], float], rgb: RgbArray, *, key: str = "", seed: int = 0
) -> dict[str, float]:
    """Score changes of one picture.

    Args:
        score: uint8 (height, width, 3) RGB to 0-100.
        rgb: uint8 (height, width, 3) RGB, at least 8 pixels a side.
        key: Name of the picture; together with `seed` it settles what is random.
        seed: Of the draws.

    Returns:
        Name in `CHANGES` to score after minus score before.
    """
    before = score(rgb)
    found = {}
    for name, change in CHANGES.items():
        generator = np.random.default_rng([seed, zlib.crc32(f"{key} {name}".encode())])
        found[name] = score(change(rgb, generator)) - before
    return found


def check_stability(
    score: Callable[[RgbArray], float],
    groups: Mapping[str, Iterable[Path]],
    *,
    seed: int = 0,
    jobs: int = 1,
    facts: Mapping[str, Any] | None = None,
) -> tuple[StabilityReport, list[str]]:
    """Measures all pictures of all groups.

    Args:
        score: uint8 (height, width, 3) RGB to 0-100, called from `jobs` threads.
        groups: Name to image files.
        seed: Of the draws.
        jobs: Pictures at a time. Changes no figure.
        facts: What the report shall say about how it was made.

    Returns:
        The report, and one line per unreadable file.

    Raises:
        ValueError: not one picture can be read.
    """
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode

    def one(path: Path) -> dict[str, float] | str:
        try:
            rgb = np.asarray(decode(path))
        except UnreadableImageError as error:
            return str(error)
        return measure_shifts(score, rgb, key=path.name, seed=seed)

    found, errors = [], []
    for group, paths in groups.items():
        files = list(paths)
        with ThreadPoolExecutor(jobs) as pool:
            results = list(progress(pool.map(one, files), len(files), group))
        errors += [result for result in results if isinstance(result, str)]
        measured = [result for result in results if not isinstance(result, str)]
        if measured:
            for name in CHANGES:
                values = np.array([result[name] for result in measured])
                found.append(Shifts(group, name, values))
    if not found:
        raise ValueError(f"no picture could be read, the first: {errors[0] if errors else 'none'}")
    return StabilityReport(tuple(found), dict(facts or {})), errors
