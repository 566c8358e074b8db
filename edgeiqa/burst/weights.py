"""The learned weights of the burst ranking, a versioned JSON file with a contract.

    {
      "format": 1,
      "name": "burst", "version": "0.1.0",
      "model": "base",                 whose scores were weighed
      "weights": {"detail0": 4.971, ...},   log odds per unit of each term
      "training": {"command": "...", ...},
      "sha256": "..."                  of name, version, model and weights
    }

`python -m convert burst-weights --output FILE` writes it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgeiqa.assets import MODELS
from edgeiqa.errors import ModelError

FORMAT = 1
FILE = MODELS / "burst.json"


@dataclass(frozen=True)
class BurstWeights:
    """Weights and their origin.

    Attributes:
        name: Of the weights.
        version: Of the weights.
        model: The model whose scores were weighed.
        weights: Log odds per unit, by term.
        training: The command that learned them, and further facts.
    """

    name: str
    version: str
    model: str
    weights: dict[str, float]
    training: dict[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of everything that determines a ranking."""
        content = [self.name, self.version, self.model, self.weights]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of the file."""
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "model": self.model,
            "weights": self.weights,
            "training": self.training,
            "sha256": self.sha256,
        }


def load_weights(terms: Sequence[str], path: str | os.PathLike[str] = FILE) -> BurstWeights:
    """Reads and checks the file.

    Args:
        terms: The terms it must have weights for, in their order.
        path: Of the file.

    Raises:
        ModelError: Missing, damaged, of a newer format, or for other terms.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream)
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise ModelError(f"{path}: expected burst weights of format {FORMAT}")
        found = BurstWeights(
            name=str(document["name"]),
            version=str(document["version"]),
            model=str(document["model"]),
            weights={str(name): float(value) for name, value in document["weights"].items()},
            training=dict(document["training"]),
        )
        if not all(map(math.isfinite, found.weights.values())):
            raise ModelError(f"{path}: a weight is not finite")
        digest = document["sha256"]
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: damaged burst weights ({error!r})") from error
    if tuple(found.weights) != tuple(terms):
        raise ModelError(f"{path}: expected weights for {', '.join(terms)}")
    if digest != found.sha256:
        raise ModelError(f"{path}: damaged, the checksum does not match")
    return found
