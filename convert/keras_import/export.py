"""Turns a Keras image-quality model that we did not train into a .tflite that `Scorer` runs.

It checks what the file is, bakes the input normalisation in, converts to the precision that was
asked for or to the smallest that keeps the scores, attaches the contract, and reports how far the
scores differ from those of the Keras model.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeiqa.inference.contract import Contract, InputSpec, OutputSpec, append, read

from ..common import provenance
from ..quantization.parity import (
    Pixels,
    Scores,
    Shift,
    compare,
    keras_outputs,
    scores_of,
)
from ..quantization.tflite_export import Quantize, named_outputs, to_tflite
from ..quantization.tflite_inspect import TfliteSummary, inspect
from .inputs import PEEK, Input, input_range, read_pictures
from .meaning import ExportError, Meaning, resolve
from .model import (
    RANGES,
    FinalActivation,
    check_structure,
    final_activation,
    prepare,
)

Say = Callable[[str], None]


PRECISIONS: Mapping[str, Quantize] = {
    "int8": "int8",
    "int16x8": "int16x8",
    "dynamic": "dynamic",
    "float16": "float16",
    "float32": "none",
}
"""Names of precisions, and how `to_tflite` calls them."""

MAX_P99_SHIFT = 3.0
"""Points of 0-100 by which a score in a hundred may move, unless another limit is given."""


@dataclass(frozen=True)
class Candidate:
    """The model in one precision.

    Attributes:
        precision: A key of `PRECISIONS`.
        data: The .tflite with a contract.
        scores: Of the pictures that parity was measured on.
        shift: From the scores of Keras to these.
        milliseconds: Median time of one picture on this machine, without decoding.
    """

    precision: str
    data: bytes
    scores: Scores
    shift: Shift
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "precision": self.precision,
            "bytes": len(self.data),
            "srocc": self.shift.srocc if np.isfinite(self.shift.srocc) else None,
            "shift_p99": self.shift.p99,
            "shift_largest": self.shift.largest,
            "milliseconds": round(self.milliseconds, 2),
        }


@dataclass(frozen=True)
class ExportResult:
    """What came out.

    Attributes:
        data: The .tflite with its contract.
        contract: That contract.
        summary: What is inside the .tflite.
        precision: The one that was chosen.
        tried: All precisions that were tried, the chosen one among them.
        scores: Of the pictures that parity was measured on.
        warnings: What its owner should look at.
    """

    data: bytes
    contract: Contract
    summary: TfliteSummary
    precision: str
    tried: tuple[Candidate, ...]
    scores: Scores
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "name": self.contract.name,
            "sha256": provenance.sha256(self.data),
            "precision": self.precision,
            "tried": [candidate.to_dict() for candidate in self.tried],
            "parity": self.contract.metrics["export"],
            "tflite": self.summary.to_dict(),
            "warnings": list(self.warnings),
        }


def export(
    model: Any,
    pictures: Sequence[str | os.PathLike[str]],
    *,
    name: str,
    version: str = "1",
    source: Input | None = None,
    meaning: Meaning | None = None,
    precision: str = "auto",
    max_p99_shift: float = MAX_P99_SHIFT,
    samples: int = 200,
    say: Say = lambda text: None,
) -> ExportResult:
    """Export one Keras model.

    Args:
        model: A loaded Keras 3 or tf_keras model (see `convert.nets.keras_file.load_keras`).
        pictures: Image files like those that it will score. Up to `samples` calibrate int8; when
            50 or more are left, up to `samples` of those measure parity, else the same ones do.
        name: Of the model, for its contract.
        version: Of the model, for its contract.
        source: About the input.
        meaning: About the output.
        precision: A key of `PRECISIONS`, or "auto": int8 if it is within the limit, else the
            smallest of all that are.
        max_p99_shift: The limit: by how many points of 0-100 one score in a hundred may move.
        samples: Most pictures to calibrate with.
        say: Called with one line per step.

    Returns:
        The .tflite and its report.

    Raises:
        ExportError: the model or the request cannot be exported, or scores move by more than the
            limit; the message says why.
        ConversionError: TensorFlow could not convert or quantise it.
    """
    source, meaning = source or Input(), meaning or Meaning()
    if precision not in ("auto", *PRECISIONS):
        raise ExportError(f"precision {precision!r} is not known: auto, {', '.join(PRECISIONS)}")
    model, meaning = prepare(model, meaning)
    height, width, _ = check_structure(model, source.size)
    say(f"input     {height} x {width} RGB{' (fed as BGR)' if source.bgr else ''}, {source.fit}")
    spec = InputSpec(height, width, fit=source.fit)
    calibration, held_out = read_pictures(pictures, spec, samples, say)
    range_name, warnings = input_range(model, source, calibration)
    rescale = RANGES[range_name]
    baked = "as they are" if rescale is None else "the network's new first step"
    say(f"range     pixels reach the model as {range_name}: {baked}")

    activation = final_activation(model)
    output_name = _output_name(model, calibration)
    probe = _contract(name, version, spec, OutputSpec(output_name, "scalar"))
    feed = {"rescale": rescale, "bgr": source.bgr}
    with_activation = _stack(model, held_out, probe, feed)
    resolved = resolve(output_name, with_activation, activation.name, meaning)
    say(f"output    {resolved.text}")
    contract = replace(probe, outputs=(resolved.output,), calibration=resolved.calibration)
    if resolved.strip and not _strip(model, activation, held_out, probe, feed, with_activation):
        raise ExportError(
            f"the final {activation.name} cannot be taken off this graph, and int8 would round it "
            "to 1/256 steps; save the model with a linear last layer"
        )
    try:
        candidates = _Candidates(model, contract, calibration, held_out, feed)
        return _choose(candidates, precision, max_p99_shift, warnings, say)
    finally:
        activation.restore()


class _Candidates:
    """Converts a model to precisions, as they are asked for, and compares each with Keras."""

    def __init__(
        self,
        model: Any,
        contract: Contract,
        calibration: Pixels,
        held_out: Pixels,
        feed: dict[str, Any],
    ) -> None:
        self.contract, self.calibration = contract, calibration
        self._model, self._pixels, self._feed = model, held_out, feed
        self.reference = scores_of(keras_outputs(model, held_out, contract, **feed), contract)
        self.tried: dict[str, Candidate] = {}

    def get(self, precision: str) -> Candidate:
        """The model in a precision."""
        if precision not in self.tried:
            self.tried[precision] = self._converted(precision)
        return self.tried[precision]

    def _converted(self, precision: str) -> Candidate:
        spec = self.contract.input
        flatbuffer = to_tflite(
            self._model,
            quantize=PRECISIONS[precision],
            representative=[self.calibration],
            shape=(spec.height, spec.width, 3),
            **self._feed,
        )
        dtype = "uint8" if precision == "int8" else "float32"
        data = append(flatbuffer, replace(self.contract, input=replace(spec, dtype=dtype)))
        outputs, milliseconds = _outputs(data, self._pixels)
        scores = scores_of(outputs, self.contract)
        return Candidate(precision, data, scores, compare(self.reference, scores), milliseconds)


def _choose(
    candidates: _Candidates, precision: str, limit: float, warnings: list[str], say: Say
) -> ExportResult:
    floating = candidates.get("float32").shift.largest
    if not floating < 0.1:
        raise ExportError(
            f"TFLite's float result is up to {floating:.2f} points from Keras'; "
            "a layer behaves differently outside training, and int8 would only hide it"
        )
    say(f"float     TFLite agrees with Keras within {floating:.4f} points of 100")
    first = candidates.get("int8" if precision == "auto" else precision)
    if precision == "auto" and not first.shift.p99 <= limit:
        for name in PRECISIONS:
            candidates.get(name)
    tried = sorted(candidates.tried.values(), key=lambda one: list(PRECISIONS).index(one.precision))
    for one in tried:
        say(
            f"{one.precision:9} {len(one.data) / 1e6:6.2f} MB, {one.milliseconds:6.1f} ms; scores "
            f"move by at most {one.shift.p99:.2f} points in 99%, {one.shift.largest:.2f} in all; "
            f"SROCC {one.shift.srocc:.4f}"
        )
    fitting = [one for one in tried if one.shift.p99 <= limit]
    if precision != "auto":
        fitting = [one for one in fitting if one.precision == precision]
    if not fitting:
        raise ExportError(
            f"{first.precision} moves one score in a hundred by {first.shift.p99:.1f} points or "
            f"more, the limit is --max-p99-shift {limit:g}; --precision auto chooses the smallest "
            "precision within it"
        )
    chosen = first if first in fitting else min(fitting, key=lambda one: len(one.data))
    return _finished(candidates, chosen, tuple(tried), warnings, say)


def _finished(
    candidates: _Candidates,
    chosen: Candidate,
    tried: tuple[Candidate, ...],
    warnings: list[str],
    say: Say,
) -> ExportResult:
    contract, flatbuffer = read(chosen.data)
    summary = inspect(flatbuffer)
    say(
        f"chosen    {chosen.precision}, {len(candidates.calibration)} pictures for calibration, "
        f"{summary.macs / 1e6:.1f} million MACs"
    )
    warnings = warnings + _look(candidates.reference, chosen, summary, contract)
    gate = np.percentile(chosen.scores, (5, 20, 50)).round(1)
    final = replace(
        contract,
        gate=dict(zip(("relaxed", "normal", "strict"), map(float, gate), strict=True)),
        training={"origin": "trained elsewhere, exported by edgeiqa convert export"},
        metrics={
            "export": {
                "pictures": len(candidates.reference),
                "calibration_pictures": len(candidates.calibration),
                "chosen": chosen.precision,
                "tried": [one.to_dict() for one in tried],
                "spread": float(candidates.reference.std()),
                "versions": provenance.versions(provenance.PACKAGES + provenance.TRAINING_PACKAGES),
                "command": provenance.command_line("convert.keras_import.export.export"),
            }
        },
    )
    say(
        f"gate      relaxed, normal, strict reject 5%, 20%, 50% of these pictures: "
        f"below {gate[0]:g}, {gate[1]:g}, {gate[2]:g}"
    )
    data = append(flatbuffer, final)
    return ExportResult(
        data, final, inspect(data), chosen.precision, tried, chosen.scores, tuple(warnings)
    )


def _strip(
    model: Any,
    activation: FinalActivation,
    pixels: Pixels,
    probe: Contract,
    feed: dict[str, Any],
    expected: np.ndarray,
) -> bool:
    """Take the final activation off and prove that the runtime's gives the same numbers."""
    from edgeiqa.quality import activate, softmax

    if not activation.remove():
        return False
    bare = _stack(model, pixels[:PEEK], probe, feed)
    again = [
        softmax(row) if activation.name == "softmax" else activate(row, activation.name)
        for row in bare
    ]
    if np.allclose(again, expected[:PEEK], atol=1e-4):
        return True
    activation.restore()
    return False


