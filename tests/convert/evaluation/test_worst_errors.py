"""Which pictures count as misses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.evaluation.predictions import Prediction
from convert.evaluation.worst_errors import page, worst_misses


def scored(path: str, mos: float, score: float | None, subset: str = "a") -> Prediction:
    return Prediction(path, subset, mos, score, None, None if score is not None else "broken")


PREDICTIONS = (
    scored("good.png", 0.5, 51),
    scored("over.png", 0.2, 60, "b"),
    scored("under.png", 0.9, 45),
    scored("broken.png", 0.9, None),
    scored("tie.png", 0.5, 95),
)


def test_the_largest_errors_first_and_by_sign() -> None:
    got = worst_misses(PREDICTIONS, 3)
    assert [miss.path for miss in got.misses] == ["tie.png", "under.png", "over.png"]
    assert [miss.path for miss in got.over] == ["tie.png", "over.png"]
    assert [miss.error for miss in got.under] == [pytest.approx(-45)]
    assert got.subsets == {"a": (3, 2), "b": (1, 1)}
    assert len(worst_misses(PREDICTIONS, 10).misses) == 4
    with pytest.raises(ValueError, match="at least 1"):
        worst_misses(PREDICTIONS, 0)


def test_names_are_escaped_on_the_page(tmp_path: Path) -> None:
    name = "a&b '<i>'.png"
    Image.fromarray(np.full((9, 9, 3), 7, np.uint8)).save(tmp_path / name)
    text = page(worst_misses([scored(name, 0.1, 90, "<s>")]), tmp_path)
    assert "<i>" not in text
    assert "a&amp;b" in text
    assert "(&lt;s&gt;)" in text
