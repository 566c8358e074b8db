"""All that the vectors need of edgeiqa beyond its public face, imported in one place."""

from __future__ import annotations

from edgeiqa.causes import CAUSES as CAUSE_NAMES
from edgeiqa.contract import Calibration, Contract, InputSpec, OutputSpec, append, read
from edgeiqa.contract import to_json as contract_json
from edgeiqa.detail import detail
from edgeiqa.model import CAUSES
from edgeiqa.preprocess import preprocess
from edgeiqa.quality import quality_from_outputs
from edgeiqa.severity import exposure, pooled
from edgeiqa.steady import SteadyJudge
from tests.golden.frames import to_yuv
from tests.golden.pictures import golden_pictures

__all__ = [
    "CAUSES",
    "CAUSE_NAMES",
    "Calibration",
    "Contract",
    "InputSpec",
    "OutputSpec",
    "SteadyJudge",
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
