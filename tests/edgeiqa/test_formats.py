"""What photo libraries hold, scored by the command from a folder, as people do."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

import edgeiqa
from edgeiqa import Scorer
from edgeiqa.assets import sample_paths
from edgeiqa.causes import CAUSES
from edgeiqa.imaging.decode import decode
from tests.edgeiqa.pictures import saved
from tests.edgeiqa.rawfiles import dng

ROOT = Path(edgeiqa.__file__).parent.parent
LOSSY_POINTS = 6.0
"""Codecs change a score a little; a picture that lies on its side, or is inverted, far more."""


def sample() -> Image.Image:
    path = next(p for p in sample_paths() if p.name == "chelsea.jpg")
    with Image.open(path) as image:
        return image.convert("RGB")


def turned(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The file of the picture lying on its side, with an orientation that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = image.transpose(Image.Transpose.ROTATE_90)
    return saved(lying, file_format, exif=exif.tobytes(), **options)


def wide(image: Image.Image) -> bytes:
    return saved(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) << 8), "PNG")


def layered(image: Image.Image, file_format: str) -> bytes:
    black = Image.new("RGB", image.size)
    return saved(image, file_format, save_all=True, append_images=[black])


def clear_rim(image: Image.Image) -> bytes:
    """With alpha, opaque."""
    return saved(image.convert("RGBA"), "PNG")


def raw(image: Image.Image) -> bytes | None:
    if importlib.util.find_spec("rawpy") is None:
        return None
    lying = image.transpose(Image.Transpose.ROTATE_90)
    jpeg = saved(lying, "JPEG", quality=95)
    return dng(jpeg, lying.size, orientation=6, raw_size=(64, 96))


def heic(image: Image.Image) -> bytes | None:
    try:
        import pillow_heif as heif
    except ImportError:
        return None
    before = dict(Image.SAVE)
    heif.register_heif_opener()
    try:
        return turned(image, "HEIF", quality=95)
    finally:
        # As a user has it, who registers nothing.
        for registry in (Image.OPEN, Image.SAVE):
            for name in {"HEIF", "HEIC"} - set(before):
                registry.pop(name, None)


def avif(image: Image.Image) -> bytes | None:
    if not features.check("avif"):
        return None
    return turned(image, "AVIF", quality=95)


Make = Callable[[Image.Image], bytes | None]
FILES: dict[str, tuple[Make, Callable[[Image.Image], Image.Image]]] = {
    "a.png": (lambda i: saved(i, "PNG"), lambda i: i),
    "alpha.png": (clear_rim, lambda i: i),
    "gray16.png": (wide, lambda i: i.convert("L").convert("RGB")),
    "turned.jpg": (lambda i: turned(i, "JPEG", quality=95), lambda i: i),
    "turned.webp": (lambda i: turned(i, "WEBP", quality=95), lambda i: i),
    "turned.tif": (lambda i: turned(i, "TIFF"), lambda i: i),
    "pages.tiff": (lambda i: layered(i, "TIFF"), lambda i: i),
    "moving.webp": (lambda i: layered(i, "WEBP"), lambda i: i),
    "moving.gif": (lambda i: layered(i, "GIF"), lambda i: i),
    "palette.png": (lambda i: saved(i.quantize(256), "PNG"), lambda i: i.quantize(256)),
    "cmyk.jpg": (lambda i: saved(i.convert("CMYK"), "JPEG", quality=95), lambda i: i),
    "cmyk.tif": (lambda i: saved(i.convert("CMYK"), "TIFF"), lambda i: i),
    "phone.heic": (heic, lambda i: i),
    "phone.avif": (avif, lambda i: i),
    "camera.dng": (raw, lambda i: i),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, image = tmp_path_factory.mktemp("library"), sample()
    for name, (make, _) in FILES.items():
        data = make(image)
        if data is not None:
            (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Per mode and name the row."""
    told = {}
    for mode, words in (("exact", []), ("quick", ["--quick"])):
        command = [sys.executable, "-m", "edgeiqa", "score", str(folder), "--model", "nano"]
        done = subprocess.run(
            [*command, "--format", "jsonl", *words],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        rows = map(json.loads, done.stdout.splitlines())
        told[mode] = {Path(row["path"]).name: row for row in rows}
    return told


@pytest.mark.parametrize("name", FILES)
def test_it_scores_as_the_picture_in_it(
    name: str, folder: Path, told: dict[str, dict[str, dict[str, Any]]]
) -> None:
    if not (folder / name).exists():
        pytest.skip("what writes it is not installed")
    exact, quick = (told[mode][name] for mode in ("exact", "quick"))
    expected = FILES[name][1](sample()).convert("RGB")
    score = Scorer("nano", causes=False).score(expected).score
    assert exact["score"] == pytest.approx(score, abs=LOSSY_POINTS)
    assert quick["score"] == pytest.approx(exact["score"], abs=2.0)
    assert tuple(exact["causes"]) == CAUSES
    assert list(quick["causes"]) == ["dark", "bright", "low_contrast"]
    assert ("mode" in exact, quick["mode"]) == (False, "quick")
    # Upright: turned once, not never and not twice.
    seen = decode(folder / name)
    assert seen.size == expected.size
    apart = np.abs(np.asarray(seen, np.int16) - np.asarray(expected, np.int16)).mean()
    assert apart < 8


def test_without_pillow_heif_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 64)
    code = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from edgeiqa.cli.main import main\nsys.exit(main(['score', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 3
    assert 'pip install "edgeiqa[heif]"' in done.stdout
