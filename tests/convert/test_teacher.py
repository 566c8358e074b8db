from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.data.manifest import ManifestRow
from convert.teacher import TeacherOutputs, TeacherRecipe


def test_outputs_come_back_as_saved_and_belong_to_their_pictures(tmp_path: Path) -> None:
    rows = [ManifestRow(f"{n}.jpg", 0.5, None, "train", "") for n in (1, 2)]
    outputs = TeacherOutputs(
        np.array([0.5], np.float32), np.full((1, 10), 0.1, np.float32), np.ones((1, 4), np.float32)
    )
    outputs.save(tmp_path / "train.npz", rows)
    loaded = TeacherOutputs.load(tmp_path / "train.npz", rows)
    assert np.array_equal(loaded.embedding, outputs.embedding)
    with pytest.raises(FileNotFoundError, match="convert teacher"):
        TeacherOutputs.load(tmp_path / "none.npz", rows)
    with pytest.raises(ValueError, match="another manifest"):
        TeacherOutputs.load(tmp_path / "train.npz", rows[::-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"frozen": 0}, "blocks"), ({"frozen": 99}, "blocks"), ({"crop": 0.95}, "watermarks")],
)
def test_recipes_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TeacherRecipe(**changes)
