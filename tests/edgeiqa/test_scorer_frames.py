"""Frames of every format through the whole scorer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeiqa import ColorRange, Frame, PixelFormat, Scorer, available_models, sample_paths
from tests.edgeiqa.framing import FORMATS, RGB_LIKE, YUV, YUV_420, noise, pillow_turned, yuv_frame
from tests.golden.frames import as_frame

SCORERS = {name: Scorer(name) for name in available_models()}


def photograph(name: str) -> np.ndarray:
    """A sample photograph as a camera of 1620 x 1080 pixels would give it."""
    path = next(p for p in sample_paths() if p.stem == name)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((1620, 1080), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("title", ["astronaut", "chelsea", "china", "flower", "raccoon", "rocket"])
def test_all_formats_of_one_photograph_score_alike(name: str, title: str) -> None:
    scorer, rgb = SCORERS[name], photograph(title)
    expected = scorer.score(rgb).score
    for pixel_format in FORMATS:
        if pixel_format is PixelFormat.GRAY:
            continue
        for color_range in ColorRange if pixel_format.is_yuv else (ColorRange.LIMITED,):
            score = scorer.score(as_frame(rgb, pixel_format, color_range=color_range)).score
            if pixel_format.is_yuv:
                assert score == pytest.approx(expected, abs=1.0), (pixel_format, color_range)
            else:
                assert score == expected, pixel_format


@settings(max_examples=40)
@given(
    st.sampled_from([f for f in RGB_LIKE if f is not PixelFormat.GRAY]),
    *(st.integers(0, 40), st.integers(0, 30), st.integers(1, 60), st.integers(1, 50)),
    st.sampled_from([0, 90, 180, 270]),
)
def test_a_region_scores_as_pillow_cuts_and_turns_it(
    pixel_format: PixelFormat, x: int, y: int, width: int, height: int, rotation: int
) -> None:
    scorer = SCORERS["nano"]
    rgb = noise(80, 100, 3)
    pixels = rgb[:, :, ::-1] if pixel_format.value.startswith("BGR") else rgb
    if pixel_format.channels == 4:
        pixels = np.concatenate([pixels, np.full((80, 100, 1), 255, np.uint8)], axis=2)
    roi = (x, y, width, height)
    frame = Frame(pixels, pixel_format, rotation, roi)
    assert scorer.score(frame) == scorer.score(pillow_turned(rgb, roi, rotation))


@pytest.mark.parametrize("name", SCORERS)
def test_formats_of_the_same_planes_score_the_same(name: str) -> None:
    scorer = SCORERS[name]
    y, u, v = noise(211, 301), noise(106, 151, seed=1), noise(106, 151, seed=2)
    turned: dict[str, Any] = {"rotation": 90, "roi": (13, 7, 200, 101)}
    for options in ({}, turned):
        scores = {
            scorer.score(yuv_frame(y, u, v, pixel_format, padding=padding, **options)).score
            for pixel_format in YUV_420
            for padding in (0, 19)
        }
        assert len(scores) == 1


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("pixel_format", YUV)
def test_neutral_chroma_of_full_range_scores_as_gray(name: str, pixel_format: PixelFormat) -> None:
    scorer = SCORERS[name]
    gray = photograph("coffee")[:, :, 1]
    neutral = np.full(pixel_format.chroma_shape(*gray.shape), 128, np.uint8)
    for rotation in (0, 90):
        frame = yuv_frame(
            *(gray, neutral, neutral, pixel_format),
            rotation=rotation,
            color_range=ColorRange.FULL,
        )
        expected = scorer.score(Frame(gray, PixelFormat.GRAY, rotation))
        assert scorer.score(frame) == expected


def test_an_odd_region_of_yuv_scores_as_the_one_beside_it() -> None:
    scorer, rgb = SCORERS["base"], photograph("china")
    for x, y in ((101, 50), (100, 51), (101, 51)):
        roi = (x, y, 1211, 907)
        expected = scorer.score(Frame(rgb, roi=roi)).score
        for pixel_format in YUV:
            frame = as_frame(rgb, pixel_format, roi=roi, color_range=ColorRange.FULL)
            assert scorer.score(frame).score == pytest.approx(expected, abs=1.0)


def test_a_batch_of_frames_is_scored_one_by_one() -> None:
    scorer, rgb = SCORERS["nano"], photograph("raccoon")
    frames = [as_frame(rgb, pixel_format, rotation=90) for pixel_format in FORMATS]
    assert scorer.score_batch(frames) == [scorer.score(frame) for frame in frames]
    with pytest.raises(TypeError, match="use score for one"):
        scorer.score_batch(frames[0])  # type: ignore[arg-type]
