"""Quality maps: tiles of two sizes, how they are joined, Otsu's cut, and the shipped model."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeiqa import QualityMap, Scorer, sample_paths
from edgeiqa.analysis.map_rendering import draw
from edgeiqa.analysis.quality_map import (
    MAX_CELLS,
    MAX_TILES,
    continued,
    guided,
    map_tiles,
    otsu,
    starts,
    tilings,
    weights,
)
from edgeiqa.inference.contract import InputSpec

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
    assert (steps > 0).all()
    assert (steps <= np.ceil(tile / 2)).all()


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_there_are_small_tiles_and_large_ones_and_not_too_many(width: int, height: int) -> None:
    sizes = tilings(width, height)
    assert 1 <= len(sizes) <= 2
    assert sum(len(size) for size in sizes) <= MAX_TILES
    assert [size.side for size in sizes] == sorted({size.side for size in sizes})
    for size in sizes:
        assert (size.tops[-1], size.lefts[-1]) == (height - size.tall, width - size.wide)
        assert size.side == max(size.tall, size.wide)


def test_the_tiles_of_common_pictures() -> None:
    def told(width: int, height: int) -> list[tuple[int, int]]:
        return [(size.side, len(size)) for size in tilings(width, height)]

    assert told(640, 427) == [(107, 77), (214, 15)]
    assert told(4000, 3000) == told(3000, 4000) == [(750, 70), (1500, 15)]
    assert told(6000, 1000) == [(250, 329), (500, 69)]
    assert told(60, 40) == [(32, 6)]
    assert [told(32, 32), told(20, 10), told(1, 1)] == [[(32, 1)], [(20, 1)], [(1, 1)]]


@given(st.integers(32, 600), st.integers(8, 64), st.integers(1, 40))
def test_weights_are_a_blend(length: int, tile: int, cells: int) -> None:
    tile = min(tile, length)
    table = weights(starts(length, tile), tile, length, cells)
    assert table.shape == (cells, len(starts(length, tile)))
    assert (table >= 0).all()
    np.testing.assert_allclose(table.sum(axis=1), 1)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_guided_filter_keeps_levels_and_knows_no_gain_of_the_guide(
    rows: int, columns: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    guide, level = generator.uniform(0, 100, (2, rows, columns))
    even = np.full_like(level, 42.0)
    np.testing.assert_allclose(guided(guide, even, (3, 5)), 42)
    got = guided(guide, level, (3, 5))
    np.testing.assert_allclose(guided(guide + 30, level, (3, 5)), got)
    np.testing.assert_allclose(guided(guide, level + 30, (3, 5)), got + 30)
    np.testing.assert_allclose(guided(guide, 2 * level, (3, 5)), 2 * got)
    # One window over all is a straight line through the guide: the mean stays.
    whole = guided(guide, level, (rows, columns))
    assert whole.mean() == pytest.approx(level.mean())


def test_the_guided_filter_takes_borders_from_the_guide_and_levels_from_the_other() -> None:
    sharp = np.where(np.arange(32) < 16, 10.0, 90.0)
    soft = np.interp(np.arange(32), [8, 23], [30.0, 70.0])
    row = guided(np.tile(sharp, (32, 1)), np.tile(soft, (32, 1)), (8, 8))[5]
    assert row[16] - row[15] > 15
    assert soft[16] - soft[15] < 3
    assert (row[0], row[-1]) == (pytest.approx(30, abs=3), pytest.approx(70, abs=3))


def test_an_even_picture_has_an_even_map() -> None:
    got = mapped(np.full((180, 270, 3), 51, np.uint8))
    assert got.scores.dtype == np.float32
    assert got.scores.shape == (32, 48)
    assert (got.tile_sides, got.tiles) == ((45, 90), 77 + 15)
    np.testing.assert_allclose(got.scores, 20, atol=1e-4)
    assert not got.worse_half().any()


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(90, 60, (32, 48)), (60, 90, (48, 32)), (600, 100, (32, 192)), (20, 10, (10, 20)),
     (1, 1, (1, 1)), (20_000, 2, (2, MAX_CELLS))],
)  # fmt: skip
def test_a_map_has_the_shape_of_its_picture(
    width: int, height: int, shape: tuple[int, int]
) -> None:
    got = map_tiles(Image.new("RGB", (width, height), (51, 51, 51)), SPEC, brightness)
    assert got.scores.shape == shape
    assert (got.width, got.height) == (width, height)
    assert got.at_size(width, height).shape == (height, width)
    np.testing.assert_allclose(got.scores, 20, atol=1e-4)


def test_a_tiny_picture_is_one_tile() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    got = mapped(rgb)
    assert (got.tile_sides, got.tiles) == ((30,), 1)
    np.testing.assert_allclose(got.scores, brightness(continued(rgb, 64, 64)), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dark_first", [True, False])
def test_a_dark_half_is_found_where_it_is(axis: int, dark_first: bool) -> None:
    truth = np.zeros((240, 320), bool)
    truth[np.s_[:120] if axis == 0 else np.s_[:, :160]] = True
    truth ^= not dark_first
    got = mapped(np.where(truth[..., None], 20, 200).astype(np.uint8).repeat(3, axis=2))
    values = got.at_size(320, 240)
    found = values < otsu(got.scores)
    assert (found & truth).sum() / (found | truth).sum() > 0.95
    assert values[truth].min() >= 20 / 2.55 - 0.01  # No score that no tile got.
    assert values[~truth].max() <= 200 / 2.55 + 0.01
    assert values[truth].mean() < 20 < 65 < values[~truth].mean()
    assert values.mean() == pytest.approx(110 / 2.55, abs=1)


def test_large_tiles_give_the_level_where_small_ones_see_chance() -> None:
    """A scorer that is unsure of small tiles, as networks are, and sure of large ones."""
    generator = np.random.default_rng(7)
    rgb = np.full((320, 480, 3), 200, np.uint8)
    rgb[:, :240] = 100

    def score(part: np.ndarray) -> float:
        chance = generator.normal(0, 12) if part.shape[0] < 100 else 0.0
        return brightness(part) / 4 + 40 + chance

    picture = Image.fromarray(rgb)
    truth = np.arange(480) < 240

    def overlap(got: QualityMap) -> float:
        found = got.at_size(480, 320) < otsu(got.scores)
        return float((found & truth).sum() / (found | truth).sum())

    both = map_tiles(picture, SPEC, score)
    assert both.tile_sides == (80, 160)
    assert overlap(both) > overlap(map_tiles(picture, SPEC, score, tile=80)) + 0.1
    assert overlap(both) > 0.9


def test_a_tile_reaches_the_network_with_its_own_pixels() -> None:
    generator = np.random.default_rng(3)
    rgb = generator.integers(0, 256, (50, 70, 3), dtype=np.uint8)
    seen: list[np.ndarray] = []

    def look(part: np.ndarray) -> float:
        seen.append(part)
        return 50.0

    got = map_tiles(Image.fromarray(rgb), SPEC, look)
    assert got.tile_sides == (32,)
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
    assert (document["width"], document["height"], document["tile_sides"]) == (40, 40, [32])


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
    assert (whole.tile_sides, whole.tiles) == ((120,), 1)
    with pytest.raises(TypeError, match="cannot score a int"):
        scorer.quality_map(3)


def line_of_light(rgb: np.ndarray, length: int) -> np.ndarray:
    """Smears along the rows, in linear light roughly, as a shaken camera does."""
    light = (rgb / 255.0) ** 2.2
    padded = np.pad(light, ((0, 0), (length // 2, length - length // 2 - 1), (0, 0)), mode="edge")
    smeared = np.mean([padded[:, k : k + rgb.shape[1]] for k in range(length)], axis=0)
    return np.asarray(np.round(smeared ** (1 / 2.2) * 255)).astype(np.uint8)


def softened(rgb: np.ndarray) -> np.ndarray:
    image = Image.fromarray(rgb)
    small = image.resize((image.width // 6, image.height // 6), Image.Resampling.BOX)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC))


def noisy(rgb: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0, 25, rgb.shape)
    return np.asarray(np.clip(rgb + noise, 0, 255)).astype(np.uint8)


@pytest.mark.slow
def test_the_shipped_model_finds_spoilt_halves() -> None:
    scorer = Scorer()
    found: dict[str, list[float]] = {"soft": [], "noise": [], "motion": []}
    for name, half in (("coffee", "left"), ("raccoon", "bottom"), ("astronaut", "right")):
        path = next(p for p in sample_paths() if p.name == f"{name}.jpg")
        with Image.open(path) as image:
            rgb = np.array(image.convert("RGB"))
        height, width = rgb.shape[:2]
        mask = np.zeros((height, width), bool)
        places = {"left": np.s_[:, : width // 2], "right": np.s_[:, width // 2 :]}
        mask[places.get(half, np.s_[height // 2 :])] = True
        spoilt = {
            "soft": softened(rgb),
            "noise": noisy(rgb),
            "motion": line_of_light(rgb, min(height, width) // 32),
        }
        for kind, other in spoilt.items():
            got = scorer.quality_map(np.where(mask[..., None], other, rgb))
            values = got.at_size(width, height)
            worse = values < otsu(got.scores)
            found[kind].append(float((worse & mask).sum() / (worse | mask).sum()))
            assert values[mask].mean() < values[~mask].mean() - 3, (name, kind)
    means = {kind: float(np.mean(values)) for kind, values in found.items()}
    assert np.mean(list(means.values())) >= 0.7, found
    assert means["motion"] >= 0.55, found


def test_a_map_is_drawn_and_saved(tmp_path: Path) -> None:
    picture = Image.effect_noise((300, 200), 80).convert("RGB")
    found = map_tiles(picture, InputSpec(32, 32), lambda part: float(part.mean()) / 3)
    assert repr(found).startswith("QualityMap(48x32 of 300x200, ")
    drawn = found.to_image()
    found.save(tmp_path / "map.png")
    assert drawn == draw(picture, found)
    for png in (io.BytesIO(found._repr_png_() or b""), tmp_path / "map.png"):
        np.testing.assert_array_equal(np.asarray(Image.open(png)), np.asarray(drawn))
    found.save(tmp_path / "map.json")
    assert json.loads((tmp_path / "map.json").read_text()) == found.to_dict()
    with pytest.raises(ValueError, match=r"map\.doc"):
        found.save(tmp_path / "map.doc")
    bare = replace(found, picture=None)
    assert bare._repr_png_() is None
    assert bare.to_image(picture) == drawn
    with pytest.raises(ValueError, match="picture"):
        bare.to_image()
