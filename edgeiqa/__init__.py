"""Scores how good a photograph looks, on the device, with a small int8 neural network.

>>> from edgeiqa import Scorer
>>> quality = Scorer().score("photo.jpg")
>>> print(f"{quality.score:.1f} of 100")

The names below are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from edgeiqa._version import __version__

if TYPE_CHECKING:
    from edgeiqa.analysis.cause_detector import Diagnosis
    from edgeiqa.analysis.quality_map import QualityMap
    from edgeiqa.assets import sample_paths
    from edgeiqa.burst.ranking import Ranked, best_of
    from edgeiqa.errors import ContractError, ModelError, UnreadableImageError
    from edgeiqa.gating.gate import Gate, GateFit, Reason, Verdict
    from edgeiqa.gating.hysteresis import LiveGate
    from edgeiqa.imaging.frame import Frame
    from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
    from edgeiqa.inference.model import Model, available_models
    from edgeiqa.live.result import LiveResult
    from edgeiqa.live.scorer import LiveScorer, Mode
    from edgeiqa.live.smoothing import Smoother
    from edgeiqa.quality import Quality
    from edgeiqa.results.reader import read_results
    from edgeiqa.scorer import Scorer
    from edgeiqa.sinks.overlay import Overlay
    from edgeiqa.sources.base import Event, Source
    from edgeiqa.sources.open import open_source

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
    "Source",
    "UnreadableImageError",
    "Verdict",
    "__version__",
    "available_models",
    "best_of",
    "open_source",
    "read_results",
    "sample_paths",
]

_HOME = {
    "ColorMatrix": "imaging.pixel_format",
    "ColorRange": "imaging.pixel_format",
    "ContractError": "errors",
    "Diagnosis": "analysis.cause_detector",
    "Event": "sources.base",
    "Frame": "imaging.frame",
    "Gate": "gating.gate",
    "GateFit": "gating.gate",
    "LiveGate": "gating.hysteresis",
    "LiveResult": "live.result",
    "LiveScorer": "live.scorer",
    "Mode": "live.scorer",
    "Model": "inference.model",
    "ModelError": "errors",
    "Overlay": "sinks.overlay",
    "PixelFormat": "imaging.pixel_format",
    "Quality": "quality",
    "QualityMap": "analysis.quality_map",
    "Ranked": "burst.ranking",
    "Reason": "gating.gate",
    "Scorer": "scorer",
    "Smoother": "live.smoothing",
    "Source": "sources.base",
    "UnreadableImageError": "errors",
    "Verdict": "gating.gate",
    "available_models": "inference.model",
    "best_of": "burst.ranking",
    "open_source": "sources.open",
    "read_results": "results.reader",
    "sample_paths": "assets",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"edgeiqa.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
