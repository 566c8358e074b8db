"""Recognises pixels that cannot be a photograph, on the luma that the cause detector reads anyway.

Broken cameras, cables and converters deliver frames that are decodable and yet garbage: noise, a
lower half that repeats its last row or is filled with gray or green, rows that are each shifted
against the one above because of a wrong stride, blocks in the wrong places. Of the 14,702 pictures
of BIQ2021, SR4KIQA and AGIQA-3K, these checks reject one, which was indeed damaged.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgeiqa.imaging.frame import Frame
from edgeiqa.preprocessing.resize import to_rgb

MIN_FILLED = 0.1
"""Share of rows from which on a filled bottom counts."""

MIN_SIDE = 48
"""Smaller pictures are not judged."""

_FLAT = 4.0
_NOISE_CORRELATION = 0.3
_MIDTONES = (40, 215)
_ROW_STEP = 4
_TORN_CORRELATION = 0.8
_SHIFTED_LIKENESS = 0.5
_SHIFT_GAIN = 0.2
_MIN_SHIFT = 12
"""Diagonal lines of buildings shift by less in four rows; wrong strides are off by 16 pixels."""
_FILL_GRAY = (126, 130)
_BLOCKS = range(4, 65)
_MIN_BLOCK_STEP = 20.0
_MIN_BLOCK_RATIO = 4.0


def find_damage(small: np.ndarray, source: Frame | Image.Image) -> float | None:
    """Checks whether a picture can be a photograph.

    Args:
        small: uint8 [h, w], the luma of the picture, reduced by whole blocks.
        source: The picture.

    Returns:
        None if it can be one; otherwise the share 0-1 of its rows known to be missing.
    """
    height, width = small.shape
    if min(height, width) < MIN_SIDE:
        return None
    filled = _filled_rows(small, source)
    if filled >= MIN_FILLED * height:
        return filled / height
    values = small.astype(np.float32)
    level = float(values.mean())
    values -= level
    power = float(np.square(values).mean())
    if power < _FLAT**2:
        return None
    across = float((values[:, 1:] * values[:, :-1]).mean()) / power
    down = float((values[1:] * values[:-1]).mean()) / power
    # A night frame may be little else than noise, too.
    is_noise = max(across, down) < _NOISE_CORRELATION and _MIDTONES[0] < level < _MIDTONES[1]
    is_sheared = _is_sheared(values[::_ROW_STEP], power)
    if down < _TORN_CORRELATION:  # Shifts of a large part of the width show from row to row only.
        is_sheared |= _is_sheared(values, power)
    return 0.0 if is_noise or is_sheared or _is_shuffled(small) else None


def _filled_rows(small: np.ndarray, source: Frame | Image.Image) -> int:
    """Counts the rows at the bottom that a decoder filled in."""
    last = small[-1]
    if (small[-2] != last).any():  # As in nearly every picture.
        return 0
    differs = (small != last).any(axis=1)
    rows = len(small) - (int(np.flatnonzero(differs)[-1]) + 1 if differs.any() else 0)
    if rows == len(small):
        return 0
    steps = np.abs(np.diff(last.astype(np.int16)))
    if steps.any():
        # One row over and over: stripes in every column, unlike the few lines of a drawing.
        return rows if (steps > 2).mean() > 0.25 else 0
    level = int(last[0])
    if _FILL_GRAY[0] <= level <= _FILL_GRAY[1]:
        return rows
    return rows if 60 <= level <= 110 and _is_green(source) else 0


def _is_green(source: Frame | Image.Image) -> bool:
    """Returns whether the lower right corner has the green of empty YUV."""
    if isinstance(source, Frame):
        height, width = source.pixels.shape[:2]
        if source.pixel_format.is_yuv or source.roi is not None or source.rotation:
            return False  # Empty luma is black there.
        corner = Frame(source.pixels[height - 1 :, width - 1 :], source.pixel_format)
        red, green, blue = (int(value) for value in to_rgb(corner)[0, 0])
    else:
        pixel = source.crop((source.width - 1, source.height - 1, source.width, source.height))
        red, green, blue = (int(value) for value in np.asarray(pixel)[0, 0])
    return green > 60 + max(red, blue) and max(red, blue) < 40


def _is_sheared(values: np.ndarray, power: float) -> bool:
    """Returns whether rows resemble those above them only if they are shifted, by equal steps."""
    width = values.shape[1]
    rows = np.fft.rfft(values, axis=1)
    peaks = []
    for lag in (1, 2):
        products = (np.conj(rows[:-lag]) * rows[lag:]).mean(axis=0)
        alike = np.fft.irfft(products, width) / (width * power)
        at = int(np.argmax(alike))
        peaks.append(at - width if at > width // 2 else at)
        if alike[at] < _SHIFTED_LIKENESS or alike[at] < alike[0] + _SHIFT_GAIN:
            return False
    apart = abs(peaks[1] - 2 * peaks[0])
    return abs(peaks[0]) >= _MIN_SHIFT and min(apart, width - apart) <= 2


def _is_shuffled(small: np.ndarray) -> bool:
    """Returns whether steps are large at the borders of a grid of squares, and only there."""
    wide = small.astype(np.int16)
    across = np.abs(np.diff(wide, axis=1)).mean(axis=0)
    down = np.abs(np.diff(wide, axis=0)).mean(axis=1)
    least = max(_MIN_BLOCK_STEP, _MIN_BLOCK_RATIO * min(np.median(across), np.median(down)))
    if min(across.max(), down.max()) < least:
        return False
    return any(
        min(_grid(profile, side) for profile in (across, down)) > _MIN_BLOCK_RATIO
        for side in _BLOCKS
    )


def _grid(profile: np.ndarray, side: int) -> float:
    """Compares steps at every `side`-th place to those between; 0 if they are small."""
    at_border = np.zeros(len(profile), bool)
    at_border[side - 1 :: side] = True
    if at_border.sum() < 4:
        return 0.0
    border, between = np.median(profile[at_border]), np.median(profile[~at_border])
    # Enlarged pixels have no steps at all within them.
    return float(border / between) if border > _MIN_BLOCK_STEP and between > 1 else 0.0
