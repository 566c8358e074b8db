"""Says what spoils a picture: a small network over patches, and arithmetic for the light."""

from __future__ import annotations

import os

from PIL import Image

from edgeiqa.analysis.patches import detail
from edgeiqa.analysis.severity import exposure, pooled
from edgeiqa.causes import CAUSES
from edgeiqa.imaging.frame import Frame
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.model import Model, ModelError

DEFAULT = "causes"
"""Name of the network that comes with the package."""


class CauseDetector:
    """Tells the causes of bad quality; one object serves all threads of a program.

    Attributes:
        model: The network; its contract says which causes it tells and which limits the presets
            of a gate have.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | bytearray | Model = DEFAULT,
        *,
        threads: int = 1,
    ) -> None:
        """Opens the network.

        Args:
            model: A .tflite for causes, its bytes or an opened one; by default the one that comes
                with the package.
            threads: Threads within one run.

        Raises:
            ModelError: No such file, at odds with its contract, or not a network for causes.
            ContractError: As `Model`.
        """
        self.model = model if isinstance(model, Model) else Model(model, threads=threads)
        if not self.contract.detects_causes:
            raise ModelError(f"{self.model!r} gives a score; a network for causes is wanted")

    @property
    def contract(self) -> Contract:
        """What the network says about itself."""
        return self.model.contract

    def causes(self, source: Frame | Image.Image) -> dict[str, float]:
        """The severities of what spoils a picture.

        Args:
            source: A frame, or an upright PIL picture of mode RGB.

        Returns:
            Severity 0-1 per cause, in the order of `edgeiqa.causes.CAUSES`. About a half and more
            is plain to see at 100%; which severity is too much is for a gate to say.

        Raises:
            TypeError: `source` is something else.
        """
        spec, (output,) = self.contract.input, self.contract.outputs
        seen = detail(source, spec)
        values = self.model.run(seen.tensor)[output.name]
        told = pooled(values, spec.views, output.labels or ())
        told |= exposure(seen.small)
        return {cause: told[cause] for cause in CAUSES if cause in told}
