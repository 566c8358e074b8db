from __future__ import annotations

from pathlib import Path

import pytest

from convert.datasets import bid
from convert.datasets.manifest import DataError
from tests.convert.datasets.layouts import make_bid


@pytest.mark.parametrize("table", bid.TABLES)
def test_old_and_new_excel_say_the_same(table: str, tmp_path: Path) -> None:
    labels = bid.read(make_bid(tmp_path, table))
    assert len(labels) == 12
    assert labels[1].path == "ImageDatabase/DatabaseImage0003.JPG"
    assert labels[1].mos == pytest.approx(0.6 / 5)
    # Two grades 0.1 below and above the mean: the sample deviation is 0.1 times root 2.
    assert labels[1].std == pytest.approx(0.1 * 2**0.5 / 5)
    assert labels[0].std == pytest.approx(0.1 / 5)  # three grades
    assert labels[-1].path.endswith("DatabaseImage0023.JPG")


def test_pictures_directly_in_the_folder(tmp_path: Path) -> None:
    base = make_bid(tmp_path)
    (base / "ImageDatabase").rmdir()
    assert bid.read(base)[0].path == "DatabaseImage0001.JPG"


def test_what_is_no_excel_file_is_refused(tmp_path: Path) -> None:
    base = make_bid(tmp_path)
    (base / "DatabaseGrades.xls").write_text("<html>not found</html>")
    with pytest.raises(DataError, match="not an Excel file"):
        bid.read(base)
