"""Clean photograph sets: found in their authors' layout, reported when missing, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from convert.datasets.pristine import CLEAN_SETS, find_clean, refused


def put(root: Path, *names: str) -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (9, 99, 199)).save(file)


def test_sets_are_found_in_their_layouts(tmp_path: Path) -> None:
    put(
        tmp_path,
        "BSDS500/data/images/train/100075.jpg",
        "BSDS500/data/images/test/3063.jpg",
        "CID22/CID22-512/training/1001682.png",
        "clic2025/validation/0d15.png",
        "SelfExSR/data/Urban100/image_SRF_4/img_001_SRF_4_HR.png",
        "Sun-Hays80/image_SRF_8/img_001_SRF_8_HR.png",
        "Sun-Hays80/image_SRF_8/img_001_SRF_8_LR.png",
        "BSD100/image_SRF_4/img_001_SRF_4_HR.png",
    )
    (tmp_path / "BSDS500/data/images/train/Thumbs.db").write_bytes(b"")
    pictures, notes = find_clean(tmp_path)
    assert {(p.source, p.path) for p in pictures} == {
        ("BSDS500", "BSDS500/data/images/test/3063.jpg"),
        ("BSDS500", "BSDS500/data/images/train/100075.jpg"),
        ("CID22", "CID22/CID22-512/training/1001682.png"),
        ("CLIC 2025", "clic2025/validation/0d15.png"),
        ("Urban100", "SelfExSR/data/Urban100/image_SRF_4/img_001_SRF_4_HR.png"),
        ("Sun-Hays80", "Sun-Hays80/image_SRF_8/img_001_SRF_8_HR.png"),
    }
    text = "\n".join(notes)
    assert "BSDS500: 2 of 500 pictures, from github.com/BIDS/BSDS500" in text
    assert "BSD100: left out, BSDS500 has the same photographs" in text


def test_bsd100_counts_where_bsds500_is_missing(tmp_path: Path) -> None:
    put(tmp_path, "BSD100/image_SRF_4/img_001_SRF_4_HR.png")
    pictures, _ = find_clean(tmp_path)
    assert [p.source for p in pictures] == ["BSD100"]


def test_every_missing_set_is_named_with_its_authors_place(tmp_path: Path) -> None:
    pictures, notes = find_clean(tmp_path)
    assert pictures == []
    assert len(notes) == len(CLEAN_SETS)
    for one, note in zip(CLEAN_SETS, notes, strict=True):
        assert note.startswith(f"{one.name}: missing; its authors offer it at {one.offered}")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("codec-corpus/kodak/3.png", "TID2008"),
        ("CID22/CID22-512/training/kodim01.png", "TID2008"),
        ("a/KODIM24.PNG", "TID2008"),
        ("a/kodak-7.png", "TID2008"),
        ("LIVE/refimgs/bikes.bmp", "LIVE-MD"),
        ("x/monarch.bmp", "LIVE-MD"),
        ("x/studentsculpture.bmp", "LIVE-MD"),
        ("ChallengeDB_release/Images/3.bmp", "exam"),
    ],
)
def test_originals_of_rated_databases_are_refused(path: str, words: str) -> None:
    why = refused(path)
    assert why is not None
    assert words in why


def test_ordinary_names_are_not_refused() -> None:
    for name in ("BSDS500/data/images/train/24004.jpg", "a/kodiak_bear.jpg", "a/img_001.png"):
        assert refused(name) is None


def test_a_refused_picture_in_a_set_is_left_out_and_told(tmp_path: Path) -> None:
    put(
        tmp_path,
        "CID22/CID22-512/training/kodim05.png",
        "CID22/CID22-512/training/1001682.png",
    )
    pictures, notes = find_clean(tmp_path)
    assert [p.path for p in pictures] == ["CID22/CID22-512/training/1001682.png"]
    assert any(note.startswith("CID22: 1 refused (Kodak24") for note in notes)
