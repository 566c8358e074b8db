from __future__ import annotations

import math
from itertools import pairwise

import pytest

from convert.training.ablation import Budget, _row, markdown, plan


def test_every_row_adds_one_ingredient_to_the_row_above() -> None:
    rows = plan(Budget(unlabelled=50), ["losses"])["losses"]
    recipes = [Budget().recipe(changes, 0) for _, changes in rows]
    bare = recipes[0]
    assert (bare.teacher, bare.rank, bare.histogram, bare.features, bare.ladder) == (0, 0, 0, 0, 0)
    for above, below in pairwise(recipes):
        changed = [
            name
            for name in ("teacher", "rank", "features", "histogram", "ladder", "unlabelled")
            if getattr(above, name) != getattr(below, name)
        ]
        assert len(changed) == 1
    assert recipes[-1].unlabelled == 50
    assert len(plan(Budget(), ["losses"])["losses"]) == len(rows) - 1


def test_inputs_differ_in_nothing_but_the_input() -> None:
    table = plan(Budget(input_pictures=7), ["input", "losses"])
    sizes = set()
    for _, changes in table["input"]:
        recipe = Budget(pictures=9).recipe(changes, 2)
        assert (recipe.teacher, recipe.histogram, recipe.ladder) == (1.0, 5.0, 0.0)
        assert (recipe.limit, recipe.schedule.seed) == (7, 2)
        sizes.add((recipe.size, recipe.source))
    assert sizes == {(224, None), (320, None), (384, None), (448, 512)}


def test_steps_are_paired_by_seed() -> None:
    above = _row("a", {}, [{"srocc": 0.5, "plcc": 0.5}, {"srocc": 0.7, "plcc": 0.5}], None)
    below = _row("b", {}, [{"srocc": 0.6, "plcc": 0.5}, {"srocc": 0.8, "plcc": 0.5}], above)
    # Seeds differ by 0.2, yet the step is 0.1 in both: no error remains.
    assert below["step"]["srocc"] == pytest.approx(0.1)
    assert below["step"]["standard_error"] == pytest.approx(0.0, abs=1e-12)
    assert below["deviation"]["srocc"] == pytest.approx(math.sqrt(0.02))
    text = markdown({"losses": [above, below]})
    assert "| b | 0.700 ± 0.141 | 0.500 ± 0.000 | +0.100 ± 0.000 |" in text
