"""Of a camera raw the preview is scored, upright, and never the thumbnail in front of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeiqa
from edgeiqa import Scorer, UnreadableImageError
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.raw_preview import is_raw
from tests.edgeiqa.pictures import photograph, saved, with_orientation
from tests.edgeiqa.rawfiles import dng

ROOT = Path(edgeiqa.__file__).parent.parent

PHOTO = photograph().resize((360, 240))
TURNED = {
    1: None,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_270,
    8: Image.Transpose.ROTATE_90,
}


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


@pytest.mark.parametrize("orientation", TURNED)
def test_the_preview_is_taken_and_turned_upright(orientation: int, tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    jpeg = saved(PHOTO, "JPEG", quality=95)
    raw = dng(jpeg, PHOTO.size, orientation=orientation)
    turn, plain = TURNED[orientation], decode(jpeg)
    expected = pixels(plain if turn is None else plain.transpose(turn))
    path = tmp_path / "photo.DNG"
    path.write_bytes(raw)
    for source in (path, raw):
        np.testing.assert_array_equal(pixels(decode(source)), expected)


def test_a_preview_that_says_how_it_lies_is_believed() -> None:
    pytest.importorskip("rawpy")
    jpeg = with_orientation(PHOTO, 8, "JPEG")
    raw = dng(jpeg, PHOTO.size, orientation=6)
    np.testing.assert_array_equal(pixels(decode(raw)), pixels(decode(jpeg)))


def test_a_preview_that_was_turned_by_the_camera_is_left_as_it_is() -> None:
    pytest.importorskip("rawpy")
    upright = PHOTO.transpose(Image.Transpose.ROTATE_270)
    jpeg = saved(upright, "JPEG", quality=95)
    raw = dng(jpeg, upright.size, orientation=6)
    np.testing.assert_array_equal(pixels(decode(raw)), pixels(decode(jpeg)))


def test_it_scores_as_its_preview_does(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    jpeg = saved(PHOTO, "JPEG", quality=95)
    path = tmp_path / "photo.dng"
    path.write_bytes(dng(jpeg, PHOTO.size))
    scorer = Scorer("nano")
    assert scorer.score(path).score == scorer.score(jpeg).score


def test_what_gives_no_preview_says_why(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    jpeg = saved(PHOTO, "JPEG")
    whole = dng(jpeg, PHOTO.size)
    for data, words in (
        (dng(None), "without a preview"),
        (whole[: len(whole) - len(jpeg) // 2], "damaged|cannot be read|without a preview"),
        (b"II*\0" + b"\0" * 60, "cannot be read"),
        (b"FUJIFILMCCD-RAW 0201" + b"\0" * 60, "cannot be read"),
    ):
        path = tmp_path / "photo.nef"
        path.write_bytes(data)
        with pytest.raises(UnreadableImageError, match=words) as error:
            decode(path)
        assert "\n" not in error.value.reason


def test_without_rawpy_the_extra_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.dng"
    path.write_bytes(dng(saved(PHOTO, "JPEG"), PHOTO.size))
    code = (
        "import sys; sys.modules['rawpy'] = None\n"
        "from edgeiqa.errors import UnreadableImageError\n"
        "from edgeiqa.imaging.decode import decode\n"
        "try: decode(sys.argv[1])\n"
        "except UnreadableImageError as error: print(error.reason)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert 'pip install "edgeiqa[raw]"' in done.stdout


def test_names_and_first_bytes_tell_what_is_a_raw() -> None:
    tiff = b"II*\0\x08\0\0\0" + b"\0" * 8
    assert not is_raw(tiff, "scan.tif")
    assert not is_raw(tiff, None)
    assert is_raw(tiff, "DSC_0001.NEF")
    assert is_raw(b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 4, None)
    assert is_raw(b"\0\0\0\x18ftypcrx \0\0\0\1", None)
    assert is_raw(b"FUJIFILMCCD-RAW 0", None)
    # A JPEG that somebody has renamed is one.
    assert not is_raw(saved(PHOTO, "JPEG")[:16], "photo.nef")


def test_an_ordinary_tiff_is_no_raw(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    PHOTO.save(path)
    np.testing.assert_array_equal(pixels(decode(path)), pixels(PHOTO))
