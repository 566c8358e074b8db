"""The ladder check: counts, lists and draws the pairs in which a score does not fall."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convert.__main__ import main
from convert.datasets.manifest import DataError, ManifestRow
from convert.distortions.distort import DISTORTIONS
from convert.evaluation.ladder_pictures import contact_sheet, plot
from convert.evaluation.ladder_report import Ladder, LadderReport, rungs
from convert.evaluation.monotonicity import (
    check_ladders,
    clean_samples,
    load_pictures,
    validation_scenes,
)

PICTURES = {
    "coffee": np.ascontiguousarray(data.coffee()[:256, :320]),
    "cat": np.ascontiguousarray(data.chelsea()[:256, :320]),
}


def brightness(rgb: np.ndarray) -> float:
    """A bad quality measure whose ladders are known: light raises it, darkness lowers it."""
    return float(rgb.mean()) / 2.55


def test_violations_of_a_ladder() -> None:
    ladder = Ladder("p", "jpeg", (80.0, 70.0, 70.0, 60.0, 65.5, 20.0))
    assert [(v.level, v.before, v.after) for v in ladder.violations] == [
        (2, 70.0, 70.0),
        (4, 60.0, 65.5),
    ]
    assert ladder.violations[1].rise == pytest.approx(5.5)


def test_counts_over_distortions() -> None:
    report = LadderReport(
        (
            Ladder("a", "jpeg", (80, 70, 70, 60, 65, 20)),
            Ladder("a", "noise", (80, 70, 60, 50, 40, 30)),
            Ladder("b", "jpeg", (50, 40, 30, 20, 10, 90)),
        ),
    )
    jpeg, noise, everything = report.count("jpeg"), report.count("noise"), report.count()
    assert (jpeg.pairs, jpeg.violations) == (10, 3)
    assert jpeg.share == pytest.approx(0.3)
    assert jpeg.drop == pytest.approx((60 - 40) / 2)
    assert (noise.violations, noise.drop) == (0, 50)
    assert (everything.pairs, everything.violations) == (15, 3)
    assert [(v.picture, v.level) for v in report.violations] == [("b", 5), ("a", 4), ("a", 2)]
    table = report.table()
    assert "30.0%" in table
    assert "b, jpeg, level 4 to 5: 10.00 to 90.00 (+80.00)" in table


def test_a_brightness_measure_falls_in_the_dark_and_rises_in_the_light() -> None:
    report = check_ladders(brightness, PICTURES, ["under_exposure", "over_exposure"])
    assert report.kinds == ("under_exposure", "over_exposure")
    assert report.count("under_exposure").violations == 0
    assert report.count("over_exposure").violations == 10
    assert report.count("over_exposure").drop < -10


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_a_distance_from_the_source_never_violates(kind: str) -> None:
    for name, source in PICTURES.items():

        def closeness(rgb: np.ndarray, source: np.ndarray = source) -> float:
            return -float(np.mean((rgb.astype(float) - source) ** 2))

        report = check_ladders(closeness, {name: source}, [kind])
        assert report.count().violations == 0, report.table()


def test_rungs_differ_by_picture_name_and_seed_but_repeat() -> None:
    rgb = PICTURES["cat"]
    first = rungs(rgb, "noise", "a", 1)
    assert len(first) == 6
    np.testing.assert_array_equal(first[0], rgb)
    np.testing.assert_array_equal(first[3], rungs(rgb, "noise", "a", 1)[3])
    assert not np.array_equal(first[3], rungs(rgb, "noise", "b", 1)[3])
    assert not np.array_equal(first[3], rungs(rgb, "noise", "a", 2)[3])


def test_check_refuses_nothing_and_the_unknown() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        check_ladders(brightness, {})
    with pytest.raises(ValueError, match=r"'fog'.*gaussian_blur"):
        check_ladders(brightness, PICTURES, ["fog"])


def test_clean_samples_are_the_unspoilt_photographs() -> None:
    names = {path.stem for path in clean_samples()}
    assert {"astronaut", "coffee", "raccoon"} <= names
    assert not any("-" in name for name in names)
    assert len(names) == 7


def test_unreadable_pictures_are_named(tmp_path: Path) -> None:
    Image.fromarray(PICTURES["cat"]).save(tmp_path / "cat.png")
    (tmp_path / "broken.jpg").write_bytes(b"not an image")
    pictures, errors = load_pictures([tmp_path / "broken.jpg", tmp_path / "cat.png"])
    np.testing.assert_array_equal(pictures["cat.png"], PICTURES["cat"])
    assert len(errors) == 1
    assert "broken.jpg" in errors[0]


def test_plot_and_sheet(tmp_path: Path) -> None:
    report = check_ladders(brightness, PICTURES, ["noise", "over_exposure"], seed=4)
    plot(report, tmp_path / "plot.png")
    contact_sheet(report, PICTURES, tmp_path / "sheet.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert min(picture.size) > 200
    with Image.open(tmp_path / "sheet.png") as picture:
        sheet = np.array(picture.convert("RGB")).astype(int)
    assert sheet.shape[0] > 4 * 112
    # Only a score that does not fall is written in red; over-exposure has such rows.
    red = (sheet[..., 0] - sheet[..., 1:].max(axis=-1)) > 150
    assert red.any()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    for name, rgb in PICTURES.items():
        Image.fromarray(rgb).save(images / f"{name}.png")
    return images


def test_command_on_the_shipped_model(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / "ladder.json"
    options = ["--images", str(folder), "--kinds", "jpeg", "over_exposure", "--json", str(file)]
    capfd.readouterr()
    assert main(["monotonicity", "base", *options]) == 0
    table, said = capfd.readouterr()
    assert said == ""  # nothing of LiteRT's
    report = json.loads(file.read_text())
    assert report["protocol"]["model"] == "base"
    assert len(report["protocol"]["model_sha256"]) == 64
    assert report["pictures"] == ["cat.png", "coffee.png"]
    assert report["total"]["pairs"] == 20
    assert set(report["kinds"]) == {"jpeg", "over_exposure"}
    assert all(len(ladder["scores"]) == 6 for ladder in report["ladders"])
    assert all(0 <= score <= 100 for ladder in report["ladders"] for score in ladder["scores"])
    # One picture has one score, whatever is about to be done to it.
    originals = {(ladder["picture"], ladder["scores"][0]) for ladder in report["ladders"]}
    assert len(originals) == 2
    assert len(report["violations"]) == report["total"]["violations"]
    assert f"{report['total']['share']:.1%}" in table

    assert report["original"] == report["total"]
    assert report["burst"]["total"]["pairs"] == 20
    assert f"{report['burst']['total']['accuracy']:.3f}" in table

    # The limit: all pairs may violate, or none may.
    options.append("--no-burst")
    assert main(["monotonicity", "base", *options, "--max-violations", "1"]) == 0
    strict = main(["monotonicity", "base", *options, "--max-violations", "0"])
    assert strict == int(report["total"]["violations"] > 0)


def test_command_reports_bad_input(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 nothing")
    sound = ["--images", str(folder), "--kinds", "jpeg", "--no-burst"]
    assert main(["monotonicity", "base", *sound]) == 3
    assert "broken.jpg" in capsys.readouterr().err
    assert main(["monotonicity", "base", "--images", str(tmp_path / "absent")]) == 2
    assert "absent" in capsys.readouterr().err
    below_a_file = str(folder / "cat.png" / "l.json")
    assert main(["monotonicity", "base", "--images", str(folder), "--json", below_a_file]) == 2
    assert "cannot create the folder" in capsys.readouterr().err
    assert main(["monotonicity", "base", "--max-violations", "5"]) == 2


def test_validation_scenes_are_well_rated_and_unseen() -> None:
    rows = [
        ManifestRow(f"{split}-{mos}-{subset}.jpg", mos, None, split, subset)
        for split in ("train", "validation", "test")
        for mos in (0.5, 0.7, 0.9)
        for subset in ("ss01", "ss03")
    ]
    names = ["validation-0.7-ss03.jpg", "validation-0.9-ss03.jpg"]
    assert validation_scenes(rows, 9, 0) == names
    assert {validation_scenes(rows, 1, seed)[0] for seed in range(9)} == set(names)
    with pytest.raises(ValueError, match=r"MOS of at least 0\.7"):
        validation_scenes([ManifestRow("a.jpg", 0.5, None, "validation", "ss03")], 3, 0)
    with pytest.raises(DataError, match="no validation"):
        validation_scenes([ManifestRow("a.jpg", 0.9, None, "train", "ss03")], 3, 0)
