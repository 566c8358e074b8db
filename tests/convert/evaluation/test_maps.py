"""Maps against known halves: with measures that must find them, and the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convert.__main__ import main
from convert.evaluation.maps import (
    HALVES,
    KINDS,
    check_maps,
    half_mask,
    overlap,
    remembering,
    sheet,
)
from convert.evaluation.monotonicity import clean_samples, load_pictures
from edgeiqa import QualityMap, Scorer
from edgeiqa.analysis.quality_map import map_tiles
from edgeiqa.inference.contract import InputSpec

CAT = np.ascontiguousarray(data.chelsea()[:200, :300])


def by_brightness(rgb: np.ndarray) -> QualityMap:
    return map_tiles(Image.fromarray(rgb), InputSpec(16, 16), lambda x: x.mean() / 2.55)


def test_halves_part_the_picture() -> None:
    for one, other in (("left", "right"), ("top", "bottom")):
        assert (half_mask(5, 7, one) ^ half_mask(5, 7, other)).all()
    assert half_mask(4, 6, "left")[:, :3].all()
    assert half_mask(4, 6, "bottom")[2:].all()
    with pytest.raises(ValueError, match="'middle'"):
        half_mask(4, 4, "middle")


def test_overlap_by_hand() -> None:
    left, top = half_mask(4, 4, "left"), half_mask(4, 4, "top")
    assert overlap(left, left) == 1
    assert overlap(left, ~left) == 0
    assert overlap(left, top) == pytest.approx(4 / 12)
    assert overlap(left & ~left, left & ~left) == 1


def test_a_measure_of_brightness_finds_every_dark_half_of_an_even_picture() -> None:
    even = np.full((120, 160, 3), 180, np.uint8)
    got = check_maps(by_brightness, {"wall": even}, ["under_exposure"], level=5)
    assert [h.half for h in got.halves] == list(HALVES)
    assert got.worst >= 0.9
    assert all(h.inside < h.outside for h in got.halves)
    assert got.summary("kind")["under_exposure"]["found"] == 1
    assert f"{got.mean:.3f}" in got.table()


def test_a_remembering_mapper_maps_as_the_scorer_does() -> None:
    scorer = Scorer()
    part = np.ascontiguousarray(CAT[:40, :60])
    mapper = remembering(scorer)
    for rgb in (part, part[:, ::-1], part):
        rgb = np.ascontiguousarray(rgb)
        np.testing.assert_array_equal(mapper(rgb).scores, scorer.quality_map(rgb).scores)


def test_nothing_to_do_is_refused() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        check_maps(by_brightness, {})


def test_the_sheet_shows_a_row_per_picture(tmp_path: Path) -> None:
    sheet(by_brightness, {"a": CAT, "b": CAT}, ["noise"], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == (560, 440)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(CAT[:64, :96]).save(folder / "cat.png")
    (folder / "no.png").write_bytes(b"nothing")
    code = main(["maps", "base", "--images", str(folder), "--kinds", "noise", "--json", "-"])
    assert code == 3
    shown = capsys.readouterr()
    assert "no.png" in shown.err
    found = json.loads(shown.out)
    assert len(found["maps"]) == 4
    assert found["worst_iou"] == min(m["iou"] for m in found["maps"])
    assert main(["maps", "base", "--images", str(tmp_path / "absent")]) == 2


@pytest.mark.slow
def test_the_shipped_model_finds_the_spoilt_half() -> None:
    pictures, errors = load_pictures(clean_samples())
    assert not errors
    chosen = {name: pictures[name] for name in ("coffee.jpg", "china.jpg", "raccoon.jpg")}
    halves = ("left", "bottom")
    got = check_maps(remembering(Scorer()), chosen, KINDS, halves)
    assert got.mean >= 0.7, got.table()
    kinds = got.summary("kind")
    assert min(kinds[k]["mean_iou"] for k in KINDS if k != "motion_blur") >= 0.7, got.table()
    # Motion blur in the even sky of china.jpg is not seen.
    clear = [h for h in got.halves if h.kind != "motion_blur"]
    assert all(h.inside < h.outside - 5 for h in clear), got.table()
