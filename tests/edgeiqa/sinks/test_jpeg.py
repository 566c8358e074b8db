"""What a saved file says of itself, and which files are taken for ours."""

from __future__ import annotations

import io
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from edgeiqa import Frame, Scorer
from edgeiqa.assets import FOLDER
from edgeiqa.burst.xmp import OURS, XMP, properties
from edgeiqa.quality import Quality
from edgeiqa.sinks.jpeg import encode, is_ours, name_of
from tests.edgeiqa.pictures import photograph

TAKEN_NS = 1_795_521_662_345_678_901
NAME = "20261124T120102.345Z_87.4.jpg"


def saved(score: float = 87.41) -> bytes:
    frame = Frame(np.asarray(photograph()))
    return encode(frame, Quality(score, causes={"blur": 0.12, "dark": 0.0}), NAME, TAKEN_NS)


def test_names_are_in_the_order_of_time() -> None:
    assert name_of(TAKEN_NS, 87.41) == NAME
    assert name_of(TAKEN_NS, 100.0).endswith("_100.0.jpg")
    times = [0, 1_000_000, TAKEN_NS, TAKEN_NS + 1_000_000, TAKEN_NS + 10**9]
    assert sorted(name_of(ns, 1.0) for ns in times) == [name_of(ns, 1.0) for ns in times]


def test_time_and_score_stand_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    if hasattr(__import__("time"), "tzset"):
        __import__("time").tzset()
    with Image.open(io.BytesIO(saved())) as image:
        exif = image.getexif()
        within = exif.get_ifd(ExifTags.IFD.Exif)
        found = properties(re.search(rb"<\?xpacket.*\?>", image.info["xmp"], re.S)[0].decode())  # type: ignore[index]
        assert image.size == photograph().size
    assert within[ExifTags.Base.DateTimeOriginal] == "2026:11:24 17:31:02"
    assert within[ExifTags.Base.SubsecTimeOriginal] == "345"
    assert within[ExifTags.Base.OffsetTimeOriginal] == "+05:30"
    assert exif[ExifTags.Base.Software].startswith("edgeiqa ")
    assert found[OURS, "score"] == "87.41"
    assert found[OURS, "causes"] == "blur 0.120, dark 0.000"
    assert found[OURS, "file"] == NAME
    assert found[XMP, "CreateDate"] == "2026-11-24T12:01:02Z"


def test_a_saved_frame_scores_like_the_frame() -> None:
    scorer = Scorer("nano")
    for name in ("astronaut.jpg", "coffee-motion-blur.jpg", "chelsea-noisy.jpg"):
        with Image.open(FOLDER / name) as image:
            frame = Frame(np.asarray(image.convert("RGB")), rotation=90)
        before = scorer.score(frame)
        after = scorer.score(encode(frame, before, NAME, TAKEN_NS))
        assert after.score == pytest.approx(before.score, abs=3.0)


def test_only_what_we_saved_under_its_own_name_is_ours(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(saved())
    assert is_ours(str(path))
    for other in (
        "20261124T120102.345Z_87.4-1.jpg",
        "20261124T120102.345Z_12.0.jpg",
        "copy.jpg",
        "20261124T120102.345Z_87.4.JPG",
    ):
        shutil.copy(path, tmp_path / other)
        assert not is_ours(str(tmp_path / other)), other
    again = tmp_path / "again"
    again.mkdir()
    photograph().save(again / NAME)  # A photograph of somebody else with such a name.
    assert not is_ours(str(again / NAME))
    link = tmp_path / "links" / NAME
    link.parent.mkdir()
    try:
        os.symlink(path, link)
    except OSError:
        return
    assert not is_ours(str(link))
    assert not is_ours(str(tmp_path / "missing" / NAME))
    (tmp_path / "folder" / NAME).mkdir(parents=True)
    assert not is_ours(str(tmp_path / "folder" / NAME))


def test_what_jpeg_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="70000x1"):
        encode(Frame(np.zeros((1, 70_000, 3), np.uint8)), Quality(1.0), NAME, TAKEN_NS)
