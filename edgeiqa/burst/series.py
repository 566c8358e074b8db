"""Series that belong together as a whole and are never culled.

Exposure brackets, focus stacks and the frames of a panorama look like bursts, but each frame holds
something that the others lack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from PIL import Image

from edgeiqa.burst.grouping import LoadScene, Photo
from edgeiqa.burst.scene import SIDE, load_scene, shift_of
from edgeiqa.imaging.decode import decode_small

BRACKET, FOCUS_STACK, PANORAMA = "exposure bracket", "focus stack", "panorama"

_MIN_FRAMES = 3
_SWEEP_STEP = 0.04  # Of the side: the camera moves at least this far from frame to frame,
_SWEEP_TOTAL = 0.25  # and this far in all.
_STILL = 0.02  # Of the side: a focus stack is taken from a tripod.
_GRID = 8
_STACK_SIDE = 512
_TEXTURE = 4.0  # Mean squared gradient from which a block has texture.
_SHARPER = 1.5  # Ratio of gradient energies of the best and the median frame, where focus moves.
_MOVING_SHARE = 0.3  # Of the blocks with texture: where focus moves.
_BEST_SHARE = 0.15  # Of those blocks: a frame that is the sharpest in these is part of a stack.

LoadPicture = Callable[[str], Image.Image]


def load_picture(path: str) -> Image.Image:
    """Reads a reduced copy; raises UnreadableImageError."""
    return decode_small(path, _STACK_SIDE)[0]


def kind_of_series(
    group: Sequence[Photo], *, scene: LoadScene = load_scene, picture: LoadPicture = load_picture
) -> str | None:
    """Recognizes a moment that must be kept as a whole.

    Args:
        group: The photographs of a moment, by time.
        scene: Loads the content of a photograph.
        picture: Loads a reduced copy.

    Returns:
        `BRACKET`, `FOCUS_STACK`, `PANORAMA`, or None for an ordinary burst.
    """
    dated = [photo for photo in group if photo.exif_time]
    biases = {round(p.exposure_bias, 1) for p in dated if p.exposure_bias is not None}
    if len(dated) > 1 and (len(biases) > 1 or any(photo.bracket for photo in dated)):
        return BRACKET
    if len(dated) < _MIN_FRAMES:
        return None
    try:
        shifts = np.array(
            [shift_of(scene(a.path), scene(b.path)) for a, b in pairwise(dated)], dtype=float
        )
        if _is_sweep(shifts / SIDE):
            return PANORAMA
        still = np.abs(shifts / SIDE).max() <= _STILL
        if still and _is_focus_stack([_energies(picture(photo.path)) for photo in dated]):
            return FOCUS_STACK
    except (OSError, ValueError):  # One became unreadable meanwhile; the ranking reports it.
        pass
    return None


def _is_sweep(shifts: np.ndarray) -> bool:
    """Whether the content moves steadily in one direction; shifts [pairs, 2] in sides."""
    for along in shifts.T:
        if abs(along.sum()) >= _SWEEP_TOTAL and np.all(along * np.sign(along.sum()) > _SWEEP_STEP):
            return True
    return False


def _energies(picture: Image.Image) -> np.ndarray:
    """Mean squared gradient in a grid of blocks, float64 [_GRID * _GRID]."""
    side = _STACK_SIDE // _GRID * _GRID
    gray = np.asarray(picture.convert("L").resize((side, side), Image.Resampling.BOX), np.float32)
    squares = np.zeros_like(gray)
    squares[:, 1:] += np.square(np.diff(gray, axis=1))
    squares[1:] += np.square(np.diff(gray, axis=0))
    block = side // _GRID
    return squares.reshape(_GRID, block, _GRID, block).mean(axis=(1, 3)).ravel().astype(np.float64)


def _is_focus_stack(energies: Sequence[np.ndarray]) -> bool:
    """Whether different frames are clearly the sharpest in different places."""
    table = np.stack(energies)
    best = table.max(axis=0)
    textured = best >= _TEXTURE
    moving = textured & (best >= _SHARPER * np.median(table, axis=0))
    if not textured.any() or moving.sum() < _MOVING_SHARE * textured.sum():
        return False
    winners = np.bincount(table.argmax(axis=0)[moving], minlength=len(table))
    return int(np.count_nonzero(winners >= _BEST_SHARE * moving.sum())) >= _MIN_FRAMES
