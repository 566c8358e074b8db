"""The detail view: small patches of the picture at its native resolution.

Resizing hides slight blur, noise and compression blocks; the original pixels show them. The cause
detector therefore looks at a few luma patches: the most active one of each part of the picture,
which separates sharp from blurred; the quietest ones, which show noise; and some of the reduced
picture, which show blur too heavy to leave a trace in a small patch. All of it is integer
arithmetic, specified in `docs/reference/preprocessing.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from edgeiqa.imaging.frame import Frame
from edgeiqa.inference.contract_spec import InputSpec
from edgeiqa.preprocessing.luma import MAX_FACTOR, luma_crop, luma_small
from edgeiqa.preprocessing.planes import planes
from edgeiqa.preprocessing.yuv import full_range_luma
from edgeiqa.stages import stage

REDUCED_SIDE = 256
"""The shorter side of the reduced picture is at least this long and less than twice as long."""

MAX_STEP = 40
"""Differences between neighbours are clipped here: a clear edge counts as much as a strong one."""

MIDTONES = (16, 239)
"""Mean luma of patches that can show noise, which clipping hides near black and white."""

Crop = Callable[[tuple[int, int, int, int]], np.ndarray]


@dataclass(frozen=True, eq=False)
class Detail:
    """The input of the cause detector.

    Attributes:
        tensor: uint8 [1, patches * side, side, 1], full-range luma: the patches in the order of
            the views, one below the other.
        small: uint8 [h, w], full-range luma of the whole picture, reduced.
    """

    tensor: np.ndarray
    small: np.ndarray


@stage("choose")
def detail(source: Frame | Image.Image, spec: InputSpec) -> Detail:
    """Prepares the input of a cause detector.

    Args:
        source: A `Frame`, or an upright PIL picture of mode RGB.
        spec: The input specification of the network's contract; its views give the number of
            patches of each kind, its height and width their size.

    Returns:
        The patches and the reduced picture.

    Raises:
        TypeError: `source` is something else.
    """
    height, width = source.size if isinstance(source, Frame) else source.size[::-1]
    factor = reduction(height, width)
    small = luma_small(source, factor)
    patches = choose(small, (height, width), factor, _cropper(source), spec.views, spec.height)
    return Detail(patches.reshape(spec.tensor_shape), small)


def reduction(height: int, width: int) -> int:
    """Returns the integer factor, 1-128, by which a picture is reduced to choose patches."""
    return min(MAX_FACTOR, max(1, min(height, width) // REDUCED_SIDE))


def choose(
    small: np.ndarray,
    size: tuple[int, int],
    factor: int,
    crop: Crop,
    views: tuple[str, ...],
    side: int,
) -> np.ndarray:
    """Chooses patches and cuts them out.

    Args:
        small: uint8 [h, w], the luma reduced by `factor`.
        size: (height, width) of the picture in pixels.
        factor: The reduction factor, as returned by `reduction`.
        crop: Returns uint8 luma [bottom - top, right - left] of a box (left, top, right, bottom)
            inside the picture.
        views: "active", "quiet" and "reduced", in this order. The number of each kind is 0 or a
            square, so that the patches can be spread over the picture.
        side: Side of the patches, in pixels.

    Returns:
        uint8 [len(views), side, side].
    """
    field = activity(small)
    window = max(1, side // factor)
    sums = window_sums(field, window, 2 * MAX_STEP)
    patches: list[np.ndarray] = []
    for kind in ("active", "quiet", "reduced"):
        count = views.count(kind)
        if not count:
            continue
        if kind == "quiet":
            ranked = quietness(sums, window_sums(small, window), window)
        elif kind == "active" or window == side:
            ranked = sums
        else:
            ranked = window_sums(field, side, 2 * MAX_STEP)
        for top, left in best_places(ranked, round(count**0.5)):
            if kind == "reduced":
                patches.append(_filled(small[top : top + side, left : left + side], side))
            else:
                patches.append(_native(crop, (top * factor, left * factor), size, side))
    return np.stack(patches)


def activity(luma: np.ndarray) -> np.ndarray:
    """Adds the absolute differences to the right and lower neighbour, each at most `MAX_STEP`.

    Args:
        luma: uint8 [h, w].

    Returns:
        uint8 [h, w], at most 2 * `MAX_STEP`; 0 where there is no neighbour.
    """
    field = np.zeros(luma.shape, np.uint8)
    for one, next_one, place in (
        (luma[:, :-1], luma[:, 1:], field[:, :-1]),
        (luma[:-1], luma[1:], field[:-1]),
    ):
        step = np.maximum(one, next_one)
        step -= np.minimum(one, next_one)
        np.minimum(step, MAX_STEP, out=step)
        place += step
    return field


def window_sums(field: np.ndarray, window: int, most: int = 255) -> np.ndarray:
    """Sums a field over all square windows that fit into it.

    Args:
        field: uint8 [h, w].
        window: Side of the windows, at most 4096, so that sums fit into 32 bits; clipped to the
            sides of the field.
        most: Upper bound of the values of `field`.

    Returns:
        [h - window + 1, w - window + 1] by top left corner; the smallest of uint8, uint16 and
        uint32 that is wide enough.
    """
    down, across = (min(window, n) for n in field.shape)
    rows = _run_sums(field.T, across, most).T
    return _run_sums(rows, down, most * across)


def _run_sums(field: np.ndarray, length: int, most: int) -> np.ndarray:
    """Sums each run of `length` rows.

    Runs are doubled at each step: a few additions of whole arrays whatever the length, in the
    narrowest integers, of which a processor adds many at a time.
    """
    places = len(field) - length + 1
    total: np.ndarray | None = None
    start, span = 0, 1  # `field` holds sums of `span` rows, `total` of the first `start`.
    while True:
        if length & span:
            part = field[start : start + places]
            start += span
            total = part if total is None else _added(total, part, most * start)
        if start == length:
            return np.asarray(total)
        field = _added(field[:-span], field[span:], most * span * 2)
        span *= 2


def _added(one: np.ndarray, other: np.ndarray, most: int) -> np.ndarray:
    """Adds two arrays in an integer type wide enough for values up to `most`."""
    wide = np.result_type(one, other, np.min_scalar_type(most))
    return np.asarray(np.add(one, other, dtype=wide))


def quietness(sums: np.ndarray, light: np.ndarray, window: int) -> np.ndarray:
    """Ranks windows by low activity; windows that are too dark or too bright come last.

    Args:
        sums: Unsigned [h, w], activity of each window, at most 80 * 4096 * 4096.
        light: Unsigned [h, w], sum of the luma of each window.
        window: Side of the windows.

    Returns:
        uint32 [h, w]; the quietest window has the largest value.
    """
    area = window * window
    beyond = (light < MIDTONES[0] * area) | (light >= (MIDTONES[1] + 1) * area)
    worst = np.uint32(np.max(sums)) + np.uint32(1)
    ranked = (worst + worst) - sums
    ranked -= beyond * worst
    return np.asarray(ranked)


def best_places(ranked: np.ndarray, across: int) -> list[tuple[int, int]]:
    """Finds the largest value in each of across x across parts of a field.

    Args:
        ranked: [h, w]; among equal values the first one in row order wins.
        across: Number of parts along each side.

    Returns:
        (row, column) per part, in row order. Parts start at n * size // across; in a field with
        fewer rows or columns than parts, neighbouring parts share one.
    """
    places = []
    for part in range(across * across):
        bounds = []
        for size, index in zip(ranked.shape, divmod(part, across), strict=True):
            start = min(index * size // across, size - 1)
            bounds.append((start, max(start + 1, (index + 1) * size // across)))
        (top, bottom), (left, right) = bounds
        cell = ranked[top:bottom, left:right]
        row, column = divmod(int(np.argmax(cell)), cell.shape[1])
        places.append((top + row, left + column))
    return places


def _cropper(source: Frame | Image.Image) -> Crop:
    """Returns a function that crops luma from a picture, as `luma_crop` does."""
    if isinstance(source, Frame) and source.pixel_format.is_yuv:
        # The plane is prepared once rather than for each patch.
        frame, plane = source, planes(source)[0]
        return lambda box: full_range_luma(plane.cut(box).samples, frame.color_range)
    return lambda box: luma_crop(source, box)


@stage("cut")
def _native(crop: Crop, place: tuple[int, int], size: tuple[int, int], side: int) -> np.ndarray:
    """Cuts the patch at (top, left), shifted to lie inside a picture of (height, width)."""
    height, width = size
    y, x = (max(0, min(at, n - side)) for at, n in zip(place, size, strict=True))
    return _filled(crop((x, y, min(x + side, width), min(y + side, height))), side)


def _filled(patch: np.ndarray, side: int) -> np.ndarray:
    """Pads a patch of a small picture to `side` by reflection, to the right and down."""
    down, across = side - patch.shape[0], side - patch.shape[1]
    if down or across:
        return np.pad(patch, ((0, down), (0, across)), mode="symmetric")
    return patch
