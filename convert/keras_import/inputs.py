"""The input side of an export: which pictures, and in which range a net wants its pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeiqa.imaging.discovery import SUFFIXES
from edgeiqa.inference.contract import InputSpec

from ..quantization.parity import Pixels, read_pixels, spread_out
from .meaning import ExportError
from .model import RANGES, normalisation_misfit, scales_itself

MIN_PICTURES = 20
ENOUGH_TO_SPLIT = 150
GOOD_PICTURES = 200
PEEK = 8
"""Pictures looked at where a glance is enough."""


@dataclass(frozen=True)
class Input:
    """What the owner says about a model's input.

    Attributes:
        size: (height, width) in pixels for models that take any; else None.
        range: A key of `convert.keras_import.model.RANGES`, or "auto" for models that normalise
            themselves.
        bgr: Whether blue comes first.
        fit: "squash" or "crop", as in `edgeiqa.preprocessing.resize.resize`.
        force: Take range and channel order as they are said even where the model's own statistics
            speak against them.
    """

    size: tuple[int, int] | None = None
    range: str = "auto"
    bgr: bool = False
    fit: str = "squash"
    force: bool = False


def read_pictures(
    files: Sequence[str | os.PathLike[str]],
    spec: InputSpec,
    samples: int,
    say: Callable[[str], None],
) -> tuple[Pixels, Pixels]:
    """Pictures to calibrate with, and pictures to measure parity on.

    From `ENOUGH_TO_SPLIT` pictures on, every third one is kept from calibration for parity;
    with fewer, all do both.

    Args:
        files: Image files; when there are many, a share evenly spread over the list.
        spec: Size and fit.
        samples: Maximum number of pictures to calibrate with.
        say: Called with a line on what was taken, and one per unreadable file, which starts with
            "unreadable".

    Returns:
        Two uint8 arrays [N,H,W,3].

    Raises:
        ExportError: too few readable pictures.
    """
    if samples < MIN_PICTURES:
        raise ExportError(f"--samples must be at least {MIN_PICTURES}, got {samples}")
    pixels, errors = read_pixels(
        spread_out([Path(file) for file in files], samples + (samples + 1) // 2), spec
    )
    for path, error in errors.items():
        say(f"unreadable: {path}: {error}")
    count = len(pixels)
    if count < MIN_PICTURES:
        raise ExportError(
            f"{count} readable pictures; int8 needs at least {MIN_PICTURES} to calibrate, "
            f"better {GOOD_PICTURES} to 500, like those to be scored"
        )
    if count < ENOUGH_TO_SPLIT:
        pixels_kept = pixels[:samples]
        say(f"pictures  {len(pixels_kept)} calibrate, {count} measure parity: the same ones")
        return pixels_kept, pixels
    third = np.arange(count) % 3 == 2
    calibration, held_out = pixels[~third][:samples], pixels[third]
    say(f"pictures  {len(calibration)} calibrate, {len(held_out)} others measure parity")
    return calibration, held_out


def find_pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """Image files under a folder by their suffix, sorted.

    Raises:
        ExportError: not a folder, or none there.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ExportError(f"--images {root} is not a folder")
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise ExportError(f"no pictures under {root}")
    return found


def input_range(model: Any, source: Input, pixels: Pixels) -> tuple[str, list[str]]:
    """The input range to use.

    Args:
        model: A checked Keras model.
        source: What the owner says.
        pixels: uint8 [N,H,W,3] RGB.

    Returns:
        A key of `RANGES`, and the doubts that `force` overruled.

    Raises:
        ExportError: unknown, not said and not to be seen, or against the model's statistics.
    """
    own = scales_itself(model)
    fits = _misfits(model, source, pixels)
    best = min(fits, key=lambda name: fits[name]) if fits else None
    if source.range == "auto":
        if own:
            return "0..255", []
        hint = f"; its first BatchNormalization fits {best} best" if best else ""
        raise ExportError(
            "say what the model was trained on, --input-range "
            f"{'|'.join(RANGES)}: it has no Rescaling or Normalization layer at its start{hint}"
        )
    if source.range not in RANGES:
        raise ExportError(
            f"input range {source.range!r} is not known, expected {', '.join(RANGES)}"
        )
    doubts = []
    if own and source.range != "0..255":
        doubts.append(
            f"the model begins with a normalisation layer of its own, such models take 0..255, and "
            f"--input-range is {source.range}"
        )
    elif best and best != source.range and fits[source.range] > 2 * fits[best] + 0.5:
        doubts.append(
            f"the statistics that the model's first BatchNormalization remembers fit {best} much "
            f"better than --input-range {source.range}"
        )
    if source.bgr and source.range in fits:
        usual = _misfits(model, replace(source, bgr=False), pixels).get(source.range, np.inf)
        if fits[source.range] > 1.5 * usual + 0.05:
            doubts.append("the same statistics fit red first better than --color bgr")
    if doubts and not source.force:
        raise ExportError(f"{'; '.join(doubts)}; --force exports it all the same")
    return source.range, doubts


def _misfits(model: Any, source: Input, pixels: Pixels) -> dict[str, float]:
    peek = pixels[:: max(1, len(pixels) // PEEK)][:PEEK].astype(np.float32)
    peek = peek[..., ::-1] if source.bgr else peek
    found = {}
    for name, rescale in RANGES.items():
        scale, offset = (np.asarray(part, np.float32) for part in rescale or (1.0, 0.0))
        fit = normalisation_misfit(
            model, lambda batch: model(batch, training=False), peek * scale + offset
        )
        if fit is not None and np.isfinite(fit):
            found[name] = fit
    return found
