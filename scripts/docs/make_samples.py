"""Makes edgeiqa/assets/samples/*.jpg from photographs that well-known packages bring.

Usage: python scripts/docs/make_samples.py [--raccoon FILE] [--output FOLDER]

Needs scikit-image and scikit-learn. The raccoon comes through `scipy.datasets.face`, which
downloads it once (needs pooch), or from the file `scipy/misc/face.dat` of a SciPy wheel before
1.10 (`--raccoon`). A photograph keeps its plain name; one spoilt on purpose is named
`<photograph>-<what was done>.jpg`, which is how tools distinguish them. Sources and licences are
in edgeiqa/assets/samples/README.md.
"""

from __future__ import annotations

import argparse
import bz2
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from convert.distortions.distort import RgbArray, distort  # noqa: E402

QUALITY = 92
LONGEST_SIDE = 800

# file name: (photograph, distortion, level, seed)
SPOILT = {
    "astronaut-dark": ("astronaut", "under_exposure", 4, 0),
    "chelsea-noisy": ("chelsea", "noise", 4, 0),
    "china-over-exposed": ("china", "over_exposure", 4, 0),
    "coffee-motion-blur": ("coffee", "motion_blur", 4, 2),
    "flower-compressed": ("flower", "jpeg", 5, 0),
}


def load_photographs(raccoon: Path | None) -> dict[str, RgbArray]:
    """Reads the clean photographs.

    Args:
        raccoon: SciPy's old `face.dat`, or None to download it through `scipy.datasets`.

    Returns:
        Name to uint8 (height, width, 3) RGB.
    """
    from skimage import data
    from sklearn.datasets import load_sample_image

    photographs = {
        "astronaut": data.astronaut(),
        "chelsea": data.chelsea(),
        "china": load_sample_image("china.jpg"),
        "coffee": data.coffee(),
        "flower": load_sample_image("flower.jpg"),
        "rocket": data.rocket(),
    }
    if raccoon is None:
        from scipy.datasets import face

        photographs["raccoon"] = face()
    else:
        raw = bz2.decompress(raccoon.read_bytes())
        photographs["raccoon"] = np.frombuffer(raw, np.uint8).reshape(768, 1024, 3)
    return photographs


def shrink(rgb: RgbArray) -> RgbArray:
    """Scales (height, width, 3) so that its longer side is at most 800 px; never enlarges."""
    picture = Image.fromarray(rgb)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return np.array(picture)


def save(rgb: RgbArray, folder: Path, name: str) -> None:
    """Writes `folder/name.jpg` and says so."""
    file = folder / f"{name}.jpg"
    Image.fromarray(rgb).save(file, "JPEG", quality=QUALITY, optimize=True)
    print(f"{file.name:26} {rgb.shape[1]:4} x {rgb.shape[0]:<4} {file.stat().st_size:8,} bytes")


def main() -> int:
    """Writes all samples; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--raccoon", type=Path, help="scipy/misc/face.dat of an old SciPy wheel")
    parser.add_argument("--output", type=Path, default=ROOT / "edgeiqa" / "assets" / "samples")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    names = []
    for name, rgb in load_photographs(args.raccoon).items():
        save(shrink(rgb), args.output, name)
        names.append(name)
    for name, (source, kind, level, seed) in SPOILT.items():
        # From the file just written, so that the spoilt ones can be made again without packages.
        with Image.open(args.output / f"{source}.jpg") as picture:
            save(distort(np.array(picture), kind, level, seed=seed), args.output, name)
        names.append(name)
    total = sum((args.output / f"{name}.jpg").stat().st_size for name in names)
    print(f"{len(names)} pictures, {total:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
