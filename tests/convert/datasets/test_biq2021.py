from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from convert.cli.data import prepare, summary, unreadable
from convert.datasets import biq2021
from convert.datasets.manifest import DataError, load_manifest
from tests.convert.tiny import TEST, TRAIN, make_biq2021


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_biq2021(tmp_path / "data")


def test_committed_validation_split_is_a_thousand_names_in_proportion() -> None:
    names = biq2021.official_validation()
    assert len(names) == len(set(names)) == 1000
    assert names == sorted(names)
    # 1,665, 1,656 and 6,679 of the official Train are ss01, ss02 and ss03.
    assert Counter(name[:4] for name in names) == {"ss01": 166, "ss02": 166, "ss03": 668}


def test_validation_draw_depends_on_nothing_but_the_names_and_the_seed(root: Path) -> None:
    table = biq2021.read_table(root / "BIQ2021" / biq2021.TRAIN_TABLE)
    drawn = biq2021.draw_validation(table, 12)
    assert drawn == biq2021.draw_validation(table[::-1], 12)
    assert Counter(name[:4] for name in drawn) == {"ss01": 6, "ss02": 2, "ss03": 4}
    assert drawn != biq2021.draw_validation(table, 12, seed=1)


def test_layout_becomes_rows_with_splits_and_subsets(root: Path, tmp_path: Path) -> None:
    rows, damaged = prepare("biq2021", root, tmp_path / "work", strict_counts=False)
    assert damaged == {}
    assert rows == load_manifest(tmp_path / "work" / "manifests" / "biq2021.csv")
    assert Counter(row.subset for row in rows if row.split == "test") == TEST
    train = Counter(row.subset for row in rows if row.split in ("train", "validation"))
    assert train == TRAIN
    assert all((root / row.path).is_file() for row in rows)  # also the one stored as .JPG
    assert sum(row.path.endswith(".JPG") for row in rows) == 1
    assert "ss03" in summary(rows)


def test_a_partial_copy_is_refused_unless_asked_for(root: Path) -> None:
    with pytest.raises(DataError, match="--any-count"):
        biq2021.build_manifest(root, validation=[])


def test_missing_and_damaged_pictures_are_named(root: Path, tmp_path: Path) -> None:
    images = root / "BIQ2021" / "Images"
    (images / "ss01 (1).jpg").unlink()
    whole = (images / "ss01 (2).jpg").read_bytes()
    (images / "ss01 (2).jpg").write_bytes(whole[: len(whole) // 2])
    (images / "ss01 (3).jpg").write_bytes(b"no picture at all")
    rows, damaged = prepare("biq2021", root, tmp_path / "work", strict_counts=False)
    assert {Path(path).name for path in damaged} == {f"ss01 ({n}).jpg" for n in (1, 2, 3)}
    assert all(damaged.values())
    assert len(rows) == sum(TRAIN.values()) + sum(TEST.values())
    assert set(unreadable(rows, root)) == set(damaged)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Name,Score\nss01 (1).jpg,0.5\n", "header must begin with"),
        ("Image Name,MOS\nss01 (1).jpg,good\n", "line 2"),
        ("Image Name,MOS\nss01 (1).jpg,7.5\n", r"7\.5"),
        ("Image Name,MOS\nholiday.jpg,0.5\n", "not a BIQ2021 file name"),
        ("Image Name,MOS\nss01 (1).jpg,0.5\nss01 (1).jpg,0.6\n", "labelled twice"),
    ],
)
def test_wrong_tables_are_refused_with_the_reason(root: Path, content: str, message: str) -> None:
    (root / "BIQ2021" / biq2021.TRAIN_TABLE).write_text(content)
    with pytest.raises(DataError, match=message):
        biq2021.build_manifest(root, validation=[], strict_counts=False)


def test_a_missing_database_says_where_its_authors_offer_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nisarahmedrana/BIQ2021"):
        biq2021.build_manifest(tmp_path)


def test_a_validation_name_that_is_not_in_train_is_refused(root: Path) -> None:
    with pytest.raises(DataError, match="not in the Train table"):
        biq2021.build_manifest(root, ["ss03 (99999).jpg"], strict_counts=False)
