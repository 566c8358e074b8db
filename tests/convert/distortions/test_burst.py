"""Frames of a burst: a little different where it should not matter, one level where it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from convert.distortions.burst import MIN_SHARE, frame

SCENE = np.ascontiguousarray(data.chelsea()[:200, :300])


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), seed=st.integers(0, 2**31))
def test_a_frame_shows_nearly_all_of_the_scene(height: int, width: int, seed: int) -> None:
    scene = np.full((height, width, 3), 100, np.uint8)
    result = frame(scene, "jpeg", 0.0, 0, np.random.default_rng(seed))
    assert result.dtype == np.uint8
    for side, full in zip(result.shape[:2], (height, width), strict=True):
        assert MIN_SHARE * full - 0.51 <= side <= full
    # 0.06 stops move code 100 by about 2.
    assert abs(float(result.mean()) - 100) < 4


def test_undistorted_frames_differ_little_but_do() -> None:
    generator = np.random.default_rng(1)
    frames = [frame(SCENE, "noise", 0.0, 0, generator) for _ in range(8)]
    assert len({f.shape for f in frames}) > 3
    means = [float(f.mean()) for f in frames]
    assert 0 < np.ptp(means) < 8


def test_one_generator_one_frame() -> None:
    first, again = (frame(SCENE, "noise", 0.4, 3, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("kind", "anew"), [("noise", True), ("motion_blur", True), ("haze", False)]
)
def test_noise_and_shake_are_each_frames_own(
    kind: str, anew: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With framing and exposure held still, only what changes from frame to frame differs."""
    import convert.distortions.burst

    monkeypatch.setattr(convert.distortions.burst, "MIN_SHARE", 1.0)
    monkeypatch.setattr(convert.distortions.burst, "MAX_STOPS", 0.0)
    generator = np.random.default_rng(2)
    first, second = (frame(SCENE, kind, 0.6, 3, generator) for _ in range(2))
    assert np.array_equal(first, second) != anew
