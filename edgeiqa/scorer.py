"""The product: takes a photograph, returns its quality."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias, TypeGuard
from urllib.parse import unquote, urlsplit

import numpy as np
from PIL import Image

from edgeiqa.analysis.cause_detector import CauseDetector
from edgeiqa.analysis.patches import reduction
from edgeiqa.analysis.plausibility import find_damage
from edgeiqa.analysis.quality_map import QualityMap, map_tiles
from edgeiqa.analysis.severity import exposure
from edgeiqa.causes import CAUSES
from edgeiqa.errors import ClosedError, ModelError
from edgeiqa.gating.gate import Gate
from edgeiqa.imaging.decode import MAX_PIXELS, decode
from edgeiqa.imaging.frame import Frame
from edgeiqa.imaging.integrity import KEY
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.model import DEFAULT, Model
from edgeiqa.preprocessing.luma import luma_small
from edgeiqa.preprocessing.resize import preprocess, to_rgb
from edgeiqa.quality import Quality, quality_from_outputs
from edgeiqa.stages import stage

QUICK_GAP = 1.5
"""`Scorer.score_quick` decodes JPEGs at no less than this multiple of the model's input; chosen by
`scripts/bench/quick_shift.py`. docs/libraries.md says what other values cost and change."""

Decodable: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image
)  # fmt: skip
Picture: TypeAlias = Decodable | np.ndarray | Frame | Any


class Scorer:
    """Scores photographs with one model. Thread-safe: one scorer serves all threads.

    The same picture gives the same score, to the last bit, as a path, bytes, a PIL picture or
    an array, alone or in a batch, from any thread. A scorer can be pickled, and as a context
    manager it frees its interpreters at the end of the block.

    >>> scorer = Scorer()
    >>> quality = scorer.score("photo.jpg")
    >>> print(f"{quality.score:.1f}")

    Attributes:
        model: The model for scores.
        cause_detector: The detector of causes, or None.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | bytearray | Model = DEFAULT,
        *,
        causes: bool | CauseDetector = True,
        threads: int = 1,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Opens the model.

        Args:
            model: Name of a shipped model (see `edgeiqa models`), path or bytes of a .tflite
                that carries a contract, or an open `Model`.
            causes: Whether to detect the causes of bad quality (`Quality.causes`), by a second,
                smaller network that changes no score; or a `CauseDetector` of your own.
            threads: Threads within one inference, 1-128. If you score from several threads
                yourself, 1 is best.
            max_pixels: Larger files are refused before they are decoded.

        Raises:
            ModelError: No such model, or one that does not match its contract.
            ContractError: A .tflite without a contract, or with a damaged or newer one.
            ValueError: `threads` or `max_pixels` is not a positive integer, or too large.
        """
        if type(max_pixels) is not int or max_pixels < 1:
            raise ValueError(f"max_pixels is {max_pixels!r}, expected an integer of at least 1")
        self.model = model if isinstance(model, Model) else Model(model, threads=threads)
        if self.contract.detects_causes:
            raise ModelError(
                f"{self.contract.name} {self.contract.version} detects causes and predicts no "
                "score; expected a model for scores, such as base"
            )
        self.cause_detector: CauseDetector | None
        if isinstance(causes, CauseDetector):
            self.cause_detector = causes
        else:
            self.cause_detector = CauseDetector(threads=threads) if causes else None
        self._max_pixels = max_pixels
        self._closed = False

    @property
    def contract(self) -> Contract:
        """The contract of the model."""
        return self.model.contract

    def close(self) -> None:
        """Frees the interpreters; scoring afterwards raises `ClosedError`."""
        self._closed = True
        self.model.close()
        if self.cause_detector is not None:
            self.cause_detector.model.close()

    def __enter__(self) -> Scorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        causes = "" if self.cause_detector is not None else ", causes=False"
        return f"Scorer({self.contract.name} {self.contract.version}{causes})"

    def score(self, picture: Picture) -> Quality:
        """Scores one picture.

        Args:
            picture: Path or file:// URL of an image file; its bytes; an open binary file; a PIL
                picture; a uint8 array, [height, width, 3] RGB, [height, width] gray or
                [height, width, 4] RGBA, or an object that converts to one by `__array__`; a
                `Frame` for any other layout, rotation or region; or an `av.VideoFrame`.

        Returns:
            The quality.

        Raises:
            UnreadableImageError: The file or bytes cannot be decoded; a ValueError.
            TypeError: Another type than listed, or an array that is not uint8.
            ValueError: An array of another shape.
            ClosedError: The scorer has been closed.
        """
        source = self._source(picture)
        quality = self._quality(source)
        missing = _missing(source)
        if self.cause_detector is not None:
            findings = self.cause_detector.inspect(source)
            quality = replace(quality, causes=findings.causes)
            missing = findings.missing if missing is None else missing
        return quality if missing is None else replace(quality, damaged=True, missing=missing)

    def score_quick(self, picture: Picture) -> Quality:
        """Scores one picture from a JPEG that is decoded at a reduced size.

        For sifting many large photographs. Scores differ from those of `score` by a fraction of a
        point, occasionally by more than one: compare quick scores with quick ones only.
        docs/libraries.md says how much faster it is and by how much scores change.

        Args:
            picture: As for `score`; anything but a JPEG file is decoded at full size.

        Returns:
            The quality, with the causes that a reduced picture can show: dark, bright and
            low_contrast. Blur, noise and compression show in single pixels only, so a gate with
            limits for them lets them pass.

        Raises:
            UnreadableImageError: As for `score`.
            TypeError: As for `score`.
            ValueError: As for `score`.
            ClosedError: As for `score`.
        """
        side = math.ceil(QUICK_GAP * max(self.contract.input.height, self.contract.input.width))
        source = self._source(picture, side=side)
        quality = self._quality(source)
        missing = _missing(source)
        if self.cause_detector is not None:
            height, width = source.size if isinstance(source, Frame) else source.size[::-1]
            small = luma_small(source, reduction(height, width))
            light = exposure(small)
            causes = {cause: light[cause] for cause in CAUSES if cause in light}
            quality = replace(quality, causes=causes)
            missing = find_damage(small, source) if missing is None else missing
        return quality if missing is None else replace(quality, damaged=True, missing=missing)

    def _quality(self, source: Frame | Image.Image) -> Quality:
        """Scores without causes."""
        tensor = preprocess(source, self.contract.input)
        return quality_from_outputs(_run(self.model, tensor), self.contract)

    def _source(self, picture: Picture, side: int | None = None) -> Frame | Image.Image:
        """Converts a picture to what the networks take."""
        if self._closed:
            raise ClosedError("the scorer has been closed")
        if isinstance(picture, Frame):
            return picture
        if _is_decodable(picture):
            return decode(_path(picture), max_pixels=self._max_pixels, side=side)
        if type(picture).__module__.partition(".")[0] == "av":
            from edgeiqa.sources.av_frame import ColorHint, to_frame

            return to_frame(picture, ColorHint(), 0)
        if isinstance(picture, np.ndarray) or hasattr(picture, "__array__"):
            return Frame.from_array(np.asarray(picture))
        raise TypeError(
            f"cannot score a {type(picture).__name__}, expected a path, bytes, a PIL "
            "picture, a uint8 array or a Frame"
        )

    def score_batch(self, pictures: Iterable[Picture]) -> list[Quality]:
        """Scores several pictures, one after the other.

        Args:
            pictures: Whatever `score` takes, in any mixture; or one uint8 array
                [count, height, width, 3] RGB or [count, height, width, 4] RGBA.

        Returns:
            One quality per picture, in the same order.

        Raises:
            TypeError: A single path, file, `Frame` or the like: put it into a list, or use `score`.
            UnreadableImageError: As for `score`, at the first picture that fails.
            ValueError: As for `score`; or an array of another shape, such as that of one picture.
        """
        if isinstance(pictures, np.ndarray):
            # If iterated blindly, one RGB picture would look like many of one column each.
            if pictures.ndim != 4 or pictures.shape[3] not in (3, 4):
                raise ValueError(
                    f"score_batch got an array of shape {pictures.shape}, expected "
                    "[count, height, width, 3] for RGB or [count, height, width, 4] for RGBA; "
                    "use score for one"
                )
        elif isinstance(pictures, Frame) or _is_decodable(pictures):
            raise TypeError(
                f"score_batch got one {type(pictures).__name__}, expected several pictures; "
                "use score for one"
            )
        return [self.score(picture) for picture in pictures]

    def quality_map(
        self,
        picture: Picture,
        *,
        tile: int | None = None,
        on_tile: Callable[[int, int], None] | None = None,
    ) -> QualityMap:
        """Scores a picture tile by tile, to see which region is blurred, noisy or badly lit.

        Costs one inference per tile: about 90 for a photograph of the ratio 3 : 2, whatever its
        size, and never more than 1000 with the default `tile`.

        A value is in points of the score: what this place and its surroundings, about half of
        the shorter side, would get as a picture of their own. Smaller regions are averaged out.

        Args:
            picture: Whatever `score` takes.
            tile: Side of the tiles in pixels of the picture, all of one size. By default there
                are two sizes: half of the shorter side to measure how good a place is, and a
                quarter to locate where that changes. Small tiles resolve more but are less certain.
            on_tile: Called with (tiles done, total tiles) after each tile, for a progress bar.

        Returns:
            The map. Its mean is not the picture's score: people forgive a soft background, and
            a tile knows nothing about the rest of the picture.

        Raises:
            UnreadableImageError: As for `score`.
            TypeError: As for `score`.
            ValueError: As for `score`; or `tile` is below 1.
        """
        source = self._source(picture)
        if isinstance(source, Frame):
            source = Image.fromarray(np.ascontiguousarray(to_rgb(source)))
        return map_tiles(
            source,
            self.contract.input,
            lambda part: self._quality(Frame.from_array(part)).score,
            tile=tile,
            on_tile=on_tile,
        )

    def gate(
        self,
        preset: str = "normal",
        *,
        min_score: float | None = None,
        max_causes: Mapping[str, float] | None = None,
        reject_damaged: bool = True,
    ) -> Gate:
        """Makes a gate with this model's presets.

        Args:
            preset: "relaxed", "normal" or "strict".
            min_score: Minimum score 0-100 instead of the preset.
            max_causes: Limits 0-1 per cause, such as {"blur": 0.4}; 1 switches a cause off.
            reject_damaged: Whether damaged pictures are rejected.

        Raises:
            ValueError: The model has no such preset, `min_score` is outside 0-100, or
                `max_causes` names an unknown cause or a limit outside 0-1.
        """
        return Gate(
            preset,
            thresholds=self.contract.gate,
            min_score=min_score,
            limits=None if self.cause_detector is None else self.cause_detector.contract.limits,
            max_causes=max_causes,
            reject_damaged=reject_damaged,
        )


@stage("score_network")
def _run(model: Model, tensor: np.ndarray) -> dict[str, np.ndarray]:
    return model.run(tensor)


def _is_decodable(picture: object) -> TypeGuard[Decodable]:
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)
    return isinstance(picture, kinds) or hasattr(picture, "read")


def _path(picture: Decodable) -> Decodable:
    """Returns the path of a file:// URL; all else is returned as it is."""
    if not isinstance(picture, str) or not picture.startswith("file://"):
        return picture
    path = unquote(urlsplit(picture.replace("?", "%3F").replace("#", "%23")).path)
    # "/C:/photo.jpg" on Windows.
    return path[1:] if os.name == "nt" and path[2:3] == ":" else path


