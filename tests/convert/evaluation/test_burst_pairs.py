"""The burst measurement: series get worse step by step, and pairs are counted rightly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data

from convert.__main__ import main
from convert.evaluation.burst_measures import METHODS, Scene, classic, measure_scenes
from convert.evaluation.burst_pairs import PairSet, sharp_and_blurred, table, wilson
from convert.evaluation.burst_series import KINDS, MIXED, SLIGHT, series_of

COFFEE = np.ascontiguousarray(data.coffee()[:200, :300])


def test_wilson_interval_against_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for right, pairs, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(right, pairs) == pytest.approx((low, high), abs=5e-5)


def test_series_get_worse_by_a_level_at_each_step() -> None:
    for series in series_of("a", (*KINDS, MIXED, *SLIGHT), 3):
        for better, worse, apart in series.pairs():
            first, second = series.levels[better], series.levels[worse]
            assert list(first) == list(second)
            steps = [second[name] - first[name] for name in first]
            assert min(steps) >= 0
            if series.kind in SLIGHT:
                assert 0 < max(steps) <= 1
            else:
                assert 1 <= max(steps) <= apart
            if series.kind in KINDS:
                assert steps == [apart]
    mixed = [series_of(name, [MIXED], 0)[0].levels for name in "abcdef"]
    assert len({str(levels) for levels in mixed}) == 6


def test_frames_repeat_with_the_seed_and_differ_in_framing() -> None:
    plan = series_of("a", ["gaussian_blur"], 1)[0]
    first, again = list(plan.frames(COFFEE)), list(plan.frames(COFFEE))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({frame.shape for frame in first}) > 1
    sharpness = [classic(frame)[0] for frame in first]
    assert sharpness == sorted(sharpness, reverse=True)


def test_ties_count_half_and_slight_steps_stay_out_of_all() -> None:
    from convert.evaluation.burst_measures import MeasuredFrame
    from edgeiqa.burst.features import FEATURES
    from edgeiqa.quality import Quality

    frames = [MeasuredFrame(Quality(50.0), np.zeros(len(FEATURES)), 2.0, v) for v in (1.0, 3.0)]
    found = PairSet("a", "pictures", 1)
    found.add("noise", frames, iter([(0, 1, 1)]))
    found.add("slight_blur", frames, iter([(0, 1, 1)]))
    assert set(found.counts) == {("noise", 1), ("all", 1), ("slight_blur", 1)}
    rights = {method: count.right for method, count in found.counts["all", 1].items()}
    assert rights == {"burst": 0.5, "score": 0.5, "laplacian": 0.5, "tenengrad": 0.0}
    assert [row["kind"] for row in found.to_dict()["rows"]][-1] == "all"
    assert "slight_blur" in table([found])


def test_pairs_of_files(tmp_path: Path) -> None:
    for name in ("a_gt.png", "a.png", "b_gt.png", "c.png"):
        (tmp_path / name).touch()
    assert sharp_and_blurred(tmp_path) == [(tmp_path / "a_gt.png", tmp_path / "a.png")]


@pytest.mark.slow
def test_the_command_on_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large, pairs, video = (tmp_path / name for name in ("large", "pairs", "video"))
    for folder in (large, pairs, video):
        folder.mkdir()
    image = Image.fromarray(data.coffee())
    image.resize((300, 200)).save(large / "coffee.png")
    (large / "broken.png").write_bytes(b"words")
    image.save(pairs / "a_gt.png")
    image.filter(ImageFilter.GaussianBlur(3)).save(pairs / "a.png")
    for index in range(36):  # A camera that pans.
        image.crop((2 * index, 40, 2 * index + 320, 260)).save(video / f"{index:03}.png")
    file = tmp_path / "burst.json"
    words = ["burst", "--scenes", "0", "--large", str(large), "--pairs", str(pairs)]
    code = main([*words, "--video", str(video), "--json", str(file)])
    assert code == 3
    assert "broken.png" in capsys.readouterr().err
    sets = {one["name"]: one for one in json.loads(file.read_text())["sets"]}
    assert set(sets) == {"large", "pairs", "video"}
    assert sets["large"]["scenes"] == 1
    rows = {(row["kind"], row["apart"]): row for row in sets["large"]["rows"]}
    assert rows["all", 1]["pairs"] == 5 * len(KINDS) + 4
    assert rows["all", 1]["burst"]["accuracy"] > 0.8
    assert sets["pairs"]["rows"][0]["burst"]["accuracy"] == 1.0
    video_row = sets["video"]["rows"][-2]
    assert video_row["kind"] == "all"
    assert set(METHODS) <= set(video_row)
    assert video_row["burst"]["accuracy"] > 0.7


@pytest.mark.slow
def test_scenes_are_measured_in_other_processes_too(tmp_path: Path) -> None:
    path = tmp_path / "coffee.png"
    Image.fromarray(COFFEE).save(path)
    scenes = [
        Scene("a", str(path), ("jpeg",), scale=1.5, others=False),
        Scene("b", str(tmp_path / "gone.png"), ("jpeg",)),
    ]
    measured, errors = measure_scenes(scenes, "nano", 2)
    assert [(series.scene, len(frames)) for series, frames in measured] == [("a", 6)]
    assert len(errors) == 1
    assert "no such file" in errors[0]
