"""Looking at photographs: one that is broken costs nothing but itself."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeiqa.assets import sample_paths
from edgeiqa.imaging.likeness import thumbprint
from edgeiqa.report import thumbnails
from edgeiqa.report.thumbnails import Job, Look, look_at, look_at_all
from tests.edgeiqa.pictures import bomb, photograph, png, saved, with_orientation
from tests.edgeiqa.report.pages import sample

CHINA = next(path for path in sample_paths() if path.name == "china.jpg")


def test_a_look_tells_size_and_likeness_and_has_a_thumbnail() -> None:
    look = look_at(str(CHINA), 160)
    with Image.open(CHINA) as original:
        assert (look.width, look.height) == original.size
    assert look.size == CHINA.stat().st_size
    assert look.error is None
    assert look.thumbnail is not None
    with Image.open(io.BytesIO(look.thumbnail)) as small:
        assert small.format == "WEBP"
        assert max(small.size) == 160
        assert small.width / small.height == pytest.approx(640 / 427, abs=0.02)
        ours = np.asarray(small.convert("RGB").resize((16, 16))).astype(float)
    theirs = np.asarray(sample("china.jpg").resize((16, 16))).astype(float)
    assert np.abs(ours - theirs).mean() < 12
    assert len(look.thumbnail) < 10_000
    assert look.signature is not None
    assert float(look.signature @ thumbprint(sample("china.jpg"))[0]) > 0.995


def test_without_a_thumbnail_there_is_a_signature_all_the_same() -> None:
    look = look_at(str(CHINA), 0)
    assert look.thumbnail is None
    assert look.signature is not None
    assert look.signature.shape == (256,)


def test_the_size_is_that_of_the_upright_photograph(tmp_path: Path) -> None:
    file = tmp_path / "turned.png"
    file.write_bytes(with_orientation(photograph(), 6))
    look = look_at(str(file))
    assert (look.width, look.height) == (60, 90)


def test_a_small_photograph_stays_small(tmp_path: Path) -> None:
    file = tmp_path / "small.png"
    file.write_bytes(saved(photograph(), "PNG"))
    look = look_at(str(file), 160)
    with Image.open(io.BytesIO(look.thumbnail or b"")) as small:
        assert small.size == (90, 60)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"words", "not a picture"),
        (bomb(), "megapixels"),
        (png(10, 10, raw=b"x"), "damaged"),
        (None, "no such file"),
    ],
)
def test_what_cannot_be_looked_at_has_an_error(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "broken.png"
    if content is not None:
        file.write_bytes(content)
    look = look_at(str(file))
    assert said in (look.error or "")
    assert look.size == (None if content is None else len(content))
    assert (look.thumbnail, look.signature) == (None, None)


@pytest.mark.parametrize("name", ["half\ud800.jpg", "zero\0byte.jpg", "x" * 5000, "/"])
def test_odd_names_are_errors_too(name: str) -> None:
    assert look_at(name).error


def test_without_webp_it_is_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda name: False)
    assert thumbnails.thumbnail_type() == "image/jpeg"
    assert (look_at(str(CHINA)).thumbnail or b"").startswith(b"\xff\xd8")


def jobs_of(folder: Path, count: int) -> list[Job]:
    for number in range(count):
        picture = photograph().resize((40 + number % 7, 30))
        (folder / f"{number}.png").write_bytes(saved(picture, "PNG"))
    return [Job(number, str(folder / f"{number}.png"), 32) for number in range(count)]


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    jobs = [*jobs_of(tmp_path, 40), Job(40, str(tmp_path / "gone.png"))]
    alone = dict(look_at_all(jobs, workers=1))
    together = dict(look_at_all(jobs, workers=2))
    assert together == alone
    assert alone[40] == Look(error="no such file")
    assert all(
        np.array_equal(together[place].signature, alone[place].signature)  # type: ignore[arg-type]
        for place in range(40)
    )


def _die(jobs: list[Job]) -> list[tuple[int, Look]]:
    """As a decoder that brings its process down."""
    if any("17" in os.path.basename(job.file) for job in jobs):
        os._exit(1)
    return [(job.place, look_at(job.file, job.side)) for job in jobs]


@pytest.mark.slow
def test_a_photograph_that_kills_its_process_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "_look_at_chunk", _die)
    found = list(look_at_all(jobs_of(tmp_path, 60), workers=2))
    assert sorted(place for place, _ in found) == list(range(60))
    errors = {place: look.error for place, look in found if look.error is not None}
    assert list(errors) == [17]
