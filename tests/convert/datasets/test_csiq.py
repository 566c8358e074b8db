from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convert.datasets import csiq
from convert.datasets.database import Label
from convert.datasets.manifest import DataError
from tests.convert.datasets.layouts import make_csiq, write_xlsx


@pytest.mark.parametrize("table", csiq.TABLES)
def test_the_sheet_below_its_header(table: str, tmp_path: Path) -> None:
    labels = csiq.read(make_csiq(tmp_path, table))
    assert len(labels) == 27
    # The folder is stored in capitals, the image is a number in the sheet, DMOS 0.2 is inverted.
    assert labels[0]._replace(mos=round(labels[0].mos, 9)) == Label(
        "dst_imgs/AWGN/1600.AWGN.1.png",
        0.8,
        0.05,
        "1600",
        "noise",
        "",
    )
    assert [label.mos for label in labels[:3]] == pytest.approx([0.8, 0.6, 0.4])
    assert labels[-1].path == "dst_imgs/jpeg2000/cactus.jpeg2000.3.png"


def test_other_sheets_and_distortions_are_refused(tmp_path: Path) -> None:
    base = make_csiq(tmp_path)
    write_xlsx(base / "csiq.DMOS.xlsx", {"Sheet1": [["image"]]})
    with pytest.raises(DataError, match="no sheet 'all_by_image', only Sheet1"):
        csiq.read(base)
    header = ["image", "dst_type", "dst_lev", "dmos_std", "dmos"]
    rows: list[list[Any]] = [header, ["boston", "haze", 1, 0.1, 0.5]]
    write_xlsx(base / "csiq.DMOS.xlsx", {"all_by_image": rows})
    with pytest.raises(DataError, match="row 2: distortion 'haze'"):
        csiq.read(base)
    write_xlsx(base / "csiq.DMOS.xlsx", {"all_by_image": [header[:3]]})
    with pytest.raises(DataError, match="no row of the sheet has the columns"):
        csiq.read(base)
    (base / "csiq.DMOS.xlsx").write_text("not a workbook")
    with pytest.raises(DataError, match="not an Excel file"):
        csiq.read(base)
