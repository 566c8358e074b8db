"""The sample photographs: what their README says of them is so."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from convert.distortions.distort import distort
from edgeiqa.assets import sample_paths
from scripts.docs.make_samples import QUALITY, ROOT, SPOILT

FOLDER = ROOT / "edgeiqa" / "assets" / "samples"
NAMES = [path.stem for path in sample_paths()]


def read(name: str) -> np.ndarray:
    with Image.open(FOLDER / f"{name}.jpg") as picture:
        assert picture.format == "JPEG"
        assert picture.mode == "RGB"
        return np.array(picture)


def test_readme_lists_each_photograph_and_no_other() -> None:
    listed = re.findall(r"^\| `([\w-]+)\.jpg`", (FOLDER / "README.md").read_text("utf-8"), re.M)
    assert sorted(listed) == sorted(NAMES)


def test_all_together_are_small() -> None:
    assert sum(path.stat().st_size for path in sample_paths()) < 1_200_000


def test_plain_names_are_sound_and_hyphens_mark_the_spoilt() -> None:
    assert {name for name in NAMES if "-" in name} == set(SPOILT)
    assert {source for source, *_ in SPOILT.values()} <= set(NAMES)


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_ones_are_made_as_the_script_says(name: str) -> None:
    source, kind, level, seed = SPOILT[name]
    expected = distort(read(source), kind, level, seed=seed)
    coded = io.BytesIO()
    Image.fromarray(expected).save(coded, "JPEG", quality=QUALITY)
    with Image.open(coded) as picture:
        recoded = np.array(picture).astype(float)
    # Another libjpeg or FFT may round one or the other value differently.
    assert np.sqrt(np.mean((read(name) - recoded) ** 2)) < 0.5
