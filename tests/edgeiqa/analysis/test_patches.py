"""Patches at native resolution: which ones, and that every format gives the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeiqa.analysis.patches import (
    MAX_STEP,
    Detail,
    activity,
    best_places,
    detail,
    reduction,
    window_sums,
)
from edgeiqa.assets import sample_paths
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.inference.contract_spec import InputSpec

VIEWS = ("active",) * 16 + ("quiet",) * 4 + ("reduced",) * 4
SPEC = InputSpec(64, 64, color="GRAY", views=VIEWS)


def patches(seen: Detail) -> np.ndarray:
    return seen.tensor.reshape(len(VIEWS), 64, 64)


def test_patches_are_the_pictures_own_pixels() -> None:
    generator = np.random.default_rng(0)
    luma = generator.integers(0, 256, (700, 900), np.uint8)
    seen = detail(Frame(luma, PixelFormat.GRAY), SPEC)
    assert seen.tensor.shape == (1, 24 * 64, 64, 1)
    windows = np.lib.stride_tricks.sliding_window_view(luma, (64, 64))
    for patch in patches(seen)[:20]:
        found = np.argwhere((windows[..., 0, :8] == patch[0, :8]).all(-1))
        assert any((windows[y, x] == patch).all() for y, x in found)


def test_active_patches_lie_where_something_is() -> None:
    luma = np.full((1024, 1024), 128, np.uint8)
    checks = np.indices((64, 64)).sum(0) // 8 % 2 * 200
    luma[512:576, 256:320] = checks
    seen = patches(detail(Frame(luma, PixelFormat.GRAY), SPEC))
    assert max(patch.std() for patch in seen[:16]) > 80
    assert all(patch.std() == 0 for patch in seen[16:20])


def test_quiet_patches_avoid_black_and_white() -> None:
    luma = np.zeros((512, 512), np.uint8)
    luma[:, 256:] = 255
    # A little texture in middle gray, in every quarter.
    for top in (40, 300):
        for left in (40, 400):
            luma[top : top + 100, left : left + 100] = 120 + np.arange(100) % 2 * 6
    seen = patches(detail(Frame(luma, PixelFormat.GRAY), SPEC))
    for patch in seen[16:20]:
        assert 16 <= patch.mean() <= 239


@pytest.mark.parametrize("path", sample_paths()[:3], ids=lambda path: path.name)
def test_every_way_to_hand_over_a_picture_gives_the_same_patches(path: object) -> None:
    image = decode(str(path))
    rgb = np.asarray(image)
    reference = detail(image, SPEC)
    for frame in (
        Frame(rgb),
        Frame(rgb[:, :, ::-1], PixelFormat.BGR),
        Frame(np.rot90(rgb, 1), rotation=90),
        Frame(np.pad(rgb, ((3, 5), (7, 1), (0, 0))), roi=(7, 3, rgb.shape[1], rgb.shape[0])),
    ):
        seen = detail(frame, SPEC)
        assert np.array_equal(seen.tensor, reference.tensor)
        assert np.array_equal(seen.small, reference.small)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_pictures_of_any_size_have_all_patches(height: int, width: int, seed: int) -> None:
    luma = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    seen = detail(Frame(luma, PixelFormat.GRAY), SPEC)
    assert seen.tensor.shape == SPEC.tensor_shape
    assert set(np.unique(seen.tensor)) <= set(np.unique(luma))


def test_a_strip_is_continued_by_mirror_images() -> None:
    luma = np.arange(20, dtype=np.uint8).repeat(300).reshape(20, 300)
    patch = patches(detail(Frame(luma, PixelFormat.GRAY), SPEC))[0]
    assert patch[:, 0].tolist() == [*range(20), *range(19, -1, -1), *range(20), 19, 18, 17, 16]


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [
        (1, 1, 1),
        (511, 900, 1),
        (512, 512, 2),
        (1080, 1920, 4),
        (3000, 4000, 11),
        (60000, 60000, 128),
    ],
)
def test_the_reduced_picture_is_never_small(height: int, width: int, factor: int) -> None:
    assert reduction(height, width) == factor


def test_activity_counts_steps_and_caps_them() -> None:
    luma = np.array([[0, 10, 255], [0, 0, 0]], np.uint8)
    assert activity(luma).tolist() == [[10, 10 + MAX_STEP, MAX_STEP], [0, 0, 0]]


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 15), st.integers(0, 99))
def test_window_sums_are_sums_over_windows(height: int, width: int, window: int, seed: int) -> None:
    field = np.random.default_rng(seed).integers(0, 81, (height, width), np.uint8)
    down, across = min(window, height), min(window, width)
    views = np.lib.stride_tricks.sliding_window_view(field, (down, across))
    assert np.array_equal(window_sums(field, window), views.sum((2, 3)))


def test_best_places_takes_the_first_of_the_largest_in_each_part() -> None:
    ranked = np.array([[1, 5, 0, 2], [5, 0, 2, 2], [0, 0, 0, 9], [0, 0, 9, 0]])
    assert best_places(ranked, 2) == [(0, 1), (0, 3), (2, 0), (2, 3)]
    assert best_places(np.array([[7]]), 2) == [(0, 0)] * 4


def test_something_else_is_refused() -> None:
    with pytest.raises((TypeError, AttributeError)):
        detail("photo.jpg", SPEC)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="mode L"):
        detail(Image.new("L", (300, 300)), SPEC)
