from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from convert.datasets import live
from convert.datasets.manifest import DataError
from tests.convert.datasets.layouts import make_live


def test_folders_in_published_order_and_without_unharmed_copies(tmp_path: Path) -> None:
    labels = live.read(make_live(tmp_path))
    # 227 of 982 entries are jp2k, 23 of them copies (entries 0, 10, ..., 220), and so on.
    assert Counter(label.subset for label in labels) == {
        "jp2k": 204,
        "jpeg": 210,
        "wn": 156,
        "gblur": 157,
        "fastfading": 156,
    }
    assert labels[0].path == "jp2k/img2.bmp"
    assert labels[204].path == "jpeg/img1.bmp"  # entry 227
    assert labels[204].reference == f"scene{227 % 29:02d}"
    assert all(label.std is None for label in labels)


def test_dmos_is_inverted_and_nothing_is_clipped(tmp_path: Path) -> None:
    labels = live.read(make_live(tmp_path))
    mos = [label.mos for label in labels]
    assert mos == sorted(mos, reverse=True)  # DMOS grows with the entry
    assert len(set(mos)) == len(mos)
    assert mos[0] == pytest.approx(1 - (-2.6 + 114.3 / 981 + 3) / 115)


def test_another_order_than_info_txt_says_is_refused(tmp_path: Path) -> None:
    base = make_live(tmp_path)
    info = base / "wn" / "info.txt"
    info.write_text("some words\n" + info.read_text().replace("img7.bmp", "img8.bmp"))
    with pytest.raises(DataError, match=r"wn/info.txt, line 8: img8.bmp comes from"):
        live.read(base)


def test_tables_of_another_length_are_refused(tmp_path: Path) -> None:
    base = make_live(tmp_path)
    content = loadmat(base / "dmos_realigned.mat")
    savemat(base / "dmos_realigned.mat", {"dmos_new": np.zeros((1, 779)), "orgs": content["orgs"]})
    with pytest.raises(DataError, match="982 entries, got 982, 779 and 982"):
        live.read(base)
    savemat(base / "dmos_realigned.mat", {"dmos": np.zeros((1, 982))})
    with pytest.raises(DataError, match="no variable dmos_new, orgs"):
        live.read(base)
