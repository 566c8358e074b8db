"""Is the int8 .tflite still the network that was trained? Keras, TFLite float and TFLite int8.

All three see the same uint8 pixels at model size, and the contract's calibration turns the
outputs of all three into scores, so every difference is the conversion's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..common import provenance
from ..common.metrics import srocc
from ..common.progress import progress
from .parity import (
    Pixels,
    Scores,
    Shift,
    compare,
    keras_outputs,
    scores_of,
    tflite_outputs,
)
from .tflite_export import to_tflite
from .tflite_inspect import TfliteSummary, inspect

REFERENCE = "keras float"
QUANTIZED = "tflite int8"


@dataclass(frozen=True)
class VerifyReport:
    """The comparison.

    Attributes:
        scores: Per net its scores, 0-100, float64 [N].
        srocc_mos: Per net the rank correlation with the MOS; empty without MOS.
        shifts: Per pair (reference, other) their difference.
        summary: What is inside the int8 file.
        problems: What a release must not have; empty is good.
        protocol: Checksums, data, versions.
    """

    scores: dict[str, Scores]
    srocc_mos: dict[str, float]
    shifts: dict[tuple[str, str], Shift]
    summary: TfliteSummary
    problems: tuple[str, ...]
    protocol: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; correlations that do not exist are None."""
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "srocc_mos": {name: _finite(value) for name, value in self.srocc_mos.items()},
            "spread": {name: float(scores.std()) for name, scores in self.scores.items()},
            "shifts": [
                {
                    "reference": pair[0],
                    "other": pair[1],
                    "srocc": _finite(shift.srocc),
                    "largest": shift.largest,
                    "p99": shift.p99,
                    "p95": shift.p95,
                    "p50": shift.p50,
                    "mean": shift.mean,
                }
                for pair, shift in self.shifts.items()
            ],
            "tflite": self.summary.to_dict(),
            "protocol": self.protocol,
        }

    def table(self) -> str:
        """The results as text."""
        lines = [f"{'':<14}{'SROCC with MOS':>15}{'mean score':>12}{'spread':>9}"]
        for name, scores in self.scores.items():
            mos = f"{self.srocc_mos[name]:.4f}" if name in self.srocc_mos else "-"
            lines.append(f"{name:<14}{mos:>15}{scores.mean():>12.2f}{scores.std():>9.2f}")
        if self.srocc_mos:
            change = self.srocc_mos[QUANTIZED] - self.srocc_mos[REFERENCE]
            lines.append(f"{'int8 - float':<14}{change:>+15.4f}")
        heads = ("SROCC", "mean", "50th", "95th", "99th", "largest")
        lines += ["", f"{'':<32}" + "".join(f"{head:>9}" for head in heads) + "  points of 100"]
        for (reference, other), shift in self.shifts.items():
            lines.append(
                f"{reference + ' to ' + other:<32}{shift.srocc:>9.4f}{shift.mean:>+9.3f}"
                f"{shift.p50:>9.3f}{shift.p95:>9.3f}{shift.p99:>9.3f}{shift.largest:>9.3f}"
            )
        operators = ", ".join(f"{name} {n}" for name, n in self.summary.operators.most_common())
        lines += [
            "",
            f"operators      {operators}",
            f"float islands  {'; '.join(self.summary.float_islands) or 'none'}",
            f"size           {self.summary.bytes / 1e6:.2f} MB",
            f"work           {self.summary.macs / 1e6:.1f} million MACs",
        ]
        return "\n".join([*lines, *(f"PROBLEM: {problem}" for problem in self.problems)])


