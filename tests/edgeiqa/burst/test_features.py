"""What is measured of a frame: detail without noise, blocks, alignment."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgeiqa.assets import sample_paths
from edgeiqa.burst.features import FEATURES, Luma, Places, shift_between


def picture() -> Image.Image:
    path = next(p for p in sample_paths() if p.name == "raccoon.jpg")
    with Image.open(path) as image:
        return image.convert("RGB")


def measured(image: Image.Image, first: Image.Image | None = None) -> dict[str, float]:
    values = Places(Luma(first or image)).measure(Luma(image)).values
    return dict(zip(FEATURES, map(float, values), strict=True))


def noisy(image: Image.Image, sigma: float) -> Image.Image:
    noise = np.random.default_rng(1).normal(0, sigma, (image.height, image.width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).round().astype(np.uint8))


def test_blur_takes_detail_of_all_octaves_the_finest_most() -> None:
    image = picture()
    sharp = measured(image)
    soft = measured(image.filter(ImageFilter.GaussianBlur(2)), image)
    lost = [sharp[f"detail{n}"] - soft[f"detail{n}"] for n in range(4)]
    assert lost == sorted(lost, reverse=True)
    assert lost[-1] > 0
    assert sharp["edge0"] > soft["edge0"]


def test_noise_is_measured_and_is_no_detail() -> None:
    soft = picture().filter(ImageFilter.GaussianBlur(3))
    plain = measured(soft)
    for sigma in (4.0, 8.0, 16.0):
        degraded = measured(noisy(soft, sigma), soft)
        # The flattest blocks of pure noise show somewhat less than its deviation.
        assert 0.6 * sigma < np.exp(degraded["noise"]) - 0.5 < 1.1 * sigma
        # Subtracted, noise adds to octave 1 a tenth or so of what it would add unsubtracted.
        raw = np.log(np.exp(plain["detail1"]) + 2 * sigma**2 / 4)
        assert degraded["detail2"] - plain["detail2"] < 0.5
        assert degraded["detail1"] - plain["detail1"] < raw - plain["detail1"] + 0.7


def test_motion_shows_in_the_poorest_direction() -> None:
    image = picture()
    pixels = np.asarray(image, np.float32)
    smeared = Image.fromarray(np.mean([np.roll(pixels, n, 1) for n in range(9)], 0).astype("u1"))
    sharp, moved = measured(image), measured(smeared, image)
    mean = sharp["detail1"] - moved["detail1"]
    poorest = sharp["across1"] - moved["across1"]
    assert poorest > mean > 0


@pytest.mark.parametrize("offset", [0, 3])
def test_blocks_show_wherever_their_grid_begins(offset: int) -> None:
    image = picture().crop((0, 0, 480, 360))
    found = []
    for quality in (95, 40, 10):
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality, subsampling=0)
        coded = Image.open(stream).convert("RGB").crop((offset, offset, 480, 360))
        found.append(measured(coded)["blocks"])
    assert found == sorted(found)
    assert found[2] > found[0] + 0.2


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-7, 2), (11, 9)])
def test_shifts_are_found_also_of_a_blurred_or_darker_frame(shift: tuple[int, int]) -> None:
    image = picture().resize((220, 180))
    down, right = shift
    first = image.crop((20, 20, 180, 140))
    second = image.crop((20 - right, 20 - down, 180 - right, 140 - down))
    views = (
        second,
        second.filter(ImageFilter.GaussianBlur(2)),
        second.point([value // 2 for value in range(256)] * 3),
    )
    for view in views:
        assert shift_between(Luma(first).small(1), Luma(view).small(1)) == shift


def test_no_shift_is_made_up_for_unlike_or_even_pictures() -> None:
    generator = np.random.default_rng(0)
    noise = [generator.normal(128, 20, (60, 80)).astype(np.float32) for _ in range(2)]
    even = np.full((60, 80), 128, np.float32)
    assert shift_between(even, even) == (0, 0)
    assert shift_between(even, noise[0]) == (0, 0)
    assert shift_between(noise[0][:4, :4], noise[1][:4, :4]) == (0, 0)


def test_the_same_places_are_looked_at_in_a_moved_frame() -> None:
    image = picture()
    width, height = image.size
    places = Places(Luma(image))
    moved = image.crop((width // 30, height // 40, width, height))
    here, there = places.measure(Luma(image)), places.measure(Luma(moved))
    assert there.shift[0] == pytest.approx(-(height // 40), abs=6)
    assert there.shift[1] == pytest.approx(-(width // 30), abs=6)
    index = FEATURES.index("detail1")
    assert here.values[index] == pytest.approx(there.values[index], abs=0.1)


def test_exposure() -> None:
    image = picture()
    dark = measured(image.point([value // 4 for value in range(256)] * 3), image)
    bright = measured(image.point([min(255, 3 * value) for value in range(256)] * 3), image)
    plain = measured(image)
    assert dark["mean"] < plain["mean"] < bright["mean"]
    assert dark["dark"] > plain["dark"]
    assert bright["bright"] > plain["bright"]
    assert dark["spread"] < plain["spread"]
    assert plain["mean_squared"] == pytest.approx(plain["mean"] ** 2)


def test_the_first_frame_has_no_advantage_where_frames_show_different_things() -> None:
    """Its places are the richest in itself alone; the others then choose their own."""
    image = picture()
    half = image.width // 2
    left, right = (image.crop((x, 0, x + half, image.height)) for x in (0, half))
    for first, other in ((left, right), (right, left)):
        places = Places(Luma(first))
        alone = Places(Luma(other)).measure(Luma(other))
        seen = places.measure(Luma(other))
        assert seen.shift == (0, 0)
        np.testing.assert_array_equal(seen.values, alone.values)
