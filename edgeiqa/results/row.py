"""One scored photograph as a row of results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeiqa.gating.gate import LOW_QUALITY, Reason, Verdict
from edgeiqa.quality import Quality

COLUMNS = ("path", "score", "std", "causes", "accept", "reasons", "error")


@dataclass(frozen=True)
class Row:
    """The result for one picture.

    Attributes:
        path: As named or found.
        quality: None if there is an error.
        verdict: None if there is an error, or no gate.
        error: One line; None if it was scored.
        more: Further keys for JSON and their values, such as "map", where its quality map lies and
            what it says; None if nothing more was asked for.
    """

    path: str
    quality: Quality | None = None
    verdict: Verdict | None = None
    error: str | None = None
    more: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: scores with 2 decimals, severities with 3, null for what is not there."""
        quality, verdict = self.quality, self.verdict
        std = None if quality is None else quality.std
        reasons = () if verdict is None else verdict.reasons
        document = {
            "path": self.path,
            "score": None if quality is None else round(quality.score, 2),
            "std": None if std is None else round(std, 2),
            "causes": {}
            if quality is None
            else {k: round(v, 3) for k, v in quality.causes.items()},
            "accept": None if verdict is None else verdict.accept,
            "reasons": [rounded_reason(reason) for reason in reasons],
            "error": self.error,
        }
        # Only where it was asked for: the keys above are a contract.
        return document if self.more is None else {**document, **self.more}


def printable(text: str) -> str:
    """Escapes control characters, so that no file name can play with a terminal."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def rounded_reason(reason: Reason) -> dict[str, Any]:
    """A reason ready for JSON: scores with 2 decimals, severities with 3."""
    digits = 2 if reason.cause == LOW_QUALITY else 3
    return {
        "cause": reason.cause,
        "value": round(reason.value, digits),
        "threshold": round(reason.threshold, digits),
        "decisive": reason.decisive,
    }


def json_line(document: Mapping[str, Any]) -> str:
    """A row as one line of JSON, without its end."""
    # A path that is no valid UTF-8 survives only as \u escapes.
    plain = document["path"].isprintable()
    return json.dumps(document, ensure_ascii=not plain, allow_nan=False)
