"""One scored photograph: the row that all results are made of, in memory, in JSON and in CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgeiqa.errors import ResultsError
from edgeiqa.gating.gate import LOW_QUALITY, Reason, Verdict
from edgeiqa.quality import Quality

COLUMNS = (
    *("path", "score", "std", "causes", "accept", "reasons", "error"),
    *("model", "width", "height", "taken"),
)
"""The keys that every row has in JSON; a contract."""

MAX_PATH = 1 << 16
MAX_TEXT = 1 << 12
MAX_NAMES = 64
"""Limits for rows from files: characters of a path and of other texts; causes, reasons and
attributes."""


@dataclass(frozen=True)
class Row:
    """The result for one photograph.

    Attributes:
        path: As named or found; bytes that are not valid UTF-8 are lone surrogates, as in Python.
        score: 0-100; None if there is an error.
        std: Standard deviation of the score; None where the model does not estimate it.
        causes: Severities 0-1 by name.
        accept: The verdict; None if there is an error, or no gate.
        reasons: The reasons of the verdict. A threshold is NaN where a file does not record it,
            as in CSV.
        error: One line; None if the photograph was scored.
        model: Name and version of the model, such as "base 0.2.0".
        width: Of the upright picture, in pixels.
        height: As `width`.
        taken: The capture time as ISO 8601, where the file records it.
        attributes: Further measurements of the model, by label.
        extra: Further JSON keys, such as "map" and "mode".
    """

    path: str
    score: float | None = None
    std: float | None = None
    causes: dict[str, float] = field(default_factory=dict)
    accept: bool | None = None
    reasons: tuple[Reason, ...] = ()
    error: str | None = None
    model: str | None = None
    width: int | None = None
    height: int | None = None
    taken: str | None = None
    attributes: dict[str, float] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def scored(
        cls, path: str, quality: Quality, verdict: Verdict | None = None, **more: Any
    ) -> Row:
        """The row of a photograph that was scored, and judged unless `verdict` is None.

        Args:
            path: The path.
            quality: The quality.
            verdict: The verdict of a gate.
            more: Further attributes of the row.
        """
        accept, reasons = (None, ()) if verdict is None else (verdict.accept, verdict.reasons)
        return cls(
            path,
            quality.score,
            quality.std,
            quality.causes,
            accept,
            reasons,
            attributes=quality.attributes,
            **more,
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons as sentences, see `edgeiqa.gating.gate.Reason.sentence`."""
        return tuple(map(_sentence, self.reasons))

    def to_dict(self) -> dict[str, Any]:
        """The row for JSON: scores with 2 decimals, severities with 3, null for missing values."""
        document = {
            "path": self.path,
            "score": None if self.score is None else round(self.score, 2),
            "std": None if self.std is None else round(self.std, 2),
            "causes": {name: round(severity, 3) for name, severity in self.causes.items()},
            "accept": self.accept,
            "reasons": [rounded_reason(reason) for reason in self.reasons],
            "error": self.error,
            "model": self.model,
            "width": self.width,
            "height": self.height,
            "taken": self.taken,
        }
        if self.attributes:
            document["attributes"] = {k: round(v, 4) for k, v in self.attributes.items()}
        return {**document, **self.extra}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Row:
        """Reads and checks a row.

        Args:
            row: With the keys of `to_dict`, or the texts of a line of CSV. Only path and either
                score or error are required; unknown keys become `extra`.

        Raises:
            ResultsError: A key is missing or has an invalid value.
        """
        path = row.get("path")
        if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH:
            raise ResultsError(f"the path is {shortened(path)}, expected a text")
        known = {*COLUMNS, "attributes"}
        common: dict[str, Any] = {
            "model": _text(row.get("model")),
            "width": _whole(row.get("width")),
            "height": _whole(row.get("height")),
            "taken": _text(row.get("taken")),
            "extra": {key: row[key] for key in row if key not in known},
        }
        error = row.get("error")
        if error not in (None, ""):
            text = " ".join(str(error)[:MAX_TEXT].split())
            return cls(path, error=text or "unknown error", **common)
        score = _number("score", row.get("score"), 100)
        if score is None:
            raise ResultsError("there is neither a score nor an error")
        causes = _causes(row.get("causes"))
        return cls(
            path,
            score,
            _number("std", row.get("std"), math.inf),
            causes,
            _accept(row.get("accept")),
            tuple(_reason(reason, score, causes) for reason in _list(row.get("reasons"))),
            attributes=_attributes(row.get("attributes")),
            **common,
        )


def json_line(document: Mapping[str, Any]) -> str:
    """A row as one line of JSON, without the line end."""
    # A path that is not valid UTF-8 survives only as \u escapes.
    plain = document["path"].isprintable()
    return json.dumps(document, ensure_ascii=not plain, allow_nan=False)


