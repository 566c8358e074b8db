"""Draws docs/images/map.jpg: a half-blurred photograph beside the quality map that finds the half.

Usage: python scripts/docs/map_picture.py [--photo FILE] [--model NAME_OR_FILE] [--output FILE]

The right half of a sample photograph is put out of focus by `convert/distortions/distort.py`; what
is shown is what `edgeiqa score --map` draws.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from convert.distortions.distort import RgbArray, distort  # noqa: E402

WIDTH = 960
KIND, LEVEL = "defocus", 3


def half_spoilt(rgb: RgbArray) -> RgbArray:
    """The right half out of focus, the left one as it was.

    Args:
        rgb: uint8 (height, width, 3) RGB.
    """
    spoilt = distort(rgb, KIND, LEVEL)
    middle = rgb.shape[1] // 2
    return np.concatenate([rgb[:, :middle], spoilt[:, middle:]], axis=1)


def map_of(rgb: RgbArray, model: str) -> Image.Image:
    """What `edgeiqa score --map` draws for a picture.

    Args:
        rgb: uint8 (height, width, 3) RGB.
        model: A shipped model's name or a file.

    Raises:
        RuntimeError: The command failed.
    """
    from edgeiqa.cli.main import main as edgeiqa

    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        Image.fromarray(rgb).save(photo)
        scores = str(Path(folder) / "scores.json")
        words = ["score", str(photo), "--map", folder, "--model", model, "--output", scores]
        code = edgeiqa([*words, "--no-progress"])
        if code != 0:
            raise RuntimeError(f"edgeiqa score --map ended with exit code {code}")
        with Image.open(photo.with_name("photo.png.map.png")) as drawn:
            return drawn.convert("RGB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws the picture; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--photo",
        type=Path,
        default=ROOT / "edgeiqa" / "assets" / "samples" / "coffee.jpg",
        metavar="FILE",
    )
    parser.add_argument("--model", default="base", metavar="NAME_OR_FILE")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "images" / "map.jpg", metavar="FILE"
    )
    args = parser.parse_args(arguments)
    with Image.open(args.photo) as photo:
        rgb = np.array(photo.convert("RGB"))
    drawn = map_of(half_spoilt(rgb), args.model)
    small = drawn.resize(
        (WIDTH, round(drawn.height * WIDTH / drawn.width)), Image.Resampling.LANCZOS
    )
    args.output.parent.mkdir(parents=True, exist_ok=True)
    small.save(args.output, quality=88, optimize=True)
    print(f"{args.output}: {small.width} x {small.height}, {args.output.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
