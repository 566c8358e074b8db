"""The arithmetic of docs/reference/preprocessing.md, written from that text alone, without Pillow.

It is slow and plain on purpose: whoever ports the preprocessing can read it line by line.
`tests/edgeiqa/preprocessing/test_resize.py` proves it equal to `edgeiqa.preprocessing.resize`
in every bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PRECISION_BITS = 22
LUMA_PLACES = 13
CHROMA_PLACES = 5

# Section 6: the table of coefficients.
COEFFICIENTS = {
    ("BT.601", "full"): (0, 65536, 91881, 22553, 46802, 116130),
    ("BT.601", "limited"): (16, 76309, 104597, 25675, 53279, 132201),
    ("BT.709", "full"): (0, 65536, 103206, 12276, 30679, 121609),
    ("BT.709", "limited"): (16, 76309, 117489, 13975, 34925, 138438),
}


def resize(rgb: np.ndarray, size: tuple[int, int], fit: str = "squash") -> np.ndarray:
    """Section 2 to 4: crop, box reduction, bilinear filter; uint8 [height, width, 3]."""
    to_height, to_width = size
    if fit == "crop":
        rgb = crop(rgb, to_height, to_width)
    return scaled(Plane(rgb, rgb.shape[1], rgb.shape[0]), to_width, to_height)


@dataclass
class Plane:
    """Samples, each over `step` by `step` pixels of a picture of width by height pixels.

    The first sample begins `lead_x` pixels to the left of the picture, `lead_y` above it.
    """

    samples: np.ndarray
    width: int
    height: int
    step_x: int = 1
    step_y: int = 1
    lead_x: int = 0
    lead_y: int = 0


def yuv(
    planes: list[np.ndarray],
    step: tuple[int, int],
    size: tuple[int, int],
    *,
    matrix: str,
    color_range: str,
    roi: tuple[int, int, int, int],
    rotation: int,
    fit: str = "squash",
) -> np.ndarray:
    """Section 6: planes Y, U, V and the step (down, across) of U and V; uint8 [h, w, 3]."""
    to_height, to_width = size
    scaled_planes = []
    for index, samples in enumerate(planes):
        step_y, step_x = step if index else (1, 1)
        kind = "chroma" if index else "luma"
        height, width = planes[0].shape
        plane = cut(Plane(samples, width, height, step_x, step_y), *roi)
        for _ in range(rotation // 90):
            plane = quarter_turn(plane)
        if fit == "crop":
            plane = cut(plane, *centre(plane.width, plane.height, to_width, to_height))
        scaled_planes.append(scaled(plane, to_width, to_height, kind))
    out = np.zeros((to_height, to_width, 3), np.uint8)
    for y in range(to_height):
        for x in range(to_width):
            values = [int(plane[y, x]) for plane in scaled_planes]
            out[y, x] = color(values, COEFFICIENTS[matrix, color_range])
    return out


def cut(plane: Plane, x: int, y: int, width: int, height: int) -> Plane:
    """Section 6: all samples that lie over the region, were it by a part only."""
    left, top = x + plane.lead_x, y + plane.lead_y
    first_x, first_y = left // plane.step_x, top // plane.step_y
    last_x = -(-(left + width) // plane.step_x)
    last_y = -(-(top + height) // plane.step_y)
    return Plane(
        plane.samples[first_y:last_y, first_x:last_x],
        *(width, height, plane.step_x, plane.step_y),
        lead_x=left - first_x * plane.step_x,
        lead_y=top - first_y * plane.step_y,
    )


def quarter_turn(plane: Plane) -> Plane:
    """Section 6: clockwise."""
    rows, columns = plane.samples.shape
    turned = np.zeros((columns, rows), np.uint8)
    for y in range(rows):
        for x in range(columns):
            turned[x, rows - 1 - y] = plane.samples[y, x]
    return Plane(
        turned,
        *(plane.height, plane.width, plane.step_y, plane.step_x),
        lead_x=rows * plane.step_y - plane.height - plane.lead_y,
        lead_y=plane.lead_x,
    )


def color(values: list[int], coefficients: tuple[int, ...]) -> tuple[int, int, int]:
    """Section 6: R, G, B of Y with 13 binary places, U and V with 5."""
    y = values[0]
    u, v = values[1] - (128 << CHROMA_PLACES), values[2] - (128 << CHROMA_PLACES)
    black, luma, red_v, green_u, green_v, blue_u = coefficients
    base = ((luma * (y - (black << LUMA_PLACES))) >> 8) + (1 << 20)
    red = (base + red_v * v) >> 21
    green = (base - green_u * u - green_v * v) >> 21
    blue = (base + blue_u * u) >> 21
    return min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255)


def scaled(plane: Plane, to_width: int, to_height: int, kind: str = "pixels") -> np.ndarray:
    """Section 3 and 4, with the box of section 6 for planes whose step is not 1.

    "pixels" are rounded to whole numbers in the end, "luma" and "chroma" keep binary places.
    """
    height, width = plane.samples.shape[:2]
    factor_x, factor_y = max(1, width // (2 * to_width)), max(1, height // (2 * to_height))
    pixels = plane.samples.reshape(height, width, -1)
    pixels = reduce(pixels, factor_x, factor_y)
    # What the last, narrower block stands for is kept as a fraction of a pixel.
    unit_x, unit_y = plane.step_x * factor_x, plane.step_y * factor_y
    start_x, stop_x = plane.lead_x / unit_x, (plane.lead_x + plane.width) / unit_x
    start_y, stop_y = plane.lead_y / unit_y, (plane.lead_y + plane.height) / unit_y
    pixels = filter_rows(pixels, np.float32(start_x), np.float32(stop_x), to_width)
    columns = pixels.transpose(1, 0, 2)
    columns = filter_rows(columns, np.float32(start_y), np.float32(stop_y), to_height, kind)
    return columns.transpose(1, 0, 2).reshape(to_height, to_width, *plane.samples.shape[2:])


def crop(rgb: np.ndarray, to_height: int, to_width: int) -> np.ndarray:
    """Section 2."""
    left, top, width, height = centre(rgb.shape[1], rgb.shape[0], to_width, to_height)
    return rgb[top : top + height, left : left + width]


def centre(width: int, height: int, to_width: int, to_height: int) -> tuple[int, int, int, int]:
    """Section 2: left, top, width and height of the box."""
    box_height, box_width = height, width
    if width * to_height > height * to_width:
        box_width = max(1, (height * to_width) // to_height)
    else:
        box_height = max(1, (width * to_height) // to_width)
    return (width - box_width) // 2, (height - box_height) // 2, box_width, box_height


def reduce(rgb: np.ndarray, factor_x: int, factor_y: int) -> np.ndarray:
    """Section 3."""
    if factor_x == 1 and factor_y == 1:
        return rgb
    height, width, channels = rgb.shape
    out_height, out_width = -(-height // factor_y), -(-width // factor_x)
    out = np.zeros((out_height, out_width, channels), np.uint8)
    for y in range(out_height):
        for x in range(out_width):
            block = rgb[
                y * factor_y : (y + 1) * factor_y, x * factor_x : (x + 1) * factor_x
            ].reshape(-1, channels)
            count = len(block)
            multiplier = int(np.float32(2.0**24 / count))
            for channel in range(channels):
                total = int(block[:, channel].astype(np.int64).sum())
                out[y, x, channel] = ((total + count // 2) * multiplier) >> 24
    return out


def filter_rows(
    pixels: np.ndarray, start: np.float32, stop: np.float32, to_width: int, kind: str = "pixels"
) -> np.ndarray:
    """Section 4, along the second axis, for what lies from start to stop."""
    height, width, channels = pixels.shape
    scale = float(stop - start) / to_width  # The difference is a float, too.
    filter_scale = max(scale, 1.0)
    support = filter_scale
    inverse = 1.0 / filter_scale
    out = np.zeros((height, to_width, channels), np.uint8 if kind == "pixels" else np.int64)
    addend, shift = {"pixels": (1 << 21, 22), "luma": (0, 9), "chroma": (1 << 16, 17)}[kind]
    for x in range(to_width):
        centre = float(start) + (x + 0.5) * scale
        first = max(0, int(centre - support + 0.5))
        last = min(width, int(centre + support + 0.5))
        weights = []
        for i in range(first, last):
            distance = abs((i - centre + 0.5) * inverse)
            weights.append(1.0 - distance if distance < 1.0 else 0.0)
        total = 0.0
        for weight in weights:
            total += weight
        whole = [int(0.5 + weight / total * 2**PRECISION_BITS) for weight in weights]
        accumulated = np.full((height, channels), addend, np.int64)
        for i, weight in zip(range(first, last), whole, strict=True):
            accumulated += pixels[:, i].astype(np.int64) * weight
        out[:, x] = accumulated >> shift
    return out
