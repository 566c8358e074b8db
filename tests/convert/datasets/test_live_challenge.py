from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from convert.datasets import live_challenge
from convert.datasets.manifest import DataError, ManifestRow
from tests.convert.datasets.layouts import make_live_challenge


def test_training_pictures_are_dropped_and_all_others_are_the_test(tmp_path: Path) -> None:
    labels = live_challenge.read(make_live_challenge(tmp_path))
    assert [label.path for label in labels] == [f"Images/{n}.bmp" for n in range(3, 15)]
    assert {label.split for label in labels} == {"test"}
    # 19 scores from 10 to 90, of which the first seven go.
    assert labels[0].mos == pytest.approx((10 + 7 * 80 / 18) / 100)
    assert labels[-1].mos == pytest.approx(0.9)
    assert labels[0].std == pytest.approx(0.2)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_no_row_of_it_can_be_anything_but_test(split: str) -> None:
    path = "ChallengeDB_release/Images/3.bmp"
    with pytest.raises(DataError, match="is the exam"):
        ManifestRow(path, 0.5, None, split, "")
    with pytest.raises(DataError, match="is the exam"):
        ManifestRow(f"/elsewhere/{path.lower()}", 0.5, None, split, "")
    assert ManifestRow(path, 0.5, None, "test", "").split == "test"


def test_tables_that_do_not_belong_together(tmp_path: Path) -> None:
    base = make_live_challenge(tmp_path)
    savemat(base / "Data" / "AllMOS_release.mat", {"AllMOS_release": np.zeros((1, 18))})
    with pytest.raises(DataError, match="19 pictures, 18 scores"):
        live_challenge.read(base)
    (base / "Data" / "AllMOS_release.mat").write_text("HTML, not MATLAB; " * 20)
    with pytest.raises(DataError, match="not a MATLAB file"):
        live_challenge.read(base)
