"""Common alternatives in OpenCV; the only module that imports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeiqa.imaging.frame import Frame, PixelFormat

BRISQUE_FEATURES = "only its 36 features: OpenCV's wheel has no BRISQUE model, see --brisque-model"


@dataclass(frozen=True)
class Baseline:
    """Another measure of image quality.

    Attributes:
        name: Short and unique.
        about: What is called.
        call: Measures a `Frame`, or the path of a file; the result is ignored.
    """

    name: str
    about: str
    call: Callable[[Frame | str], Any]


def baselines(threads: int, brisque: tuple[str, str] | None = None) -> list[Baseline]:
    """All measures that this OpenCV supports.

    Each gets gray in the cheapest way: the luma plane of YUV without a copy, RGB through
    `cv2.cvtColor`, a file through `cv2.imread` directly as gray. Rotation is left out, as it makes
    no difference to them.

    Args:
        threads: For OpenCV.
        brisque: The model and range files of BRISQUE, as in OpenCV's contributed module
            "quality".

    Raises:
        ImportError: OpenCV is missing.
        ValueError: Invalid BRISQUE files.
    """
    try:
        import cv2
    except ImportError as error:
        raise ImportError(f'no OpenCV ({error}): pip install "edgeiqa[bench]"') from error

    cv2.setNumThreads(threads)
    to_gray = {
        PixelFormat.RGB: cv2.COLOR_RGB2GRAY,
        PixelFormat.BGR: cv2.COLOR_BGR2GRAY,
        PixelFormat.RGBA: cv2.COLOR_RGBA2GRAY,
        PixelFormat.BGRA: cv2.COLOR_BGRA2GRAY,
    }

    def gray(source: Frame | str) -> np.ndarray:
        if isinstance(source, str):
            found = cv2.imread(source, cv2.IMREAD_GRAYSCALE)
            if found is None:
                raise ValueError(f"OpenCV cannot read {source}")
            return np.asarray(found)
        if source.pixel_format in to_gray:
            return np.asarray(cv2.cvtColor(source.pixels, to_gray[source.pixel_format]))
        return np.ascontiguousarray(source.pixels)

    def laplacian(source: Frame | str) -> float:
        return float(cv2.Laplacian(gray(source), cv2.CV_64F).var())

    def lean_laplacian(source: Frame | str) -> float:
        _, deviation = cv2.meanStdDev(cv2.Laplacian(gray(source), cv2.CV_16S))
        return float(deviation[0, 0]) ** 2

    def tenengrad(source: Frame | str) -> float:
        luma = gray(source)
        across, down = (cv2.Sobel(luma, cv2.CV_32F, x, 1 - x) for x in (1, 0))
        energy = sum(cv2.norm(part, cv2.NORM_L2SQR) for part in (across, down))
        return float(energy) / luma.size

    found = [
        Baseline("laplacian", "cv2.Laplacian(gray, cv2.CV_64F).var(), the usual form", laplacian),
        Baseline("laplacian-lean", "the same in 16 bits, cv2.meanStdDev", lean_laplacian),
        Baseline("tenengrad", "mean square of cv2.Sobel in both directions", tenengrad),
    ]
    if not hasattr(cv2, "quality"):
        if brisque is not None:
            raise ValueError(
                "this OpenCV has no BRISQUE: install opencv-contrib-python-headless instead"
            )
        return found
    if brisque is None:

        def features(source: Frame | str) -> Any:
            return cv2.quality.QualityBRISQUE.computeFeatures(gray(source))

        return [*found, Baseline("brisque", BRISQUE_FEATURES, features)]
    try:
        judge = cv2.quality.QualityBRISQUE.create(*brisque)
    except cv2.error as error:
        text = " ".join(str(error).split())
        raise ValueError(
            f"no BRISQUE from {brisque[0]} and {brisque[1]}: {text}; expected "
            "brisque_model_live.yml and brisque_range_live.yml of OpenCV's module quality"
        ) from error
    whole = Baseline("brisque", "cv2.quality.QualityBRISQUE", lambda s: judge.compute(gray(s)))
    return [*found, whole]
