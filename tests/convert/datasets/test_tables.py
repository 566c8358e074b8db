from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from convert.datasets.manifest import DataError
from convert.datasets.tables import (
    cell_strings,
    csv_records,
    floats,
    matlab,
    number,
    sheet_records,
    stored_names,
    text_lines,
)
from tests.convert.datasets.layouts import cells, write_csv, write_xls, write_xlsx

NAMES = ["bikes.bmp", "house.bmp", "x"]


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("twice", [False, True])
def test_cell_arrays_however_wrapped(column: bool, twice: bool, tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"names": cells(NAMES, column=column, twice=twice)})
    (read,) = matlab(tmp_path / "a.mat", "names")
    assert cell_strings(read) == NAMES


def test_char_matrices_are_padded_cells(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"names": np.array(["a.bmp  ", "long.bmp"])})
    assert cell_strings(loadmat(tmp_path / "a.mat")["names"]) == ["a.bmp", "long.bmp"]


def test_numbers_of_rows_and_columns(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"r": np.array([[1, 2]], np.uint8), "c": np.array([[1.5], [2]])})
    row, column = matlab(tmp_path / "a.mat", "r", "c")
    assert floats(row) == [1.0, 2.0]
    assert floats(column) == [1.5, 2.0]


@pytest.mark.parametrize("value", ["", "x", None, float("nan"), "inf", []])
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(DataError, match="here: not a number"):
        number(value, "here")


@pytest.mark.parametrize("suffix", ["xls", "xlsx"])
def test_the_header_is_found_wherever_it_stands(suffix: str, tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["notes"],
        ["", "Image  name ", "MOS", "extra"],
        ["", "a", 1.5, 2],
        ["", "", 9, 9],
    ]
    file = tmp_path / f"t.{suffix}"
    if suffix == "xls":
        write_xls(file, rows)
    else:
        write_xlsx(file, {"one": rows})
    found = list(sheet_records(file, ("Image name", "mos")))
    assert found == [(f"t.{suffix}, row 3", {"Image name": "a", "mos": 1.5, "extra": 2})]


def test_csv_with_a_mark_of_its_encoding_and_a_short_row(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("\ufeffname,mos\na,1\n\nb\n", encoding="utf-8")
    rows = csv_records(file, ("name", "mos"))
    assert next(rows) == ("t.csv, line 2", {"name": "a", "mos": "1"})
    with pytest.raises(DataError, match="line 4: too few cells"):
        next(rows)
    write_csv(file, ("name",), [])
    with pytest.raises(DataError, match="no column mos; it has name"):
        next(csv_records(file, ("name", "mos")))


def test_lines_and_stored_names(tmp_path: Path) -> None:
    (tmp_path / "A.TXT").write_bytes(b"1 x\r\n\r\n 2  y\xff \n")
    assert [words[0] for _, words in text_lines(tmp_path / "A.TXT")] == ["1", "2"]
    assert [where for where, _ in text_lines(tmp_path / "A.TXT")][1] == "A.TXT, line 3"
    assert stored_names(tmp_path) == {"a.txt": "A.TXT"}
    assert stored_names(tmp_path / "none") == {}
