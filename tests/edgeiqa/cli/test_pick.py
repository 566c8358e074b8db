"""`edgeiqa pick` on the folders that people have."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from edgeiqa.assets import sample_paths
from edgeiqa.cli.main import main

EXIF = 0x8769
TAKEN, BIAS = 0x9003, 0x9204


def picture(name: str = "raccoon.jpg") -> Image.Image:
    with Image.open(next(p for p in sample_paths() if p.name == name)) as image:
        return image.convert("RGB")


def save(image: Image.Image, path: Path, second: int, bias: float | None = None) -> None:
    exif = Image.Exif()
    fields = exif.get_ifd(EXIF)
    fields[TAKEN] = f"2026:05:01 12:00:{second:02}"
    if bias is not None:
        fields[BIAS] = IFDRational(round(3 * bias), 3)
    image.save(path, quality=92, exif=exif)


def plan(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert main(["pick", *map(str, words), "--model", "nano", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return {os.path.basename(row["path"]): row for row in rows}


def test_copies_of_unrelated_photographs_are_moments_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copying, downloading or unpacking gives all files the same time."""
    names = sorted({path.name for path in sample_paths() if "-" not in path.stem})
    assert len(names) >= 5
    for path in sample_paths():
        if path.name in names:
            with Image.open(path) as image:
                image.convert("RGB").save(tmp_path / path.name)  # Without a capture time.
            os.utime(tmp_path / path.name, (1_700_000_000, 1_700_000_000))
    shutil.copy2(tmp_path / names[0], tmp_path / "copy.jpg")
    rows = plan(capsys, tmp_path)
    moments = {name: row["moment"] for name, row in rows.items()}
    assert moments.pop("copy.jpg") == moments[names[0]]
    assert len(set(moments.values())) == len(names)
    assert sum(not row["keep"] for row in rows.values()) == 1


def test_a_bracket_is_kept_whole_and_a_burst_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for second, bias in enumerate((-2.0, 0.0, 2.0)):
        gain = 2.0 ** (bias / 2)
        image = picture().point([min(255, round(value * gain)) for value in range(256)] * 3)
        save(image, tmp_path / f"bracket{second}.jpg", second, bias)
    for second in (30, 31, 32):
        save(picture("coffee.jpg"), tmp_path / f"burst{second}.jpg", second, 0.0)
    kept = {name for name, row in plan(capsys, tmp_path).items() if row["keep"]}
    assert {name for name in kept if name.startswith("bracket")} == {
        f"bracket{n}.jpg" for n in range(3)
    }
    assert sum(name.startswith("burst") for name in kept) == 1


def test_live_photos_move_with_their_videos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, kept = tmp_path / "photos", tmp_path / "kept"
    photos.mkdir()
    save(picture(), photos / "IMG_1.jpg", 1)
    save(picture("coffee.jpg"), photos / "IMG_2.jpg", 40)
    for name in ("IMG_1.MOV", "IMG_1.AAE", "IMG_3.MOV"):
        (photos / name).write_text(name)
    plan(capsys, photos, "--move-to", kept, "--apply")
    assert sorted(path.name for path in kept.iterdir()) == [
        "IMG_1.AAE",
        "IMG_1.MOV",
        "IMG_1.jpg",
        "IMG_2.jpg",
    ]
    assert [path.name for path in photos.iterdir()] == ["IMG_3.MOV"]
