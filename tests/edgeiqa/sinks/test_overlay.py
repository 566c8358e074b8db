"""What is drawn onto a frame can be read, at every size and on every picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgeiqa.gating.gate import Reason, Verdict
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.live.result import LiveResult
from edgeiqa.quality import Quality
from edgeiqa.sinks.overlay import MAX_SIDE, Overlay, scaled, verdict_word

ACCEPT = Verdict(True)
REJECT = Verdict(False, (Reason("low_quality", 33.2, 60.0),))


def result(score: float = 50.0, verdict: Verdict | None = ACCEPT, number: int = 1) -> LiveResult:
    quality = Quality(score, 5.0)
    return LiveResult(number * 33_000_000, quality, quality, verdict)


def flat(value: int, size: tuple[int, int] = (640, 360)) -> Image.Image:
    return Image.new("RGB", size, (value, value, value))


def changed(sheet: Image.Image, value: int) -> np.ndarray:
    """Where a flat picture was drawn upon, bool [height, width]."""
    return (np.asarray(sheet) != value).any(axis=2)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 360), (640, 360)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((160, 120), (320, 240)),
        ((1, 1), (240, 240)),
        ((4000, 10), (1280, 3)),
        ((10, 4000), (3, 1280)),
        ((3000, 1), (1280, 1)),
    ],
)
def test_size_of_the_drawing(size: tuple[int, int], expected: tuple[int, int]) -> None:
    sheet = Overlay(threshold=50).draw(flat(100, size), result(verdict=REJECT))
    assert (sheet.mode, sheet.size) == ("RGB", expected)
    assert max(sheet.size) <= MAX_SIDE


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (720, 1280), (160, 120)])
def test_only_the_lower_third_is_covered(size: tuple[int, int]) -> None:
    sheet = Overlay(threshold=50).draw(flat(128, size), result(verdict=REJECT))
    drawn = changed(sheet, 128)
    assert not drawn[: sheet.height * 2 // 3].any()
    assert drawn[-1].all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_text_stands_out_on_any_ground(value: int) -> None:
    sheet = Overlay().draw(flat(value), result(verdict=REJECT))
    gray = np.asarray(sheet.convert("L"))
    band = gray[changed(sheet, value).all(axis=1).argmax() :]
    # WCAG asks for a ratio of luminances of 4.5 at least; white on the lightest ground.
    ground = np.median(band) / 255
    luminance = ground / 12.92 if ground <= 0.04045 else ((ground + 0.055) / 1.055) ** 2.4
    assert band.max() == 255
    assert 1.05 / (luminance + 0.05) > 4.5


def test_the_bar_is_as_long_as_the_score() -> None:
    lengths = []
    for score in (10, 30, 60, 90):
        pixels = np.asarray(Overlay().draw(flat(128), result(score)))
        accent = (pixels == (64, 214, 164)).all(axis=2)
        lengths.append(int(accent.sum(axis=1).max()))
    assert np.diff(lengths) / 640 == pytest.approx([0.2, 0.3, 0.3], abs=0.02)


def test_verdict_is_shown_by_word_and_sign_not_by_colour_alone() -> None:
    sheets = [
        np.asarray(Overlay().draw(flat(128), one).convert("L").point(lambda v: 255 * (v > 110)))
        for one in (result(), LiveResult(1, Quality(50.0), Quality(50.0), Verdict(False)))
    ]
    assert (sheets[0] != sheets[1]).sum() > 200
    assert verdict_word(result()) == "Accept"
    assert verdict_word(result(verdict=REJECT)) == "Reject"
    assert verdict_word(result(verdict=None)) == "Scored"
    assert verdict_word(LiveResult(1, error="ValueError: x")) == "No score"


def test_reasons_errors_and_notes_take_lines_of_their_own() -> None:
    def band(one: LiveResult, note: str | None = None) -> int:
        return int(changed(Overlay().draw(flat(128), one, note=note), 128).any(axis=1).sum())

    none, reject = band(result()), band(result(verdict=REJECT))
    assert none < reject < band(result(verdict=REJECT), "stalled: no frame for 5 s")
    endless = band(LiveResult(1, error="ValueError: " + "words and words " * 200))
    assert reject < endless < 180
    assert band(LiveResult(1, error="x" * 5000)) == reject


def test_the_curve_shows_the_past() -> None:
    def curve(scores: list[float]) -> np.ndarray:
        overlay = Overlay(threshold=50)
        for number, score in enumerate(scores):
            overlay.remember(result(score, number=number))
        return np.asarray(overlay.draw(flat(128), result(50, number=len(scores))))

    steady, fell = curve([50.0] * 200), curve([90.0] * 200)
    assert (steady != fell).any(axis=2).sum() > 50
    # What is longer ago than the curve looks back does not count.
    assert np.array_equal(curve([90.0] * 200 + [50.0] * 400), curve([10.0] * 200 + [50.0] * 400))


def test_a_clock_set_back_begins_a_new_curve() -> None:
    overlay = Overlay()
    for number in range(100, 200):
        overlay.remember(result(90, number=number))
    fresh = np.asarray(Overlay().draw(flat(128), result(50, number=1)))
    assert np.array_equal(np.asarray(overlay.draw(flat(128), result(50, number=1))), fresh)


def test_a_frame_is_drawn_upright_and_in_its_colours() -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[:, :200] = (255, 0, 0)  # Blue in BGR, on the left; after a quarter turn at the top.
    frame = Frame(pixels, PixelFormat.BGR, rotation=90, timestamp_ns=1)
    sheet = Overlay().draw(frame, result())
    assert sheet.size == (300, 400)
    assert sheet.getpixel((150, 20)) == (0, 0, 255)
    assert sheet.getpixel((150, 250)) == (0, 0, 0)
    region = Frame(pixels, PixelFormat.BGR, roi=(100, 0, 250, 280))
    assert scaled(region).size == (250, 280)


def test_the_picture_that_came_is_left_alone() -> None:
    picture = flat(128)
    Overlay().draw(picture, result())
    assert not changed(picture, 128).any()
