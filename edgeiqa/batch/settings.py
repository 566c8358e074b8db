"""How rows are made: everything a process needs to make the same ones as any other, and a name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgeiqa.gating.gate import Gate
from edgeiqa.imaging.decode import MAX_PIXELS
from edgeiqa.inference.model import DEFAULT
from edgeiqa.scorer import Scorer, choose_gate

EXACT, QUICK = "exact", "quick"

_PRESET = "given"


@dataclass(frozen=True)
class Recipe:
    """How rows are made, in numbers and words that can be sent to another process.

    Attributes:
        model: A shipped model's name, the path of a .tflite, or its bytes.
        min_score: Of the gate; None where there is no gate.
        limits: Of the gate, severity 0-1 per cause.
        quick: Whether JPEGs are decoded at a reduced size.
        max_pixels: Larger files are refused.
    """

    model: str | bytes
    min_score: float | None
    limits: dict[str, float]
    quick: bool
    max_pixels: int

    @classmethod
    def of(
        cls,
        model: str | bytes,
        gate: Gate | None,
        *,
        quick: bool = False,
        max_pixels: int = MAX_PIXELS,
    ) -> Recipe:
        """Describes what is at hand.

        Args:
            model: As the attribute.
            gate: Or None.
            quick: As the attribute.
            max_pixels: As the attribute.
        """
        if gate is None:
            return cls(model, None, {}, quick, max_pixels)
        return cls(model, gate.min_score, gate.max_causes, quick, max_pixels)

    @classmethod
    def asked(
        cls,
        model: str | os.PathLike[str] | bytes | bytearray = DEFAULT,
        gate: str | None = None,
        min_score: float | None = None,
        max_causes: Mapping[str, float] | None = None,
    ) -> Recipe:
        """Describes what is asked for; opens the model for it, as the gate depends on it.

        Args:
            model: Name of a shipped model, path of a .tflite, or its bytes.
            gate: As `edgeiqa.scorer.choose_gate`, and so are those that follow.
            min_score: A least score.
            max_causes: Limits per cause.

        Raises:
            ModelError: No such model, or one at odds with its contract.
            ContractError: A .tflite without a contract, or with a damaged or newer one.
            ValueError: No such preset, cause or limit.
        """
        scorer = Scorer(model)
        chosen = choose_gate(scorer, gate, min_score=min_score, max_causes=max_causes)
        given = bytes(model) if isinstance(model, (bytes, bytearray)) else os.fspath(model)
        return cls.of(given, chosen)

    @property
    def model_bytes(self) -> bytes | None:
        """The model, if it is there as bytes."""
        return self.model if isinstance(self.model, bytes) else None

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
        """One line, less the bytes of a model: `model_bytes` go beside it."""
        whole = self if self.model_bytes is None else replace(self, model="")
        return json.dumps(asdict(whole))

    @classmethod
    def from_json(cls, text: str | bytes, model_bytes: bytes | None = None) -> Recipe:
        """What `to_json` and `model_bytes` made."""
        recipe = cls(**json.loads(text))
        return recipe if model_bytes is None else replace(recipe, model=model_bytes)


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
    if scorer.cause_detector is not None:
        contracts.append(scorer.cause_detector.contract)
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
