"""The product: a photograph in, its quality out."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO, TypeAlias, TypeGuard

import numpy as np
from PIL import Image

from edgeiqa.analysis.cause_detector import CauseDetector
from edgeiqa.analysis.patches import reduction
from edgeiqa.analysis.quality_map import QualityMap, map_tiles
from edgeiqa.analysis.severity import exposure
from edgeiqa.causes import CAUSES
from edgeiqa.gating.gate import Gate
from edgeiqa.imaging.decode import MAX_PIXELS, decode
from edgeiqa.imaging.frame import Frame
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.model import DEFAULT, Model, ModelError
from edgeiqa.preprocessing.luma import luma_small
from edgeiqa.preprocessing.resize import preprocess, to_rgb
from edgeiqa.quality import Quality, quality_from_outputs
from edgeiqa.stages import stage

QUICK_GAP = 1.5
"""`Scorer.score_quick` has JPEGs decoded at no less than so many times the model's input; chosen by
`scripts/bench/quick_shift.py`, see docs/libraries.md for what other values cost and change."""

Decodable: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image
)  # fmt: skip
Picture: TypeAlias = Decodable | np.ndarray | Frame


class Scorer:
    """Scores photographs with one model.

    The same picture gives the same score, to the last bit, as a path, bytes, a PIL picture or
    an array, alone or in a batch, from any thread. One scorer serves all threads of a program.

    >>> scorer = Scorer()
    >>> quality = scorer.score("photo.jpg")
    >>> print(f"{quality.score:.1f}")
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
                that carries a contract, or an opened `Model`.
            causes: Whether to say what spoils a picture, too (`Quality.causes`); it costs a
                second, smaller network and changes no score. Or a `CauseDetector` of your own.
            threads: Threads within one inference. Scoring from several threads of your own
                needs no more than 1.
            max_pixels: Larger files are refused before they are decoded.

        Raises:
            ModelError: No such model, or one at odds with its contract.
            ContractError: A .tflite without a contract, or with a damaged or newer one.
        """
        self.model = model if isinstance(model, Model) else Model(model, threads=threads)
        if self.contract.detects_causes:
            raise ModelError(
                f"{self.contract.name} {self.contract.version} tells causes and gives no score; "
                "expected a model for scores, such as base"
            )
        self.cause_detector: CauseDetector | None = None
        if causes:
            self.cause_detector = (
                causes if isinstance(causes, CauseDetector) else CauseDetector(threads=threads)
            )
        self._max_pixels = max_pixels

    @property
    def contract(self) -> Contract:
        """What the model says about itself."""
        return self.model.contract

    def score(self, picture: Picture) -> Quality:
        """Scores one picture.

        Args:
            picture: Path of an image file; its bytes; an open binary file; a PIL picture; a
                uint8 array, [height, width, 3] RGB, [height, width] gray or
                [height, width, 4] RGBA; or a `Frame` for any other layout, rotation or region.

        Returns:
            The quality.

        Raises:
            UnreadableImageError: No picture can be had from the file or bytes; a ValueError.
            TypeError: Something else than listed, or an array that is not uint8.
            ValueError: An array of another shape.
        """
        source = self._source(picture)
        quality = self._quality(source)
        if self.cause_detector is None:
            return quality
        return replace(quality, causes=self.cause_detector.causes(source))

    def score_quick(self, picture: Picture) -> Quality:
        """Scores one picture from a JPEG that is decoded at a reduced size.

        For sifting many large photographs. Scores differ from those of `score` by a fraction of a
        point, now and then by more than one: compare quick scores with quick ones.
        docs/libraries.md tells how much faster it is and how far scores were found to move.

        Args:
            picture: Whatever `score` takes; what is no JPEG file is decoded whole.

        Returns:
            The quality, with no more causes than a reduced picture can tell: dark, bright and
            low_contrast. Blur, noise and compression show in single pixels only, and a gate that
            has limits for them lets them pass.

        Raises:
            UnreadableImageError: As `score`.
            TypeError: As `score`.
            ValueError: As `score`.
        """
        if _is_decodable(picture):
            side = math.ceil(QUICK_GAP * max(self.contract.input.height, self.contract.input.width))
            picture = decode(picture, max_pixels=self._max_pixels, side=side)
        source = self._source(picture)
        quality = self._quality(source)
        if self.cause_detector is None:
            return quality
        height, width = source.size if isinstance(source, Frame) else source.size[::-1]
        light = exposure(luma_small(source, reduction(height, width)))
        return replace(quality, causes={cause: light[cause] for cause in CAUSES if cause in light})

    def _quality(self, source: Frame | Image.Image) -> Quality:
        """The quality without causes."""
        tensor = preprocess(source, self.contract.input)
        return quality_from_outputs(_run(self.model, tensor), self.contract)

    def _source(self, picture: Picture) -> Frame | Image.Image:
        """What networks look at."""
        if isinstance(picture, np.ndarray):
            return Frame.from_array(picture)
        if isinstance(picture, Frame):
            return picture
        if _is_decodable(picture):
            return decode(picture, max_pixels=self._max_pixels)
        raise TypeError(
            f"cannot score a {type(picture).__name__}, expected a path, bytes, a PIL "
            "picture, a uint8 array or a Frame"
        )

    def score_batch(self, pictures: Iterable[Picture]) -> list[Quality]:
        """Scores several pictures, one after the other.

        Args:
            pictures: Whatever `score` takes, in any mixture; also one uint8 array
                [count, height, width, 3] RGB or [count, height, width, 4] RGBA.

        Returns:
            One quality per picture, in their order.

        Raises:
            TypeError: A single path, file, `Frame` or the like came: put it into a list, or use
                `score`.
            UnreadableImageError: As `score`, at the first picture that fails.
            ValueError: As `score`; or an array of another shape, such as that of one picture.
        """
        if isinstance(pictures, np.ndarray):
            # Iterated blindly, one RGB picture would be taken for many of one column each.
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

        Costs one run of the network per tile: about 90 for a photograph of the ratio 3 : 2,
        whatever its size, and never more than 1000 with the default `tile`.

        A value is in points of the score: what this place and its surroundings, about half of
        the shorter side, would get as a picture of their own. Smaller regions are washed out.

        Args:
            picture: Whatever `score` takes.
            tile: Side of the tiles in pixels of the picture, all of one size. By default there
                are two sizes, half of the shorter side for how good a place is and a quarter for
                where that changes. Small tiles show more places and are less sure of each.
            on_tile: Told (tiles done, tiles in all) after each tile, for a progress bar.

        Returns:
            The map. Its mean is not the picture's score: people forgive a soft background, and
            a tile knows nothing about the rest of the picture.

        Raises:
            UnreadableImageError: As `score`.
            TypeError: As `score`.
            ValueError: As `score`; or `tile` is below 1.
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
    ) -> Gate:
        """A gate with this model's presets.

        Args:
            preset: "relaxed", "normal" or "strict".
            min_score: A least score 0-100 of your own instead of the preset.
            max_causes: Limits 0-1 of your own per cause, such as {"blur": 0.4}; 1 switches a
                cause off.

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
        )


