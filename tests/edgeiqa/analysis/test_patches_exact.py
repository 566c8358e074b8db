"""Patches: chosen and cut as the plain arithmetic of the specification says, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.analysis.patches import (
    MAX_STEP,
    MIDTONES,
    Crop,
    _filled,
    activity,
    best_places,
    choose,
    detail,
    quietness,
    reduction,
    window_sums,
)
from edgeiqa.inference.contract_spec import InputSpec
from edgeiqa.preprocessing.luma import luma_crop, luma_small
from tests.edgeiqa.framing import Case, cases, noise


def plain_activity(luma: np.ndarray) -> np.ndarray:
    wide = luma.astype(np.int64)
    field = np.zeros(luma.shape, np.int64)
    field[:, :-1] += np.minimum(np.abs(np.diff(wide, axis=1)), MAX_STEP)
    field[:-1, :] += np.minimum(np.abs(np.diff(wide, axis=0)), MAX_STEP)
    return field


def plain_sums(field: np.ndarray, window: int) -> np.ndarray:
    down, across = (min(window, n) for n in field.shape)
    view = np.lib.stride_tricks.sliding_window_view(field.astype(np.int64), (down, across))
    return view.sum(axis=(2, 3))


def plain_choice(
    small: np.ndarray,
    size: tuple[int, int],
    factor: int,
    crop: Crop,
    views: tuple[str, ...],
    side: int,
) -> np.ndarray:
    """The same in 64 bits, step by step."""
    height, width = size
    field = plain_activity(small)
    window = max(1, side // factor)
    sums = plain_sums(field, window)
    means = plain_sums(small, window) // window**2
    beyond = (means < MIDTONES[0]) | (means > MIDTONES[1])
    ranks = {
        "active": sums,
        "quiet": -(sums + beyond * (np.max(sums) + 1)),
        "reduced": plain_sums(field, side),
    }
    patches = []
    for kind, ranked in ranks.items():
        count = views.count(kind)
        for top, left in best_places(ranked, round(count**0.5)) if count else []:
            if kind == "reduced":
                patch = small[top : top + side, left : left + side]
            else:
                y = max(0, min(top * factor, height - side))
                x = max(0, min(left * factor, width - side))
                patch = crop((x, y, min(x + side, width), min(y + side, height)))
            patches.append(_filled(patch, side))
    return np.stack(patches)


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    window=st.integers(1, 45),
    seed=st.integers(0, 999),
    values=st.sampled_from([(0, 256), (0, 1), (255, 256), (100, 140), (230, 256)]),
)
def test_fields_and_sums_are_those_of_64_bits(
    shape: tuple[int, int], window: int, seed: int, values: tuple[int, int]
) -> None:
    luma = np.random.default_rng(seed).integers(values[0], values[1], shape).astype(np.uint8)
    field = activity(luma)
    assert field.dtype == np.uint8
    np.testing.assert_array_equal(field, plain_activity(luma))
    for numbers, most in ((field, 2 * MAX_STEP), (luma, 255)):
        found = window_sums(numbers, window, most)
        np.testing.assert_array_equal(found, plain_sums(numbers, window))


def test_the_largest_sums_fit() -> None:
    """Wide rows leave 16 bits, and the largest patch of all fits into 32."""
    white = np.full((3, 600), 255, np.uint8)
    assert np.all(window_sums(white, 300) == 3 * 300 * 255)
    square = np.full((4096, 4096), 255, np.uint8)
    sums = window_sums(square, 4096)
    assert sums.tolist() == [[4096 * 4096 * 255]]
    assert quietness(sums // 255 * 80, sums, 4096).tolist() == [[1]]


@given(st.data())
def test_quietness_ranks_as_the_mean_and_the_sum_say(data: st.DataObject) -> None:
    window = data.draw(st.integers(1, 9))
    # Around the bounds, where a whole-number mean steps.
    edges = [MIDTONES[0] * window**2, (MIDTONES[1] + 1) * window**2]
    light = data.draw(
        st.lists(
            st.one_of(
                st.integers(0, 255 * window**2),
                *(st.integers(max(0, e - 1), min(e + 1, 255 * window**2)) for e in edges),
            ),
            min_size=2,
            max_size=20,
        )
    )
    sums = data.draw(
        st.lists(st.integers(0, 80 * window**2), min_size=len(light), max_size=len(light))
    )
    found = quietness(np.array([sums], np.uint32), np.array([light], np.uint32), window)
    means = np.array([light]) // window**2
    beyond = (means < MIDTONES[0]) | (means > MIDTONES[1])
    plain = -(np.array([sums]) + beyond * (max(sums) + 1))
    order = np.argsort(plain[0], kind="stable")
    np.testing.assert_array_equal(np.argsort(found[0], kind="stable"), order)
    assert np.argmax(found) == np.argmax(plain)


@given(case=cases(), side=st.sampled_from([1, 7, 16, 33]))
def test_frames_of_every_kind_give_the_patches_of_the_specification(case: Case, side: int) -> None:
    views = ("active",) * 4 + ("quiet",) * 4 + ("reduced",)
    spec = InputSpec(side, side, color="GRAY", views=views)
    found = detail(case.frame, spec)
    factor = reduction(*case.frame.size)
    small = luma_small(case.frame, factor)
    np.testing.assert_array_equal(found.small, small)
    patches = plain_choice(
        small, case.frame.size, factor, lambda box: luma_crop(case.frame, box), views, side
    )
    np.testing.assert_array_equal(found.tensor, patches.reshape(spec.tensor_shape))


@pytest.mark.parametrize(
    ("height", "width", "factor"), [(700, 900, 2), (520, 1800, 2), (90, 70, 5)]
)
def test_reduced_pictures_give_the_patches_of_the_specification(
    height: int, width: int, factor: int
) -> None:
    views = ("active",) * 16 + ("quiet",) * 4 + ("reduced",) * 4
    luma = noise(height, width)
    luma[height // 4 : height // 2] //= 8
    luma[:, : width // 3] |= 0xF0
    luma[height // 2 :, width // 2 :] = 128
    small = luma[::factor, ::factor]

    def crop(box: tuple[int, int, int, int]) -> np.ndarray:
        left, top, right, bottom = box
        return luma[top:bottom, left:right]

    wanted = plain_choice(small, luma.shape, factor, crop, views, 64)
    found = choose(small, (height, width), factor, crop, views, 64)
    np.testing.assert_array_equal(found, wanted)
