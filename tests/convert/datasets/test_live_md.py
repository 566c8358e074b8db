from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from convert.datasets import live_md
from convert.datasets.database import Label
from convert.datasets.manifest import DataError
from convert.datasets.registry import build
from tests.convert.datasets.layouts import cells, make_live_md


def test_both_parts_are_read_and_inverted(tmp_path: Path) -> None:
    labels = live_md.read(make_live_md(tmp_path))
    assert len(labels) == 30
    assert labels[0]._replace(mos=round(labels[0].mos, 9)) == Label(
        "To_Release/Part 1/blurjpeg/scenea_blur1.bmp",
        0.9,
        None,
        "scenea",
        "blurjpeg",
        "",
    )
    assert labels[-1].path == "To_Release/Part 2/blurnoise/scenee_blur3.bmp"
    assert labels[-1].mos == pytest.approx(0.7)


def test_a_scene_is_in_the_same_split_in_both_parts(tmp_path: Path) -> None:
    make_live_md(tmp_path)
    rows = build("live-md", tmp_path, repeat=4, strict_counts=False)
    of = {(row.reference, row.split) for row in rows}
    assert len(of) == 5


@pytest.mark.parametrize("renamed", ["Part_1", "Part1"])
def test_other_spellings_of_the_parts(renamed: str, tmp_path: Path) -> None:
    base = make_live_md(tmp_path)
    (base / "To_Release" / "Part 1").rename(base / "To_Release" / renamed)
    assert live_md.read(base)[0].path.startswith(f"To_Release/{renamed}/blurjpeg/")


def test_lists_that_do_not_belong_together(tmp_path: Path) -> None:
    base = make_live_md(tmp_path)
    part = base / "To_Release" / "Part 2"
    savemat(part / "Scores.mat", {"DMOSscores": np.zeros((1, 14))})
    with pytest.raises(DataError, match="Part 2: 15 pictures, but 14 scores"):
        live_md.read(base)
    savemat(part / "Scores.mat", {"DMOSscores": np.zeros((1, 1))})
    lists = {"distimgs": cells(["other_blur1.bmp"]), "refimgs": cells(["scenea.bmp"])}
    savemat(part / "Imagelists.mat", lists)
    with pytest.raises(DataError, match=r"other_blur1.bmp has no reference"):
        live_md.read(base)
    (part / "Scores.mat").unlink()
    with pytest.raises(DataError, match=r"Part 2/Scores.mat is missing.*live.ece.utexas.edu"):
        live_md.read(base)
