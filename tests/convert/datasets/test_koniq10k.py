from __future__ import annotations

from pathlib import Path

import pytest

from convert.datasets import koniq10k
from convert.datasets.manifest import DataError
from tests.convert.datasets.layouts import make_koniq10k, write_csv


def test_official_sets_become_splits(tmp_path: Path) -> None:
    labels = koniq10k.read(make_koniq10k(tmp_path))
    splits = [label.split for label in labels]
    assert splits == ["train", "validation", "train", "test", "train"] * 2
    assert labels[0].mos == pytest.approx(9 / 99)  # MOS 10 on 1-100
    assert labels[0].std == pytest.approx(0.7071 / 4)  # SD on 1-5
    assert labels[0].path == "1024x768/1000.jpg"


def test_votes_have_the_published_deviation(tmp_path: Path) -> None:
    base = make_koniq10k(tmp_path)
    labels, votes = koniq10k.read(base), koniq10k.votes(base)
    assert votes.keys() == {label.path for label in labels}
    shares = votes[labels[0].path]
    assert shares == (0.0, 0.25, 0.5, 0.25, 0.0)
    mean = sum(share * index / 4 for index, share in enumerate(shares))
    variance = sum(share * (index / 4 - mean) ** 2 for index, share in enumerate(shares))
    assert variance**0.5 == pytest.approx(labels[0].std, abs=1e-4)


def test_smaller_pictures_and_the_table_of_the_repository(tmp_path: Path) -> None:
    base = make_koniq10k(tmp_path)
    (base / "1024x768").rename(base / "512x384")
    (base / "512x384" / "1000.JPG").touch()
    (base / "metadata").mkdir()
    (base / koniq10k.TABLE).rename(base / "metadata" / koniq10k.TABLE)
    assert koniq10k.read(base)[0].path == "512x384/1000.JPG"


def test_unknown_sets_and_votes_that_do_not_sum_to_one(tmp_path: Path) -> None:
    base = make_koniq10k(tmp_path)
    header = ("image_name", "c1", "c2", "c3", "c4", "c5", "MOS", "SD", "set")
    write_csv(base / koniq10k.TABLE, header, [("1.jpg", 0, 0, 0.5, 0, 0, 50, 0.7, "exam")])
    with pytest.raises(DataError, match="line 2: set 'exam'"):
        koniq10k.read(base)
    with pytest.raises(DataError, match="must sum to 1"):
        koniq10k.votes(base)
