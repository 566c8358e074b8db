"""Scores how good a photograph looks, on the device, with a small int8 neural network.

>>> from edgeiqa import Scorer
>>> quality = Scorer().score("photo.jpg")
>>> print(f"{quality.score:.1f} of 100")

The names below are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeiqa.burst import Ranked, best_of
    from edgeiqa.contract import ContractError
    from edgeiqa.decode import UnreadableImageError
    from edgeiqa.frame import Frame, PixelFormat
    from edgeiqa.gate import Gate, Reason, Verdict
    from edgeiqa.model import Model, ModelError, available_models
    from edgeiqa.quality import Quality
    from edgeiqa.qualitymap import QualityMap
    from edgeiqa.samples import sample_paths
    from edgeiqa.scorer import Scorer

__version__ = "0.1.0"

__all__ = [
    "ContractError",
    "Frame",
    "Gate",
    "Model",
    "ModelError",
    "PixelFormat",
    "Quality",
    "QualityMap",
    "Ranked",
    "Reason",
    "Scorer",
    "UnreadableImageError",
    "Verdict",
    "__version__",
    "available_models",
    "best_of",
    "sample_paths",
]

_HOME = {
    "ContractError": "contract",
    "Frame": "frame",
    "Gate": "gate",
    "Model": "model",
    "ModelError": "model",
    "PixelFormat": "frame",
    "Quality": "quality",
    "QualityMap": "qualitymap",
    "Ranked": "burst",
    "Reason": "gate",
    "Scorer": "scorer",
    "UnreadableImageError": "decode",
    "Verdict": "gate",
    "available_models": "model",
    "best_of": "burst",
    "sample_paths": "samples",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"edgeiqa.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
