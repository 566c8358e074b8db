"""Scores how good a photograph looks, on the device, with a small int8 neural network.

>>> from edgeiqa import Scorer
>>> quality = Scorer().score("photo.jpg")
>>> print(f"{quality.score:.1f} of 100")

Each name is loaded when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from edgeiqa import _deprecated
from edgeiqa._version import __version__

if TYPE_CHECKING:
    from edgeiqa.analysis.cause_detector import CauseDetector
    from edgeiqa.analysis.quality_map import QualityMap
    from edgeiqa.assets import sample_paths
    from edgeiqa.burst.ranking import Ranked, best_of
    from edgeiqa.errors import (
        ClosedError,
        ContractError,
        EdgeIQAError,
        MissingVariableError,
        ModelError,
        OutputError,
        ResultsError,
        SourceError,
        UnreadableImageError,
        WorkerError,
    )
    from edgeiqa.gating.gate import Gate, GateFit, Reason, Verdict
    from edgeiqa.gating.hysteresis import LiveGate
    from edgeiqa.imaging.frame import Frame
    from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
    from edgeiqa.inference.model import Model, available_models
    from edgeiqa.integrations.ray import score_dataset
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
    "CauseDetector",
    "ClosedError",
    "ColorMatrix",
    "ColorRange",
    "ContractError",
    "EdgeIQAError",
    "Event",
    "Frame",
    "Gate",
    "GateFit",
    "LiveGate",
    "LiveResult",
    "LiveScorer",
    "MissingVariableError",
    "Mode",
    "Model",
    "ModelError",
    "OutputError",
    "Overlay",
    "PixelFormat",
    "Quality",
    "QualityMap",
    "Ranked",
    "Reason",
    "ResultsError",
    "Scorer",
    "Smoother",
    "Source",
    "SourceError",
    "UnreadableImageError",
    "Verdict",
    "WorkerError",
    "__version__",
    "available_models",
    "best_of",
    "open_source",
    "read_results",
    "sample_paths",
    "score_dataset",
]

_HOME = {
    "CauseDetector": "analysis.cause_detector",
    "ClosedError": "errors",
    "ColorMatrix": "imaging.pixel_format",
    "ColorRange": "imaging.pixel_format",
    "ContractError": "errors",
    "EdgeIQAError": "errors",
    "Event": "sources.base",
    "Frame": "imaging.frame",
    "Gate": "gating.gate",
    "GateFit": "gating.gate",
    "LiveGate": "gating.hysteresis",
    "LiveResult": "live.result",
    "LiveScorer": "live.scorer",
    "MissingVariableError": "errors",
    "Mode": "live.scorer",
    "Model": "inference.model",
    "ModelError": "errors",
    "OutputError": "errors",
    "Overlay": "sinks.overlay",
    "PixelFormat": "imaging.pixel_format",
    "Quality": "quality",
    "QualityMap": "analysis.quality_map",
    "Ranked": "burst.ranking",
    "Reason": "gating.gate",
    "ResultsError": "errors",
    "Scorer": "scorer",
    "Smoother": "live.smoothing",
    "Source": "sources.base",
    "SourceError": "errors",
    "UnreadableImageError": "errors",
    "Verdict": "gating.gate",
    "WorkerError": "errors",
    "available_models": "inference.model",
    "best_of": "burst.ranking",
    "open_source": "sources.open",
    "read_results": "results.reader",
    "sample_paths": "assets",
    "score_dataset": "integrations.ray",
}

_deprecated.install()


def __getattr__(name: str) -> object:
    if name not in _HOME:
        return _deprecated.load(name)
    value: object = getattr(importlib.import_module(f"edgeiqa.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
