"""Turns a Keras image-quality model that we did not train into a .tflite that `Scorer` runs.

It checks what the file is, bakes the input normalisation in, converts to float and to int8,
attaches the contract, and reports how far int8 scores lie from those of the Keras model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeiqa.inference.contract import Contract, InputSpec, OutputSpec, append

from ..common import provenance
from ..quantization.parity import (
    Pixels,
    Scores,
    Shift,
    compare,
    keras_outputs,
    scores_of,
    tflite_outputs,
)
from ..quantization.tflite_export import named_outputs, to_tflite
from ..quantization.tflite_inspect import TfliteSummary, inspect
from .inputs import PEEK, Input, input_range, read_pictures
from .meaning import Meaning, resolve
from .model import (
    RANGES,
    ExportError,
    FinalActivation,
    check_structure,
    final_activation,
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class ExportResult:
    """What came out.

    Attributes:
        data: The .tflite with its contract.
        contract: That contract.
        summary: What is inside the .tflite.
        float_shift: Scores of Keras to those of the float .tflite.
        int8_shift: Scores of Keras to those of the int8 .tflite.
        scores: int8 scores of the pictures that parity was measured on.
        warnings: What its owner should look at.
    """

    data: bytes
    contract: Contract
    summary: TfliteSummary
    float_shift: Shift
    int8_shift: Shift
    scores: Scores
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "name": self.contract.name,
            "sha256": provenance.sha256(self.data),
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
        samples: Most pictures to calibrate with.
        say: Called with one line per step.

    Returns:
        The .tflite and its report.

    Raises:
        ExportError: the model or the request cannot be exported; the message says why.
        ConversionError: TensorFlow could not convert or quantise it.
    """
    source, meaning = source or Input(), meaning or Meaning()
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
        return _convert(model, contract, calibration, held_out, feed, warnings, say)
    finally:
        activation.restore()


def _convert(
    model: Any,
    contract: Contract,
    calibration: Pixels,
    held_out: Pixels,
    feed: dict[str, Any],
    warnings: list[str],
    say: Say,
) -> ExportResult:
    shape = (contract.input.height, contract.input.width, 3)
    reference = scores_of(keras_outputs(model, held_out, contract, **feed), contract)
    floating = to_tflite(model, quantize="none", shape=shape, **feed)
    float_scores = scores_of(tflite_outputs(floating, held_out, contract), contract)
    float_shift = compare(reference, float_scores)
    if not float_shift.largest < 0.1:
        raise ExportError(
            f"TFLite's float result is up to {float_shift.largest:.2f} points from Keras'; "
            "a layer behaves differently outside training, and int8 would only hide it"
        )
    say(f"float     TFLite agrees with Keras within {float_shift.largest:.4f} points of 100")
    flatbuffer = to_tflite(
        model, quantize="int8", representative=[calibration], shape=shape, **feed
    )
    summary = inspect(flatbuffer)
    say(
        f"int8      {len(calibration)} pictures for calibration, {len(flatbuffer) / 1e6:.2f} MB, "
        f"{summary.macs / 1e6:.1f} million MACs, no operator in floating point"
    )
    int8_scores = scores_of(_int8_outputs(append(flatbuffer, contract), held_out), contract)
    int8_shift = compare(reference, int8_scores)
    warnings += _look(reference, int8_shift, summary, contract)
    gate = np.percentile(int8_scores, (5, 20, 50)).round(1)
    final = replace(
        contract,
        gate=dict(zip(("relaxed", "normal", "strict"), map(float, gate), strict=True)),
        training={"origin": "trained elsewhere, exported by edgeiqa convert export"},
        metrics={"export": _parity(reference, float_shift, int8_shift, len(calibration))},
    )
    say(
        f"gate      relaxed, normal, strict reject 5%, 20%, 50% of these pictures: "
        f"below {gate[0]:g}, {gate[1]:g}, {gate[2]:g}"
    )
    say(
        f"parity    Keras to int8 on {len(held_out)} pictures: SROCC {int8_shift.srocc:.4f}, shift "
        f"largest {int8_shift.largest:.2f}, 99th percentile {int8_shift.p99:.2f} points of 100"
    )
    data = append(flatbuffer, final)
    return ExportResult(
        data, final, inspect(data), float_shift, int8_shift, int8_scores, tuple(warnings)
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


def _int8_outputs(data: bytes, pixels: Pixels) -> Any:
    from edgeiqa.inference.model import Model

    from ..common.quiet import quiet

    with quiet():
        opened = Model(data)
    return (opened.run(picture[None]) for picture in pixels)


def _contract(name: str, version: str, spec: InputSpec, output: OutputSpec) -> Contract:
    return Contract(name=name, version=version, input=spec, outputs=(output,))


def _parity(
    reference: Scores, float_shift: Shift, int8_shift: Shift, calibrated_with: int
) -> dict[str, Any]:
    return {
        "pictures": len(reference),
        "calibration_pictures": calibrated_with,
        "float_shift_largest": float_shift.largest,
        "int8_srocc": int8_shift.srocc if np.isfinite(int8_shift.srocc) else None,
        "int8_shift_largest": int8_shift.largest,
        "int8_shift_p99": int8_shift.p99,
        "spread": float(reference.std()),
        "versions": provenance.versions(provenance.PACKAGES + provenance.TRAINING_PACKAGES),
        "command": provenance.command_line("convert.keras_import.export.export"),
    }


def _look(
    reference: Scores, int8_shift: Shift, summary: TfliteSummary, contract: Contract
) -> list[str]:
    """What an engineer should be told about the result."""
    warnings = []
    collapsed = bool(reference.std() < 2)
    if collapsed:
        warnings.append(
            f"the scores hardly differ (standard deviation {reference.std():.2f} points): a "
            "collapsed model, a wrong --input-range or too wide a --score-range"
        )
    ends = float(np.mean((reference <= 0) | (reference >= 100)))
    if ends > 0.1:
        warnings.append(f"{ends:.0%} of the scores lie at 0 or 100; is --score-range too narrow?")
    # Ranks of scores that are all but equal say nothing about int8.
    if int8_shift.p99 > 3 or not (collapsed or int8_shift.srocc >= 0.98):
        warnings.append(
            f"int8 lost accuracy (SROCC with Keras {int8_shift.srocc:.3f}, 99th-percentile shift "
            f"{int8_shift.p99:.1f} points): quantisation-aware training would help"
        )
    inside = [name for name in ("LOGISTIC", "HARD_SWISH", "SOFTMAX") if name in summary.operators]
    if inside:
        warnings.append(f"{', '.join(inside)} inside the network: costs accuracy and speed in int8")
    if contract.score_output.kind == "histogram":
        warnings.append("histogram shares are rounded in int8; logits would be finer")
    return warnings
