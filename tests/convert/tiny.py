"""A tiny stand-in for BIQ2021 in its official layout, made from scikit-image's photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from skimage import data

from convert.distortions.distort import distort

SIDE = 96
TRAIN = {"ss01": 60, "ss02": 16, "ss03": 44}
TEST = {"ss01": 6, "ss02": 4, "ss03": 8}


def make_biq2021(root: Path, seed: int = 0) -> Path:
    """Writes ``BIQ2021/`` below ``root``: pictures whose MOS falls as they get darker.

    Among the traps of the release are two empty trailing columns, a blank line, a picture stored
    under another capitalisation than its label, and one that EXIF turns by a quarter.
    """
    base = root / "BIQ2021"
    (base / "Images").mkdir(parents=True)
    scenes = [data.astronaut(), data.coffee(), data.chelsea()]
    generator = np.random.default_rng(seed)
    number = 0
    tables: dict[str, list[str]] = {"Train": [], "Test": []}
    for table, counts in (("Train", TRAIN), ("Test", TEST)):
        for subset, count in counts.items():
            for _ in range(count):
                number += 1
                scene = scenes[int(generator.integers(len(scenes)))]
                side = int(generator.integers(180, 280))
                top = int(generator.integers(scene.shape[0] - side))
                left = int(generator.integers(scene.shape[1] - side))
                crop = Image.fromarray(scene[top : top + side, left : left + side])
                picture = np.asarray(crop.resize((SIDE, SIDE)))
                strength = float(generator.uniform(0.0, 1.0)) if subset == "ss01" else 0.1
                strength = 0.0 if subset == "ss03" else strength
                # Darkness is what even a hardly trained network notices.
                picture = distort(picture, "under_exposure", strength=strength, seed=number)
                mos = 0.85 - 0.7 * strength + float(generator.normal(0, 0.02))
                name = f"{subset} ({number}).jpg"
                stored = name.replace(".jpg", ".JPG") if number == 5 else name
                exif = Image.Exif()
                if number == 3:
                    exif[ExifTags.Base.Orientation] = 6  # lies on its side, as 250 of ss01 do
                image = Image.fromarray(picture)
                image.save(base / "Images" / stored, "JPEG", quality=95, exif=exif)
                extra = ",," if table == "Train" else ""
                tables[table].append(f"{name},{min(max(mos, 0), 1):.4f}{extra}")
    for table, lines in tables.items():
        header = "Image Name,MOS" + (",," if table == "Train" else "")
        text = "\n".join([header, *lines, ""]) + "\n"
        (base / f"{table} (Images and MOS).csv").write_text(text, encoding="utf-8")
    return root