def verify(
    model: str | os.PathLike[str] | bytes,
    float_model: Any,
    pixels: Pixels,
    mos: npt.ArrayLike | None = None,
    *,
    float_tflite: bytes | None = None,
    qat_model: Any | None = None,
    rescale: tuple[float, float] | None = None,
    qat_rescale: tuple[float, float] | None = None,
    max_shift_p99: float | None = None,
    max_srocc_loss: float | None = None,
) -> VerifyReport:
    """Compare the int8 model with the float nets that it came from.

    Args:
        model: int8 .tflite with its contract: name, path or bytes.
        float_model: The trained Keras model, float32 [B,H,W,3] pixels 0-255.
        pixels: uint8 [N,H,W,3] RGB at model size; a memory map will do.
        mos: MOS of these pictures, any scale where higher is better; None leaves that part out.
        float_tflite: A float .tflite of the model; made from `float_model` when None.
        qat_model: The fake-quantised Keras model, to be compared too.
        rescale: (scale, offset) where `float_model` is fed ``pixel * scale + offset``.
        qat_rescale: The same for `qat_model`.
        max_shift_p99: Largest tolerated 99th-percentile shift of scores from `float_model` to
            int8, in points of 0-100.
        max_srocc_loss: How far the SROCC with `mos` may fall from `float_model` to int8.

    Returns:
        The report; `passed` is False when a floating-point operator is left, input or output is
        of a wrong type, or the shift or the loss of SROCC is above its limit.

    Raises:
        ValueError: no or wrong pixels, outputs that do not fit the contract, or a limit on the
            loss of SROCC without MOS.
    """
    if max_srocc_loss is not None and mos is None:
        raise ValueError("a limit on the loss of SROCC needs the pictures' MOS")
    from edgeiqa.inference.model import Model, find

    data = model if isinstance(model, bytes) else find(model).read_bytes()
    opened = Model(data)
    contract = opened.contract
    expected = (contract.input.height, contract.input.width, 3)
    if pixels.dtype != np.uint8 or pixels.shape[1:] != expected or len(pixels) < 2:
        raise ValueError(
            f"expected uint8 [N, {', '.join(map(str, expected))}] with N of at least 2, "
            f"got {pixels.dtype} {list(pixels.shape)}"
        )
    if float_tflite is None:
        float_tflite = to_tflite(float_model, quantize="none", rescale=rescale, shape=expected)
    nets: dict[str, Iterator[Mapping[str, np.ndarray]]] = {
        REFERENCE: keras_outputs(float_model, pixels, contract, rescale=rescale)
    }
    if qat_model is not None:
        nets["keras qat"] = keras_outputs(qat_model, pixels, contract, rescale=qat_rescale)
    nets["tflite float"] = tflite_outputs(float_tflite, pixels, contract)
    nets[QUANTIZED] = (opened.run(picture[None]) for picture in pixels)
    # One net after the other: each may be large, and the processor is the same.
    results = {
        name: scores_of(progress(outputs, len(pixels), name), contract)
        for name, outputs in nets.items()
    }
    pairs = [(REFERENCE, other) for other in results if other != REFERENCE]
    pairs += [(other, QUANTIZED) for other in results if other not in (REFERENCE, QUANTIZED)]
    shifts = {(a, b): compare(results[a], results[b]) for a, b in pairs}
    summary = inspect(data)
    known = np.asarray(mos, np.float64) if mos is not None else None
    srocc_mos = {} if known is None else {n: srocc(s, known) for n, s in results.items()}
    problems = [
        *_problems(summary, results[QUANTIZED]),
        *_above_limits(shifts[REFERENCE, QUANTIZED], srocc_mos, max_shift_p99, max_srocc_loss),
    ]
    return VerifyReport(
        scores=results,
        srocc_mos=srocc_mos,
        shifts=shifts,
        summary=summary,
        problems=tuple(problems),
        protocol={
            "model": contract.name,
            "model_version": contract.version,
            "model_sha256": provenance.sha256(data),
            "flatbuffer_sha256": contract.flatbuffer_sha256,
            "pictures": len(pixels),
            "versions": provenance.versions(provenance.PACKAGES + provenance.TRAINING_PACKAGES),
            "command": provenance.command_line("convert.quantization.verify.verify"),
            "date": provenance.now(),
        },
    )


def _problems(summary: TfliteSummary, int8_scores: Scores) -> Iterator[str]:
    if summary.float_islands:
        yield f"{len(summary.float_islands)} operators work in floating point"
    for tensor in summary.inputs:
        if tensor.dtype != "uint8":
            yield f"input {tensor.name} is {tensor.dtype}, expected uint8"
    for tensor in summary.outputs:
        if tensor.dtype != "int8":
            yield f"output {tensor.name} is {tensor.dtype}, expected int8"
    if np.ptp(int8_scores) == 0:
        yield "the int8 model gives every picture the same score"


def _above_limits(
    final: Shift,
    srocc_mos: Mapping[str, float],
    max_shift_p99: float | None,
    max_srocc_loss: float | None,
) -> Iterator[str]:
    # Written so that a comparison with NaN is a problem.
    if max_shift_p99 is not None and not final.p99 <= max_shift_p99:
        yield f"99th-percentile shift {final.p99:.3f} points, allowed {max_shift_p99:g}"
    if max_srocc_loss is not None:
        before, after = srocc_mos[REFERENCE], srocc_mos[QUANTIZED]
        if not before - after <= max_srocc_loss:
            yield (
                f"SROCC with MOS is {after:.4f} in int8, {before:.4f} in float: "
                f"{before - after:.4f} lost, allowed {max_srocc_loss:g}"
            )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
