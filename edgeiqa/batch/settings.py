"""How rows are made: settings that can be sent to another process, and their fingerprint."""

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
class ScoreSettings:
    """How rows are made.

    Attributes:
        model: A shipped model's name, the path of a .tflite, or its bytes. Bytes stay the same
            when the file is replaced while a run goes on.
        min_score: The score from which the gate accepts; None for no gate.
        limits: The limits of the gate, severity 0-1 per cause.
        quick: Whether JPEGs are decoded at a reduced size.
        max_pixels: Larger files are refused.
        reject_damaged: Whether the gate rejects damaged pictures.
    """

    model: str | bytes = DEFAULT
    min_score: float | None = None
    limits: Mapping[str, float] | None = None
    quick: bool = False
    max_pixels: int = MAX_PIXELS
    reject_damaged: bool = True

    @classmethod
    def of(cls, model: str | bytes, gate: Gate | None, **options: Any) -> ScoreSettings:
        """The settings for a model and a gate; `options` are further attributes."""
        if gate is None:
            return cls(model, **options)
        options["reject_damaged"] = gate.reject_damaged
        return cls(model, gate.min_score, gate.max_causes, **options)

    @classmethod
    def choose(
        cls,
        model: str | os.PathLike[str] | bytes | bytearray = DEFAULT,
        gate: str | None = None,
        min_score: float | None = None,
        max_causes: Mapping[str, float] | None = None,
    ) -> ScoreSettings:
        """Chooses the gate as `edgeiqa score` does, for which the model is opened.

        Args:
            model: Name of a shipped model, path of a .tflite, or its bytes.
            gate: As for `edgeiqa.scorer.choose_gate`, and so are the following.
            min_score: The score from which to accept.
            max_causes: Limits per cause.

        Raises:
            ModelError: No such model, or one at odds with its contract.
            ContractError: The contract of the .tflite is missing, damaged or newer.
            ValueError: No such preset, cause or limit.
        """
        chosen = choose_gate(Scorer(model), gate, min_score=min_score, max_causes=max_causes)
        given = bytes(model) if isinstance(model, (bytes, bytearray)) else os.fspath(model)
        return cls.of(given, chosen)

    @property
    def model_bytes(self) -> bytes | None:
        """The model, if it is given as bytes."""
        return self.model if isinstance(self.model, bytes) else None

    def open(self) -> tuple[Scorer, Gate | None]:
        """Opens the model and makes the gate; raises what `Scorer` raises."""
        scorer = Scorer(self.model, max_pixels=self.max_pixels)
        if self.min_score is None:
            return scorer, None
        # Passed like those of a contract, as a newer model may have limits for causes that this
        # version does not know.
        thresholds, limits = {_PRESET: self.min_score}, {_PRESET: dict(self.limits or {})}
        return scorer, Gate(
            _PRESET, thresholds=thresholds, limits=limits, reject_damaged=self.reject_damaged
        )

    def to_json(self) -> str:
        """One line, without the bytes of a model: `model_bytes` are sent beside it."""
        whole = self if self.model_bytes is None else replace(self, model="")
        return json.dumps(asdict(whole))

    @classmethod
    def from_json(cls, text: str | bytes, model_bytes: bytes | None = None) -> ScoreSettings:
        """Restores what `to_json` and `model_bytes` gave."""
        settings = cls(**json.loads(text))
        return settings if model_bytes is None else replace(settings, model=model_bytes)


@dataclass(frozen=True)
class Fingerprint:
    """Identifies what rows were made with; a journal mixes no rows of different fingerprints.

    Attributes:
        model: Name and version of the model, such as "base 0.2.0".
        mode: "exact" or "quick".
        digest: 16 hexadecimal digits of everything that decides what is in a row: both networks
            with their whole contracts, the gate, the mode and the limit of pixels.
    """

    model: str
    mode: str
    digest: str

    @classmethod
    def of(cls, scorer: Scorer, gate: Gate | None, *, quick: bool, max_pixels: int) -> Fingerprint:
        """The fingerprint of rows that are made with these."""
        contracts = [scorer.contract]
        if scorer.cause_detector is not None:
            contracts.append(scorer.cause_detector.contract)
        mode = QUICK if quick else EXACT
        rules = None if gate is None else [gate.min_score, gate.max_causes, gate.reject_damaged]
        decisive = {
            "networks": [asdict(contract) for contract in contracts],
            "gate": rules,
            "mode": mode,
            "max_pixels": max_pixels,
        }
        text = json.dumps(decisive, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return cls(f"{scorer.contract.name} {scorer.contract.version}", mode, digest)
