from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from convert.datasets import uhd_iqa
from convert.datasets.manifest import DataError
from tests.convert.datasets.layouts import make_uhd_iqa, write_csv


def test_official_sets_are_folders_and_splits(tmp_path: Path) -> None:
    labels = uhd_iqa.read(make_uhd_iqa(tmp_path))
    assert [(label.path, label.split) for label in labels[:3]] == [
        ("training/0.jpg", "train"),
        ("validation/1.jpg", "validation"),
        ("test/2.jpg", "test"),
    ]
    assert labels[2].mos == pytest.approx(0.4)


def test_the_training_table_alone_has_no_test(tmp_path: Path) -> None:
    base = make_uhd_iqa(tmp_path)
    (base / uhd_iqa.TABLE).unlink()
    rows = [(f"{n}.jpg", 0.5) for n in range(40)]
    write_csv(base / uhd_iqa.TRAINING_TABLE, ("image_name", "quality_mos"), rows)
    labels = uhd_iqa.read(base)
    assert Counter(label.split for label in labels) == {"train": 32, "validation": 8}
    assert labels == uhd_iqa.read(base)


def test_unknown_sets_are_refused(tmp_path: Path) -> None:
    base = make_uhd_iqa(tmp_path)
    header = ("image_name", "quality_mos", "set")
    write_csv(base / uhd_iqa.TABLE, header, [("1.jpg", 0.5, "exam")])
    with pytest.raises(DataError, match="line 2: set 'exam'"):
        uhd_iqa.read(base)
