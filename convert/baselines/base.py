"""What every baseline is: something that learns from training pictures and then scores one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.files import replacing
from ..datasets.manifest import DataError, ManifestRow

RgbArray = NDArray[np.uint8]
Arrays = dict[str, NDArray[Any]]

FLOAT_BYTES = 4
"""Learned numbers are counted as float32."""

MODEL_FILE = "model.npz"


@dataclass(frozen=True)
class Scorer:
    """A finished baseline.

    Attributes:
        score: From uint8 [H, W, 3] RGB to the predicted MOS, about 0-1, higher is better.
        parameters: Learned numbers, those of the final fit to the MOS scale included.
        macs: Multiply-accumulates for a 512 x 512 picture, counted from the formulas: filters,
            convolutions and products of the model, not resizing or elementwise sums.
        bytes: Size of what has to be shipped: the file where there is one, else float32.
    """

    score: Callable[[RgbArray], float]
    parameters: int
    macs: int
    bytes: int


@dataclass(frozen=True)
class TrainingData:
    """What a baseline may learn from: the train split, nothing else.

    Attributes:
        rows: The train split in a seeded order, so that the first N are a fair draw.
        manifest: All rows, for a step that wants the manifest; its test rows must not be used.
        root: The data root.
        work: Folder of caches.
        budget: "small" (minutes, to try things) or "full".
        seed: Of every draw.
        init: ImageNet weights for the fine-tuned network, see `convert.nets.weights`.
        finetuned: Name of a finished run of ``edgeiqa convert distill`` to take as the
            fine-tuned network, a folder in ``work``; None trains one.
    """

    rows: Sequence[ManifestRow]
    manifest: Sequence[ManifestRow]
    root: Path
    work: Path
    budget: str
    seed: int
    init: str
    finetuned: str | None = None

    def part(self, full: int, small: int) -> Sequence[ManifestRow]:
        """The first ``full`` or ``small`` rows, as the budget says."""
        return self.rows[: self.count(full, small)]

    def count(self, full: int, small: int) -> int:
        """One of two numbers, as the budget says."""
        return full if self.budget == "full" else small


class Baseline(Protocol):
    """One strategy.

    Attributes:
        name: On the command line and in files.
        title: In tables.
        paper: Where it was published.
        version: To be raised when the code changes so that it learns something else.
        extra: The extra of pyproject.toml that training it needs.
    """

    name: str
    title: str
    paper: str
    version: int
    extra: str

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Learns; what takes long is kept in ``folder`` so that the next call continues.

        Returns:
            Named arrays from which `load` makes the scorer.
        """

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """The scorer made of what `fit` returned."""


def grey(rgb: RgbArray) -> RgbArray:
    """The luma of BT.601, rounded: uint8 [H, W, 3] RGB to uint8 [H, W]."""
    return np.asarray(Image.fromarray(rgb).convert("L"))


def read_rgb(row: ManifestRow, root: Path) -> RgbArray:
    """Decodes a picture at its own size: uint8 [H, W, 3] RGB, upright.

    Raises:
        UnreadableImageError: It is missing or damaged.
    """
    from edgeiqa.imaging.decode import decode

    return np.asarray(decode(root / row.path))


def mos_of(rows: Sequence[ManifestRow]) -> NDArray[np.float64]:
    """The mean opinion scores of rows, 0-1, float64 [N]."""
    return np.array([row.mos for row in rows])


def save_arrays(file: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes named arrays as .npz, atomically."""
    with replacing(file) as scratch, scratch.open("wb") as stream:
        # Pass as keywords: numpy's stubs would take a mapping for the option allow_pickle.
        np.savez(stream, **dict(arrays))  # type: ignore[arg-type,unused-ignore]


def load_arrays(file: Path) -> Arrays:
    """Reads what `save_arrays` wrote.

    Raises:
        DataError: The file does not exist.
    """
    if not file.is_file():
        raise DataError(f"no trained baseline at {file}")
    with np.load(file) as stored:
        return {name: stored[name] for name in stored.files}
