from __future__ import annotations

from pathlib import Path

import pytest

from convert.datasets import kadid10k
from convert.datasets.manifest import DataError
from tests.convert.datasets.layouts import make_kadid10k, write_csv


def test_its_dmos_is_a_mos_and_its_var_a_deviation(tmp_path: Path) -> None:
    labels = kadid10k.read(make_kadid10k(tmp_path))
    assert len(labels) == 60
    first = labels[:5]  # 4.2 falling to 1.0 on 1-5
    assert [label.mos for label in first] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])
    assert first[0].std == pytest.approx(0.2)  # not the root of 0.8
    assert first[0].reference == "I01"
    assert {label.subset for label in labels} == {"Gaussian blur", "JPEG", "contrast change"}


def test_wrong_rows_are_refused(tmp_path: Path) -> None:
    base = make_kadid10k(tmp_path)
    header = ("dist_img", "ref_img", "dmos", "var")
    for row, message in (
        (("I01_26_01.png", "I01.png", 3, 1), "not a KADID-10k file name"),
        (("I01_25_01.png", "I01.png", 0.5, 1), "line 2: score 0.5 is not within 1 to 5"),
        (("I01_25_01.png", "I01.png", 3, "much"), "not a number: 'much'"),
        (("I01_25_01.png", "I01.png"), "too few cells"),
    ):
        write_csv(base / "dmos.csv", header, [row])
        with pytest.raises(DataError, match=message):
            kadid10k.read(base)
    write_csv(base / "dmos.csv", ("image", "mos"), [])
    with pytest.raises(DataError, match="no column dist_img, ref_img, dmos, var; it has image"):
        kadid10k.read(base)
