"""What belongs to a photograph travels with it, and what may belong to another stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeiqa.burst.companions import companions


@pytest.mark.parametrize(
    ("photo", "beside", "expected"),
    [
        ("IMG_1.HEIC", "IMG_1.MOV IMG_1.AAE IMG_2.MOV", "IMG_1.AAE IMG_1.MOV"),
        ("a.jpg", "a.jpg.xmp a.xmp a.XMP ab.xmp", "a.XMP a.jpg.xmp a.xmp"),
        ("a.jpg", "a.jpg.pp3 a.jpg.dop a.THM a.WAV a.txt a.png", "a.THM a.WAV a.jpg.dop a.jpg.pp3"),
        ("a.jpg", "a.jpg.json a.json b.jpg.json", "a.jpg.json a.json"),
        ("a.jpg", "a.jpg.supplemental-metadata.json", "a.jpg.supplemental-metadata.json"),
        ("a.jpg", "a.jpg.supplemental-me.json", "a.jpg.supplemental-me.json"),
        ("a(2).jpg", "a.jpg(2).json a.jpg.json a.jpg(3).json", "a.jpg(2).json"),
        (
            "a(2).jpg",
            "a.jpg.supplemental-metadata(2).json a.jpg.supplemental-metadata.json",
            "a.jpg.supplemental-metadata(2).json",
        ),
        ("a.jpg", "a.cr2 a.cr2.xmp a.CR3 b.cr2.xmp", "a.CR3 a.cr2 a.cr2.xmp"),
        ("a.jpg", "a.nef a.nef.pp3 a.nef.dop", "a.nef a.nef.dop a.nef.pp3"),
    ],
)
def test_companions(photo: str, beside: str, expected: str, tmp_path: Path) -> None:
    for name in [photo, *beside.split()]:
        (tmp_path / name).touch()
    found = companions(str(tmp_path / photo), raw=True, stems={})
    assert [os.path.basename(path) for path in found] == expected.split()


def test_without_raws_their_sidecars_stay_with_them(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.cr2", "a.cr2.xmp", "a.jpg.xmp", "a.MOV"):
        (tmp_path / name).touch()
    found = companions(str(tmp_path / "a.jpg"), raw=False, stems={})
    assert [os.path.basename(path) for path in found] == ["a.MOV", "a.jpg.xmp"]


def test_what_two_photographs_could_own_stays(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.xmp", "a.jpg.xmp", "a.dng", "ab.xmp", "a.MOV", "a.jpg.json"):
        (tmp_path / name).touch()
    photo = str(tmp_path / "a.jpg")

    def found(count: int) -> list[str]:
        stems = {str(tmp_path / "a"): count}
        return [os.path.basename(path) for path in companions(photo, raw=True, stems=stems)]

    assert found(1) == ["a.MOV", "a.dng", "a.jpg.json", "a.jpg.xmp", "a.xmp"]
    assert found(2) == ["a.jpg.json", "a.jpg.xmp"]
