"""The picture of a map: its colours, its legend, its size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgeiqa.analysis.map_rendering import MAX_PANEL, colours, draw
from edgeiqa.analysis.quality_map import QualityMap


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colours, 0-100."""
    value = rgb / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.asarray(np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y))


def test_colours_rise_evenly_in_lightness() -> None:
    steps = np.diff(lightness(colours(np.linspace(0, 100, 21)).astype(float)))
    assert (steps > 0).all()
    assert steps.max() / steps.min() < 2
    np.testing.assert_array_equal(colours(np.array([-5.0, 105.0])), [(68, 1, 84), (253, 231, 37)])


def test_the_good_half_is_brighter_and_the_picture_stands_beside_it() -> None:
    scores = np.repeat(np.array([[10.0, 90.0]], np.float32), 2, axis=0)
    picture = Image.new("RGB", (300, 200), (120, 120, 120))
    drawn = np.asarray(draw(picture, QualityMap(scores, 300, 200, (50,), 6))).astype(float)
    assert (drawn[100, 20:300] == 120).all()
    left, right = drawn[100, 340], drawn[100, 600]
    assert lightness(right) > lightness(left) + 20
    assert drawn.shape[0] == 200 + 24


def test_a_large_picture_is_drawn_at_screen_size_and_a_tiny_one_gets_a_legend() -> None:
    scores = np.full((32, 64), 50, np.float32)
    large = draw(Image.new("RGB", (4000, 2000)), QualityMap(scores, 4000, 2000, (500, 1000), 105))
    assert large.height < MAX_PANEL
    assert 2 * MAX_PANEL < large.width < 2 * MAX_PANEL + 150
    tiny = draw(Image.new("RGB", (3, 1)), QualityMap(scores, 3, 1, (3,), 1))
    assert tiny.height >= 120
    assert tiny.width > 3 * 80


def test_a_tiny_picture_keeps_its_pixels_as_squares() -> None:
    picture = Image.fromarray(np.array([[[9, 9, 9], [200, 0, 0]]], np.uint8))
    drawn = np.asarray(draw(picture, QualityMap(np.full((1, 2), 50, np.float32), 2, 1, (2,), 1)))
    assert (drawn[12 : 12 + 120, 12 : 12 + 120] == 9).all()
    assert (drawn[12 : 12 + 120, 132 : 132 + 120] == (200, 0, 0)).all()


def test_a_panorama_has_its_map_below_it() -> None:
    scores = np.repeat(np.array([[10.0, 90.0]], np.float32), 2, axis=0)
    picture = Image.new("RGB", (900, 150), (120, 120, 120))
    drawn = np.asarray(draw(picture, QualityMap(scores, 900, 150, (38, 75), 9))).astype(float)
    assert drawn.shape[0] == 2 * 150 + 3 * 12
    assert drawn.shape[1] < 900 + 150
    assert (drawn[20:160, 20:900] == 120).all()
    assert lightness(drawn[250, 890]) > lightness(drawn[250, 20]) + 20
