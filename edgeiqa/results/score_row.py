"""Scores one picture into one row; whatever goes wrong becomes the error of the row."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgeiqa.errors import UnreadableImageError
from edgeiqa.gating.gate import Gate
from edgeiqa.imaging.metadata import read_metadata
from edgeiqa.results.row import Row
from edgeiqa.scorer import Picture, Scorer

QUICK: Mapping[str, str] = {"mode": "quick"}
"""Extra keys of a row that was scored from a picture decoded at a reduced size."""


def score_row(
    path: str,
    scorer: Scorer,
    gate: Gate | None,
    source: Picture | None = None,
    *,
    quick: bool = False,
) -> Row:
    """Scores and judges one picture; never raises for what the picture does.

    Args:
        path: As the row is to show it.
        scorer: Scores the picture.
        gate: Judges it; None leaves the verdict out.
        source: The picture itself, if it is not to be read from `path`.
        quick: Whether a JPEG is decoded at a reduced size, see `Scorer.score_quick`.

    Returns:
        The row, with an error of one line if there is no score.
    """
    picture = path if source is None else source
    common = common_facts(scorer, picture, quick=quick)
    try:
        quality = scorer.score_quick(picture) if quick else scorer.score(picture)
    except Exception as error:
        return Row(path, error=error_line(error), **common)
    return Row.scored(path, quality, None if gate is None else gate(quality), **common)


def common_facts(scorer: Scorer, picture: Picture, *, quick: bool = False) -> dict[str, Any]:
    """The attributes of a row that do not depend on the score."""
    facts: dict[str, Any] = {"model": f"{scorer.contract.name} {scorer.contract.version}"}
    if isinstance(picture, os.PathLike):
        picture = os.fspath(picture)
    if isinstance(picture, (str, bytes, bytearray, memoryview)):
        facts.update(asdict(read_metadata(picture)))
    if quick:
        facts["extra"] = QUICK
    return facts


def error_line(error: Exception) -> str:
    """An error in one line for the user, without the path of the picture."""
    if isinstance(error, UnreadableImageError):
        return error.reason
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
