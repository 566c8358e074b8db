"""Bad and awkward input: a picture where one can be had, else one clear error."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngImageFile

from edgeiqa.assets import sample_paths
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging import alpha
from edgeiqa.imaging import decode as decoding
from edgeiqa.imaging.decode import decode, decode_small
from tests.edgeiqa.pictures import bomb, gray16, photograph, png, saved, with_orientation


def pixels(image: Image.Image) -> np.ndarray:
    assert image.mode == "RGB"
    return np.asarray(image)


def test_path_bytes_stream_and_pil_give_the_same_pixels(tmp_path: Path) -> None:
    source = sample_paths()[0]
    data = source.read_bytes()
    expected = pixels(Image.open(source).convert("RGB"))
    for form in (source, str(source), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        np.testing.assert_array_equal(pixels(decode(form)), expected)
    with Image.open(source) as image:
        np.testing.assert_array_equal(pixels(decode(image)), expected)
    with source.open("rb") as stream:
        np.testing.assert_array_equal(pixels(decode(stream)), expected)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured_once(orientation: int, file_format: str) -> None:
    stored = photograph().resize((90, 60))
    data = with_orientation(stored, orientation, file_format)
    with Image.open(io.BytesIO(data)) as image:
        expected = pixels(ImageOps.exif_transpose(image).convert("RGB"))
    upright = decode(data)
    assert upright.size == ((60, 90) if orientation >= 5 else (90, 60))
    np.testing.assert_array_equal(pixels(upright), expected)
    # What decode returned is upright; decoding it once more must not turn it again.
    np.testing.assert_array_equal(pixels(decode(upright)), expected)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(pixels(decode(image)), expected)
        # Pillow itself turns TIFF upright; for all others the picture is left as it was.
        assert file_format == "TIFF" or image.getexif()[0x0112] == orientation


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    image = photograph()
    np.testing.assert_array_equal(
        pixels(decode(with_orientation(image, orientation))), pixels(image)
    )


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_cost_the_picture() -> None:
    data = saved(photograph(), "JPEG")
    broken = b"\xff\xe1\x00\x20Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12" + b"\xff" * 12
    np.testing.assert_array_equal(
        pixels(decode(data[:2] + broken + data[2:])), pixels(decode(data))
    )


def test_16_bits_lose_their_lower_8() -> None:
    wide = gray16()
    expected = np.repeat((wide >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    for data in (
        saved(Image.fromarray(wide), "PNG"),
        saved(Image.fromarray(wide), "TIFF"),
        saved(Image.fromarray(wide.astype(">u2")), "TIFF"),
        saved(Image.fromarray(wide.astype(np.int32)), "TIFF"),
    ):
        np.testing.assert_array_equal(pixels(decode(data)), expected)
    rgb = np.repeat(wide[:, :, None], 3, axis=2).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in rgb)
    np.testing.assert_array_equal(pixels(decode(png(90, 60, depth=16, color=2, raw=raw))), expected)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4), "floating-point"),
        (np.full((3, 4), 70_000, np.int32), "32-bit pixels from 70000 to 70000"),
        (np.full((3, 4), -1, np.int32), "32-bit pixels from -1"),
    ],
)
def test_pixels_without_a_fixed_range_are_refused(values: np.ndarray, words: str) -> None:
    with pytest.raises(UnreadableImageError, match=words):
        decode(saved(Image.fromarray(values), "TIFF"))


def test_palette_gray_bilevel_and_cmyk_become_rgb() -> None:
    image = photograph()
    for other, file_format in (
        (image.convert("P"), "PNG"),
        (image.convert("L"), "PNG"),
        (image.convert("1"), "PNG"),
        (image.convert("CMYK"), "TIFF"),
    ):
        np.testing.assert_array_equal(
            pixels(decode(saved(other, file_format))), pixels(other.convert("RGB"))
        )
    # Through JPEG, CMYK is lossy, and inverted as Adobe has it: it must look alike at least.
    jpeg = pixels(decode(saved(image.convert("CMYK"), "JPEG", quality=95)))
    assert np.abs(jpeg.astype(int) - pixels(image)).mean() < 4


def test_alpha_is_composited_over_white() -> None:
    image = photograph()
    clear = image.convert("RGBA")
    clear.putalpha(0)
    assert (pixels(decode(saved(clear, "PNG"))) == 255).all()
    half = image.convert("RGBA")
    half.putalpha(128)
    expected = np.round(pixels(image) * (128 / 255) + 255 * (127 / 255))
    np.testing.assert_array_equal(pixels(decode(saved(half, "PNG"))), expected)
    gray = image.convert("LA")
    gray.putalpha(0)
    assert (pixels(decode(saved(gray, "PNG"))) == 255).all()


def test_a_transparent_colour_becomes_white() -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    for image, transparent in (
        (palette, 1),
        (Image.new("L", (4, 4), 7), 7),
        (Image.new("RGB", (4, 4), (1, 2, 3)), (1, 2, 3)),
    ):
        data = saved(image, "PNG", transparency=transparent)
        assert (pixels(decode(data)) == 255).all(), image.mode


def awkward() -> list[Image.Image]:
    """One picture of each kind that is converted piece by piece."""
    image = photograph()
    ramp = Image.linear_gradient("L").resize(image.size)
    rgba, gray, palette = image.convert("RGBA"), image.convert("LA"), image.convert("P")
    rgba.putalpha(ramp)
    gray.putalpha(ramp)
    one, many, color = palette.copy(), palette.copy(), image.copy()
    one.info["transparency"] = 5
    many.info["transparency"] = bytes(range(256))
    color.info["transparency"] = image.getpixel((40, 30))
    wide = Image.fromarray(gray16())
    wider = Image.fromarray(gray16().astype(np.int32))
    return [rgba, gray, rgba.convert("RGBa"), gray.convert("La"), one, many, color, wide, wider]


def test_the_pieces_of_a_conversion_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [pixels(decode(image)) for image in awkward()]
    for image, expected in zip(awkward()[:7], whole, strict=False):
        straight = image.convert("LA") if image.mode == "La" else image
        rgba = np.asarray(straight.convert("RGBA"))
        np.testing.assert_array_equal(alpha.over_white(rgba), expected, image.mode)
    for most in (7, 90, 1000):  # Pieces of a row, rows, bands of rows.
        monkeypatch.setattr(alpha, "_TILE_PIXELS", most)
        for image, expected in zip(awkward(), whole, strict=True):
            np.testing.assert_array_equal(pixels(decode(image)), expected, image.mode)


_PEAK = """
import sys
from edgeiqa.imaging.decode import decode
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
decode(sys.argv[1])
before = peak()
image = decode(sys.argv[2])
print((peak() - before) / (image.width * image.height))
"""


def _knows_its_peak() -> bool:
    status = Path("/proc/self/status")
    return status.exists() and "VmHWM" in status.read_text(errors="replace")


@pytest.mark.skipif(not _knows_its_peak(), reason="needs the peak memory as Linux tells it")
@pytest.mark.parametrize(
    ("mode", "orientation", "most"), [("RGB", 1, 4), ("RGB", 6, 8), ("RGBA", 1, 8), ("RGBA", 6, 8)]
)
def test_bytes_per_pixel_are_what_the_documentation_says(
    mode: str, orientation: int, most: int, tmp_path: Path
) -> None:
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    for path, size in zip(paths, [(30, 20), (4000, 3000)], strict=True):
        image = Image.new(mode, size, (10, 20, 30, 40)[: len(mode)])
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(path, exif=exif, compress_level=1)
    command = [sys.executable, "-c", _PEAK, *map(str, paths)]
    root = Path(decoding.__file__).parents[2]
    got = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=120)
    assert got.returncode == 0, got.stderr
    # Some megabytes for buffers: less than one byte for each of 12 million pixels.
    assert most - 0.5 < float(got.stdout) < most + 1


def test_premultiplied_pil_pictures_are_understood() -> None:
    half = photograph().convert("RGBA")
    half.putalpha(200)
    straight = pixels(decode(half)).astype(int)
    # Multiplying and dividing 8-bit numbers costs a step or two.
    assert np.abs(pixels(decode(half.convert("RGBa"))) - straight).max() <= 2
    gray = half.convert("LA")
    assert np.abs(pixels(decode(gray.convert("La"))) - pixels(decode(gray)).astype(int)).max() <= 2


@pytest.mark.parametrize(
    ("file_format", "lossless"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})]
)
def test_of_an_animation_the_first_frame_is_taken(
    file_format: str, lossless: dict[str, object]
) -> None:
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "lime", "blue")]
    data = saved(frames[0], file_format, save_all=True, append_images=frames[1:], **lossless)
    assert (pixels(decode(data)) == (255, 0, 0)).all()
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)  # Whoever hands over a PIL picture has chosen the frame.
        assert (pixels(decode(image)) == (0, 255, 0)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (20_000, 10), (10, 20_000)])
def test_any_aspect_ratio_is_a_picture(size: tuple[int, int]) -> None:
    assert decode(saved(Image.new("RGB", size, "teal"), "PNG")).size == size


def test_a_pil_picture_is_left_as_it_is() -> None:
    image = photograph()
    image.info["comment"] = "kept"
    assert decode(image) is image
    assert image.info["comment"] == "kept"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty, 0 bytes"),
        (b"hello, this is text\n", "not a picture"),
        (b"\xff\xd8\xff", "damaged or truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (png(100, 100), "damaged or truncated"),
        (png(0, 10), "damaged or truncated|nothing to see"),
        (bomb(), "60000x60000 pixels are 3600 megapixels, more than the limit of 200"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "HEIC|damaged or truncated"),
    ],
)
def test_what_is_no_picture_says_so_in_one_line(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=words) as from_bytes:
        decode(data)
    assert from_bytes.value.path is None
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match=words) as from_path:
        decode(path)
    assert from_path.value.reason == from_bytes.value.reason
    assert str(from_path.value) == f"{path}: {from_path.value.reason}"
    assert "\n" not in str(from_path.value)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7])
def test_a_truncated_file_is_an_error(file_format: str, kept: float) -> None:
    data = saved(photograph(), file_format)
    with pytest.raises(UnreadableImageError):
        decode(data[: int(len(data) * kept)])


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_bytes_never_raise_anything_else(file_format: str) -> None:
    data = np.frombuffer(saved(photograph(), file_format), np.uint8)
    rng = np.random.default_rng(1)
    for _ in range(60):
        broken = data.copy()
        broken[rng.integers(0, len(data), 12)] = rng.integers(0, 256, 12)
        with contextlib.suppress(UnreadableImageError):
            assert decode(broken.tobytes(), max_pixels=10**6).mode == "RGB"


def test_a_folder_and_a_missing_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="a folder, not a picture"):
        decode(tmp_path)
    with pytest.raises(UnreadableImageError, match="no such file"):
        decode(tmp_path / "missing.jpg")
    with pytest.raises(UnreadableImageError, match="no such file"):
        decode("")
    with pytest.raises(UnreadableImageError, match="not a valid path"):
        decode("with\0zero.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_and_a_device_is_not(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = saved(photograph(), "PNG")
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    np.testing.assert_array_equal(pixels(decode(path)), pixels(photograph()))
    writer.join()
    with pytest.raises(UnreadableImageError, match="not a regular file"):
        decode("/dev/zero")


def test_the_pixel_limit_is_ours_and_pillows_settings_stay(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    data = saved(photograph(), "PNG")
    image = photograph()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert decode(data).size == (90, 60)  # Pillow's own limit does not count,
    assert Image.MAX_IMAGE_PIXELS == 1000  # and is not touched.
    assert not recwarn.list
    with pytest.raises(UnreadableImageError, match=r"90x60 .* more than the limit of 0\.005"):
        decode(data, max_pixels=5000)
    with pytest.raises(UnreadableImageError, match="90x60"):
        decode(image, max_pixels=5399)
    assert decode(image, max_pixels=5400).size == (90, 60)


def test_the_size_is_refused_before_pixels_are_decoded() -> None:
    # It has no pixel data at all: decoding would say "truncated".
    with pytest.raises(UnreadableImageError, match="megapixels"):
        decode(bomb())


def test_a_small_copy_of_a_bomb_is_refused_before_its_metadata_is_sought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pillow decodes a PNG whole where it looks for EXIF in vain.
    monkeypatch.setattr(PngImageFile, "load", lambda image: pytest.fail("was decoded"))
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb())
    with pytest.raises(UnreadableImageError, match="megapixels"):
        decode_small(path, 64)


def test_what_is_sought_before_the_start_is_an_error_in_bytes_too(tmp_path: Path) -> None:
    # A PCX whose palette would lie there; io.BytesIO would read the header as one.
    data = saved(photograph().convert("P").resize((4, 4)), "PCX")[:200]
    path = tmp_path / "short.pcx"
    path.write_bytes(data)
    reasons = []
    for source in (path, data, io.BytesIO(data)):
        with pytest.raises(UnreadableImageError) as caught:
            decode(source)
        reasons.append(caught.value.reason)
    assert all(reason.startswith("damaged or truncated") for reason in reasons)


def test_streams_are_bounded_and_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_STREAM_BYTES", 100)
    with pytest.raises(UnreadableImageError, match="more than"):
        decode(io.BytesIO(b"x" * 101))
    with pytest.raises(UnreadableImageError, match="text stream"):
        decode(io.StringIO("x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [None, 5, ["a.jpg"], np.zeros((4, 4, 3), np.uint8)])
def test_anything_else_is_a_type_error(source: object) -> None:
    with pytest.raises(TypeError, match="expected a path"):
        decode(source)  # type: ignore[arg-type]


def test_the_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(UnreadableImageError("empty", "a.jpg")))
    assert (error.reason, error.path, str(error)) == ("empty", "a.jpg", "a.jpg: empty")
