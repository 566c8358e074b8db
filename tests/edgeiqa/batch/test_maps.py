"""`edgeiqa score --map`: one PNG per picture, whatever the pictures are called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeiqa import Scorer
from edgeiqa.batch.maps import MapFolder
from edgeiqa.cli.main import main
from edgeiqa.files.atomic import write_atomically
from edgeiqa.results.row import COLUMNS
from tests.edgeiqa.pictures import photograph, saved


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two a.jpg in two folders, and one broken file between them."""
    for folder in ("one", "two"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "a.jpg").write_bytes(saved(photograph(), "JPEG"))
    (tmp_path / "in" / "one" / "b.jpg").write_bytes(b"no picture")
    return tmp_path / "in"


def test_each_picture_gets_a_map_and_json_the_grid(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = tmp_path / "maps"
    assert main(["score", str(photos), "--map", str(maps), "--format", "json"]) == 3
    rows = json.loads(capsys.readouterr().out)
    assert sorted(p.name for p in maps.iterdir()) == ["a.jpg-2.map.png", "a.jpg.map.png"]
    first, broken, second = rows
    assert broken["error"]
    assert "map" not in broken
    assert Path(first["map"]["file"]).name == "a.jpg.map.png"
    assert Path(second["map"]["file"]).name == "a.jpg-2.map.png"
    grid = np.array(first["map"]["scores"])
    assert grid.shape == (first["map"]["rows"], first["map"]["columns"]) == (32, 48)
    scorer = Scorer()
    path = photos / "one" / "a.jpg"
    np.testing.assert_allclose(grid, scorer.quality_map(path).scores, atol=0.0051)
    assert first["score"] == pytest.approx(scorer.score(path).score, abs=0.0051)
    with Image.open(maps / "a.jpg.map.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 2 * 90


def test_without_maps_the_keys_are_as_promised(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(photos / "two"), "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert tuple(row) == COLUMNS


def test_maps_among_the_pictures_are_not_scored_the_next_time(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos / "two"
    for _ in range(2):
        assert main(["score", str(folder), "--map", str(folder), "--format", "json"]) == 0
        assert len(json.loads(capsys.readouterr().out)) == 1
    assert sorted(p.name for p in folder.iterdir()) == ["a.jpg", "a.jpg.map.png"]


def test_names_are_given_once_and_stay_short(tmp_path: Path) -> None:
    maps = MapFolder(str(tmp_path))
    names = [os.path.basename(maps.take(n)) for n in ("x/a.jpg", "A.JPG", "a.jpg-2", "-")]
    assert names == ["a.jpg.map.png", "A.JPG-2.map.png", "a.jpg-2-2.map.png", "stdin.map.png"]
    long = "ä" * 120 + ".jpg"
    write_atomically(maps.take(long), b"")
    assert len(os.fsencode(os.path.basename(maps.take(long)))) <= 255


def test_a_place_that_cannot_be_written_is_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["score", str(photos), "--map", str(tmp_path / "file")]) == 2
    assert "name a folder" in capsys.readouterr().err


def test_a_failed_map_leaves_nothing_behind_and_the_others_go_on(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = tmp_path / "maps"
    (maps / "a.jpg.map.png").mkdir(parents=True)
    paths = [str(photos / name / "a.jpg") for name in ("one", "two")]
    assert main(["score", *paths, "--map", str(maps), "--format", "json"]) == 3
    first, second = json.loads(capsys.readouterr().out)
    assert "cannot write the map" in first["error"]
    assert second["error"] is None
    assert sorted(p.name for p in maps.iterdir()) == ["a.jpg-2.map.png", "a.jpg.map.png"]