def rounded_reason(reason: Reason) -> dict[str, Any]:
    """A reason for JSON: scores with 2 decimals, severities with 3, null for NaN."""
    digits = 2 if reason.cause == LOW_QUALITY else 3
    value, threshold = (
        None if math.isnan(number) else round(number, digits)
        for number in (reason.value, reason.threshold)
    )
    return {
        "cause": reason.cause,
        "value": value,
        "threshold": threshold,
        "decisive": reason.decisive,
    }


def printable(text: str) -> str:
    """Escapes control characters, so that no file name can control a terminal."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def shortened(value: object) -> str:
    """A value from a file, for an error message."""
    text = ascii(value[:70] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _sentence(reason: Reason) -> str:
    if not math.isnan(reason.value) and not math.isnan(reason.threshold):
        return reason.sentence
    if reason.cause == LOW_QUALITY:
        known = not math.isnan(reason.value)
        return f"quality {reason.value:.1f} is too low" if known else "the quality is too low"
    return reason.sentence.rpartition(" (")[0]


def _number(name: str, value: object, maximum: float) -> float | None:
    """A number from 0 to `maximum`; None for a missing one."""
    if value is None or value == "":
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= maximum or math.isinf(number):
        limits = "from 0 on" if math.isinf(maximum) else f"from 0 to {maximum:g}"
        raise ResultsError(f"{name} is {shortened(value)}, expected a number {limits}")
    return number


def _text(value: object) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _attributes(value: object) -> dict[str, float]:
    """Attributes as an object or as pairs (a map of Parquet), without what is not a number."""
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list) or len(pairs) > MAX_NAMES:
        return {}
    return {
        str(pair[0])[:MAX_TEXT]: float(pair[1])
        for pair in pairs
        if isinstance(pair, tuple) and len(pair) == 2
        if isinstance(pair[1], float) and math.isfinite(pair[1])
    }


def _causes(causes: object) -> dict[str, float]:
    pairs = list(_pairs(causes))
    if len(pairs) > MAX_NAMES or any(len(name) > MAX_TEXT for name, _ in pairs):
        raise ResultsError(f"{len(pairs)} causes, expected at most {MAX_NAMES} with short names")
    severities = [(name, _number(name, value, 1)) for name, value in pairs]
    return {name: severity for name, severity in severities if severity is not None}


def _pairs(causes: object) -> Iterable[tuple[str, object]]:
    """Causes as an object, as pairs (a map of Parquet), or as "blur=0.1 noise=0.2"."""
    if causes is None or causes == "":
        return []
    if isinstance(causes, str):
        if causes.lstrip().startswith("{"):
            return _pairs(_loaded(causes))
        pairs = [part.partition("=") for part in causes.split()]
        if all(equals for _, equals, _ in pairs):
            return [(name, value) for name, _, value in pairs]
    elif isinstance(causes, Mapping):
        return [(str(name), value) for name, value in causes.items()]
    elif isinstance(causes, list) and all(
        isinstance(pair, tuple) and len(pair) == 2 for pair in causes
    ):
        return [(str(name), value) for name, value in causes]
    raise ResultsError(f"causes are {shortened(causes)}, expected severities by name")


def _list(reasons: object) -> Sequence[object]:
    """Reasons as a list, or as causes separated by spaces."""
    if reasons is None:
        return []
    if isinstance(reasons, str):
        if reasons.lstrip().startswith("["):
            return _list(_loaded(reasons))
        return reasons.split(None, MAX_NAMES)[:MAX_NAMES]
    if isinstance(reasons, list) and len(reasons) <= MAX_NAMES:
        return reasons
    raise ResultsError(f"reasons are {shortened(reasons)}, expected a list")


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"damaged JSON in {shortened(text)}: {error}") from error


def _reason(reason: object, score: float, causes: Mapping[str, float]) -> Reason:
    if isinstance(reason, str):
        measured = score if reason == LOW_QUALITY else causes.get(reason, math.nan)
        return Reason(reason[:MAX_TEXT], measured, math.nan)
    if not isinstance(reason, Mapping) or not isinstance(reason.get("cause"), str):
        raise ResultsError(f"a reason is {shortened(reason)}, expected one with a cause")
    value, threshold = (_number(key, reason.get(key), 100) for key in ("value", "threshold"))
    return Reason(
        reason["cause"][:MAX_TEXT],
        math.nan if value is None else value,
        math.nan if threshold is None else threshold,
        reason.get("decisive") is not False,
    )


def _accept(accept: object) -> bool | None:
    if accept is None or isinstance(accept, bool):
        return accept
    words = {"true": True, "false": False, "": None}
    word = str(accept).lower()
    if word not in words:
        raise ResultsError(f"accept is {shortened(accept)}, expected true or false")
    return words[word]
