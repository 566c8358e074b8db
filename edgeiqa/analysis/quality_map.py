"""Maps of quality over a picture: the network for scores, run over overlapping tiles.

Tiles have two sizes. Large ones show enough of the scene to judge it reliably, motion blur above
all; small ones locate changes better. A guided filter combines them: the map has the level of the
large tiles and the borders of the small ones.

Tiles keep the pixels of the picture. A tile smaller than the network's input is padded by
reflection: if it were enlarged instead, every tile would look blurred to the network. A larger one
is reduced like any picture.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edgeiqa.analysis.map_rendering import draw, panel
from edgeiqa.inference.contract_spec import InputSpec

TILE_SHARES = (0.25, 0.5)
"""Sides of the small and the large tiles, as shares of the picture's shorter side."""

OVERLAP = 2
"""A tile starts every so many-th part of its side."""

CHANCE = 7.0
"""Differences between small tiles, in points of the score, that need not mean anything."""

CELLS = 32
"""Cells of the map along the shorter side of the picture; they are square."""

MAX_CELLS = 1024
"""Cells along the longer side, in the narrowest strips; they are not square there."""

MIN_TILE = 32
MAX_TILES = 1000


@dataclass(frozen=True)
class Tiling:
    """One size of tiles over a picture.

    Attributes:
        side: Of a tile, in pixels.
        tall: The same, or the picture's height where that is less.
        wide: The same, or the picture's width where that is less.
        tops: Where the rows of tiles start, in pixels.
        lefts: Where the columns start, in pixels.
    """

    side: int
    tall: int
    wide: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)


