"""Point-spread functions: what lens and shake make of a point of light.

All are float32 arrays with odd sides, centred, non-negative, and sum to 1: light is only moved.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import signal

from .registry import LightArray


def gaussian_kernel(sigma: float) -> LightArray:
    """A round Gaussian of deviation ``sigma`` pixels, cut at 3.5 sigma."""
    radius = math.ceil(3.5 * sigma)
    axis = np.arange(-radius, radius + 1)
    profile = np.exp(-0.5 * (axis / max(sigma, 1e-6)) ** 2)
    profile /= profile.sum()
    return np.outer(profile, profile).astype(np.float32)


def disc_kernel(radius: float) -> LightArray:
    """The image of a point out of focus: an even disc, its rim anti-aliased over one pixel.

    Args:
        radius: of the blur disc (half the circle of confusion) in pixels; up to half a pixel
            gives a single point.
    """
    reach = math.ceil(radius + 0.5)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    kernel[reach, reach] = 1.0
    return (kernel / kernel.sum()).astype(np.float32)


def line_kernel(length: float, angle: float) -> LightArray:
    """Draws an anti-aliased line through the middle of an odd kernel that sums to 1.

    Args:
        length: in pixels, may be fractional, 0 gives a single point.
        angle: radians from the x axis.
    """
    radius = math.ceil(length / 2) + 1
    # Many points per pixel, each split over its four neighbours, follow a line of any length.
    count = max(2, 8 * math.ceil(length))
    offset = (np.arange(count) + 0.5) / count * length - length / 2
    return _splat(offset * math.cos(angle), offset * math.sin(angle), radius)


def smear_kernel(radius: float, length: float, angle: float) -> LightArray:
    """A disc of ``radius`` drawn out along a line of ``length`` pixels at ``angle``."""
    kernel = signal.fftconvolve(disc_kernel(radius), line_kernel(length, angle))
    # The transform leaves rounding errors around 0.
    kernel = np.where(kernel < 1e-7, 0.0, kernel)
    return (kernel / kernel.sum()).astype(np.float32)


def shake_path(generator: np.random.Generator, steps: int = 600) -> npt.NDArray[np.float64]:
    """The wander of a hand-held camera during one exposure.

    A particle with inertia that is pushed at random, drawn back to where it was aimed, and now
    and then jerked: the trajectories of Boracchi & Foi, "Modeling the Performance of Image
    Restoration From Motion Blur", IEEE Trans. Image Process. 21(8), 2012, section III.

    Args:
        generator: the source of randomness.
        steps: samples of the exposure time, evenly spaced.

    Returns:
        Float64 (steps, 2), x and y, centred on their mean and scaled to a mean squared distance
        from it of 1.
    """
    jerk = 0.2 * generator.uniform(0.2, 1.0)
    push = 10.0 * generator.uniform(0.2, 1.0)
    pull = 0.7 * generator.uniform(0.2, 1.0)
    heading = generator.uniform(0.0, 2 * math.pi)
    speed = complex(math.cos(heading), math.sin(heading))
    pushes = generator.standard_normal((steps, 2)) @ np.array([1.0, 1j])
    jerked = generator.random(steps) < jerk * 10.0 / steps
    turns = np.exp(1j * (math.pi + generator.uniform(-0.5, 0.5, steps)))
    place, places = 0j, np.empty(steps, np.complex128)
    unit = 1.0 / steps
    for step in range(steps):
        places[step] = place
        speed += (push * pushes[step] * math.sqrt(unit)) * 0.5 - pull * place * unit * 30.0
        if jerked[step]:
            speed += 2.0 * abs(speed) * turns[step] * speed / max(abs(speed), 1e-9)
        place += speed * unit
    places -= places.mean()
    places /= math.sqrt(float(np.mean(np.abs(places) ** 2)))
    return np.stack([places.real, places.imag], axis=-1)


def path_kernel(path: npt.NDArray[np.float64], spread: float) -> LightArray:
    """The point-spread function of a camera that moved along a path.

    Args:
        path: float64 (steps, 2), x and y at even times, centred, as `shake_path` returns it.
        spread: root of the mean squared distance from the middle, in pixels.
    """
    # Between two samples the camera moves straight; splitting them leaves no gaps.
    times = np.linspace(0, len(path) - 1, 6 * len(path))
    x, y = (np.interp(times, np.arange(len(path)), path[:, axis]) * spread for axis in (0, 1))
    radius = math.ceil(max(np.abs(x).max(), np.abs(y).max())) + 1
    return _splat(x, y, radius)


def _splat(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], radius: int) -> LightArray:
    """Shares each point over its four neighbours in a kernel of side 2 * radius + 1."""
    x, y = radius + x, radius + y
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - x0, y - y0
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            # At the right and lower border the weight of the outer neighbour is 0.
            rows, columns = np.minimum(y0 + dy, 2 * radius), np.minimum(x0 + dx, 2 * radius)
            np.add.at(kernel, (rows, columns), wy * wx)
    return (kernel / kernel.sum()).astype(np.float32)
