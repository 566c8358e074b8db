from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convert.datasets import cid2013
from convert.datasets.manifest import DataError
from convert.datasets.registry import build
from tests.convert.datasets.layouts import make_cid2013, write_xlsx


def test_realigned_scores_and_names(tmp_path: Path) -> None:
    labels = cid2013.read(make_cid2013(tmp_path))
    assert len(labels) == 24
    assert labels[0].path == "IS1/co1/IS_I_C01_D01.jpg"
    assert labels[-1].path == "IS4/co4/IS_IV_C04_D03.jpg"
    # 20, 50 and 80 on -10..100; the MOS within the set is 50 for all.
    assert [label.mos for label in labels[:3]] == pytest.approx([30 / 110, 60 / 110, 90 / 110])
    assert labels[-1].reference == "C04"
    assert labels[-1].subset == "IS4"


def test_a_scene_is_in_one_split_whatever_the_image_set(tmp_path: Path) -> None:
    make_cid2013(tmp_path)
    rows = build("cid2013", tmp_path, strict_counts=False)
    assert len({(row.reference, row.split) for row in rows}) == 4


def test_other_identifiers_are_refused(tmp_path: Path) -> None:
    base = make_cid2013(tmp_path)
    for identifier in ("IS_VII_C01_D01", "IS_I_C01"):
        rows: list[list[Any]] = [["Source_ID", "Realigned MOS"], [identifier, 50]]
        write_xlsx(base / cid2013.TABLE, {"CID2013 MOS": rows})
        with pytest.raises(DataError, match=f"row 2: '{identifier}' is not a CID2013 picture"):
            cid2013.read(base)
