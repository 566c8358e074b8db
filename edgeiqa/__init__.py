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
    from edgeiqa.diagnosis import Diagnosis
    from edgeiqa.frame import ColorMatrix, ColorRange, Frame, PixelFormat
    from edgeiqa.gate import Gate, GateFit, Reason, Verdict
    from edgeiqa.live import LiveScorer
    from edgeiqa.livegate import LiveGate
    from edgeiqa.liveresult import LiveResult
    from edgeiqa.mode import Mode
    from edgeiqa.model import Model, ModelError, available_models
    from edgeiqa.overlay import Overlay
    from edgeiqa.quality import Quality
    from edgeiqa.qualitymap import QualityMap
    from edgeiqa.samples import sample_paths
    from edgeiqa.scorer import Scorer
    from edgeiqa.smoothing import Smoother
    from edgeiqa.sources.base import Event
    from edgeiqa.sources.opening import open_source

__version__ = "0.1.0"

__all__ = [
    "ColorMatrix",
    "ColorRange",
    "ContractError",
    "Diagnosis",
    "Event",
    "Frame",
    "Gate",
    "GateFit",
    "LiveGate",
    "LiveResult",
    "LiveScorer",
    "Mode",
    "Model",
    "ModelError",
    "Overlay",
    "PixelFormat",
    "Quality",
    "QualityMap",
    "Ranked",
    "Reason",
    "Scorer",
    "Smoother",
    "UnreadableImageError",
    "Verdict",
    "__version__",
    "available_models",
    "best_of",
    "open_source",
    "sample_paths",
]

_HOME = {
    "ColorMatrix": "frame",
    "ColorRange": "frame",
    "ContractError": "contract",
    "Diagnosis": "diagnosis",
    "Event": "sources.base",
    "Frame": "frame",
    "Gate": "gate",
    "GateFit": "gate",
    "LiveGate": "livegate",
    "LiveResult": "liveresult",
    "LiveScorer": "live",
    "Mode": "mode",
    "Model": "model",
    "ModelError": "model",
    "Overlay": "overlay",
    "PixelFormat": "frame",
    "Quality": "quality",
    "QualityMap": "qualitymap",
    "Ranked": "burst",
    "Reason": "gate",
    "Scorer": "scorer",
    "Smoother": "smoothing",
    "UnreadableImageError": "decode",
    "Verdict": "gate",
    "available_models": "model",
    "open_source": "sources.opening",
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
