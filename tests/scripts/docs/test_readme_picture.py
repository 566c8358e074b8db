"""The README's picture shows what `edgeiqa score` says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeiqa.scorer import Scorer
from scripts.docs.readme_picture import BAD, GOOD, ROOT, draw_card, main, score_paths

SAMPLES = ROOT / "edgeiqa" / "assets" / "samples"
PHOTO = str(SAMPLES / "coffee.jpg")


def count(card: Image.Image, color: tuple[int, int, int]) -> int:
    return int((np.abs(np.array(card).astype(int) - color).max(axis=-1) < 8).sum())


def test_records_are_those_of_the_scorer() -> None:
    records = score_paths([PHOTO, str(SAMPLES / "china.jpg")], "base")
    assert [Path(record["path"]).stem for record in records] == ["china", "coffee"]
    assert records[1]["score"] == pytest.approx(Scorer().score(PHOTO).score, abs=0.006)


def test_bar_grows_with_the_score_and_color_tells_the_verdict() -> None:
    base = {"path": PHOTO, "accept": True}
    low, high = (draw_card({**base, "score": score}, 1) for score in (20, 90))
    assert count(high, GOOD) > count(low, GOOD) + 500
    rejected = draw_card({"path": PHOTO, "accept": False, "score": 20}, 1)
    assert count(rejected, BAD) > 500
    assert count(rejected, GOOD) < 50


def test_command_draws_a_row_of_four_per_four_photographs(tmp_path: Path) -> None:
    paths = [str(SAMPLES / f"{name}.jpg") for name in ("astronaut", "china", "coffee", "rocket")]
    sizes = []
    for chosen in (paths, [*paths, str(SAMPLES / "raccoon.jpg")]):
        file = tmp_path / "new" / "grid.jpg"
        assert main([*chosen, "--output", str(file)]) == 0
        with Image.open(file) as picture:
            sizes.append(picture.size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[1][1] > 1.8 * sizes[0][1]


def test_unreadable_picture_is_an_error(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nothing")
    with pytest.raises(RuntimeError, match="exit code 3"):
        score_paths([str(bad)], "base")
