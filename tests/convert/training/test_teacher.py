from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.training.teacher import Member, TeacherRecipe


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"frozen": 0}, "blocks"), ({"frozen": 99}, "blocks"), ({"crop": 0.95}, "watermarks")],
)
def test_recipes_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TeacherRecipe(**changes)


def test_saved_member_says_the_same_and_an_unfinished_one_is_refused(tmp_path: Path) -> None:
    recipe = TeacherRecipe(network="mobilenet_v2_0.35", init="random", size=64, frozen=5)
    member = Member(tmp_path / "one", recipe)
    member.initialise()
    with pytest.raises(FileNotFoundError, match="--name one"):
        Member.load(tmp_path / "one")
    (tmp_path / "one").mkdir()
    member.save()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    before, after = (
        member.on_pixels(pixels, "a"),
        Member.load(tmp_path / "one").on_pixels(pixels, "b"),
    )
    assert np.array_equal(before.score, after.score)
    assert before.embedding.shape == (3, 1280)
    assert before.histogram.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
