from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.teacher import TeacherOutputs


def test_outputs_come_back_as_saved(tmp_path: Path) -> None:
    outputs = TeacherOutputs(
        np.array([0.5], np.float32), np.full((1, 10), 0.1, np.float32), np.ones((1, 4), np.float32)
    )
    outputs.save(tmp_path / "train.npz")
    loaded = TeacherOutputs.load(tmp_path / "train.npz")
    assert np.array_equal(loaded.embedding, outputs.embedding)
    with pytest.raises(FileNotFoundError, match="convert teacher"):
        TeacherOutputs.load(tmp_path / "none.npz")
