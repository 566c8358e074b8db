"""One picture to one row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from edgeiqa import Scorer
from edgeiqa.assets import sample_paths
from edgeiqa.imaging.metadata import Metadata, read_metadata
from edgeiqa.results.row import Row
from edgeiqa.results.score_row import error_line, score_row


def test_row_has_the_score_and_the_verdict_of_the_picture() -> None:
    scorer = Scorer("nano")
    gate = scorer.gate()
    path = str(sample_paths()[0])
    row = score_row(path, scorer, gate)
    quality = scorer.score(path)
    with Image.open(path) as image:
        width, height = image.size
    name = f"{scorer.contract.name} {scorer.contract.version}"
    assert row == Row.scored(
        path, quality, gate(quality), model=name, width=width, height=height, taken=row.taken
    )


def test_picture_may_come_beside_its_name_and_without_a_gate() -> None:
    scorer = Scorer("nano")
    row = score_row("frame 7", scorer, None, np.zeros((64, 64, 3), np.uint8))
    assert row.path == "frame 7"
    assert row.score is not None
    assert row.accept is None


def test_errors_become_one_line_without_the_path() -> None:
    scorer = Scorer("nano")
    assert score_row("missing.jpg", scorer, None).error == "no such file"
    wrong = score_row("x", scorer, None, np.zeros((4, 4, 3), np.float32))
    assert wrong.error is not None
    assert wrong.error.startswith("TypeError: ")
    assert error_line(ValueError("two\nlines")) == "ValueError: two lines"
    assert error_line(MemoryError()) == "MemoryError"


def test_quick_rows_say_so_even_with_an_error() -> None:
    scorer = Scorer("nano")
    path = str(sample_paths()[0])
    row = score_row(path, scorer, None, quick=True)
    assert row.extra == {"mode": "quick"}
    assert row.score == scorer.score_quick(path).score
    assert set(row.causes) == {"dark", "bright", "low_contrast"}
    assert score_row("missing.jpg", scorer, None, quick=True).extra == {"mode": "quick"}


def test_rows_have_the_upright_size_and_the_capture_time(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    tags[ExifTags.Base.DateTimeOriginal] = "2024:02:03 04:05:06"
    tags[ExifTags.Base.SubsecTimeOriginal] = "12"
    tags[ExifTags.Base.OffsetTimeOriginal] = "+02:00"
    path = tmp_path / "a.jpg"
    Image.new("RGB", (90, 60)).save(path, exif=exif)
    for quick in (False, True):
        row = score_row(str(path), Scorer("nano"), None, quick=quick)
        assert (row.width, row.height) == (60, 90)
        assert row.taken == "2024-02-03T04:05:06.12+02:00"


@pytest.mark.parametrize(
    ("text", "subsec", "offset", "taken"),
    [
        ("2024:02:03 04:05:06", "", "", "2024-02-03T04:05:06"),
        ("2024:02:03 04:05:06", "x", "+2", "2024-02-03T04:05:06"),
        ("2024:02:03 04:05:06", "", "+ab:00", "2024-02-03T04:05:06"),
        ("0000:00:00 00:00:00", "", "", None),
        ("    :  :     :  :  ", "", "", None),
        ("yesterday", "", "", None),
        ("", "", "", None),
    ],
)
def test_capture_times_as_cameras_write_them(
    text: str, subsec: str, offset: str, taken: str | None, tmp_path: Path
) -> None:
    exif = Image.Exif()
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    tags[ExifTags.Base.DateTimeOriginal] = text
    tags[ExifTags.Base.SubsecTimeOriginal] = subsec
    tags[ExifTags.Base.OffsetTimeOriginal] = offset
    Image.new("RGB", (9, 6)).save(tmp_path / "a.jpg", exif=exif)
    assert read_metadata(str(tmp_path / "a.jpg")) == Metadata(9, 6, taken)


def test_what_has_no_header_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    for name in ("a.jpg", "missing.jpg", "."):
        assert read_metadata(str(tmp_path / name)) == Metadata()
