"""One picture to one row of results; whatever goes wrong with it becomes the row's error."""

from __future__ import annotations

from collections.abc import Mapping

from edgeiqa.errors import UnreadableImageError
from edgeiqa.gating.gate import Gate
from edgeiqa.results.row import Row
from edgeiqa.scorer import Picture, Scorer

QUICK: Mapping[str, str] = {"mode": "quick"}
"""What a row says further that was scored from a picture decoded at a reduced size."""


def score_row(
    path: str,
    scorer: Scorer,
    gate: Gate | None,
    source: Picture | None = None,
    *,
    quick: bool = False,
) -> Row:
    """Scores and judges one picture, and never fails for what the picture does.

    Args:
        path: As the row is to show it.
        scorer: Scores it.
        gate: Judges it; None leaves the verdict out.
        source: The picture itself, where it is not to be read from `path`.
        quick: Whether a JPEG is decoded at a reduced size, see `Scorer.score_quick`.

    Returns:
        The row; with an error of one line where no score could be had.
    """
    picture = path if source is None else source
    more = QUICK if quick else None
    try:
        quality = scorer.score_quick(picture) if quick else scorer.score(picture)
    except Exception as error:
        return Row(path, error=error_line(error), more=more)
    return Row(path, quality, None if gate is None else gate(quality), more=more)


def error_line(error: Exception) -> str:
    """An error as one line for people, without the path of the picture."""
    if isinstance(error, UnreadableImageError):
        return error.reason
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
