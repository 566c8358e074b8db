from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from convert.datasets import tid
from convert.datasets.manifest import DataError
from tests.convert.datasets.layouts import make_tid


def test_names_say_reference_and_distortion(tmp_path: Path) -> None:
    labels = tid.reader(24)(make_tid(tmp_path, "tid2013", 24, 5))
    assert len(labels) == 5 * 24 * 5
    assert labels[0].mos == pytest.approx(8 / 9)
    assert labels[4].mos == pytest.approx(4 / 9)
    assert {label.reference for label in labels} == {f"i{n:02d}" for n in range(1, 6)}
    counts = Counter(label.subset for label in labels)
    assert set(counts.values()) == {25}
    assert counts.keys() == set(tid.KINDS)
    by_path = {label.path: label for label in labels}
    # Stored under another capitalisation than its label says.
    assert "distorted_images/I02_01_1.BMP" in by_path
    assert by_path["distorted_images/i03_08_5.bmp"].subset == "Gaussian blur"
    assert by_path["distorted_images/i03_24_5.bmp"].subset == "sparse sampling and reconstruction"


def test_tid2008_has_17_distortions(tmp_path: Path) -> None:
    base = make_tid(tmp_path, "tid2008", 17, 4)
    assert len({label.subset for label in tid.reader(17)(base)}) == 17
    with (base / tid.TABLE).open("a") as stream:
        stream.write("5.0 I01_18_1.bmp\n")
    with pytest.raises(DataError, match="line 341"):
        tid.reader(17)(base)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("9.5 I01_01_1.bmp", "9.5 is not within 0 to 9"),
        ("nan I01_01_1.bmp", "not a number"),
        ("I01_01_1.bmp 5.0", "line 1: not a MOS"),
        ("5.0", "not a MOS"),
    ],
)
def test_wrong_lines_are_refused(line: str, message: str, tmp_path: Path) -> None:
    base = make_tid(tmp_path, "tid2008", 17, 4)
    (base / tid.TABLE).write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        tid.reader(17)(base)
