"""Files that are small and claim, or hold, very much."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from edgeiqa.imaging.decode import MAX_PIXELS
from tests.edgeiqa.pictures import bomb, photograph, saved
from tests.faults.conftest import Fault
from tests.faults.running import Done, in_order, needs_linux, run

pytestmark = needs_linux
NANO = ("--model", "nano")
BASE_MB = 260
"""What the command takes without a picture, generously."""


def scored(path: Path, *, command: str = "score") -> tuple[dict, Done]:
    if command == "pick":
        done = run("pick", path.parent, *NANO, "--format", "json")
    else:
        done = run("score", path, *NANO, "--format", "json")
    assert done.code in (0, 3), done.err
    assert "Traceback" not in done.err
    (row,) = json.loads(done.out)
    return row, done


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(kind: bytes, body: bytes) -> bytes:
    """A small PNG with one more chunk behind its header."""
    data = saved(photograph(), "PNG")
    return data[:33] + chunk(kind, body) + data[33:]


def _with(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]


def gif_claim() -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6) + frame


def tiff_claim(width: int = 1 << 20, height: int = 1 << 20) -> bytes:
    values: tuple[tuple[int, int, int], ...] = (
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
    )
    values += ((273, 4, 200), (277, 3, 1), (278, 4, height), (279, 4, 100))
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in values)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(values)) + entries + bytes(104)


def webp_claim() -> bytes:
    size = (1 << 24) - 1
    body = b"VP8X" + struct.pack("<II", 10, 0x10) + size.to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def looping_tiff() -> bytes:
    """A page whose next page is itself, and an EXIF directory that is its own."""
    values: tuple[tuple[int, int, int, int], ...] = (
        (256, 4, 1, 8),
        (257, 4, 1, 8),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
    )
    values += ((273, 4, 1, 300), (277, 3, 1, 1), (278, 4, 1, 8), (279, 4, 1, 64))
    values += ((330, 4, 1, 8), (34665, 4, 1, 8))
    entries = b"".join(struct.pack("<HHII", *value) for value in values)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(values)) + entries + struct.pack("<I", 8)
    return head.ljust(300, b"\0") + bytes(range(64))


CLAIMS: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb.png": (bomb, "more than the limit"),
    "bomb.gif": (gif_claim, "more than the limit"),
    "bomb.tif": (tiff_claim, "more than the limit"),
    "bomb.webp": (webp_claim, ""),
    "bomb.bmp": (
        lambda: _with(saved(photograph(), "BMP"), 18, struct.pack("<ii", 1 << 20, 1 << 20)),
        "more than the limit",
    ),
    "bomb.jpg": (
        lambda: saved(photograph(), "JPEG").replace(
            b"\0\x11\x08\0\x3c\0\x5a", b"\0\x11\x08\xff\xff\xff\xff"
        ),
        "more than the limit",
    ),
    "bomb.jp2": (
        lambda: saved(photograph(), "JPEG2000").replace(
            struct.pack(">II", 60, 90), struct.pack(">II", 0x7FFFFFF, 0x7FFFFFF)
        ),
        "more than the limit",
    ),
    "bomb.ppm": (lambda: b"P6 999999 999999 255\n", "more than the limit"),
    "bomb.qoi": (
        lambda: b"qoif" + struct.pack(">IIBB", 1 << 30, 1 << 30, 3, 0),
        "more than the limit",
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_enormous_claims_are_refused_at_once(name: str, tmp_path: Path, fault: Fault) -> None:
    make, words = CLAIMS[name]
    path = tmp_path / name
    path.write_bytes(make())
    assert path.stat().st_size < 20_000
    for command in ("score", "pick"):
        row, done = scored(path, command=command)
        assert words in row["error"], row
        assert done.rss_mb < BASE_MB
    fault(
        f"{path.stat().st_size} bytes that claim an enormous picture ({path.suffix[1:].upper()})",
        "refused before a pixel is decoded, by `score` and `pick`",
        3,
        rss_mb=round(done.rss_mb),
    )


HIDDEN: dict[str, Callable[[], bytes]] = {
    "compressed text": lambda: with_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(300 << 20), 9)),
    "compressed international text": lambda: with_chunk(
        b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(300 << 20), 9)
    ),
    "colour profile": lambda: with_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(300 << 20), 9)),
    "EXIF": lambda: with_chunk(b"eXIf", looping_tiff()),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_hides_in_metadata_is_not_unpacked(kind: str, tmp_path: Path, fault: Fault) -> None:
    path = tmp_path / "hidden.png"
    path.write_bytes(HIDDEN[kind]())
    row, done = scored(path)
    assert done.rss_mb < BASE_MB
    assert (row["error"] is None) != (row["score"] is None)
    happens = "scored" if row["error"] is None else "that picture's error"
    what = "directories in a circle" if kind == "EXIF" else "300 MB"
    fault(f"{what} in the {kind} of a PNG", happens, done.code, rss_mb=round(done.rss_mb))


def test_directories_in_a_circle(tmp_path: Path, fault: Fault) -> None:
    path = tmp_path / "circle.tif"
    path.write_bytes(looping_tiff())
    for command in ("score", "pick"):
        row, done = scored(path, command=command)
        assert row["score"] is not None, row
        assert done.seconds < 60
    nested = tmp_path / "nested" / "deep.tif"
    nested.parent.mkdir()
    data = bytearray(looping_tiff())
    for level in range(5000):  # Each EXIF directory points at another one.
        start = len(data)
        data += struct.pack("<HHHII", 1, 34665, 4, 1, start + 18) + struct.pack("<I", start + 18)
        if level == 0:
            data[10 + 10 * 12 + 8 : 10 + 10 * 12 + 12] = struct.pack("<I", start)
    nested.write_bytes(bytes(data))
    row, _ = scored(nested, command="pick")
    assert row["score"] is not None, row
    fault("TIFF whose directories point at themselves, or 5,000 deep", "scored", 0)


def test_a_million_frames_cost_as_much_as_one(tmp_path: Path, fault: Fault) -> None:
    photo = photograph().convert("P")
    one = saved(photo, "GIF")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    gif = tmp_path / "many.gif"
    gif.write_bytes(one[:-1] + frame * 1_000_000 + b";")
    page = 110  # Bytes of a directory of eight entries and what leads to the next.
    tiff = tmp_path / "many.tif"
    data = bytearray(tiff_claim(8, 8))
    assert len(data) > page
    struct.pack_into("<I", data, 8 + 2 + 9 * 12, len(data))
    pages = bytearray()
    for _ in range(1_000_000):
        at = len(data) + len(pages)
        entry = struct.pack("<HHII", 256, 4, 1, 8)
        pages += struct.pack("<H", 1) + entry + struct.pack("<I", at + 18)
    tiff.write_bytes(bytes(data) + bytes(pages))
    photo = photograph()
    apng = tmp_path / "many.png"
    data = bytearray(saved(photo, "PNG"))
    control = chunk(b"acTL", struct.pack(">II", 1_000_000, 0))
    first = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 90, 60, 0, 0, 1, 10, 0, 0))
    more = b"".join(
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1 + index, 1, 1, 0, 0, 1, 10, 0, 0))
        for index in range(200_000)
    )
    apng.write_bytes(bytes(data[:33]) + control + first + bytes(data[33:-12]) + more + data[-12:])
    done = in_order(run("score", gif, tiff, apng, *NANO, "--format", "json"), 0)
    assert done.rss_mb < BASE_MB
    fault(
        "GIF, TIFF and animated PNG of a million (PNG: 200,000) frames",
        "the first is scored",
        0,
        seconds=round(done.seconds, 1),
        rss_mb=round(done.rss_mb),
    )


@pytest.mark.slow
def test_a_real_picture_near_the_limit_keeps_to_the_documented_memory(
    tmp_path: Path, fault: Fault
) -> None:
    width, height = 13_800, 13_800  # 190 megapixels.
    assert 0.95 * MAX_PIXELS < width * height < MAX_PIXELS
    path = tmp_path / "large.png"
    tile = photograph().resize((100, 100)).tobytes()
    rows = [b"\0" + tile[300 * y : 300 * y + 300] * (width // 100) for y in range(100)]
    pack = zlib.compressobj(6)
    body = b"".join(pack.compress(b"".join(rows)) for _ in range(height // 100)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    whole = [chunk(b"IHDR", header), chunk(b"IDAT", body), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(whole))
    row, done = scored(path)
    assert row["score"] is not None, row
    megabytes = width * height * 4 / (1 << 20)
    assert done.rss_mb < megabytes + BASE_MB
    turned = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    data = path.read_bytes()
    turned.write_bytes(data[:33] + chunk(b"eXIf", exif.tobytes()[6:]) + data[33:])
    row, upright = scored(turned)
    assert row["score"] is not None, row
    assert upright.rss_mb < 2 * megabytes + BASE_MB
    fault(
        f"a real PNG of 190 megapixels in {path.stat().st_size / 1e6:.1f} MB, as it is and turned",
        "scored; 4 bytes per pixel, 8 where it has to be turned, as documented",
        0,
        rss_mb=round(done.rss_mb),
        rss_turned_mb=round(upright.rss_mb),
    )
