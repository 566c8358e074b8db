"""Phone makers' watermarks, painted on training pictures so that no model learns from them.

A quarter of BIQ2021's degraded shots carry one in the lower left corner, which would be a free hint
at a low score. Training crops cut it off; painting others on at random teaches that it means
nothing.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_LINES = (
    ("REDMI NOTE 8", "AI QUAD CAMERA"),
    ("I NOTE 8", "AD CAMERA"),
    ("SHOT ON A1", "DUAL CAMERA"),
    ("Shot by P30", "2019/11/03"),
)


def paint(
    rgb: NDArray[np.uint8], generator: np.random.Generator | None = None
) -> NDArray[np.uint8]:
    """Paints two lines of white print in the lower left corner.

    Args:
        rgb: uint8 [H, W, 3].
        generator: Chooses text, size and place; None paints the commonest one.

    Returns:
        A new array, uint8 [H, W, 3].
    """
    height, width = rgb.shape[:2]
    choice, jitter = 1, [0.0, 0.0, 0.0]
    if generator is not None:
        choice = int(generator.integers(len(_LINES)))
        jitter = [float(value) for value in generator.uniform(-1.0, 1.0, 3)]
    # Seen at 512 px: letters 11 px high, base lines at 0.914 and 0.943 of the height.
    text_height = max(6, round(height * (0.024 + 0.006 * jitter[0])))
    mask = _mask(_LINES[choice], text_height)
    x = round(width * max(0.0, 0.02 + 0.02 * jitter[1]))
    y = round(height * (0.89 + 0.02 * jitter[2]))
    part = mask[: height - y, : width - x]
    result = rgb.copy()
    area = result[y : y + part.shape[0], x : x + part.shape[1]]
    alpha = part[..., None].astype(np.uint16)
    area[:] = ((area * (255 - alpha) + 245 * alpha) // 255).astype(np.uint8)
    return result


@lru_cache(maxsize=128)
def _mask(lines: tuple[str, str], text_height: int) -> NDArray[np.uint8]:
    font = ImageFont.load_default(text_height)
    pitch = round(1.35 * text_height)
    width = max(int(font.getlength(line)) for line in lines) + 2
    image = Image.new("L", (width, 2 * pitch))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((0, number * pitch), line, fill=235, font=font)
    return np.asarray(image)
