"""Pipes are not waited for, and results never replace a photograph or a video."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from edgeiqa import sample_paths
from edgeiqa.burst.xmp import rate
from edgeiqa.cli.main import main
from edgeiqa.errors import OutputError, ResultsError
from edgeiqa.files.append import WholeLines
from edgeiqa.files.atomic import open_output
from edgeiqa.files.plain import is_picture, open_plain
from edgeiqa.files.transfer import copy_file, same_content
from edgeiqa.report.thumbnails import look_at
from edgeiqa.results.reader import read_results


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return str(path)


def test_pipes_are_not_waited_for(pipe: str, tmp_path: Path) -> None:
    photo = str(sample_paths()[0])
    with pytest.raises(OSError, match="not a regular file"):
        open_plain(pipe)
    assert not same_content(photo, pipe)
    assert not same_content(pipe, photo)
    with pytest.raises(OSError, match="not a regular file"):
        copy_file(pipe, str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()
    assert look_at(pipe).error == "not a regular file"
    with pytest.raises(ResultsError):
        next(iter(read_results(pipe)))
    with pytest.raises(OSError, match="not a regular file"):
        rate(pipe, True, 50.0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "JPEG2000"])
def test_pictures_are_recognised_by_their_content(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    Image.new("RGB", (8, 8)).save(path, kind)
    assert is_picture(path)


@pytest.mark.parametrize(
    "start", [b"\0\0\0\x18ftypheic", b"\0\0\0\x14ftypqt  ", b"\x1aE\xdf\xa3ab"]
)
def test_so_are_videos_and_heic(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(start + b"\0" * 16)
    assert is_picture(path)


@pytest.mark.parametrize("data", [b"", b"path,score\n", b'{"path": "a.jpg"}\n', b"PAR1", b"[\n"])
def test_results_are_no_pictures(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "results"
    path.write_bytes(data)
    assert not is_picture(path)
    assert not is_picture(tmp_path / "missing")


def test_no_door_for_results_replaces_a_photograph(tmp_path: Path) -> None:
    photo, link = tmp_path / "photo.jpg", tmp_path / "link.json"
    before = sample_paths()[0].read_bytes()
    photo.write_bytes(before)
    link.symlink_to(photo)
    for path in map(str, (photo, link)):
        with pytest.raises(OutputError), open_output(path):
            pass
        with pytest.raises(OutputError):
            WholeLines(path)
    with open_output(str(tmp_path / "map.png"), binary=True, replace_picture=True) as stream:
        stream.write(before)
    for words in (
        ["score", str(photo), "--model", "nano", "-o", str(photo)],
        ["pick", str(tmp_path), "--model", "nano", "--csv", str(photo), "--apply"],
        ["live", str(photo), "--model", "nano", "-o", str(photo)],
        ["live", str(photo), "--model", "nano", "--status", str(photo)],
        ["bench", "--runs", "1", "--no-rivals", "--size", "64x64", "-q", "-o", str(photo)],
    ):
        assert main(words) == 2, words
        assert photo.read_bytes() == before


def test_a_first_line_without_end_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("a" * 140_000)
    with pytest.raises(ResultsError):
        next(iter(read_results(str(path))))
