from __future__ import annotations

from pathlib import Path

import pytest

from convert.datasets import spaq
from convert.datasets.database import Label
from tests.convert.datasets.layouts import make_spaq


def test_the_first_sheet_and_the_overall_score(tmp_path: Path) -> None:
    base = make_spaq(tmp_path)
    (base / "TestImage" / "00002.JPG").touch()
    labels = spaq.read(base)
    assert labels[0]._replace(mos=round(labels[0].mos, 9)) == Label(
        "TestImage/00001.jpg", 0.05, None, "", "", ""
    )
    assert labels[1].path == "TestImage/00002.JPG"
    assert [label.mos for label in labels] == pytest.approx([0.05 * n for n in range(1, 16)])


def test_the_workbook_may_lie_beside_the_pictures(tmp_path: Path) -> None:
    base = make_spaq(tmp_path)
    (base / "Annotations" / spaq.TABLE).rename(base / spaq.TABLE)
    assert len(spaq.read(base)) == 15
