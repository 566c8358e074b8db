"""The same scene is recognized, and different ones stay apart on whatever common background."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from edgeiqa.assets import sample_paths
from edgeiqa.burst.grouping import LIKENESS
from edgeiqa.burst.scene import COPY, SAME_SCENE, agreement, scene_of
from edgeiqa.imaging.likeness import thumbprint

Change = Callable[[Image.Image], Image.Image]


def photographs() -> list[Image.Image]:
    """Different ones, three of each sample."""
    found = []
    for path in sample_paths():
        if "-" in path.stem:
            continue
        with Image.open(path) as image:
            whole = image.convert("RGB")
        width, height = whole.size
        found.append(whole)
        found.append(whole.crop((0, 0, width // 3, height // 3)))
        found.append(whole.crop((2 * width // 3, 2 * height // 3, width, height)))
    return found


PHOTOS = photographs()
WORDS = ["".join(random.Random(n).choices("etaoinshrdlu", k=2 + n % 9)) for n in range(500)]
FONT = ImageFont.load_default(28)


def on_a_mat(photo: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (1600, 1200), "white")
    sheet.paste(photo.resize((700, 520)), (450, 340))
    return sheet


def letterboxed(photo: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (1600, 1200), "black")
    sheet.paste(ImageOps.fit(photo, (1600, 500)), (0, 350))
    return sheet


def page(number: int) -> Image.Image:
    """A scanned page of text."""
    generator = random.Random(number)
    sheet = Image.new("RGB", (1240, 1754), "white")
    pen = ImageDraw.Draw(sheet)
    for y in range(120, 1620, 38):
        pen.text((120, y), " ".join(generator.choices(WORDS, k=11)), (20, 20, 20), FONT)
    noise = np.random.default_rng(number).normal(0, 3, (1754, 1240, 1))
    return Image.fromarray(np.clip(np.asarray(sheet) + noise, 0, 255).astype(np.uint8))


def screenshot(number: int) -> Image.Image:
    """A list in an application."""
    generator = random.Random(number)
    sheet = Image.new("RGB", (1080, 2160), (245, 245, 250))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, 1080, 160), (30, 90, 200))
    pen.text((40, 80), "My application", "white", FONT)
    for y in range(220, 1980, 220):
        pen.ellipse((40, y, 160, y + 120), (200, 200, 210))
        pen.text((200, y + 10), " ".join(generator.choices(WORDS, k=4)), "black", FONT)
        pen.text((200, y + 60), " ".join(generator.choices(WORDS, k=6)), (120, 120, 120), FONT)
    return sheet


@pytest.mark.parametrize(
    ("pictures", "needs_dates"),
    [
        ([on_a_mat(photo) for photo in PHOTOS[:12]], False),
        ([letterboxed(photo) for photo in PHOTOS[:12]], False),
        ([page(number) for number in range(6)], True),
        ([screenshot(number) for number in range(6)], True),
        (PHOTOS, False),
    ],
    ids=["mat", "letterbox", "pages", "screenshots", "plain"],
)
def test_different_pictures_on_a_common_background(
    pictures: list[Image.Image], needs_dates: bool
) -> None:
    scenes = [scene_of(picture) for picture in pictures]
    prints = [thumbprint(picture)[0] for picture in pictures]
    pairs = list(itertools.combinations(range(len(pictures)), 2))
    if pictures is not PHOTOS:  # Thumbprints alone would join some of them.
        assert max(float(prints[i] @ prints[j]) for i, j in pairs) > LIKENESS
    for i, j in pairs:
        assert agreement(scenes[i], scenes[j], copies=True) < COPY - 0.1
        if not needs_dates:
            assert agreement(scenes[i], scenes[j]) < SAME_SCENE


def recoded(picture: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


COPIES: dict[str, Change] = {
    "quality 30": lambda p: recoded(p, 30),
    "a third": lambda p: p.resize((p.width // 3, p.height // 3)),
    "doubled": lambda p: p.resize((2 * p.width, 2 * p.height)),
    "brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.15),
    "darker": lambda p: ImageEnhance.Brightness(p).enhance(0.6),
    "less contrast": lambda p: ImageEnhance.Contrast(p).enhance(0.7),
    "with a mat": lambda p: ImageOps.expand(p, 60, "white"),
    "a pixel less": lambda p: p.crop((1, 0, p.width, p.height)),
}


@pytest.mark.parametrize("change", COPIES)
def test_copies_agree(change: str) -> None:
    found = [
        agreement(scene_of(photo), scene_of(COPIES[change](photo)), copies=True)
        for photo in PHOTOS[::3]
    ]
    assert np.median(found) > 0.95
    assert sum(value < COPY for value in found) <= 1


def window(photo: Image.Image, x: int = 0, y: int = 0) -> Image.Image:
    """What the camera sees, moved by hundredths of its size."""
    width, height = photo.size
    left, top = (10 + x) * width // 100, (10 + y) * height // 100
    return photo.crop((left, top, left + width * 8 // 10, top + height * 8 // 10))


BURST: dict[str, Change] = {
    "moved": lambda p: window(p, 5, 3),
    "moved the other way": lambda p: window(p, -4, 5),
    "blurred": lambda p: window(p, 2).filter(ImageFilter.GaussianBlur(3)),
    "half the light": lambda p: window(p, 1).point([value // 2 for value in range(256)] * 3),
    "turned by a degree": lambda p: window(p.rotate(1, Image.Resampling.BICUBIC)),
}


@pytest.mark.parametrize("change", BURST)
def test_frames_of_a_burst_agree(change: str) -> None:
    found = [
        agreement(scene_of(window(photo)), scene_of(BURST[change](photo))) for photo in PHOTOS[::3]
    ]
    assert np.median(found) > 0.8
    assert min(found) >= SAME_SCENE


def test_flat_pictures_have_nothing_to_disagree_on() -> None:
    flat = scene_of(Image.new("RGB", (40, 30), (90, 90, 90)))
    assert agreement(flat, flat) == 1
    assert agreement(flat, scene_of(PHOTOS[0])) == 0
    assert agreement(flat, scene_of(PHOTOS[0]), copies=True) == 0
