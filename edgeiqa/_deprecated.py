"""Former module paths, which work until version 0.3 and warn when they are imported."""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "contract": "inference.contract",
    "decode": "imaging.decode",
    "detail": "analysis.patches",
    "diagnosis": "analysis.cause_detector",
    "frame": "imaging.frame",
    "gate": "gating.gate",
    "gatefit": "gating.threshold_fit",
    "listing": "imaging.discovery",
    "livegate": "gating.hysteresis",
    "liveresult": "live.result",
    "luma": "preprocessing.luma",
    "mapdraw": "analysis.map_rendering",
    "model": "inference.model",
    "modelfile": "inference.model_file",
    "overlay": "sinks.overlay",
    "pixelformat": "imaging.pixel_format",
    "preprocess": "preprocessing.resize",
    "qualitymap": "analysis.quality_map",
    "raydata": "integrations.ray",
    "resultfiles": "results.reader",
    "samples": "assets",
    "severity": "analysis.severity",
    "smoothing": "live.smoothing",
    "sources.opening": "sources.open",
    "xmp": "burst.xmp",
    "yuv": "preprocessing.yuv",
}
"""Former module to its successor, both without the leading "edgeiqa."."""

PACKAGES = {"burst": "burst.ranking", "live": "live.scorer"}
"""Former modules that are packages now, and which of their modules has the names."""

NAMES = {"Diagnosis": "analysis.cause_detector.CauseDetector"}
"""Former public name to its successor, without the leading "edgeiqa."."""


def load(name: str) -> Any:
    """Loads the successor of a public name; raises AttributeError for unknown names."""
    if name not in NAMES:
        raise AttributeError(f"module 'edgeiqa' has no attribute {name!r}")
    module, _, attribute = NAMES[name].rpartition(".")
    _warn(f"edgeiqa.{name}", f"edgeiqa.{attribute}")
    return getattr(importlib.import_module(f"edgeiqa.{module}"), attribute)


def load_from(package: str, name: str) -> Any:
    """Loads a name that a package had when it was a module; raises AttributeError."""
    successor = f"edgeiqa.{PACKAGES[package]}"
    module = importlib.import_module(successor)
    if name.startswith("_") or not hasattr(module, name):
        raise AttributeError(f"module 'edgeiqa.{package}' has no attribute {name!r}")
    _warn(f"edgeiqa.{package}.{name}", f"{successor}.{name}")
    return getattr(module, name)


def install() -> None:
    """Lets the former modules be imported; all other imports are unaffected."""
    sys.meta_path.append(_Finder())


class _Finder:  # Without the base classes of importlib.abc, which load half the library.
    """Finds former modules; asked last, for imports that fail otherwise."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != "edgeiqa" or name not in MODULES:
            return None
        loader: Any = _Successor(f"edgeiqa.{MODULES[name]}")
        return ModuleSpec(fullname, loader)


class _Successor:
    """Loads a former module as a module that has all attributes of its successor."""

    def __init__(self, successor: str) -> None:
        self._successor = successor

    def create_module(self, spec: ModuleSpec) -> None:
        """Leaves it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        _warn(module.__name__, self._successor, stacklevel=3)
        successor = importlib.import_module(self._successor)
        for name in dir(successor):
            if not name.startswith("__"):
                setattr(module, name, getattr(successor, name))
        if hasattr(module, "CauseDetector"):
            module.__dict__["Diagnosis"] = module.CauseDetector


def _warn(former: str, successor: str, stacklevel: int = 4) -> None:
    # The line to blame is that of the import, two calls above; `warnings` itself skips the frames
    # of the import system.
    warnings.warn(
        f"{former} is deprecated and will be removed in edgeiqa 0.3: use {successor}",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
