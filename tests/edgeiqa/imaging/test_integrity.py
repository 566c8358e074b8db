"""Files that lost data are recognised, and whole ones are not accused."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from edgeiqa.assets import sample_paths
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging import integrity
from edgeiqa.imaging.decode import MAX_SIDE, decode

KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restarts per row": {"restart_marker_rows": 1},
    "restarts per unit": {"restart_marker_blocks": 1},
    "gray": {},
}


def photograph() -> Image.Image:
    return Image.fromarray(pictures.stereo_motorcycle()[0])


def encoded(kind: str, quality: int = 85, picture: Image.Image | None = None) -> bytes:
    picture = picture or photograph()
    file = io.BytesIO()
    picture.convert("L" if kind == "gray" else "RGB").save(
        file, "JPEG", quality=quality, **KINDS[kind]
    )
    return file.getvalue()


def missing(data: bytes) -> float | None:
    return decode(data).info.get(integrity.KEY)


def is_noticed(data: bytes) -> bool:
    try:
        return missing(data) is not None
    except UnreadableImageError:
        return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quality", [40, 85, 97])
def test_whole_files_and_such_that_lack_their_end_are_decoded_as_ever(
    kind: str, quality: int
) -> None:
    data = encoded(kind, quality)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    for variant in (data, data[:-2], data[:-1], data + b"\0" * 100, data + data):
        picture = decode(variant)
        assert integrity.KEY not in picture.info
        np.testing.assert_array_equal(np.asarray(picture), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_file_cut_short_and_closed_is_damaged_by_so_many_rows(kind: str, share: float) -> None:
    data = encoded(kind)
    found = missing(data[: int(share * len(data))] + b"\xff\xd9")
    assert found is not None
    if kind != "progressive":  # There, what is missing is detail.
        picture = np.asarray(decode(data[: int(share * len(data))] + b"\xff\xd9"))
        assert found == pytest.approx(1 - share, abs=0.2)
        assert picture.shape == (500, 741, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_and_not_closed_is_unreadable(kind: str) -> None:
    data = encoded(kind)
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(UnreadableImageError, match="truncated"):
            decode(data[: int(share * len(data))])


def damaged(data: bytes, how: str, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) // 4, 3 * len(data) // 4)
    if how == "lost":
        return data[:at] + data[at + 64 :]
    if how == "zeroed":
        return data[:at] + bytes(100) + data[at + 100 :]
    flipped = bytearray(data)
    for _ in range(30):
        flipped[rng.randrange(len(data) // 4, len(data) - 2)] ^= 1 << rng.randrange(8)
    return bytes(flipped)


@pytest.mark.parametrize(
    ("how", "side", "least"),
    # Of large photographs all are noticed; of small ones one in four loses 64 bytes unnoticed.
    [
        ("lost", 0, 26),
        ("zeroed", 0, 22),
        ("flipped", 0, 38),
        ("lost", 3000, 8),
        ("zeroed", 3000, 8),
    ],
)
def test_lost_data_inside_a_scan_are_noticed(how: str, side: int, least: int) -> None:
    rng = random.Random(1)
    picture = photograph().resize((side, side * 2 // 3)) if side else photograph()
    data = encoded("baseline", picture=picture)
    tries = 8 if side else 40
    assert sum(is_noticed(damaged(data, how, rng)) for _ in range(tries)) >= least


def test_no_false_alarms() -> None:
    for path in sample_paths():
        picture = decode(path)
        assert integrity.KEY not in picture.info, path
        for kind in KINDS:
            assert missing(encoded(kind, 75, picture)) is None, (path, kind)


def test_horizons_and_captions_are_no_seams() -> None:
    pixels = np.asarray(photograph()).copy()
    pixels[320:] = pixels[320:] // 2 + 100  # At the border of a row of units.
    pixels[160:176, :370] = 230
    assert missing(encoded("baseline", 90, Image.fromarray(pixels))) is None


def test_a_jump_of_brightness_from_one_unit_on_is_a_seam() -> None:
    pixels = np.asarray(photograph()).astype(np.int16)
    flat = pixels[:496, :736].reshape(31, 16, 46, 16, 3).swapaxes(1, 2).reshape(-1, 16, 16, 3)
    flat[15 * 46 + 20 :] += 25
    shifted = flat.reshape(31, 46, 16, 16, 3).swapaxes(1, 2).reshape(496, 736, 3)
    picture = Image.fromarray(np.clip(shifted, 0, 255).astype(np.uint8))
    assert missing(encoded("baseline", 90, picture)) == 0.0


def test_a_thousand_scans_are_refused() -> None:
    data = encoded("progressive")
    last = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[last:-2] * 1000 + data[-2:]
    with pytest.raises(UnreadableImageError, match="scans, at most 100"):
        decode(bomb)


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_png_with_a_wrong_checksum_is_damaged() -> None:
    data = bytearray(png(photograph()))
    assert missing(bytes(data)) is None
    at = data.index(b"IDAT") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    data[at + 8 + length] ^= 1
    assert missing(bytes(data)) == 0.0


def test_a_heic_cut_short_is_damaged_or_unreadable(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    file = io.BytesIO()
    photograph().save(file, "HEIF", quality=80)
    data = file.getvalue()
    assert missing(data) is None
    assert not integrity.is_heif_damaged(io.BytesIO(data))
    for share in (0.5, 0.9, 0.99):
        cut = data[: int(share * len(data))]
        assert integrity.is_heif_damaged(io.BytesIO(cut))
        assert is_noticed(cut)


def test_a_decoded_picture_keeps_its_damage() -> None:
    data = encoded("baseline")
    first = decode(data[: len(data) // 2] + b"\xff\xd9")
    assert decode(first).info[integrity.KEY] == first.info[integrity.KEY]


def test_pictures_of_one_column_are_bounded() -> None:
    file = io.BytesIO()
    Image.new("1", (1, MAX_SIDE + 1)).save(file, "PNG")
    with pytest.raises(UnreadableImageError, match=str(MAX_SIDE)):
        decode(file.getvalue())


@pytest.mark.slow
def test_pillows_own_limit_yields_to_ours() -> None:
    limit = Image.MAX_IMAGE_PIXELS
    file = io.BytesIO()
    Image.new("1", (14_000, 13_500)).save(file, "TIFF", compression="group4")
    assert decode(file.getvalue()).size == (14_000, 13_500)
    with pytest.raises(UnreadableImageError, match="189 megapixels"):
        decode(file.getvalue(), max_pixels=188_000_000)
    assert limit == Image.MAX_IMAGE_PIXELS
