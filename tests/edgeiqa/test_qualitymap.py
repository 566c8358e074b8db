"""Quality maps: tiles, blending, Otsu's cut, and the shipped model on half-spoilt pictures."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeiqa import QualityMap, Scorer, sample_paths
from edgeiqa.contract import InputSpec
from edgeiqa.qualitymap import (
    MAX_TILES,
    continued,
    default_tile,
    map_tiles,
    otsu,
    starts,
    weights,
)

SPEC = InputSpec(64, 64)
sides = st.integers(1, 3000)


def brightness(rgb: np.ndarray) -> float:
    return float(rgb.mean()) / 2.55


def mapped(rgb: np.ndarray, score: Callable[[np.ndarray], float] = brightness) -> QualityMap:
    return map_tiles(Image.fromarray(rgb), SPEC, score)


@given(sides, sides)
def test_tiles_cover_a_side_evenly_and_end_at_its_ends(length: int, wanted: int) -> None:
    tile = min(length, wanted)
    begins = starts(length, tile)
    assert (begins[0], begins[-1]) == (0, length - tile)
    steps = np.diff(begins)
    assert (steps > 0).all() or len(begins) == 1 or tile == 1
    assert (steps <= np.ceil(tile / 2)).all()


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_tiles_are_a_quarter_of_the_shorter_side_and_not_too_many(width: int, height: int) -> None:
    tile = default_tile(width, height)
    assert 1 <= tile <= min(width, height)
    count = len(starts(width, tile)) * len(starts(height, tile))
    # A strip narrower than its tiles ought to be needs one row of them, however long it is.
    assert count <= 1.3 * MAX_TILES or tile == min(width, height)


def test_the_tile_of_a_common_photograph() -> None:
    assert default_tile(640, 427) == 107
    assert default_tile(4000, 3000) == 750
    assert default_tile(60, 40) == 32
    assert default_tile(20, 10) == 10


@given(st.integers(32, 600), st.integers(8, 64), st.integers(1, 40))
def test_weights_are_a_blend(length: int, tile: int, cells: int) -> None:
    tile = min(tile, length)
    table = weights(starts(length, tile), tile, length, cells)
    assert table.shape == (cells, len(starts(length, tile)))
    assert (table >= 0).all()
    np.testing.assert_allclose(table.sum(axis=1), 1)


def test_an_even_picture_has_an_even_map() -> None:
    got = mapped(np.full((60, 90, 3), 51, np.uint8))
    assert got.scores.dtype == np.float32
    assert got.scores.shape == (32, 48)
    np.testing.assert_allclose(got.scores, 20, atol=1e-4)
    assert not got.worse_half().any()


def test_a_dark_half_is_found_where_it_is() -> None:
    rgb = np.full((120, 200, 3), 200, np.uint8)
    rgb[:, :100] = 20
    got = mapped(rgb)
    values = got.at_size(200, 120)
    assert values.shape == (120, 200)
    truth = np.arange(200) < 100
    found = values < otsu(got.scores)
    assert (found[:, truth].mean(), found[:, ~truth].mean()) == (
        pytest.approx(1, abs=0.06), pytest.approx(0, abs=0.06),
    )  # fmt: skip
    assert got.scores[:, 0].max() < 8.5
    assert got.scores[:, -1].min() > 78


def test_a_tile_reaches_the_network_with_its_own_pixels() -> None:
    generator = np.random.default_rng(3)
    rgb = generator.integers(0, 256, (50, 70, 3), dtype=np.uint8)
    seen: list[np.ndarray] = []

    def look(part: np.ndarray) -> float:
        seen.append(part)
        return 50.0

    got = map_tiles(Image.fromarray(rgb), SPEC, look)
    assert got.tile == 32
    assert got.tiles == len(seen)
    assert all(part.shape == (64, 64, 3) for part in seen)
    np.testing.assert_array_equal(seen[0][16:48, 16:48], rgb[:32, :32])
    np.testing.assert_array_equal(seen[-1][16:48, 16:48], rgb[-32:, -32:])


def test_mirror_images_continue_a_tile_without_seams() -> None:
    part = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    got = continued(part, 6, 2)
    assert got.shape == (6, 2, 3)
    np.testing.assert_array_equal(got[:, 0, 0], [6, 0, 0, 6, 6, 0])
    np.testing.assert_array_equal(got[2:4], part)
    np.testing.assert_array_equal(got[1], part[0])
    np.testing.assert_array_equal(got[4], part[1])
    np.testing.assert_array_equal(continued(part, 1, 1), part)


def test_progress_is_told_and_a_tile_of_nothing_refused() -> None:
    told: list[tuple[int, int]] = []
    picture = Image.new("RGB", (64, 64))
    got = map_tiles(
        picture, SPEC, brightness, tile=32, on_tile=lambda done, total: told.append((done, total))
    )
    assert told == [(n, 9) for n in range(1, 10)]
    assert got.tiles == 9
    with pytest.raises(ValueError, match="tile is 0"):
        map_tiles(picture, SPEC, brightness, tile=0)
    with pytest.raises(ValueError, match="at least 1x1"):
        got.at_size(0, 3)


@given(
    st.lists(st.floats(0, 40), min_size=1, max_size=30),
    st.lists(st.floats(60, 100), min_size=1, max_size=30),
)
def test_otsu_cuts_where_within_class_variance_is_least(low: list, high: list) -> None:
    values = np.array(low + high)
    cut = otsu(values)

    def within(threshold: float) -> float:
        parts = [values[values < threshold], values[values >= threshold]]
        return sum(float(((part - part.mean()) ** 2).sum()) for part in parts if len(part))

    candidates = np.unique(values)[1:]
    if len(candidates):
        assert within(cut) <= min(within(c) for c in candidates) + 1e-6
        assert values.min() < cut <= values.max()


def test_a_map_is_ready_for_json() -> None:
    got = mapped(np.full((40, 40, 3), 51, np.uint8))
    document = json.loads(json.dumps(got.to_dict()))
    assert (document["rows"], document["columns"]) == (32, 32)
    assert document["scores"][31][31] == 20.0
    assert (document["width"], document["height"], document["tile"]) == (40, 40, 32)


def test_every_kind_of_picture_gives_the_same_map() -> None:
    scorer = Scorer()
    path = next(p for p in sample_paths() if p.name == "coffee.jpg")
    with Image.open(path) as image:
        small = image.convert("RGB").resize((120, 80))
    rgb = np.asarray(small)
    first = scorer.quality_map(small, tile=60)
    np.testing.assert_array_equal(first.scores, scorer.quality_map(rgb, tile=60).scores)
    assert ((first.scores >= 0) & (first.scores <= 100)).all()
    whole = scorer.quality_map(small, tile=10_000)
    assert (whole.tile, whole.tiles) == (80, 2)
    with pytest.raises(TypeError, match="cannot score a int"):
        scorer.quality_map(3)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("half", ["left", "bottom"])
def test_the_shipped_model_finds_a_blurred_half(half: str) -> None:
    path = next(p for p in sample_paths() if p.name == "raccoon.jpg")
    with Image.open(path) as image:
        rgb = np.array(image.convert("RGB").resize((480, 360)))
    height, width = rgb.shape[:2]
    small = Image.fromarray(rgb).resize((width // 6, height // 6), Image.Resampling.BOX)
    blurred = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    mask = np.zeros((height, width), bool)
    mask[np.s_[:, : width // 2] if half == "left" else np.s_[height // 2 :]] = True
    got = Scorer().quality_map(np.where(mask[..., None], blurred, rgb))
    found = got.at_size(width, height) < otsu(got.scores)
    assert (found & mask).sum() / (found | mask).sum() >= 0.7
