"""The gate that a user asks for by a preset, a least score and limits, or leaves to the model."""

from __future__ import annotations

from collections.abc import Mapping

from edgeiqa.gate import Gate
from edgeiqa.scorer import Scorer


def asked_gate(
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
