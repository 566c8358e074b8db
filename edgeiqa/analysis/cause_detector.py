"""Detects the causes of bad quality: a small network over patches, and exposure statistics."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
from PIL import Image

from edgeiqa.analysis.patches import detail
from edgeiqa.analysis.plausibility import find_damage
from edgeiqa.analysis.severity import exposure, pooled
from edgeiqa.causes import CAUSES
from edgeiqa.imaging.frame import Frame
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.model import Model, ModelError
from edgeiqa.stages import stage

DEFAULT = "causes"
"""Name of the network that ships with the package."""


class Findings(NamedTuple):
    """What is wrong with a picture.

    Attributes:
        causes: Severity 0-1 per cause.
        missing: None if the picture can be a photograph; otherwise the share 0-1 of its rows
            known to be missing.
    """

    causes: dict[str, float]
    missing: float | None


class CauseDetector:
    """Detects the causes of bad quality. Thread-safe: one object serves all threads.

    Attributes:
        model: The network; its contract lists the causes that it detects and the limits of the
            gate presets.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | bytearray | Model = DEFAULT,
        *,
        threads: int = 1,
    ) -> None:
        """Opens the network.

        Args:
            model: A .tflite that detects causes, its bytes, or an open `Model`; by default the
                one that ships with the package.
            threads: Threads within one inference.

        Raises:
            ModelError: No such file, a file that does not match its contract, or a model that
                does not detect causes.
            ContractError: As for `Model`.
        """
        self.model = model if isinstance(model, Model) else Model(model, threads=threads)
        if not self.contract.detects_causes:
            raise ModelError(
                f"{self.model!r} predicts a score, expected a model that detects causes"
            )

    @property
    def contract(self) -> Contract:
        """The contract of the network."""
        return self.model.contract

    def causes(self, source: Frame | Image.Image) -> dict[str, float]:
        """Measures the severity of each cause.

        Args:
            source: A frame, or an upright PIL picture of mode RGB.

        Returns:
            Severity 0-1 per cause, in the order of `edgeiqa.causes.CAUSES`. From about 0.5 on, a
            cause is plainly visible at 100% zoom; a gate decides which severity is too high.

        Raises:
            TypeError: `source` is something else.
        """
        return self.inspect(source).causes

    def inspect(self, source: Frame | Image.Image) -> Findings:
        """Measures the severity of each cause and checks for damage; see `causes`."""
        spec, (output,) = self.contract.input, self.contract.outputs
        view = detail(source, spec)
        values = _run(self.model, view.tensor)[output.name]
        severities = pooled(values, spec.views, output.labels or ()) | exposure(view.small)
        causes = {cause: severities[cause] for cause in CAUSES if cause in severities}
        return Findings(causes, find_damage(view.small, source))


@stage("causes_network")
def _run(model: Model, tensor: np.ndarray) -> dict[str, np.ndarray]:
    return model.run(tensor)
