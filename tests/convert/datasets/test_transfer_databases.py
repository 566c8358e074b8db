from __future__ import annotations

from pathlib import Path

import pytest

from convert.datasets import agiqa3k, pcuid, sr4kiqa
from convert.datasets.errors import DataError
from tests.convert.datasets.layouts import make_agiqa3k, make_pcuid, make_sr4kiqa


def test_agiqa_reads_what_is_there(tmp_path: Path) -> None:
    base = make_agiqa3k(tmp_path)
    labels = agiqa3k.read(base)
    assert [label.path for label in labels] == [f"images/SD_{n}.jpg" for n in range(6)]
    assert labels[5].mos == pytest.approx(3.0 / 5)
    assert labels[5].std == pytest.approx(0.05)
    (base / "data.csv").rename(base / "AGIQA-3K.csv")
    (base / "images").rename(base / "AGIQA_3K")
    assert agiqa3k.read(base)[0].path == "AGIQA_3K/SD_0.jpg"


def test_pcuid_pairs_numbers_with_files(tmp_path: Path) -> None:
    labels = pcuid.read(make_pcuid(tmp_path))
    assert [label.path for label in labels] == [
        f"300-{(n + 1) // 2}/图片{n}.jpg" for n in range(1, 7)
    ]
    assert [label.mos for label in labels] == pytest.approx([n / 10 for n in range(1, 7)])


def test_sr4kiqa_knows_its_scenes(tmp_path: Path) -> None:
    base = make_sr4kiqa(tmp_path)
    labels = sr4kiqa.read(base)
    assert len(labels) == 12
    assert {label.reference for label in labels} == {"Animal1", "Face3"}
    assert labels[2].path == "Animal1/Animal1_Bicubic_x4.jpg"
    assert labels[2].mos == pytest.approx((4 - 1) / 4)
    (base / "MOS.csv").write_text("Animal1_Bicubic_x2.jpg,0.9\n")
    with pytest.raises(DataError, match="line 1: expected file name, score and MOS"):
        sr4kiqa.read(base)
