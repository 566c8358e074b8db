"""Changes that should not matter, on measures whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from convert.__main__ import main
from convert.evaluation.stability import CHANGES, check_stability, measure_shifts
from edgeiqa.assets import sample_paths

CAT = np.ascontiguousarray(data.chelsea()[:150, :200])


def width(rgb: np.ndarray) -> float:
    return float(rgb.shape[1])


def left_minus_right(rgb: np.ndarray) -> float:
    middle = rgb.shape[1] // 2
    return float(rgb[:, :middle].mean() - rgb[:, middle:].mean())


def test_sizes_change_as_named() -> None:
    found = measure_shifts(width, CAT)
    assert (found["size x 0.75"], found["size x 1.5"]) == (-50, 100)
    assert -4 <= found["shift 1-4 px"] <= -1
    assert found["flip"] == found["JPEG 95"] == found["watermark"] == 0


def test_a_flip_swaps_the_sides_and_nothing_else() -> None:
    before = left_minus_right(CAT)
    assert measure_shifts(left_minus_right, CAT)["flip"] == pytest.approx(-2 * before)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500), st.text(min_size=1, max_size=5))
def test_shifts_cut_one_to_four_pixels_and_repeat(seed: int, key: str) -> None:
    rgb = np.arange(20 * 30 * 3, dtype=np.uint32).astype(np.uint8).reshape(20, 30, 3)

    def cut() -> np.ndarray:
        return CHANGES["shift 1-4 px"](rgb, np.random.default_rng(seed))

    height, across = cut().shape[:2]
    assert 1 <= 20 - height <= 4
    assert 1 <= 30 - across <= 4
    np.testing.assert_array_equal(cut(), cut())
    first = measure_shifts(lambda x: float(x.sum()), rgb, key=key, seed=seed)
    assert first == measure_shifts(lambda x: float(x.sum()), rgb, key=key, seed=seed)


def test_reencoding_keeps_the_picture_nearly_as_it_is() -> None:
    again = CHANGES["JPEG 95"](CAT, np.random.default_rng(0)).astype(float)
    assert 0 < np.abs(again - CAT).mean() < 3


def test_unreadable_files_are_named_and_the_others_measured(tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_bytes(b"nothing")
    groups = {"all": [sample_paths()[0], tmp_path / "no.jpg"]}
    found, errors = check_stability(width, groups, jobs=2)
    assert len(found.shifts) == len(CHANGES)
    assert all(len(shift.values) == 1 for shift in found.shifts)
    assert len(errors) == 1
    assert "no.jpg" in errors[0]
    with pytest.raises(ValueError, match=r"no\.jpg"):
        check_stability(width, {"all": [tmp_path / "no.jpg"]})


def test_command_and_the_shipped_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stability", "base", "--pictures", "0", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["groups"]
    assert set(found) == {"samples"}
    assert set(found["samples"]) == set(CHANGES)
    for name in CHANGES:
        assert found["samples"][name]["median"] <= 2.5, name
    assert found["samples"]["watermark"]["p95"] <= 3
    assert main(["stability", "base", "--pictures", "-1"]) == 2