def _missing(source: Frame | Image.Image) -> float | None:
    """Returns the share of rows known to be missing if decoding found damage, else None."""
    return source.info.get(KEY) if isinstance(source, Image.Image) else None


def choose_gate(
    scorer: Scorer,
    preset: str | None = None,
    *,
    min_score: float | None = None,
    max_causes: Mapping[str, float] | None = None,
    needed: bool = False,
    reject_damaged: bool = True,
) -> Gate | None:
    """Chooses a gate as `edgeiqa score` does.

    Args:
        scorer: The scorer, whose model has the presets.
        preset: "relaxed", "normal" or "strict", or the path of a gate that `Gate.save` wrote, which
            ends in .json; None for "normal" if the model has it.
        min_score: Minimum score 0-100 instead of a preset.
        max_causes: Limits 0-1 per cause.
        needed: Whether a model without presets is an error.
        reject_damaged: Whether damaged pictures are rejected.

    Returns:
        The gate; None if the model has no presets and no limits are given.

    Raises:
        ValueError: No such preset, file or cause, or a number out of its range.
    """
    limits = dict(max_causes or {})
    if preset is not None and preset.endswith(".json"):
        try:
            saved = Gate.load(preset)
        except OSError as error:
            raise ValueError(f"cannot read the gate {preset}: {error.strerror}") from error
        return saved.with_limits(limits, reject_damaged=saved.reject_damaged and reject_damaged)
    if preset is None and min_score is None and "normal" not in scorer.contract.gate:
        # A user's own model may have no presets.
        if not (limits or needed):
            return None
        min_score = 0.0 if limits else None
    return scorer.gate(
        preset or "normal", min_score=min_score, max_causes=limits, reject_damaged=reject_damaged
    )
