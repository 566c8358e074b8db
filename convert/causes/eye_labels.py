"""Faults that an eye sees in real photographs, and how well ``causes`` finds them.

A network trained on faults made by a program detects the faults of that program.
Whether it names the faults of real cameras shows on photographs whose faults somebody looked at:
``splits/eye_labels.csv``, whose head says how it was made.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from ..common.metrics import wilson
from ..common.text_table import aligned
from .sharpness import auc

LABELS, AGAIN = "splits/eye_labels.csv", "splits/eye_labels_again.csv"
HALVES = ("train", "test")
NONE = "none"

SEEN_AS: Mapping[str, tuple[str, ...]] = {
    "blur": ("motion", "focus"),
    "noise": ("noise",),
    "dark": ("dark",),
    "bright": ("bright",),
    "low_contrast": ("haze",),
}
"""The labels that a cause should find."""

FALSE = 0.03
"""Share of the pictures without a fault that may be accused where recall is compared."""

MIN_PICTURES = 8
"""With fewer pictures that plainly have a fault nothing is measured."""


@dataclass(frozen=True)
class EyeLabel:
    """What was seen in one picture.

    Attributes:
        picture: File name in BIQ2021's ``Images``.
        half: "train" to learn from, "test" to report on.
        plain: Faults that leap to the eye, the main one first; empty if there are none.
        slight: Faults that a viewer may not mind.
    """

    picture: str
    half: str
    plain: tuple[str, ...]
    slight: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether no fault was seen, not even a slight one."""
        return not self.plain and not self.slight


def eye_labels(half: str | None = None, *, again: bool = False) -> list[EyeLabel]:
    """The committed labels.

    Args:
        half: "train" or "test"; both if None.
        again: Those of the second look, which has fewer pictures.

    Raises:
        ValueError: No such half.
    """
    if half is not None and half not in HALVES:
        raise ValueError(f"half must be one of {', '.join(HALVES)}, got {half!r}")
    text = (files(__package__ or "") / (AGAIN if again else LABELS)).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [
        EyeLabel(
            row["picture"],
            row["half"],
            tuple(word for word in row["plain"].split() if word != NONE),
            tuple(row["slight"].split()),
        )
        for row in csv.DictReader(lines)
        if half is None or row["half"] == half
    ]


def steadiness() -> dict[str, dict[str, float | None]]:
    """How far two looks at the same pictures agree.

    Returns:
        Per cause the number of pictures with the fault (plain) in the first and the second look
        and in both, and Cohen's kappa (None where neither look saw the fault).
    """
    second = {label.picture: label for label in eye_labels(again=True)}
    first = [label for label in eye_labels() if label.picture in second]
    found: dict[str, dict[str, float | None]] = {}
    for cause, names in SEEN_AS.items():
        a = np.array([bool(set(names) & set(label.plain)) for label in first])
        b = np.array([bool(set(names) & set(second[label.picture].plain)) for label in first])
        same, chance = np.mean(a == b), a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
        kappa = float((same - chance) / (1 - chance)) if chance < 1 else None
        found[cause] = {
            "pictures": float(len(first)),
            "first": float(a.sum()),
            "second": float(b.sum()),
            "both": float((a & b).sum()),
            "kappa": kappa,
        }
    return found


def measure(
    labels: Sequence[EyeLabel],
    severities: Sequence[Mapping[str, float]],
    liked: Sequence[bool],
    limits: Mapping[str, float],
) -> dict[str, dict[str, Any]]:
    """How well each cause finds what the eye saw.

    Args:
        labels: The pictures.
        severities: Severities of each.
        liked: Whether people rated it well; false alarms are counted on those without a fault.
        limits: The gate's limit per cause.

    Returns:
        Per cause: pictures that plainly have it, ``auc`` against those without any fault,
        ``recall`` and ``false`` at the gate's limit, ``recall_at`` where the share of well-rated
        pictures without a fault that are flagged is at most :data:`FALSE`, that ``threshold``,
        and ``main``, the share of pictures whose most severe cause it is. Shares have 95% Wilson
        intervals.
    """
    good = [
        one
        for one, label, well in zip(severities, labels, liked, strict=True)
        if label.clean and well
    ]
    clean = [one for one, label in zip(severities, labels, strict=True) if label.clean]
    found: dict[str, dict[str, Any]] = {}
    for cause, names in SEEN_AS.items():
        having = [
            one
            for one, label in zip(severities, labels, strict=True)
            if set(names) & set(label.plain)
        ]
        entry: dict[str, Any] = {"pictures": len(having), "good": len(good)}
        if len(having) >= MIN_PICTURES and len(good) >= MIN_PICTURES:
            severe = np.array([one[cause] for one in having])
            calm = np.sort([one[cause] for one in good])
            limit = limits.get(cause, 0.5)
            spare = int(np.floor(FALSE * len(calm)))
            threshold = float(calm[len(calm) - 1 - spare])
            entry |= {
                "auc": auc(severe.tolist(), [one[cause] for one in clean]),
                "recall": _share(severe > limit),
                "false": _share(calm > limit),
                "recall_at": _share(severe > threshold),
                "threshold": threshold,
                "main": _share(
                    np.array([max(one, key=one.__getitem__) == cause for one in having])
                ),
            }
        found[cause] = entry
    return found


def _share(hits: Any) -> dict[str, float]:
    return asdict(wilson(int(np.sum(hits)), len(hits)))


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """:func:`measure` as text."""

    def cell(share: Mapping[str, float]) -> str:
        return f"{share['value']:.0%} ({share['low']:.0%}-{share['high']:.0%})"

    header = ["cause", "seen in", "AUC", "above limit", "false alarms", "found at 3% false", "main"]
    lines = [header]
    for cause, entry in found.items():
        if "auc" not in entry:
            lines.append([cause, str(entry["pictures"]), *["-"] * 5])
            continue
        shares = [cell(entry[key]) for key in ("recall", "false", "recall_at", "main")]
        lines.append([cause, str(entry["pictures"]), f"{entry['auc']:.3f}", *shares])
    return aligned(lines)
