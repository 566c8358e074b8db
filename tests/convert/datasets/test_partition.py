from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.datasets.manifest import DataError
from convert.datasets.partition import REPEATS, partition

scenes = st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=3).filter(
    lambda names: len(set(names)) >= 3
)


@given(scenes, st.integers(0, REPEATS - 1), st.integers())
def test_scenes_stay_together_and_order_does_not_matter(
    groups: list[str], repeat: int, seed: int
) -> None:
    splits = partition(groups, "any", repeat)
    of = dict(zip(groups, splits, strict=True))
    assert [of[group] for group in groups] == splits
    count = len(of)
    share = max(1, round(0.2 * count))
    assert list(of.values()).count("validation") == share
    assert list(of.values()).count("test") == share
    assert list(of.values()).count("train") == count - 2 * share >= 1
    shuffled = list(groups)
    random.Random(seed).shuffle(shuffled)
    assert partition(shuffled, "any", repeat) == [of[group] for group in shuffled]


def test_repeats_and_databases_draw_differently() -> None:
    groups = [f"scene {n}" for n in range(30)]
    draws = {tuple(partition(groups, "tid2013", repeat)) for repeat in range(REPEATS)}
    draws.add(tuple(partition(groups, "csiq", 0)))
    assert len(draws) == REPEATS + 1


def test_every_scene_is_tested_about_twice_in_ten_repeats() -> None:
    groups = [f"scene {n}" for n in range(100)]
    tested = [partition(groups, "kadid10k", repeat).count("test") for repeat in range(REPEATS)]
    assert tested == [20] * REPEATS
    never = set(groups)
    for repeat in range(REPEATS):
        splits = partition(groups, "kadid10k", repeat)
        never -= {group for group, split in zip(groups, splits, strict=True) if split == "test"}
    assert len(never) < 25  # 0.8 ** 10 of 100 is 11


@pytest.mark.parametrize("repeat", [-1, REPEATS])
def test_unknown_repeats_are_refused(repeat: int) -> None:
    with pytest.raises(DataError, match="0 to 9"):
        partition(["a", "b", "c"], "any", repeat)


def test_two_scenes_are_too_few() -> None:
    with pytest.raises(DataError, match="2 scenes cannot be split"):
        partition(["a", "b", "a"], "any")