def _stack(model: Any, pixels: Pixels, probe: Contract, feed: dict[str, Any]) -> np.ndarray:
    name = probe.outputs[0].name
    return np.stack([one[name] for one in keras_outputs(model, pixels, probe, **feed)])


def _output_name(model: Any, pixels: Pixels) -> str:
    result = model(pixels[:1].astype(np.float32), training=False)
    return next(iter(named_outputs(model, result)))


def _outputs(data: bytes, pixels: Pixels) -> tuple[list[Any], float]:
    """What the runtime gives for pictures, and the median milliseconds of one."""
    from edgeiqa.inference.model import Model

    from ..common.quiet import quiet

    with quiet():
        opened = Model(data)
    outputs, times = [], []
    for picture in pixels:
        began = time.perf_counter()
        outputs.append(opened.run(picture[None]))
        times.append(time.perf_counter() - began)
    return outputs, 1000.0 * statistics.median(times)


def _contract(name: str, version: str, spec: InputSpec, output: OutputSpec) -> Contract:
    return Contract(name=name, version=version, input=spec, outputs=(output,))


def _look(
    reference: Scores, chosen: Candidate, summary: TfliteSummary, contract: Contract
) -> list[str]:
    """What an engineer should know about the result."""
    warnings = []
    collapsed = bool(reference.std() < 2)
    if collapsed:
        warnings.append(
            f"the scores hardly differ (standard deviation {reference.std():.2f} points): a "
            "collapsed model, a wrong --input-range or too wide a --score-range"
        )
    ends = float(np.mean((reference <= 0) | (reference >= 100)))
    if ends > 0.1:
        warnings.append(f"{ends:.0%} of the scores are 0 or 100; is --score-range too narrow?")
    # Ranks of scores that are all but equal say nothing about a loss of accuracy.
    if not (collapsed or chosen.shift.srocc >= 0.98):
        warnings.append(
            f"{chosen.precision} changes the order of pictures (SROCC with Keras "
            f"{chosen.shift.srocc:.3f}); a lower --max-p99-shift selects a more precise model"
        )
    if chosen.precision != "int8":
        return warnings
    inside = [name for name in ("LOGISTIC", "HARD_SWISH", "SOFTMAX") if name in summary.operators]
    if inside:
        warnings.append(f"{', '.join(inside)} inside the network: costs accuracy and speed in int8")
    if contract.score_output.kind == "histogram":
        warnings.append("histogram shares are rounded in int8; logits would be finer")
    return warnings
