"""The parts of a model's contract: input, outputs and calibration.

Each part validates itself on creation, so that every existing `Contract` is valid.
"""

from __future__ import annotations

import math
import reprlib
import unicodedata
from dataclasses import dataclass

from edgeiqa.causes import CAUSES
from edgeiqa.errors import ContractError

MAX_SIDE = 4096
MAX_VALUES = 65_536
MAX_TEXT = 200
MAX_CALIBRATION = 1e12
MAX_STD_SCALE = 1e6
MAX_STD_POWER = 4.0

DTYPES = ("uint8", "float32")
COLORS = ("RGB", "GRAY")
FITS = ("squash", "crop")
RESAMPLES = ("reduce-bilinear",)
PATCHES = ("active", "quiet", "reduced")
MAX_VIEWS = 64
ACTIVATIONS = ("linear", "sigmoid")
KINDS = ("histogram_logits", "histogram", "scalar", "attributes", "features", "patch_causes")

_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlong = 40

_HISTOGRAMS = ("histogram_logits", "histogram")


@dataclass(frozen=True)
class InputSpec:
    """The one input of a model: a picture, or patches of one.

    Attributes:
        height: In pixels, 1-4096; for patches, that of one patch.
        width: In pixels, 1-4096; for patches, that of one patch.
        dtype: "uint8", or "float32" for float models; either way the values are 0-255.
        color: "RGB", the order of the channels, for the whole picture; "GRAY", luma, for patches.
        fit: How pictures of another aspect ratio are fitted: "squash" or "crop".
        resample: The resize algorithm, "reduce-bilinear"; see `docs/reference/preprocessing.md`.
        views: Parts of the picture that the model takes: ("global",) for the whole picture; for
            cause detectors square patches, "active", "quiet" and "reduced" in this order, with
            zero or a square number of each; see `edgeiqa.analysis.patches`.
    """

    height: int
    width: int
    dtype: str = "uint8"
    color: str = "RGB"
    fit: str = "squash"
    resample: str = "reduce-bilinear"
    views: tuple[str, ...] = ("global",)

    def __post_init__(self) -> None:
        """Checks the values; raises ContractError."""
        for name in ("height", "width"):
            side = getattr(self, name)
            if not is_int(side) or not 1 <= side <= MAX_SIDE:
                raise ContractError(f"input.{name} is {shown(side)}, expected 1 to {MAX_SIDE}")
        one_of(self.dtype, DTYPES, "input.dtype")
        one_of(self.color, COLORS, "input.color")
        one_of(self.fit, FITS, "input.fit")
        one_of(self.resample, RESAMPLES, "input.resample")
        if self.views == ("global",):
            one_of(self.color, ("RGB",), "input.color of a whole picture")
        else:
            self._check_patches()

    def _check_patches(self) -> None:
        known = all(view in PATCHES for view in self.views)
        ordered = known and list(self.views) == sorted(self.views, key=PATCHES.index)
        counts = [self.views.count(kind) for kind in PATCHES]
        squares = all(math.isqrt(count) ** 2 == count for count in counts)
        if not (ordered and squares and 1 <= len(self.views) <= MAX_VIEWS):
            raise ContractError(
                f"input.views is {shown(list(self.views))}, expected ['global'], or patches: "
                f"{', '.join(PATCHES)} in this order, a square number of each, at most {MAX_VIEWS}"
            )
        one_of(self.color, ("GRAY",), "input.color of patches")
        if self.height != self.width:
            raise ContractError(f"input is {self.height} x {self.width}, expected square patches")

    @property
    def tensor_shape(self) -> tuple[int, int, int, int]:
        """Shape of the input: [1, height, width, 3], or stacked patches with one channel."""
        if self.views == ("global",):
            return 1, self.height, self.width, 3
        return 1, len(self.views) * self.height, self.width, 1


