"""The filter for YUV against Pillow's."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeiqa.preprocessing.bilinear import PRECISION, down_columns, weights
from tests.edgeiqa.framing import noise


@settings(max_examples=200)
@given(
    st.integers(1, 200), st.integers(1, 90), st.integers(0, 7), st.integers(0, 7), st.integers(0, 9)
)
def test_rounded_it_is_what_pillow_gives(
    inputs: int, outputs: int, before: int, after: int, seed: int
) -> None:
    start, stop = before / 16, inputs - after / 16  # At most half a sample off, as chroma is.
    pixels = noise(inputs, 9, seed=seed)
    box = (0, start, 9, stop)
    expected = np.asarray(
        Image.fromarray(pixels).resize((9, outputs), Image.Resampling.BILINEAR, box)
    )
    by = weights(inputs, start, stop, outputs)
    for places in (5, 13, 21):
        got = down_columns(pixels, by, slice(0, outputs), places, rounded=False)
        np.testing.assert_array_equal((got + (1 << places - 1)) >> places, expected)
    rounded = down_columns(pixels, by, slice(0, outputs), 0, rounded=True)
    np.testing.assert_array_equal(rounded, expected)


@given(st.integers(1, 200), st.integers(1, 90), st.sampled_from([0, 1, 128, 254, 255]))
def test_rounded_flat_stays_flat(inputs: int, outputs: int, value: int) -> None:
    pixels = np.full((inputs, 1), value, np.uint8)
    by = weights(inputs, 0.0, inputs - 0.5, outputs)
    got = down_columns(pixels, by, slice(0, outputs), 5, rounded=True)
    assert (got == value << 5).all()


def test_parts_are_those_of_the_whole() -> None:
    pixels = noise(50, 20)
    by = weights(50, 0.0, 49.5, 23)
    whole = down_columns(pixels, by, slice(0, 23), 5, rounded=False)
    assert whole.dtype == np.int32
    for top in range(23):
        np.testing.assert_array_equal(
            down_columns(pixels, by, slice(top, 23), 5, rounded=False), whole[top:]
        )


def test_the_same_size_keeps_the_values() -> None:
    pixels = noise(31, 7)
    by = weights(31, 0.0, 31.0, 31)
    np.testing.assert_array_equal(
        down_columns(pixels, by, slice(0, 31), 5, rounded=False), pixels.astype(int) << 5
    )
    assert (by.taps.sum(axis=0) == 1 << PRECISION).all()