@dataclass(frozen=True, eq=False)
class QualityMap:
    """Quality over the area of a picture.

    Attributes:
        scores: float32 [rows, columns], 0-100, higher is better; row 0 is the top. Cell (r, c)
            stands for the r-th of `rows` equal bands and the c-th of `columns` equal columns of
            the upright picture. A value is the score that this place would get as a picture of
            its own, together with its surroundings of about half the shorter side. Values stay
            within the range of the tiles' scores, and their mean is about that of the large
            tiles. A low resolution lowers the score of a picture, but not its map, as tiles are
            not enlarged.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        tile_sides: Sides of the tiles, in pixels of the picture, the smallest first: what the
            map can resolve.
        tiles: Number of scored tiles of all sizes.
        picture: A copy of the mapped picture at the size of a panel, for `to_image`; or None.
    """

    scores: np.ndarray
    width: int
    height: int
    tile_sides: tuple[int, ...]
    tiles: int
    picture: Image.Image | None = None

    def __repr__(self) -> str:
        rows, columns = self.scores.shape
        low, high = float(self.scores.min()), float(self.scores.max())
        return (
            f"QualityMap({columns}x{rows} of {self.width}x{self.height}, {low:.1f} to {high:.1f})"
        )

    def to_image(self, picture: Image.Image | None = None) -> Image.Image:
        """Draws the picture, the map over it, and a legend.

        Args:
            picture: The mapped picture, upright, mode RGB; by default the reduced copy of it.

        Returns:
            An RGB picture.

        Raises:
            ValueError: No picture is given, and the map has none.
        """
        picture = picture or self.picture
        if picture is None:
            raise ValueError("the map has no picture: pass the one that was mapped")
        return draw(picture, self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves `to_image` as a picture, or the map as JSON if the name ends in .json.

        Raises:
            ValueError: The suffix is not that of a format that can be written.
            OutputError: The file cannot be written.
        """
        from edgeiqa.files.atomic import open_output

        name = os.fspath(path)
        if name.lower().endswith(".json"):
            data = json.dumps(self.to_dict()).encode() + b"\n"
        else:
            Image.preinit()
            kind = Image.registered_extensions().get(os.path.splitext(name)[1].lower())
            if kind not in ("PNG", "JPEG", "WEBP", "TIFF", "BMP"):
                raise ValueError(
                    f"{name}: expected a name in .png, .jpg, .webp, .tif, .bmp or .json"
                )
            file = io.BytesIO()
            self.to_image().save(file, kind)
            data = file.getvalue()
        with open_output(name, binary=True, replace_picture=True) as stream:
            stream.write(data)

    def _repr_png_(self) -> bytes | None:
        """The drawn map, for notebooks."""
        if self.picture is None:
            return None
        file = io.BytesIO()
        self.to_image().save(file, "PNG")
        return file.getvalue()

    def at_size(self, width: int, height: int) -> np.ndarray:
        """Resizes the map, for example to the size of the picture.

        Args:
            width: In pixels, at least 1.
            height: In pixels, at least 1.

        Returns:
            float32 [height, width], 0-100, bilinear between the centres of the cells.
        """
        if width < 1 or height < 1:
            raise ValueError(f"size is {width}x{height}, expected at least 1x1")
        image = Image.fromarray(np.ascontiguousarray(self.scores, dtype=np.float32))
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))

    def worse_half(self) -> np.ndarray:
        """Returns which cells belong to the worse part of this picture.

        The map is split by Otsu's threshold (1979), which minimises the variance within both parts.
        It always finds two parts; in a picture of uniform quality they mean nothing, so check how
        far they are apart.

        Returns:
            bool [rows, columns].
        """
        return np.asarray(self.scores < otsu(self.scores))

    def to_dict(self) -> dict[str, Any]:
        """Returns sizes and the grid, rounded to two decimals, ready for JSON."""
        return {
            "width": self.width,
            "height": self.height,
            "tile_sides": list(self.tile_sides),
            "tiles": self.tiles,
            "rows": int(self.scores.shape[0]),
            "columns": int(self.scores.shape[1]),
            "scores": [[round(float(score), 2) for score in row] for row in self.scores],
        }


def map_tiles(
    picture: Image.Image,
    spec: InputSpec,
    score: Callable[[np.ndarray], float],
    *,
    tile: int | None = None,
    on_tile: Callable[[int, int], None] | None = None,
) -> QualityMap:
    """Scores a picture tile by tile and blends the scores.

    Args:
        picture: Upright, mode RGB, as `edgeiqa.imaging.decode.decode` returns it.
        spec: The network's input.
        score: Returns the score 0-100 of uint8 [h, w, 3] RGB.
        tile: Side of the tiles in pixels, of this one size only; by default there are two, a
            quarter and half of the shorter side, see `tilings`.
        on_tile: Called with (tiles done, total tiles) after each.

    Returns:
        The map.

    Raises:
        ValueError: `tile` is below 1.
    """
    width, height = picture.size
    if tile is None:
        sizes = tilings(width, height)
    else:
        if tile < 1:
            raise ValueError(f"tile is {tile}, expected at least 1 pixel")
        sizes = [tiling(width, height, tile)]
    total = sum(len(size) for size in sizes)
    cell = min(width, height) / min(CELLS, min(width, height))
    rows, columns = (min(MAX_CELLS, max(1, round(length / cell))) for length in (height, width))
    layers = []
    lowest, highest, done = math.inf, -math.inf, 0
    for size in sizes:
        grid = np.empty((len(size.tops), len(size.lefts)))
        for index in range(grid.size):
            row, column = divmod(index, len(size.lefts))
            top, left = size.tops[row], size.lefts[column]
            part = np.asarray(picture.crop((left, top, left + size.wide, top + size.tall)))
            grid[row, column] = score(continued(part, spec.height, spec.width))
            done += 1
            if on_tile is not None:
                on_tile(done, total)
        down = weights(size.tops, size.tall, height, rows)
        across = weights(size.lefts, size.wide, width, columns)
        layers.append(down @ grid @ across.T)
        lowest, highest = min(lowest, grid.min()), max(highest, grid.max())
    blended = layers[0]
    if len(layers) > 1:
        reach = (sizes[-1].side * rows / height / 2, sizes[-1].side * columns / width / 2)
        blended = np.clip(guided(layers[0], layers[-1], reach), lowest, highest)
    sides = tuple(size.side for size in sizes)
    scores = blended.astype(np.float32)
    return QualityMap(scores, width, height, sides, total, panel(picture))


def tilings(width: int, height: int) -> list[Tiling]:
    """Returns the tilings of a picture: small and large tiles.

    No side is below 32 pixels, or so small that there would be more than 1000 tiles in all. In a
    small picture the two sizes coincide.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Returns:
        One or two, the smaller side first.
    """
    shorter, longer = min(width, height), max(width, height)
    limit = MAX_TILES // len(TILE_SHARES)
    # Along either side lie at most OVERLAP * length / tile tiles, or one; only very long pictures
    # come near the limit.
    least = math.ceil(OVERLAP * max(math.sqrt(shorter * longer / limit), longer / limit))
    sides = {max(round(share * shorter), MIN_TILE, least) for share in TILE_SHARES}
    found = {size.side: size for size in (tiling(width, height, side) for side in sorted(sides))}
    return list(found.values())


def tiling(width: int, height: int, side: int) -> Tiling:
    """Returns the tiling with tiles of one size.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        side: Of a tile, in pixels; what exceeds the picture is cut off.
    """
    tall, wide = min(side, height), min(side, width)
    return Tiling(max(tall, wide), tall, wide, starts(height, tall), starts(width, wide))


def starts(length: int, tile: int) -> tuple[int, ...]:
    """Returns where tiles start along one side: evenly spaced, covering it exactly.

    Args:
        length: Of the side, in pixels.
        tile: Of a tile, in pixels, at most `length`.
    """
    steps = math.ceil((length - tile) * OVERLAP / tile)
    begins = (round(step * (length - tile) / max(1, steps)) for step in range(steps + 1))
    return tuple(dict.fromkeys(begins))  # Tiles of a pixel or two would start at one place twice.


def weights(begins: Sequence[int], tile: int, length: int, cells: int) -> np.ndarray:
    """Returns the weight of each tile in each cell, along one side.

    Weights fall linearly from a tile's centre to its ends, so that maps have no seams.

    Args:
        begins: Where the tiles start, in pixels.
        tile: Their side, in pixels.
        length: Of the picture's side, in pixels.
        cells: Of the map along that side.

    Returns:
        float64 [cells, tiles], every row adding up to 1.
    """
    centres = (np.arange(cells) + 0.5) * length / cells
    middles = np.asarray(begins) + tile / 2
    near = 1.0 - np.abs(centres[:, np.newaxis] - middles) / (tile / 2)
    near = np.maximum(near, 1e-9)  # A cell at the very edge still belongs to the tile there.
    return np.asarray(near / near.sum(axis=1, keepdims=True))


def guided(guide: np.ndarray, level: np.ndarray, reach: tuple[float, float]) -> np.ndarray:
    """Gives one map the borders of another: the guided filter.

    In every window the level is fitted by a linear function of the guide (ridge regression, so that
    differences of `CHANCE` points or less in the guide count little); the fits of all windows over
    a cell are averaged. Windows are clipped at the edges. K. He, J. Sun and X. Tang,
    "Guided image filtering", IEEE Transactions on Pattern Analysis and Machine Intelligence
    35 (6), 2013, equations 5, 6 and 8.

    Args:
        guide: float64 [rows, columns], points of the score; locates changes.
        level: float64 [rows, columns], points of the score; gives the level.
        reach: Half the height and width of a window, in cells.

    Returns:
        float64 [rows, columns], in points.
    """
    down, across = (_box(n, round(r)) for n, r in zip(guide.shape, reach, strict=True))

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(down @ values @ across.T)

    guide_mean, level_mean = mean(guide), mean(level)
    variance = mean(guide * guide) - guide_mean**2
    slope = (mean(guide * level) - guide_mean * level_mean) / (variance + CHANCE**2)
    return mean(slope) * guide + mean(level_mean - slope * guide_mean)


def _box(cells: int, reach: int) -> np.ndarray:
    """float64 [cells, cells]: a row averages the cells that are at most `reach` away."""
    at = np.arange(cells)
    near = np.abs(at[:, np.newaxis] - at) <= reach
    return np.asarray(near / near.sum(axis=1, keepdims=True))


def continued(part: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pads a tile by reflection to at least the size of the network's input.

    Args:
        part: uint8 [h, w, 3].
        height: Wanted at least, in pixels.
        width: Wanted at least, in pixels.

    Returns:
        uint8 [max(h, height), max(w, width), 3], the tile in the middle, every pixel a copy.
    """
    down, across = max(0, height - part.shape[0]), max(0, width - part.shape[1])
    sides = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
    return np.ascontiguousarray(np.pad(part, sides, mode="symmetric"))


def otsu(values: np.ndarray) -> float:
    """The threshold that separates values into two classes of least variance.

    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1), 1979; on the sorted values themselves, without bins.

    Args:
        values: Any shape, at least one.

    Returns:
        Midway between the two classes; the value itself where all are equal.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=None)
    count = len(ordered)
    if ordered[0] == ordered[-1]:
        return float(ordered[0])
    below = np.arange(1, count)
    sums = np.cumsum(ordered)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / (count - below)
    between = below * (count - below) * apart**2
    between[ordered[1:] == ordered[:-1]] = -1.0  # No cut within equal values.
    cut = int(np.argmax(between))
    return float((ordered[cut] + ordered[cut + 1]) / 2)
