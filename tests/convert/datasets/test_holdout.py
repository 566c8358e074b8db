from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.datasets.holdout import LIVE1_REFERENCES, RESERVED, refuse_reserved, reserved_by
from convert.datasets.manifest import DataError, ManifestRow


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("ChallengeDB_release/Images/3.bmp", "LIVE Challenge"),
        ("/data/challengedb_release/Images/3.bmp", "LIVE Challenge"),
        ("C:\\data\\LIVEC\\3.bmp", "LIVE Challenge"),
        ("clean/kodim07.png", "Kodak24"),
        ("Kodak24/07.png", "Kodak24"),
        ("databaserelease2/refimgs/bikes.bmp", "LIVE1"),
        ("LIVE1/bikes.png", "LIVE1"),
        ("anywhere/studentsculpture.bmp", "LIVE1"),
    ],
)
def test_reserved_pictures_are_known_by_folder_or_name(path: str, name: str) -> None:
    found = reserved_by(path)
    assert found is not None
    assert found.name == name
    with pytest.raises(DataError, match=f"may not be used for tuning: {name}"):
        refuse_reserved([Path("fine/1.jpg"), path], "tuning")


@pytest.mark.parametrize(
    "path",
    [
        "BIQ2021/Images/ss01 (1).jpg",
        "tid2013/distorted_images/i01_01_1.bmp",
        "databaserelease2/jp2k/img2.bmp",
        "holiday/house.jpg",
        "kodim7.png",
        "notkodim07.png",
        "kodak24.jpg",
        "challengedb_release.jpg",
    ],
)
def test_others_are_not(path: str) -> None:
    assert reserved_by(path) is None
    refuse_reserved([path])


def test_live1_has_29_references() -> None:
    assert len(LIVE1_REFERENCES.names | LIVE1_REFERENCES.common) == 29


def test_three_everyday_names_of_live1_in_one_folder_are_no_accident() -> None:
    refuse_reserved(["a/house.png", "a/woman.png", "b/ocean.png"])
    with pytest.raises(DataError, match="LIVE1"):
        refuse_reserved(["a/house.png", "a/woman.png", "a/ocean.png"])


def test_rows_of_a_test_split_are_refused_whatever_the_database() -> None:
    rows = [ManifestRow(f"x/{n}.jpg", 0.5, None, "train", "") for n in range(3)]
    refuse_reserved(rows)
    with pytest.raises(DataError, match=r"calibration: a test split .*x/9.jpg"):
        refuse_reserved([*rows, ManifestRow("x/9.jpg", 0.5, None, "test", "")], "calibration")


@given(st.sampled_from(RESERVED).filter(lambda known: known.folders), st.data())
def test_no_capitalisation_gets_around(known, data: st.DataObject) -> None:
    folder = data.draw(st.sampled_from(sorted(known.folders)))
    spelled = "".join(data.draw(st.sampled_from((c.upper(), c.lower()))) for c in folder)
    assert reserved_by(f"a/{spelled}/b/1.png") is known
