"""Brackets, focus stacks and panoramas are recognized, ordinary bursts are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgeiqa.assets import sample_paths
from edgeiqa.burst.grouping import Photo
from edgeiqa.burst.scene import scene_of
from edgeiqa.burst.series import BRACKET, FOCUS_STACK, PANORAMA, kind_of_series
from edgeiqa.imaging.likeness import thumbprint


def picture(name: str = "raccoon.jpg") -> Image.Image:
    with Image.open(next(p for p in sample_paths() if p.name == name)) as image:
        return image.convert("RGB")


def kind(images: Sequence[Image.Image], **more: object) -> str | None:
    """Of frames a third of a second apart; `more` gives a list of values per field of `Photo`."""
    shown = {str(number): image for number, image in enumerate(images)}
    photos = [
        Photo(
            name,
            int(name) / 3,
            **{"exif_time": True, **{key: value[int(name)] for key, value in more.items()}},  # type: ignore[index]
            camera="",
            print=thumbprint(image)[0],
        )
        for name, image in shown.items()
    ]
    return kind_of_series(
        photos, scene=lambda path: scene_of(shown[path]), picture=shown.__getitem__
    )


def test_exposure_brackets() -> None:
    images = [picture().point([min(255, value * gain // 4) for value in range(256)] * 3)
              for gain in (2, 4, 8)]  # fmt: skip
    assert kind(images, exposure_bias=[-1.0, 0.0, 1.0]) == BRACKET
    assert kind(images, bracket=[True] * 3) == BRACKET
    assert kind(images, exposure_bias=[0.3, 0.3, 0.3]) is None
    assert kind(images, exposure_bias=[-1.0, 0.0, 1.0], exif_time=[False] * 3) is None
    assert kind(images[:2], exposure_bias=[-2 / 3, 2 / 3]) == BRACKET


def focused(image: Image.Image, at: float, tilted: bool) -> Image.Image:
    """Sharp at one distance, which changes across the picture."""
    soft = image.filter(ImageFilter.GaussianBlur(4))
    along = np.linspace(0, 1, image.width)[np.newaxis] + np.zeros((image.height, 1))
    if tilted:
        along = np.linspace(0, 1, image.height)[:, np.newaxis] + np.zeros((1, image.width))
    mask = np.clip(1.3 - 4 * np.abs(along - at), 0, 1)
    return Image.composite(image, soft, Image.fromarray((255 * mask).astype(np.uint8)))


@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("name", ["raccoon.jpg", "coffee.jpg", "flower.jpg"])
def test_a_focus_stack(name: str, tilted: bool) -> None:
    image = picture(name)
    assert kind([focused(image, at, tilted) for at in (0.1, 0.3, 0.5, 0.7, 0.9)]) == FOCUS_STACK


@pytest.mark.parametrize("direction", [(1, 0), (-1, 0), (0, 1)])
def test_a_panorama(direction: tuple[int, int]) -> None:
    image = picture()
    across, down = direction
    width, height = image.width * 6 // 10, image.height * 6 // 10
    frames = []
    for step in range(4):
        x = (1 if across < 0 else 0) * image.width * 4 // 10 + across * step * width // 9
        y = down * step * height // 9
        frames.append(image.crop((x, y, x + width, y + height)))
    assert kind(frames) == PANORAMA


def noisy(image: Image.Image, seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, 4, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def shaken(image: Image.Image, seed: int) -> Image.Image:
    """Held by hand, with blur of another strength in every frame."""
    generator = np.random.default_rng(seed)
    x, y = generator.integers(0, 12, 2)
    part = image.crop((x, y, image.width - 12 + x, image.height - 12 + y))
    return part.filter(ImageFilter.GaussianBlur(float(generator.uniform(0, 3))))


BURSTS: dict[str, Callable[[Image.Image], list[Image.Image]]] = {
    "of one exposure": lambda image: [noisy(image, seed) for seed in range(5)],
    "by hand": lambda image: [noisy(shaken(image, seed), seed) for seed in range(6)],
    "a pair": lambda image: [image, image.filter(ImageFilter.GaussianBlur(2))],
    "out of focus by and by": lambda image: [
        image.filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 1, 2, 3)
    ],
}


@pytest.mark.parametrize("burst", BURSTS)
@pytest.mark.parametrize("name", ["raccoon.jpg", "coffee.jpg", "china.jpg"])
def test_an_ordinary_burst(name: str, burst: str) -> None:
    assert kind(BURSTS[burst](picture(name))) is None


def test_a_frame_that_vanished_is_no_reason_to_fail() -> None:
    def gone(path: str) -> Image.Image:
        raise FileNotFoundError(path)

    photos = [Photo(str(n), n, True, "", np.zeros(256, np.float32)) for n in range(4)]
    assert kind_of_series(photos, scene=lambda path: scene_of(gone(path))) is None
