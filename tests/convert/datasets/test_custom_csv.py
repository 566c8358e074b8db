from __future__ import annotations

from pathlib import Path

import pytest

from convert.datasets import custom_csv
from convert.datasets.manifest import DataError
from convert.datasets.scale import Scale
from tests.convert.datasets.layouts import write_csv

STARS = Scale(1, 5)


def table(folder: Path, header: tuple[str, ...], rows: list[tuple]) -> Path:
    write_csv(folder / "mine.csv", header, rows)
    return folder / "mine.csv"


def test_stars_with_deviation_scene_and_subset(tmp_path: Path) -> None:
    header = ("subset", "path", "mos", "std", "reference", "photographer")
    rows = [
        (f"phone {n % 2}", f"{n}.jpg", 1 + n % 5, "1.0", f"s{n // 3}", "Ada") for n in range(30)
    ]
    read = custom_csv.build_manifest(table(tmp_path, header, rows), tmp_path, STARS)
    assert [row.mos for row in read[:5]] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert read[0].std == 0.25
    assert read[1].subset == "phone 1"
    by_scene = {(row.reference, row.split) for row in read}
    assert len(by_scene) == 10
    splits = [split for _, split in by_scene]
    assert (splits.count("train"), splits.count("validation"), splits.count("test")) == (6, 2, 2)
    again = custom_csv.build_manifest(tmp_path / "mine.csv", tmp_path, STARS, repeat=1)
    assert [row.split for row in again] != [row.split for row in read]


def test_lower_is_better_turns_the_scale(tmp_path: Path) -> None:
    rows = [(f"{n}.jpg", 10 * n) for n in range(11)]
    scale = Scale(0, 100, lower_is_better=True)
    read = custom_csv.build_manifest(table(tmp_path, ("path", "mos"), rows), tmp_path, scale)
    assert [row.mos for row in read] == pytest.approx([1 - n / 10 for n in range(11)])
    assert all(row.std is None for row in read)


def test_a_split_of_its_own_is_kept(tmp_path: Path) -> None:
    splits = ["train", "test", "validation", "train"]
    rows = [(f"{n}.jpg", 3, split) for n, split in enumerate(splits)]
    file = table(tmp_path, ("path", "mos", "split"), rows)
    read = custom_csv.build_manifest(file, tmp_path, STARS)
    assert [row.split for row in read] == splits
    with pytest.raises(DataError, match="split of its own"):
        custom_csv.build_manifest(file, tmp_path, STARS, repeat=1)


def test_paths_start_from_the_data_root_or_from_the_table(tmp_path: Path) -> None:
    root, here = tmp_path / "data", tmp_path / "here"
    (root / "a").mkdir(parents=True)
    (root / "a" / "1.jpg").touch()
    rows = [("a/1.jpg", 3), ("2.jpg", 3), (str(root / "a" / "3.jpg"), 3), ("../data/4.jpg", 3)]
    file = table(here, ("path", "mos"), rows)
    read = custom_csv.build_manifest(file, root, STARS)
    assert [row.path for row in read] == [
        "a/1.jpg",
        (here / "2.jpg").as_posix(),
        "a/3.jpg",
        "4.jpg",
    ]
    assert all((root / row.path).is_absolute() for row in read)


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (("path", "score"), [], "no column mos; it has path, score"),
        (("path", "mos"), [], "no rated picture"),
        (("path", "mos"), [("1.jpg", 6)], "line 2: score 6 is not within 1 to 5"),
        (("path", "mos"), [("1.jpg", "good")], "line 2: not a number: 'good'"),
        (("path", "mos"), [("", 3)], "line 2: no path"),
        (("path", "mos"), [("1.jpg", 3), ("1.jpg", 4)], "labelled twice"),
        (("path", "mos"), [("1.jpg", 3), ("2.jpg", 4)], "2 scenes cannot be split"),
        (("path", "mos", "split"), [("1.jpg", 3, "dev")], "split must be one of train"),
        (("path", "mos", "split"), [("1.jpg", 3, "train"), ("2.jpg", 3, "")], "1 of 2 rows"),
        (("path", "mos", "std"), [("1.jpg", 3, -1), ("2.jpg", 3, 0), ("3.jpg", 3, 0)], "std"),
        (
            ("path", "mos", "split"),
            [("ChallengeDB_release/Images/3.bmp", 3, "train")],
            "is the exam",
        ),
    ],
)
def test_wrong_tables_are_refused_with_the_reason(
    header: tuple[str, ...], rows: list[tuple], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        custom_csv.build_manifest(table(tmp_path, header, rows), tmp_path, STARS)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--csv .*none.csv is not a file"):
        custom_csv.build_manifest(tmp_path / "none.csv", tmp_path, STARS)
