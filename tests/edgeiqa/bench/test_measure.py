"""Ours and the baselines alternate; one that fails stops nothing."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.bench import measure as measuring
from edgeiqa.bench.inputs import file_subject, frame_subject, sample_picture
from edgeiqa.bench.measure import WARM_UP, measure, memory
from edgeiqa.bench.opencv_baselines import Baseline, baselines
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.scorer import Scorer


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer("nano")


def small(pixel_format: PixelFormat = PixelFormat.NV21) -> Any:
    return frame_subject("x", sample_picture(), (160, 90), pixel_format)


def test_every_round_has_ours_and_each_baseline(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []
    plain = measuring.once

    def noted(*args: Any) -> Any:
        turns.append("ours")
        return plain(*args)

    monkeypatch.setattr(measuring, "once", noted)
    others = [Baseline(n, n, lambda source, n=n: turns.append(n)) for n in "ab"]  # type: ignore[misc]
    found = measure(scorer, small(), others, runs=3, on_round=lambda: turns.append("|"))
    assert turns == ["ours", "a", "b", "|"] * (WARM_UP + 3)
    assert [rival["runs"] for rival in found["rivals"]] == [3, 3]
    assert found["rivals"][0]["ratio"] == pytest.approx(
        found["rivals"][0]["p50"] / found["total"]["p50"], abs=1e-3
    )


def test_a_baseline_that_fails_is_reported_and_the_others_continue(scorer: Scorer) -> None:
    def fails(source: Frame | str) -> None:
        raise RuntimeError("no\nluck")

    others = [Baseline("bad", "bad", fails), Baseline("good", "good", lambda source: None)]
    bad, good = measure(scorer, small(), others, runs=2)["rivals"]
    assert bad["error"] == "RuntimeError: no luck"
    assert good["runs"] == 2


def test_a_slow_baseline_gets_fewer_runs(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "BASELINE_SECONDS", 0.0)
    found = measure(scorer, small(), [Baseline("slow", "", lambda source: None)], runs=9)
    assert found["rivals"][0]["runs"] == measuring.BASELINE_MIN_RUNS


def test_the_score_is_that_of_the_frame_and_the_bar_is_for_frames(scorer: Scorer) -> None:
    subject = small()
    found = measure(scorer, subject, runs=2)
    assert found["score"] == round(scorer.score(subject.source()).score, 2)
    assert found["bar"]["holds"] == (found["ratio"]["p50"] <= 1)
    assert found["accounted"] == 1.0
    path = sample_paths()[0]
    found = measure(scorer, file_subject(str(path)), runs=1)
    assert "bar" not in found
    assert found["score"] == round(scorer.score(path).score, 2)


def test_memory_is_in_megabytes(scorer: Scorer) -> None:
    found = memory(scorer, [small()], runs=1)
    assert set(found) == {"idle", "after", "peak"}
    if sys.platform == "linux":
        assert 20 < found["idle"] < 100_000


@pytest.mark.parametrize("pixel_format", PixelFormat)
def test_baselines_see_the_gray_of_every_format(pixel_format: PixelFormat) -> None:
    frame = small(pixel_format).source()
    by_name = {one.name: one for one in baselines(1)}
    # cv2's own gray of the same RGB is the luma, but for rounding.
    rgb = np.asarray(small(PixelFormat.RGB).source().pixels)
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    wanted = float(cv2.Laplacian(gray, cv2.CV_64F).var())
    assert by_name["laplacian"].call(frame) == pytest.approx(wanted, rel=0.05)
    assert by_name["laplacian-lean"].call(frame) == pytest.approx(
        by_name["laplacian"].call(frame), rel=1e-9
    )
    assert by_name["tenengrad"].call(frame) > 0
    assert np.size(by_name["brisque"].call(frame)) == 36


def test_tenengrad_of_a_ramp_is_that_of_its_slope() -> None:
    ramp = np.tile(np.arange(100, dtype=np.uint8), (50, 1))
    tenengrad = next(one for one in baselines(1) if one.name == "tenengrad")
    # Sobel gives 8 times the slope, and 0 in the first and last column (mirrored rims).
    assert tenengrad.call(Frame.from_array(ramp)) == pytest.approx(64 * 98 / 100)


def test_baselines_read_files_and_refuse_others(tmp_path: Any) -> None:
    laplacian = baselines(1)[0]
    assert laplacian.call(str(sample_paths()[0])) > 0
    with pytest.raises(ValueError, match="cannot read"):
        laplacian.call(str(tmp_path / "none.jpg"))


def test_opencv_gets_as_many_threads() -> None:
    before = cv2.getNumThreads()
    try:
        baselines(2)
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_without_opencv_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"edgeiqa\[bench\]"):
        baselines(1)


def test_an_opencv_without_contributed_modules_only_lacks_brisque(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(cv2, "quality")
    assert [one.name for one in baselines(1)] == ["laplacian", "laplacian-lean", "tenengrad"]
    with pytest.raises(ValueError, match="contrib"):
        baselines(1, ("a", "b"))


def test_files_that_are_no_brisque_are_refused(tmp_path: Any) -> None:
    file = tmp_path / "x.yml"
    file.write_text("no\n")
    with pytest.raises(ValueError, match="brisque_model_live"):
        baselines(1, (str(file), str(file)))
