"""Measures that compare frames of one moment: fine detail, noise, block artefacts, exposure.

Such numbers are not comparable across scenes: a lawn has more fine detail than a face. Between
frames of one scene they are, and at native resolution they show what a network that sees a small
copy cannot. All are measured on the luma of a few patches at the same places in every frame, so
that the cost does not grow with the size.

The first frame of a moment chooses the places: the patch with most texture in each cell of a grid.
The others are aligned to it as a whole, by phase correlation (Kuglin & Hines, 1975) of small copies
and then of the patches with most texture; the shift between two hand-held frames is about the same
everywhere. A frame with different content there chooses places of its own.

What is measured on the patches:

- gradient energy at full, half, quarter and eighth resolution (Tenengrad, Krotkov 1987, by
  octaves), in four directions, since motion blur removes detail along one direction only. Noise is
  not detail: its floor, estimated after Immerkaer ("Fast Noise Variance Estimation", CVIU 64(2),
  1996) in the flattest blocks, is subtracted as white noise would add to it;
- the steepest gradient of each block, a measure of how sharp edges are;
- the noise floor itself;
- steps at the borders of the encoder's 8 x 8 blocks, against steps elsewhere;
- mean, spread and clipping of the luma.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from edgeiqa.imaging.frame import Frame
from edgeiqa.preprocessing.luma import luma_crop, luma_small
from edgeiqa.preprocessing.resize import to_rgb

PATCH = 128
"""Side of a patch in pixels."""

_SAME_CONTENT = 0.7  # Correlation of patches: below, the frame was not aligned.
_GUIDES = 5  # Patches that align a frame to the pixel.
_GRID = 5  # Cells per side at most: 25 patches are 0.4 megapixels.
_SMALL = 160  # Longer side of the small copy in pixels, about.
_BLOCK = 32  # Four pixels at an eighth of the resolution.
_MAX_SHIFT = 0.2  # Of the sides: two frames of one moment share at least most of the scene.
_CLEAR_PEAK = 6.0  # Times the deviation of the correlation: below, the shift is unknown.
_OCTAVES = 4
# Energies below do not count: quantisation to 8 bits has a variance of 1/12.
_FLOOR = 0.25

FEATURES = (
    *(f"detail{octave}" for octave in range(_OCTAVES)),
    *(f"across{octave}" for octave in range(_OCTAVES)),
    *("edge0", "edge1", "noise", "noise_low", "blocks", "mean", "mean_squared", "spread"),
    *("bright", "dark"),
)
"""Names of the numbers of `FrameDetail.values`, in their order."""


class Luma:
    """The luma of an upright picture, computed on demand.

    Attributes:
        height: In pixels.
        width: In pixels.
    """

    def __init__(self, source: Frame | Image.Image) -> None:
        """Takes a frame, or an upright PIL picture of mode RGB."""
        self._source = source
        self.height, self.width = (
            source.size if isinstance(source, Frame) else (source.height, source.width)
        )

    def crop(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Cuts out a piece.

        Returns:
            uint8 [height, width], full range; what lies outside repeats the border.
        """
        bottom, right = min(top + height, self.height), min(left + width, self.width)
        part = luma_crop(self._source, (left, top, right, bottom))
        missing = ((0, height - part.shape[0]), (0, width - part.shape[1]))
        return np.pad(part, missing, mode="edge") if any(n for _, n in missing) else part

    def small(self, factor: int) -> np.ndarray:
        """The whole picture, averaged over squares of `factor` pixels: float32 [rows, columns]."""
        return luma_small(self._source, factor).astype(np.float32)

    def scaled(self, share: float) -> Luma:
        """The picture with its sides times `share`, antialiased."""
        source = self._source
        image = (
            Image.fromarray(np.ascontiguousarray(to_rgb(source)))
            if isinstance(source, Frame)
            else source
        )
        size = (max(1, round(self.width * share)), max(1, round(self.height * share)))
        return Luma(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


@dataclass(frozen=True)
class FrameDetail:
    """The numbers of one frame.

    Attributes:
        values: float64 [len(FEATURES)], comparable only with those of the same `Places`.
        shift: (down, right) of the frame's content against the first frame's, in pixels.
    """

    values: np.ndarray
    shift: tuple[int, int] = (0, 0)


class Places:
    """The places at which the frames of one moment are measured, chosen by the first."""

    def __init__(self, first: Luma) -> None:
        """Chooses the places on the first frame."""
        self._size = (first.height, first.width)
        self._factor = max(1, -(-max(self._size) // _SMALL))
        self._small = first.small(self._factor)
        self._patch = (_patch_side(first.height), _patch_side(first.width))
        chosen = sorted(self._choose(), key=lambda place: -place[0])
        self._corners = [corner for _, corner in chosen]
        self._coarsely = _coarsely(self._patches(first, (0, 0)).astype(np.float32))
        self._guides = [
            (corner, first.crop(*corner, *self._patch).astype(np.float32))
            for corner in self._corners[:_GUIDES]
        ]

    def measure(self, frame: Luma) -> FrameDetail:
        """Measures a frame of the moment; a copy of another resolution is brought to the first's.

        Args:
            frame: Of the same scene.

        Returns:
            Its numbers.
        """
        share = max(self._size) / max(frame.height, frame.width)
        if not 0.8 < share < 1.25:  # Not a crop, but another resolution.
            frame = frame.scaled(share)
        shift = self._fine(frame, self._coarse(frame))
        patches = self._patches(frame, shift).astype(np.float32)
        if not self._shows_the_same(patches):
            # Taken from elsewhere, or the subject moved. The first frame's places are those with
            # most texture there, which would favour it, so this one chooses its own.
            shift = (0, 0)
            patches = Places(frame)._patches(frame, shift).astype(np.float32)
        return FrameDetail(np.concatenate([_sharpness(patches), _exposure(patches)]), shift)

    def _coarse(self, frame: Luma) -> tuple[int, int]:
        """The shift of the content since the first frame, to a pixel of the small copy."""
        down, right = shift_between(self._small, frame.small(self._factor))
        return down * self._factor, right * self._factor

    def _fine(self, frame: Luma, shift: tuple[int, int]) -> tuple[int, int]:
        """A shift to the pixel: the median over the patches with most texture."""
        found = []
        for corner, first in self._guides:
            top, left = self._placed(frame, corner, shift)
            moved = top - corner[0], left - corner[1]
            here = frame.crop(top, left, *self._patch).astype(np.float32)
            down, right = shift_between(first, here)
            found.append((moved[0] + down, moved[1] + right))
        down, right = (int(n) for n in np.median(np.array(found), axis=0))
        # The patches can only correct by the precision of the small copy.
        if max(abs(down - shift[0]), abs(right - shift[1])) > 2 * self._factor:
            return shift
        return down, right

    def _shows_the_same(self, patches: np.ndarray) -> bool:
        """Whether most patches have the same coarse content as in the first frame."""
        if patches.shape != (len(self._corners), *self._patch):
            return False
        alike = (self._coarsely * _coarsely(patches)).sum(axis=1)
        even = ~self._coarsely.any(axis=1)  # Without content there is nothing to compare.
        return bool(even.all() or np.median(alike[~even]) >= _SAME_CONTENT)

    def _patches(self, frame: Luma, shift: tuple[int, int]) -> np.ndarray:
        """uint8 [count, height, width]: the places in a frame whose content is shifted."""
        places = [self._placed(frame, corner, shift) for corner in self._corners]
        return np.stack([frame.crop(top, left, *self._patch) for top, left in places])

    def _placed(
        self, frame: Luma, corner: tuple[int, int], shift: tuple[int, int]
    ) -> tuple[int, int]:
        top, left = (place + moved for place, moved in zip(corner, shift, strict=True))
        return _within(top, frame.height, self._patch[0]), _within(
            left, frame.width, self._patch[1]
        )

    def _choose(self) -> list[tuple[float, tuple[int, int]]]:
        """In each cell of a grid the richest place: its texture and its upper left corner."""
        texture = np.zeros_like(self._small)
        texture[:-1] += np.abs(np.diff(self._small, axis=0))
        texture[:, :-1] += np.abs(np.diff(self._small, axis=1))
        sums = np.pad(texture.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        step = self._factor
        high, wide = (max(1, side // step) for side in self._patch)
        corners = []
        for rows in _cells(self._size[0], self._patch[0]):
            for columns in _cells(self._size[1], self._patch[1]):
                tops = np.arange(rows.start, rows.stop, 8)
                lefts = np.arange(columns.start, columns.stop, 8)
                i = np.minimum(tops // step, max(0, texture.shape[0] - high))[:, np.newaxis]
                j = np.minimum(lefts // step, max(0, texture.shape[1] - wide))[np.newaxis]
                i2 = np.minimum(i + high, texture.shape[0])
                j2 = np.minimum(j + wide, texture.shape[1])
                held = sums[i2, j2] - sums[i, j2] - sums[i2, j] + sums[i, j]
                best = np.unravel_index(int(np.argmax(held)), held.shape)
                corner = int(tops[best[0]]), int(lefts[best[1]])
                corners.append((float(held[best]), corner))
        return corners


def _cells(side: int, patch: int) -> list[range]:
    """Where the patches of each cell along a side may begin: on multiples of 8."""
    count = max(1, min(_GRID, side // patch))
    edges = [round(n * side / count) // 8 * 8 for n in range(count + 1)]
    return [range(a, max(a + 1, b - patch + 1)) for a, b in pairwise(edges)]


def _patch_side(side: int) -> int:
    """Of small pictures a whole number of blocks, however small; `Luma.crop` fills up."""
    return min(PATCH, -(-side // _BLOCK) * _BLOCK)


def _within(start: int, side: int, patch: int) -> int:
    """The nearest start whose patch lies inside, and 8 times n pixels from where it should be.

    So the encoder's grid of 8 begins at the same place in all patches of a frame.
    """
    if start < 0:
        return start % 8 if start % 8 + patch <= side else 0
    if start + patch > side:
        return max(0, start - -(-(start + patch - side) // 8) * 8)
    return start


def shift_between(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    """How far the content of one small picture lies from where it is in another.

    Args:
        first: float32 [height, width].
        second: float32 [height', width'], of the same scale.

    Returns:
        (down, right) in pixels; (0, 0) where the pictures have too little in common.
    """
    shape = tuple(max(a, b) for a, b in zip(first.shape, second.shape, strict=True))
    if min(shape) < 8:
        return 0, 0
    spectra = [np.fft.rfft2(_windowed(picture), shape) for picture in (first, second)]
    cross = spectra[1] * np.conj(spectra[0])
    # Whitened by half: noise and blur leave little but noise in the high frequencies.
    cross /= np.sqrt(np.abs(cross)) + 1e-6
    peaks = np.fft.irfft2(cross, shape)
    limits = [max(1, int(side * _MAX_SHIFT)) for side in shape]
    rows = np.r_[0 : limits[0] + 1, -limits[0] : 0]
    columns = np.r_[0 : limits[1] + 1, -limits[1] : 0]
    near = peaks[np.ix_(rows, columns)]
    i, j = np.unravel_index(int(np.argmax(near)), near.shape)
    if near[i, j] < _CLEAR_PEAK * float(peaks.std()):
        return 0, 0
    return int(rows[i]), int(columns[j])


def _windowed(picture: np.ndarray) -> np.ndarray:
    window = np.outer(
        np.hanning(picture.shape[0] + 2)[1:-1], np.hanning(picture.shape[1] + 2)[1:-1]
    )
    return np.asarray((picture - picture.mean()) * window)


def _sharpness(patches: np.ndarray) -> np.ndarray:
    """Detail, edges, noise and blocks of float32 [count, height, width]."""
    noise = _noise(patches)
    level = patches
    detail, across, edges = [], [], []
    for octave in range(_OCTAVES):
        # Central differences; white noise of variance v adds 2 v, averaging 4 pixels leaves v / 4.
        right = level[:, 1:-1, 2:] - level[:, 1:-1, :-2]
        down = level[:, 2:, 1:-1] - level[:, :-2, 1:-1]
        falling = level[:, 2:, 2:] - level[:, :-2, :-2]
        rising = level[:, 2:, :-2] - level[:, :-2, 2:]
        floor = 2.0 * noise**2 / 4**octave
        energies = np.stack(
            [np.einsum("nij,nij->n", d, d) / d[0].size for d in (right, down, falling, rising)]
        )
        logs = np.log(np.maximum(energies - floor, 0.0) + _FLOOR)
        detail.append(float(logs.mean()))
        # Motion blurs one direction: the mean over patches, then the poorest direction.
        across.append(float(logs.mean(axis=1).min()))
        if octave < 2:
            steepest = np.maximum(np.abs(right), np.abs(down))
            for _ in range(3 - octave):
                steepest = _halved(steepest, np.maximum)
            edges.append(float(np.log(steepest + 1.0).mean()))
        if octave + 1 < _OCTAVES:
            level = _halved(level, np.add) * np.float32(0.25)
    return np.array(
        [
            *detail,
            *across,
            *edges,
            np.log(noise + 0.5),
            min(noise, 2.0),
            _blockiness(patches),
        ]
    )


def _halved(values: np.ndarray, join: np.ufunc) -> np.ndarray:
    """Joins squares of 2 x 2 of [count, height, width], dropping a rest."""
    height, width = values.shape[1] // 2 * 2, values.shape[2] // 2 * 2
    rows = join(values[:, :height:2, :width], values[:, 1:height:2, :width])
    return np.asarray(join(rows[:, :, ::2], rows[:, :, 1::2]))


def _noise(patches: np.ndarray) -> float:
    """Standard deviation of the noise, 0-255, in the flattest tenth of all 8 x 8 blocks."""
    second = patches[:, :, 2:] - 2.0 * patches[:, :, 1:-1] + patches[:, :, :-2]
    mask = np.abs(second[:, 2:] - 2.0 * second[:, 1:-1] + second[:, :-2])
    for _ in range(3):
        mask = _halved(mask, np.add)
    means = mask.ravel() / 64.0
    flat = np.sort(means)[: max(1, means.size // 10)]
    return float(np.sqrt(np.pi / 2.0) / 6.0 * flat.mean())


def _blockiness(patches: np.ndarray) -> float:
    """How much larger the steps at one of 8 phases are than at the median one; a logarithm."""
    found = 0.0
    for axis in (1, 2):
        steps = np.abs(np.diff(patches, axis=axis)).mean(axis=(0, 3 - axis))
        phases = np.array([steps[phase::8].mean() for phase in range(8)])
        found += float(np.log((phases.max() + 0.2) / (np.median(phases) + 0.2)))
    return 0.5 * found


def _coarsely(patches: np.ndarray) -> np.ndarray:
    """Averages of 8 x 8 pixels per patch, float32 [count, n], with mean 0 and length 1, or 0."""
    for _ in range(3):
        patches = _halved(patches, np.add)
    flat = patches.reshape(len(patches), -1) / np.float32(64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.sqrt(np.square(flat).sum(axis=1, keepdims=True))
    seen = length > np.sqrt(flat.shape[1])  # A deviation of 1 of 255.
    return np.asarray(np.where(seen, flat / np.maximum(length, 1.0), 0.0))


def _exposure(patches: np.ndarray) -> np.ndarray:
    """Mean, spread and clipping of float32 [count, height, width] of 0-255."""
    mean = float(patches.mean()) / 128.0
    even = patches
    for _ in range(3):  # Averages of 8 x 8 pixels: neither noise nor slight blur is spread.
        even = _halved(even, np.add)
    clipped = [float(np.log(n / patches.size + 0.002)) for n in _clipped(patches)]
    return np.array([mean, mean * mean, np.log(float(even.std()) / 64.0 + 4.0), *clipped])


def _clipped(patches: np.ndarray) -> tuple[int, int]:
    """How many pixels are as good as white, and as good as black."""
    return int(np.count_nonzero(patches > 248)), int(np.count_nonzero(patches < 8))