@dataclass(frozen=True)
class OutputSpec:
    """One output of a model.

    Attributes:
        name: For display, and the key in the result of `Model.run`.
        kind: "histogram_logits" (softmax gives the shares of opinion per bin), "histogram"
            (the shares themselves), "scalar" (one number), "attributes" (one number per label),
            "features" (an embedding) or "patch_causes" (per patch, a level for each label, then a
            weight for each; see `edgeiqa.analysis.severity.pooled`).
        bins: Centres of the opinion bins on 0-1, worst to best; required for histograms only.
        labels: Names of the attributes or causes; required for those only.
        score_label: The label that is the quality score; for attributes only.
        activation: "sigmoid" if the caller has to apply it to each value of a scalar or of
            attributes, because inside the network int8 would round it to steps of 1/256;
            else "linear".
    """

    name: str
    kind: str
    bins: tuple[float, ...] | None = None
    labels: tuple[str, ...] | None = None
    score_label: str | None = None
    activation: str = "linear"

    def __post_init__(self) -> None:
        """Checks the values; raises ContractError."""
        check_text(self.name, "an output's name")
        where = f"output {self.name!r}"
        one_of(self.kind, KINDS, f"the kind of {where}")
        one_of(self.activation, ACTIVATIONS, f"the activation of {where}")
        if self.activation != "linear" and self.kind not in ("scalar", "attributes"):
            raise ContractError(f"{where}: only a scalar or attributes may have an activation")
        if (self.bins is not None) != (self.kind in _HISTOGRAMS):
            raise ContractError(f"{where}: bins are required for histograms, and only for them")
        if (self.labels is not None) != (self.kind in ("attributes", "patch_causes")):
            raise ContractError(f"{where}: labels are required for attributes and causes only")
        if self.bins is not None:
            rising = all(a < b for a, b in zip(self.bins, self.bins[1:], strict=False))
            if not 2 <= len(self.bins) <= MAX_VALUES or not rising:
                raise ContractError(f"{where}: expected at least two bins, in ascending order")
            if not all(is_number(b) and 0 <= b <= 1 for b in self.bins):
                raise ContractError(f"{where}: bins must be numbers from 0 to 1")
        if self.labels is not None:
            if not all(isinstance(label, str) and label for label in self.labels):
                raise ContractError(f"{where}: labels must be text")
            if len(self.labels) > MAX_VALUES:
                raise ContractError(
                    f"{where}: {len(self.labels)} labels, expected at most {MAX_VALUES}"
                )
            for label in self.labels:
                check_text(label, f"a label of {where}")
            if not self.labels or len(set(self.labels)) != len(self.labels):
                raise ContractError(f"{where}: expected at least one label, and no label twice")
        if self.kind == "patch_causes" and not set(self.labels or ()) <= set(CAUSES):
            raise ContractError(f"{where}: labels must be causes: {', '.join(CAUSES)}")
        if self.score_label is not None and self.score_label not in (self.labels or ()):
            raise ContractError(
                f"{where}: score_label {shown(self.score_label)} is not one of its labels"
            )

    @property
    def values(self) -> int | None:
        """Number of values in the output; for causes, per patch.

        None if the contract does not specify it (features).
        """
        if self.kind == "scalar":
            return 1
        if self.kind == "patch_causes":
            return 2 * len(self.labels or ())
        listed = self.bins if self.bins is not None else self.labels
        return None if listed is None else len(listed)

    @property
    def gives_score(self) -> bool:
        """Whether this output contains the quality score."""
        if self.kind == "patch_causes":
            return False
        return self.kind in (*_HISTOGRAMS, "scalar") or self.score_label is not None


@dataclass(frozen=True)
class Calibration:
    """Maps the model's raw score to 0-100: score = clip(scale * raw + offset, 0, 100).

    The spread s of a histogram, multiplied by |scale|, becomes std = std_scale * s ** std_power.
    With both at 1, `std` is the spread of opinions that the network predicts;
    `convert.evaluation.uncertainty.fit_spread` fits them so that `std` is the typical distance
    between the score and the mean opinion.

    Attributes:
        scale: 100 for a raw score of 0-1; negative if larger raw scores are worse.
        offset: Added after scaling.
        std_scale: Above 0, at most 1e6.
        std_power: 0 to 4; 0 gives every picture the same `std`.
    """

    scale: float = 100.0
    offset: float = 0.0
    std_scale: float = 1.0
    std_power: float = 1.0

    def __post_init__(self) -> None:
        """Checks the values; raises ContractError."""
        if not is_number(self.scale) or not is_number(self.offset) or self.scale == 0:
            raise ContractError(
                f"calibration is scale={shown(self.scale)}, offset={shown(self.offset)}, "
                "expected finite numbers and a scale other than 0"
            )
        if abs(self.scale) > MAX_CALIBRATION or abs(self.offset) > MAX_CALIBRATION:
            raise ContractError(
                f"calibration is scale={self.scale:g}, offset={self.offset:g}, expected at most "
                f"{MAX_CALIBRATION:g}"
            )
        if not is_number(self.std_scale) or not 0 < self.std_scale <= MAX_STD_SCALE:
            raise ContractError(
                f"calibration.std_scale is {shown(self.std_scale)}, "
                f"expected more than 0 and at most {MAX_STD_SCALE:g}"
            )
        if not is_number(self.std_power) or not 0 <= self.std_power <= MAX_STD_POWER:
            raise ContractError(
                f"calibration.std_power is {shown(self.std_power)}, expected 0 to {MAX_STD_POWER:g}"
            )

    def std(self, spread: float) -> float:
        """Computes the `std` of a `Quality`.

        Args:
            spread: Standard deviation of the network's histogram, in points of 0-100.

        Returns:
            Points; `spread` itself if `std_scale` and `std_power` are 1, else at most 100.
        """
        if self.std_scale == 1.0 and self.std_power == 1.0:
            return spread
        # A spread beyond the whole scale is meaningless, and its power could overflow.
        return float(min(self.std_scale * min(spread, 100.0) ** self.std_power, 100.0))


def one_of(value: object, known: tuple[str, ...], what: str) -> None:
    """Raises ContractError unless `value` is one of `known`."""
    if value not in known:
        raise ContractError(f"{what} is {shown(value)}, this edgeiqa supports {', '.join(known)}")


def shown(value: object) -> str:
    """Returns a shortened `repr` for messages; the value may be a megabyte."""
    text = _SHORT.repr(value)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."


def check_text(value: object, what: str) -> None:
    """Raises ContractError unless `value` is a short text that is safe to print.

    Control characters could manipulate a terminal, lone surrogates cannot be encoded, and
    bidirectional marks could disguise the text.
    """
    if not isinstance(value, str) or not value:
        raise ContractError(f"{what} is {shown(value)}, expected a non-empty string")
    if len(value) > MAX_TEXT:
        raise ContractError(f"{what} has {len(value)} characters, at most {MAX_TEXT} are allowed")
    for character in value:
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cs", "Zl", "Zp") or character in _BIDIRECTIONAL:
            raise ContractError(f"{what} is {shown(value)}, expected printable characters only")


def is_int(value: object) -> bool:
    """Whether `value` is an integer, not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether `value` is a finite number, not a bool."""
    # Converting a huge integer to float would overflow.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= 1e300 and math.isfinite(value)
