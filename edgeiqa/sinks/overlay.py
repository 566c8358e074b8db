"""Draws score, verdict and reasons onto a frame.

A dark band along the lower edge is equally legible on bright and dark pictures. The verdict is
shown by a word and a sign, not by colour alone; the colours are those of Okabe and Ito (2008),
which colour-blind people can distinguish, lightened for the dark background.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edgeiqa.imaging.frame import Frame
from edgeiqa.live.result import LiveResult
from edgeiqa.preprocessing.resize import to_rgb, to_rgb_at

MAX_SIDE = 1280
"""Larger pictures are reduced to this longest side in pixels."""

MIN_SIDE = 240
"""Smaller ones are enlarged by a whole number until their shorter side has this many pixels."""

HISTORY_S = 10.0
"""Seconds that the curve covers."""

_GROUND, _DARKNESS = (10, 12, 16), 0.72
_INK, _FAINT, _RAIL = (255, 255, 255), (190, 196, 204), (84, 90, 100)
_ACCEPT, _REJECT, _NEUTRAL = (64, 214, 164), (255, 146, 84), (120, 190, 240)
_POINTS = 600
_REASON_LINES = 3
_SMOOTH = 4  # Antialiasing: signs and curves are drawn this much larger and then reduced.


class Overlay:
    """Draws onto the frames of one stream and keeps their scores for the curve."""

    def __init__(
        self,
        *,
        threshold: float | None = None,
        history_s: float = HISTORY_S,
        max_side: int = MAX_SIDE,
    ) -> None:
        """Chooses what is drawn.

        Args:
            threshold: Minimum score 0-100 accepted by the gate, marked on the bar; None for none.
            history_s: Seconds that the curve covers.
            max_side: Longest side of the drawing in pixels.
        """
        self._threshold = threshold
        self._history_ns = round(history_s * 1e9)
        self._max_side = max_side
        self._history: deque[tuple[int, float]] = deque(maxlen=_POINTS)

    def remember(self, result: LiveResult) -> None:
        """Adds a result that is not drawn to the curve."""
        if result.smoothed is None or result.timestamp_ns is None:
            return
        now = result.timestamp_ns
        if self._history and now <= self._history[-1][0]:
            self._history.clear()  # The clock was set back: a new stream.
        self._history.append((now, result.smoothed.score))
        while now - self._history[0][0] > self._history_ns:
            self._history.popleft()

    def draw(
        self, frame: Frame | Image.Image, result: LiveResult, *, note: str | None = None
    ) -> Image.Image:
        """Draws a result onto its frame and adds it to the curve.

        Args:
            frame: What was scored; a PIL picture must be upright and of mode RGB.
            result: Its result.
            note: One more line, such as an event of the camera.

        Returns:
            A new upright picture of mode RGB with the same aspect ratio (to a pixel) and at most
            `max_side` pixels a side.
        """
        return self.prepare(frame, result, note=note)()

    def prepare(
        self, frame: Frame | Image.Image, result: LiveResult, *, note: str | None = None
    ) -> Callable[[], Image.Image]:
        """Like `draw`, but returns a function that draws later, from any thread.

        The result is added to the curve now; the frame must not change in between.
        """
        self.remember(result)
        history = list(self._history)

        def render() -> Image.Image:
            sheet = scaled(frame, self._max_side)
            _Band(sheet, self._threshold).draw(result, history, self._history_ns, note)
            return sheet

        return render


def scaled(frame: Frame | Image.Image, max_side: int = MAX_SIDE) -> Image.Image:
    """A new picture of the frame, upright, in RGB, at the size at which it is drawn."""
    if isinstance(frame, Frame):
        height, width = frame.size
    else:
        width, height = frame.size
    shorter, longest = min(width, height), max(width, height)
    if longest > max_side:
        factor = max_side / longest
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        if isinstance(frame, Frame):
            return Image.fromarray(to_rgb_at(frame, size[::-1]))
        return frame.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if isinstance(frame, Frame):
        picture = Image.fromarray(np.ascontiguousarray(to_rgb(frame)))
    else:
        picture = frame.copy()
    times = min(-(-MIN_SIDE // shorter), max_side // longest)
    if times > 1:
        return picture.resize((times * width, times * height), Image.Resampling.NEAREST)
    return picture


def verdict_word(result: LiveResult) -> str:
    """Accept, Reject, Scored (without a gate) or No score."""
    if result.error is not None or result.smoothed is None:
        return "No score"
    if result.verdict is None:
        return "Scored"
    return "Accept" if result.verdict.accept else "Reject"


class _Band:
    """The band on one picture."""

    def __init__(self, sheet: Image.Image, threshold: float | None) -> None:
        self._sheet = sheet
        self._threshold = threshold
        self._size = max(12, round(min(sheet.size) / 21))
        self._pad = max(3, self._size // 2)
        self._font = _font(self._size)
        self._small = _font(max(10, round(0.8 * self._size)))
        self._inner = max(1, sheet.width - 2 * self._pad)

    def draw(
        self, result: LiveResult, history: list[tuple[int, float]], span: int, note: str | None
    ) -> None:
        colour = _colour(result)
        lines = self._lines(result, note)
        step = round(1.3 * self._small.size)
        bar = max(4, round(0.45 * self._size))
        row = round(1.5 * self._size)
        height = self._pad + row + self._pad // 2 + bar + self._pad + step * len(lines)
        height = min(height + (self._pad // 2 if lines else 0), self._sheet.height)
        top = self._sheet.height - height
        self._darken(top)
        pen = ImageDraw.Draw(self._sheet)
        y = top + self._pad
        left, right = self._first_row(pen, y, row, result, colour)
        if right - left > 4 * self._size and len(history) > 1:
            self._curve((left, y, right, y + row), history, span, colour)
        y += row + self._pad // 2
        self._bar(pen, y, bar, result, colour)
        y += bar + self._pad
        for line in lines:
            pen.text((self._pad, y), line, _INK, self._small)
            y += step

    def _darken(self, top: int) -> None:
        box = (0, top, self._sheet.width, self._sheet.height)
        under = self._sheet.crop(box)
        self._sheet.paste(Image.blend(under, Image.new("RGB", under.size, _GROUND), _DARKNESS), box)

    def _first_row(
        self, pen: ImageDraw.ImageDraw, y: int, row: int, result: LiveResult,
        colour: tuple[int, int, int],
    ) -> tuple[int, int]:  # fmt: skip
        """Sign, word and number; returns the columns free between them."""
        middle = y + row / 2
        side = round(1.1 * self._size)
        word = verdict_word(result)
        sign = _sign(word, side)
        self._sheet.paste(colour, (self._pad, round(middle - side / 2)), sign)
        left = self._pad + side + self._pad // 2
        pen.text((left, middle), word, colour, self._font, anchor="lm")
        left += round(self._font.getlength("No score")) + self._pad
        smoothed = result.smoothed
        number = "-" if smoothed is None else f"{smoothed.score:.0f}"
        large = _font(round(1.5 * self._size))
        right = self._sheet.width - self._pad
        pen.text((right, middle), number, _INK, large, anchor="rm")
        right -= round(large.getlength("100")) + self._pad
        return left, right

    def _bar(
        self, pen: ImageDraw.ImageDraw, y: int, bar: int, result: LiveResult,
        colour: tuple[int, int, int],
    ) -> None:  # fmt: skip
        left, right = self._pad, self._pad + self._inner - 1
        radius = bar // 2
        pen.rounded_rectangle((left, y, right, y + bar), radius, _RAIL)
        if result.smoothed is not None:
            end = left + max(bar, round(self._inner * result.smoothed.score / 100))
            pen.rounded_rectangle((left, y, min(end, right), y + bar), radius, colour)
        if self._threshold is not None:
            x = left + round((self._inner - 1) * self._threshold / 100)
            over = max(2, bar // 3)
            half = max(1, self._size // 12)
            # Dark around light: visible on the filled and on the empty part.
            pen.rectangle((x - 2 * half, y - over, x + 2 * half, y + bar + over), _GROUND)
            pen.rectangle((x - half, y - over, x + half, y + bar + over), _INK)

    def _curve(
        self, box: tuple[int, int, int, int], history: list[tuple[int, float]], span: int,
        colour: tuple[int, int, int],
    ) -> None:  # fmt: skip
        """The scores of the last seconds, 0-100 from the lower to the upper edge of the box."""
        left, top, right, low = box
        width, height = (right - left) * _SMOOTH, (low - top) * _SMOOTH
        mask = Image.new("L", (width, height))
        pen = ImageDraw.Draw(mask)
        thick = max(_SMOOTH, round(self._size * _SMOOTH / 9))
        end = history[-1][0]

        def height_of(score: float) -> float:
            return thick + (height - 1 - 2 * thick) * (1 - score / 100)

        if self._threshold is not None:
            level, dash = height_of(self._threshold), 2 * thick
            for start in range(0, width, 2 * dash):
                pen.line((start, level, start + dash, level), 110, max(1, thick // 2))
        points = [
            (width - 1 - thick - (width - 1 - thick) * (end - at) / span, height_of(score))
            for at, score in history
        ]
        pen.line(points, 255, thick, joint="curve")
        x, y = points[-1]
        pen.ellipse((x - thick, y - thick, x + thick, y + thick), 255)
        self._sheet.paste(colour, (left, top), mask.reduce(_SMOOTH))

    def _lines(self, result: LiveResult, note: str | None) -> list[str]:
        sentences: list[str] = []
        if result.error is not None:
            sentences.append(result.error)
        elif result.verdict is not None:
            sentences += [reason.sentence for reason in result.verdict.reasons]
        if note:
            sentences.append(note)
        lines = [
            line for text in sentences for line in _wrapped(text[:500], self._small, self._inner)
        ]
        limit = max(1, min(_REASON_LINES, self._sheet.height // (4 * self._size)))
        if len(lines) > limit:
            lines[limit - 1] = _shortened(lines[limit - 1] + " ...", self._small, self._inner)
        return lines[:limit]


def _colour(result: LiveResult) -> tuple[int, int, int]:
    word = verdict_word(result)
    return {"Accept": _ACCEPT, "Reject": _REJECT, "Scored": _NEUTRAL}.get(word, _FAINT)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Always, when a size is given.
    return font


@lru_cache(maxsize=64)
def _sign(word: str, side: int) -> Image.Image:
    """A disc with a tick, a cross, a dot or a bar cut out; a mask, mode L."""
    large = side * _SMOOTH
    mask = Image.new("L", (large, large))
    pen = ImageDraw.Draw(mask)
    pen.ellipse((0, 0, large - 1, large - 1), 255)
    thick = max(1, large // 8)
    strokes: list[tuple[tuple[float, float], ...]]
    if word == "Accept":
        strokes = [((0.27, 0.53), (0.43, 0.69), (0.74, 0.34))]
    elif word == "Reject":
        strokes = [((0.31, 0.31), (0.69, 0.69)), ((0.31, 0.69), (0.69, 0.31))]
    elif word == "Scored":
        strokes = [((0.46, 0.5), (0.54, 0.5))]
    else:
        strokes = [((0.28, 0.5), (0.72, 0.5))]
    for stroke in strokes:
        points = [(x * large, y * large) for x, y in stroke]
        pen.line(points, 0, thick, joint="curve")
        for x, y in points:
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), 0)
    return mask.reduce(_SMOOTH)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Wraps a text at words; a word that is too long is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_shortened(word, font, width))
    return lines


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip(" .") + "..."
