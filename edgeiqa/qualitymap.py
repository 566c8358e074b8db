"""Where a picture is good and where it is not: the same network, run over overlapping tiles.

A tile keeps the pixels of the picture as they are. One that is smaller than the network's input
is continued by its own mirror images until it fills it: magnified instead, every tile would look
blurred to the network, and the map would tell nothing. A larger one takes the way of any picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edgeiqa.spec import InputSpec

TILE_SHARE = 0.25
"""Side of a tile, as a share of the picture's shorter side."""

OVERLAP = 2
"""A tile starts every so many-th part of its side."""

CELLS = 32
"""Cells of the map along the shorter side of the picture."""

MIN_TILE = 32
MAX_TILES = 1000


@dataclass(frozen=True, eq=False)
class QualityMap:
    """Quality over the area of a picture.

    Attributes:
        scores: float32 [rows, columns], 0-100, higher is better; row 0 is the top. Cell (r, c)
            stands for the r-th of `rows` equal bands and the c-th of `columns` equal columns of
            the upright picture.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        tile: Side of the tiles, in pixels of the picture: what the map can resolve.
        tiles: How many were scored.
    """

    scores: np.ndarray
    width: int
    height: int
    tile: int
    tiles: int

    def at_size(self, width: int, height: int) -> np.ndarray:
        """The map at another size, such as that of the picture.

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
        """Which cells belong to the worse part of this picture.

        Otsu's threshold (1979) over the map's own values: the cut that leaves the least variance
        on both sides. It always finds two parts; in a picture of even quality they mean nothing,
        so look at how far they are apart.

        Returns:
            bool [rows, columns].
        """
        return np.asarray(self.scores < otsu(self.scores))

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: sizes, and the grid with two decimals."""
        return {
            "width": self.width,
            "height": self.height,
            "tile": self.tile,
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
        picture: Upright, mode RGB, as `edgeiqa.decode.decode` returns it.
        spec: The network's input.
        score: Takes uint8 [h, w, 3] RGB and gives 0-100.
        tile: Side of a tile in pixels; a quarter of the shorter side by default, though not
            below 32 pixels, nor so small that there would be more than 1000.
        on_tile: Told (tiles done, tiles in all) after each.

    Returns:
        The map.

    Raises:
        ValueError: `tile` is below 1.
    """
    width, height = picture.size
    side = default_tile(width, height) if tile is None else min(tile, width, height)
    if side < 1:
        raise ValueError(f"tile is {tile}, expected at least 1 pixel")
    tops, lefts = starts(height, side), starts(width, side)
    grid = np.empty((len(tops), len(lefts)))
    for index in range(grid.size):
        row, column = divmod(index, len(lefts))
        top, left = tops[row], lefts[column]
        part = np.asarray(picture.crop((left, top, left + side, top + side)))
        grid[row, column] = score(continued(part, spec.height, spec.width))
        if on_tile is not None:
            on_tile(index + 1, grid.size)
    cell = min(width, height) / min(CELLS, min(width, height))
    rows, columns = max(1, round(height / cell)), max(1, round(width / cell))
    down, across = weights(tops, side, height, rows), weights(lefts, side, width, columns)
    blended = (down @ grid @ across.T).astype(np.float32)
    return QualityMap(blended, width, height, side, grid.size)


def default_tile(width: int, height: int) -> int:
    """Side of the tiles of a picture, in pixels; at most its shorter side."""
    shorter = min(width, height)
    # Around OVERLAP^2 * area / tile^2 of them; only very long pictures come near the limit.
    least = math.ceil(OVERLAP * math.sqrt(width * height / MAX_TILES))
    return min(shorter, max(round(TILE_SHARE * shorter), MIN_TILE, least))


def starts(length: int, tile: int) -> list[int]:
    """Where tiles start along one side: evenly, the first at 0, the last one ending at the end.

    Args:
        length: Of the side, in pixels.
        tile: Of a tile, in pixels, at most `length`.
    """
    steps = math.ceil((length - tile) * OVERLAP / tile)
    return [round(step * (length - tile) / max(1, steps)) for step in range(steps + 1)]


def weights(begins: list[int], tile: int, length: int, cells: int) -> np.ndarray:
    """What each tile counts in each cell, along one side.

    The weight falls linearly from a tile's centre to its ends, so that maps have no seams.

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
    near = np.maximum(near, 1e-9)  # A cell at the very rim still belongs to the tile there.
    return np.asarray(near / near.sum(axis=1, keepdims=True))


def continued(part: np.ndarray, height: int, width: int) -> np.ndarray:
    """Continues a tile by its mirror images to at least the size of the network's input.

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
