"""How rows are made: everything a process needs to make the same ones as any other, and a name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from edgeiqa.gate import Gate
from edgeiqa.scorer import Scorer

EXACT, QUICK = "exact", "quick"

_PRESET = "given"


@dataclass(frozen=True)
class Recipe:
    """How rows are made, in numbers and words that can be sent to another process.

    Attributes:
        model: A shipped model's name or the path of a .tflite.
        min_score: Of the gate; None where there is no gate.
        limits: Of the gate, severity 0-1 per cause.
        quick: Whether JPEGs are decoded at a reduced size.
        max_pixels: Larger files are refused.
    """

    model: str
    min_score: float | None
    limits: dict[str, float]
    quick: bool
    max_pixels: int

    def opened(self) -> tuple[Scorer, Gate | None]:
        """Opens the model, for one thread.

        Raises:
            ModelError: As `Scorer`.
            ContractError: As `Scorer`.
            ImportError: As `Scorer`.
        """
        scorer = Scorer(self.model, max_pixels=self.max_pixels)
        if self.min_score is None:
            return scorer, None
        # Handed over like a contract's, as a newer model may have limits for causes that this
        # version does not know.
        thresholds, limits = {_PRESET: self.min_score}, {_PRESET: self.limits}
        return scorer, Gate(_PRESET, thresholds=thresholds, limits=limits)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Recipe:
        """What `to_json` made."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Settings:
    """What the rows of a journal were made with; rows of other settings are not to be mixed.

    Attributes:
        model: Name and version of the model, such as "base 0.2.0".
        mode: "exact" or "quick".
        digest: 16 hexadecimal digits of all that decides what is in a row: both networks (name,
            version and SHA-256), the gate's numbers, the mode and the limit of pixels.
    """

    model: str
    mode: str
    digest: str

    def keys(self) -> dict[str, str]:
        """What rows say of it."""
        return {"mode": self.mode, "model": self.model, "settings": self.digest}


def settings(scorer: Scorer, gate: Gate | None, *, quick: bool, max_pixels: int) -> Settings:
    """Names what rows are made with.

    Args:
        scorer: With the networks.
        gate: Or None.
        quick: Whether JPEGs are decoded at a reduced size.
        max_pixels: Larger files are refused.
    """
    contracts = [scorer.contract]
    if scorer.diagnosis is not None:
        contracts.append(scorer.diagnosis.contract)
    mode = QUICK if quick else EXACT
    told: dict[str, Any] = {
        "networks": [[one.name, one.version, one.flatbuffer_sha256] for one in contracts],
        "calibration": asdict(scorer.contract.calibration),
        "gate": None if gate is None else [gate.min_score, gate.max_causes],
        "mode": mode,
        "max_pixels": max_pixels,
    }
    text = json.dumps(told, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Settings(f"{scorer.contract.name} {scorer.contract.version}", mode, digest)
