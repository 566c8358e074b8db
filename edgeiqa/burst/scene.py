"""Whether two photographs show the same scene, at a finer scale than thumbprints.

Two photographs on the same white mat, two letterboxed films, two scanned pages: at 16 x 16 pixels
they look the same. Here their content is compared block by block: flat borders are cropped, the
content is scaled to 192 x 192 pixels, slow gradients are removed, and blocks with detail in either
picture must correlate. Flat background has no detail and is no evidence.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from edgeiqa.burst.features import shift_between
from edgeiqa.imaging.decode import decode_small

SIDE = 192
BLOCK = 16

SAME_SCENE = 0.45
"""Share of the detail that must agree between photographs taken within seconds."""

COPY = 0.85
"""Share of the detail that must agree between copies."""

_AGREES = 0.6  # Correlation of a block.
_COPY_AGREES = 0.8
_VISIBLE = 2.5  # Deviation (0-255) from which a block shows detail.
_STRONG = 20.0  # Blocks count by their deviation, up to here.
_BORDER = 2.0  # Deviation (0-255) within a border, and of its rows from each other.
_MIN_CONTENT = 0.2  # Of each side: cropping stops here.


@dataclass(frozen=True, eq=False)
class Scene:
    """The content of a photograph.

    Attributes:
        detail: float32 [SIDE, SIDE], less the local mean.
        aspect: Width over height of the content.
    """

    detail: np.ndarray
    aspect: float


@functools.lru_cache(maxsize=1024)
def load_scene(path: str) -> Scene:
    """Reads a photograph; raises UnreadableImageError."""
    small, _ = decode_small(path, 2 * SIDE)
    return scene_of(small)


def scene_of(picture: Image.Image) -> Scene:
    """The content of an upright picture."""
    gray = picture.convert("L")
    if max(gray.size) > 4 * SIDE:
        gray.thumbnail((4 * SIDE, 4 * SIDE), Image.Resampling.BOX)
    top, bottom, left, right = _content(np.asarray(gray, dtype=np.float32))
    small = gray.crop((left, top, right, bottom)).resize((SIDE, SIDE), Image.Resampling.BOX)
    mean = small.filter(ImageFilter.GaussianBlur(SIDE / 16))
    detail = np.asarray(small, dtype=np.float32) - np.asarray(mean, dtype=np.float32)
    return Scene(detail, (right - left) / (bottom - top))


def shift_of(first: Scene, second: Scene) -> tuple[int, int]:
    """(down, right): how far the content moved, in pixels of `detail`."""
    return shift_between(first.detail, second.detail)


def agreement(first: Scene, second: Scene, *, copies: bool = False) -> float:
    """The share of detail on which two scenes agree, 0-1; 1 if neither has any.

    Args:
        first: A scene.
        second: Another.
        copies: Whether copies are expected, which must agree without being moved.
    """
    a, b = first.detail, second.detail
    if copies:
        if not 0.95 < first.aspect / second.aspect < 1.05:
            return 0.0
    else:
        # Coarser, so that a slight turn or zoom between two frames does not matter.
        a, b = _halved(a), _halved(b)
        down, right = shift_between(a, b)
        a, b = _overlap(a, down, right), _overlap(b, -down, -right)
    a, b = _blocks(a), _blocks(b)
    lengths = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    strongest = np.maximum(*lengths) / BLOCK
    products = np.einsum("ij,ij->i", a, b) / np.maximum(lengths[0] * lengths[1], 1e-6)
    weights = np.where(strongest >= _VISIBLE, np.minimum(strongest, _STRONG), 0.0)
    total = float(weights.sum())
    if total == 0:
        return 1.0
    return float(weights[products >= (_COPY_AGREES if copies else _AGREES)].sum()) / total


def _halved(detail: np.ndarray) -> np.ndarray:
    return detail.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))


def _overlap(detail: np.ndarray, down: int, right: int) -> np.ndarray:
    """The part of a picture that lies in another moved by this much."""
    height, width = detail.shape
    return detail[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]


def _blocks(detail: np.ndarray) -> np.ndarray:
    """float32 [blocks, BLOCK * BLOCK], each with mean 0."""
    rows, columns = (side // BLOCK for side in detail.shape)
    parts = detail[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    flat = parts.transpose(0, 2, 1, 3).reshape(rows * columns, BLOCK * BLOCK)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))


def _content(gray: np.ndarray) -> tuple[int, int, int, int]:
    """Where the content starts and ends: (top, bottom, left, right), without flat borders."""
    top, bottom = _trim(gray)
    left, right = _trim(gray[top:bottom].T)
    if (top, bottom) == (0, len(gray)):
        top, bottom = _trim(gray[:, left:right])
    return top, bottom, left, right


def _trim(rows: np.ndarray) -> tuple[int, int]:
    count = len(rows)
    means, flat = rows.mean(axis=1), rows.std(axis=1) <= _BORDER
    least = max(1, int(_MIN_CONTENT * count))
    start, end = 0, count
    while start < count - least and flat[start] and abs(means[start] - means[0]) <= _BORDER:
        start += 1
    while end > start + least and flat[end - 1] and abs(means[end - 1] - means[-1]) <= _BORDER:
        end -= 1
    return (start, end) if end - start > least else (0, count)
