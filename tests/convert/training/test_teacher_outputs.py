from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.datasets.manifest import ManifestRow
from convert.training.teacher_outputs import TeacherOutputs, pool_key, rows_key

ROWS = [ManifestRow(f"{n}.jpg", 0.5, None, "train", "") for n in (1, 2)]


def outputs_with(std: list[float]) -> TeacherOutputs:
    count = len(std)
    return TeacherOutputs(
        np.full(count, 0.5, np.float32),
        np.full((count, 10), 0.1, np.float32),
        np.ones((count, 4), np.float32),
        np.array(std, np.float32),
    )


def test_outputs_come_back_as_saved_and_belong_to_their_pictures(tmp_path: Path) -> None:
    outputs = outputs_with([0.1, 0.2])
    outputs.save(tmp_path / "train.npz", rows_key(ROWS))
    loaded = TeacherOutputs.load(tmp_path / "train.npz", rows_key(ROWS))
    for name in ("score", "histogram", "embedding", "std"):
        assert np.array_equal(getattr(loaded, name), getattr(outputs, name))
    with pytest.raises(FileNotFoundError, match="convert teacher"):
        TeacherOutputs.load(tmp_path / "none.npz", rows_key(ROWS))
    with pytest.raises(ValueError, match="other pictures"):
        TeacherOutputs.load(tmp_path / "train.npz", rows_key(ROWS[::-1]))


def test_pools_are_told_apart_by_rows_and_count() -> None:
    keys = {pool_key(ROWS, 5), pool_key(ROWS, 6), pool_key(ROWS[:1], 5), rows_key(ROWS)}
    assert len(keys) == 4


def test_unsure_pictures_count_less_and_none_counts_much_more() -> None:
    weight = outputs_with([0.01, 0.1, 0.1, 0.1, 0.5]).certainty()
    assert weight.mean() == pytest.approx(1.0, abs=1e-6)
    assert weight[0] > weight[1] > weight[4]
    assert weight[0] < 2 * weight[1]
    assert outputs_with([0.0, 0.0]).certainty().tolist() == [1.0, 1.0]