@stage("score_network")
def _run(model: Model, tensor: np.ndarray) -> dict[str, np.ndarray]:
    return model.run(tensor)


def _is_decodable(picture: object) -> TypeGuard[Decodable]:
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)
    return isinstance(picture, kinds) or hasattr(picture, "read")


def choose_gate(
    scorer: Scorer,
    preset: str | None = None,
    *,
    min_score: float | None = None,
    max_causes: Mapping[str, float] | None = None,
    needed: bool = False,
) -> Gate | None:
    """Chooses a gate as `edgeiqa score` does.

    Args:
        scorer: With the presets.
        preset: "relaxed", "normal" or "strict"; None for "normal" where the model has it.
        min_score: A least score 0-100 instead of a preset.
        max_causes: Limits 0-1 per cause.
        needed: Whether a model without presets is an error.

    Returns:
        The gate; None for a model without presets where nothing was asked for.

    Raises:
        ValueError: No such preset or cause, or a number out of its range.
    """
    limits = dict(max_causes or {})
    if preset is None and min_score is None and "normal" not in scorer.contract.gate:
        # A model of the user's own may come without a gate.
        if not (limits or needed):
            return None
        min_score = 0.0 if limits else None
    return scorer.gate(preset or "normal", min_score=min_score, max_causes=limits)
