"""All that the vectors need of edgeiqa beyond its public face, imported in one place."""

from __future__ import annotations

from edgeiqa.analysis.patches import detail
from edgeiqa.analysis.severity import exposure, pooled
from edgeiqa.causes import CAUSES as CAUSE_NAMES
from edgeiqa.inference.contract import (
    Calibration,
    Contract,
    InputSpec,
    OutputSpec,
    append,
    read,
)
from edgeiqa.inference.contract import to_json as contract_json
from edgeiqa.inference.model import CAUSES
from edgeiqa.preprocessing.resize import preprocess
from edgeiqa.quality import quality_from_outputs
from tests.golden.entries import RememberingModel
from tests.golden.frames import to_yuv
from tests.golden.pictures import golden_pictures

__all__ = [
    "CAUSES",
    "CAUSE_NAMES",
    "Calibration",
    "Contract",
    "InputSpec",
    "OutputSpec",
    "RememberingModel",
    "append",
    "contract_json",
    "detail",
    "exposure",
    "golden_pictures",
    "pooled",
    "preprocess",
    "quality_from_outputs",
    "read",
    "to_yuv",
]
