"""Makes docs/images/report.jpg: what the page of `edgeiqa report` looks like.

Usage: python scripts/docs/report_picture.py [--model NAME_OR_FILE] [--output FILE]

The photographs are ours: the samples, and crops and damaged copies of them. They are scored and
reported with the commands, and the page is opened in Chromium, light on the left and dark on the
right. Needs what scripts/test_tools.sh installs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.assets import sample_paths  # noqa: E402
from edgeiqa.cli.main import main as edgeiqa  # noqa: E402
from scripts.browser import Browser  # noqa: E402

WINDOW = (1380, 1000)
SEED = 0
COPIES = 4
FOLDERS = ("2024 Lisbon", "2025 Garden", "2025 Garden/macro", "Phone")


def make_album(folder: Path) -> None:
    """Writes the samples, and crops of them of which some are damaged, into a few folders."""
    random = np.random.default_rng(SEED)
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    number = 1000
    for path in sample_paths():
        with Image.open(path) as sample:
            photo = sample.convert("RGB")
        for copy in range(1 + COPIES):
            number += int(random.integers(1, 9))
            target = folder / FOLDERS[int(random.integers(len(FOLDERS)))] / f"IMG_{number}.jpg"
            picture = photo if copy == 0 else crop(photo, random)
            if copy == 1:
                picture = picture.filter(ImageFilter.GaussianBlur(float(random.uniform(1, 4))))
            picture.save(target, quality=int(random.choice((92, 92, 92, 8))) if copy == 2 else 92)
    (folder / FOLDERS[-1] / "IMG_0999.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")


def crop(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """A part of a photograph, half to nine tenths as wide."""
    share = random.uniform(0.5, 0.9)
    width, height = int(photo.width * share), int(photo.height * share)
    left = int(random.integers(0, photo.width - width + 1))
    top = int(random.integers(0, photo.height - height + 1))
    return photo.crop((left, top, left + width, top + height))


def halves(page: Path, folder: Path) -> Image.Image:
    """The page in light, with its right half in dark, RGB."""
    shots = []
    with Browser(*WINDOW) as browser:
        for scheme in ("light", "dark"):
            browser.prefer(color_scheme=scheme)
            browser.open(page)
            browser.settle()
            file = folder / f"{scheme}.png"
            browser.screenshot(file)
            with Image.open(file) as shot:
                shots.append(shot.convert("RGB"))
    light, dark = shots
    ramp = np.arange(light.width)[np.newaxis, :] - 0.62 * light.width
    slope = ramp + 0.12 * np.arange(light.height)[:, np.newaxis]
    mask = Image.fromarray((np.clip(slope + 0.5, 0, 1) * 255).astype(np.uint8))
    return Image.composite(dark, light, mask)


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the picture; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="base", metavar="NAME_OR_FILE")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "images" / "report.jpg", metavar="FILE"
    )
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "Pictures"
        make_album(folder)
        results, page = Path(name) / "results.jsonl", Path(name) / "results.html"
        words = ["score", str(folder), "--model", args.model, "--output", str(results)]
        if edgeiqa(words) not in (0, 3):
            return 2
        if edgeiqa(["report", str(results), "--title", "Pictures", "--output", str(page)]) != 0:
            return 2
        sheet = halves(page, Path(name))
    args.output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.output, quality=82, optimize=True, progressive=True)
    print(f"{args.output}: {sheet.width} x {sheet.height}, {args.output.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
