"""Garbage is told from photographs, drawings, screenshots and night frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage import data as pictures

from edgeiqa.analysis.patches import reduction
from edgeiqa.analysis.plausibility import find_damage
from edgeiqa.assets import sample_paths
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.frame import Frame
from edgeiqa.preprocessing.luma import luma_small

RNG = np.random.default_rng(0)


def found(pixels: np.ndarray) -> float | None:
    pixels = np.ascontiguousarray(pixels)
    picture = Image.fromarray(pixels).convert("RGB")
    factor = reduction(picture.height, picture.width)
    of_picture = find_damage(luma_small(picture, factor), picture)
    frame = Frame.from_array(pixels)
    assert find_damage(luma_small(frame, factor), frame) == of_picture
    return of_picture


PHOTOGRAPHS = [np.asarray(decode(path)) for path in sample_paths()]
PHOTOGRAPHS.append(pictures.stereo_motorcycle()[0])
PHOTOGRAPHS.append(np.asarray(Image.fromarray(PHOTOGRAPHS[-1]).resize((1920, 1080))))


def filled(pixels: np.ndarray, value: object, share: float = 0.5) -> np.ndarray:
    spoilt = pixels.copy()
    spoilt[int(len(pixels) * (1 - share)) :] = value
    return spoilt


def smeared(pixels: np.ndarray) -> np.ndarray:
    return filled(pixels, pixels[len(pixels) // 2 - 1])


def sheared(pixels: np.ndarray, extra: int) -> np.ndarray:
    """Rows that are read with a stride that is wrong by so many pixels."""
    height, width = pixels.shape[:2]
    rows = height * width // (width + extra)
    return pixels.reshape(-1, 3)[: rows * (width + extra)].reshape(rows, width + extra, 3)


def shuffled(pixels: np.ndarray, side: int) -> np.ndarray:
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    blocks = pixels[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    blocks = RNG.permutation(blocks.swapaxes(1, 2).reshape(-1, side, side, 3))
    blocks = blocks.reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    return blocks.reshape(rows * side, columns * side, 3)


def noise(pixels: np.ndarray) -> np.ndarray:
    return RNG.integers(0, 256, pixels.shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("spoil", "least"),
    [
        (lambda p: filled(p, 128), 14),
        (lambda p: filled(p, 128, 0.15), 14),
        (lambda p: filled(p, (0, 135, 0)), 14),
        (smeared, 11),  # Not where the row is as smooth as sky.
        (noise, 14),
        (lambda p: sheared(p, 16), 12),
        (lambda p: sheared(p, 64), 12),
        (lambda p: sheared(p, -32), 12),
        (lambda p: shuffled(p, 16), 11),
        (lambda p: shuffled(p, 64), 10),
    ],
)
def test_garbage_is_found(spoil: Callable[[np.ndarray], np.ndarray], least: int) -> None:
    assert sum(found(spoil(pixels)) is not None for pixels in PHOTOGRAPHS) >= least


def test_the_share_of_missing_rows_is_known() -> None:
    assert found(filled(PHOTOGRAPHS[0], 128, 0.25)) == pytest.approx(0.25, abs=0.01)
    assert found(noise(PHOTOGRAPHS[0])) == 0.0


def screenshot(dark: bool, seed: int) -> np.ndarray:
    """A window with a side bar, lines of text, icons and a flat bottom."""
    rng = np.random.default_rng(seed)
    paper, ink = ((30, 30, 30), (220, 220, 220)) if dark else ((250, 250, 250), (20, 20, 20))
    picture = Image.new("RGB", (1280, 800), paper)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 1280, 40), (60, 90, 160))
    draw.rectangle((0, 40, 220, 800), tuple(int(v) for v in rng.integers(0, 256, 3)))
    for y in range(60, 640, 18):
        draw.text((240, y), "".join(chr(c) for c in rng.integers(97, 123, 90)), ink)
    for x in range(240, 1280, 90):
        draw.rectangle((x, 660, x + 40, 700), tuple(int(v) for v in rng.integers(0, 256, 3)))
    return np.asarray(picture)


def drawing(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (700, 500), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y, r = (int(v) for v in rng.integers(0, 500, 3))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        draw.ellipse((x, y, x + r, y + r), colour, "black")
        draw.line((x, y, *(int(v) for v in rng.integers(0, 700, 2))), "black", 3)
    return np.asarray(picture)


def night(pixels: np.ndarray) -> np.ndarray:
    dim = pixels / 12 + RNG.normal(8, 6, pixels.shape)
    return np.clip(dim, 0, 255).astype(np.uint8)


def letterboxed(pixels: np.ndarray, value: int) -> np.ndarray:
    spoilt = filled(pixels, value, 0.2)
    spoilt[: len(pixels) // 5] = value
    return spoilt


def test_no_false_alarms() -> None:
    harmless = [
        *PHOTOGRAPHS,
        *(screenshot(bool(seed % 2), seed) for seed in range(40)),
        *(drawing(seed) for seed in range(40)),
        *(night(pixels) for pixels in PHOTOGRAPHS),
        *(letterboxed(pixels, value) for pixels in PHOTOGRAPHS[:6] for value in (0, 16, 235, 255)),
        *(getattr(pictures, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")),
        *(getattr(pictures, name)() for name in ("camera", "brick", "grass", "gravel", "page")),
        *(
            getattr(pictures, name)()
            for name in ("text", "coins", "moon", "clock", "hubble_deep_field")
        ),
        np.full((400, 600, 3), 128, np.uint8),
        np.zeros((400, 600, 3), np.uint8),
        np.kron(RNG.integers(0, 256, (30, 40, 3)), np.ones((16, 16, 1))).astype(np.uint8),
    ]
    alarms = [index for index, pixels in enumerate(harmless) if found(pixels) is not None]
    assert alarms == []


def test_small_pictures_are_not_judged() -> None:
    assert found(noise(np.zeros((40, 400, 3)))) is None
