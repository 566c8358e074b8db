"""What Python makes of the cases: tensors, integers, scores, causes and verdicts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgeiqa import CauseDetector, Frame, Quality, Scorer
from tests.golden.vectors import memory
from tests.golden.vectors.cases import Case, cases
from tests.golden.vectors.frames import build
from tests.golden.vectors.internals import (
    CAUSES,
    InputSpec,
    RememberingModel,
    detail,
    exposure,
    pooled,
    preprocess,
    quality_from_outputs,
)

MODELS = ("base", "nano")
PRESETS = ("relaxed", "normal", "strict")

RAW = {
    "photo coffee nv21": ("nano", CAUSES),
    "YUV_420_888 270 roi 13 9 777 880": ("nano", CAUSES),
}
"""Cases of which tensors are kept as bytes, for whoever has to find out where one differs."""

RESIZES = (
    InputSpec(224, 224, fit="crop"),
    InputSpec(96, 160, fit="crop"),
    InputSpec(160, 96, fit="crop"),
    InputSpec(97, 333),
    InputSpec(512, 384),
    InputSpec(1, 1),
    InputSpec(3, 1, fit="crop"),
)
"""Inputs that models of other people may ask for."""

RESIZED = (
    "photo coffee rgb",
    "photo raccoon nv21",
    "RGBA 90 roi 31 22 901 733",
    "NV21 270 roi 13 9 777 880",
    "YUYV 90 roi 31 22 901 733",
    "I420 3x3",
    "GRAY 63x65",
    "YUV_420_888 1920x1080",
    "planes odd, pixel stride 2",
)


def sha256(array: np.ndarray) -> str:
    """Of the values alone, in the order of the array."""
    return hashlib.sha256(array.tobytes()).hexdigest()


class Expected:
    """Computes vectors; opens each network once."""

    def __init__(self) -> None:
        self.models = {name: RememberingModel(name) for name in (*MODELS, CAUSES)}
        self._detector = CauseDetector(self.models[CAUSES])
        self._gates = {
            name: {
                preset: Scorer(self.models[name], causes=self._detector).gate(preset)
                for preset in PRESETS
            }
            for name in MODELS
        }

    def heads(self) -> dict[str, Any]:
        """Which networks these are."""
        return {
            name: {
                "version": model.contract.version,
                "flatbufferSha256": model.contract.flatbuffer_sha256,
                "tensorShape": list(model.contract.input.tensor_shape),
            }
            for name, model in self.models.items()
        }

    def vectors(self) -> Iterator[tuple[dict[str, Any], dict[str, bytes]]]:
        """Each vector, and the raw tensors to be kept of it by file name."""
        for case in cases():
            yield self.vector(case)

    @staticmethod
    def cases() -> Iterator[Case]:
        """What goes in, in the order of the vectors."""
        return cases()

    @staticmethod
    def integers(output: list[int] | str) -> np.ndarray:
        """Raw outputs as a vector holds them: a list, or base64 of int8."""
        if isinstance(output, str):
            return np.frombuffer(base64.b64decode(output), np.int8).astype(np.int32)
        return np.array(output, np.int32)

    def resizes(self) -> Iterator[dict[str, Any]]:
        """Tensors for other inputs than those of our models."""
        known = {case["name"]: case for case in cases()}
        for name in RESIZED:
            frame, _ = _frame(known[name])
            for spec in RESIZES:
                tensor = preprocess(frame, spec)
                size = {"height": spec.height, "width": spec.width, "fit": spec.fit}
                yield {"name": name, **size, "tensorSha256": sha256(tensor)}

    def vector(self, case: Case) -> tuple[dict[str, Any], dict[str, bytes]]:
        """One vector, and the raw tensors to be kept of it by file name."""
        frame, buffers = _frame(case)
        vector = {**case, "bufferSha256": [sha256(buffer) for buffer in buffers]}
        vector["size"] = {"height": frame.size[0], "width": frame.size[1]}
        tensors: dict[str, np.ndarray] = {}
        causes = self._causes(frame, vector, tensors)
        for name in MODELS:
            model = self.models[name]
            tensor = tensors[name] = preprocess(frame, model.contract.input)
            (raw,) = model.run_raw(tensor).values()
            quality = quality_from_outputs(model.run(tensor), model.contract)
            told = Quality(quality.score, quality.std, causes=causes)
            vector[name] = {
                "tensorSha256": sha256(tensor),
                "output": raw.tolist(),
                "score": quality.score,
                "std": quality.std,
                "verdicts": {
                    preset: gate(told).to_dict() for preset, gate in self._gates[name].items()
                },
            }
        kept = {
            f"bytes/{case['name'].replace(' ', '-').lower()}.{name}.tensor": tensors[name].tobytes()
            for name in RAW.get(case["name"], ())
        }
        return vector, kept

    def _causes(
        self, frame: Frame, vector: dict[str, Any], tensors: dict[str, np.ndarray]
    ) -> dict[str, float]:
        model = self.models[CAUSES]
        spec, (output,) = model.contract.input, model.contract.outputs
        seen = detail(frame, spec)
        tensors[CAUSES] = seen.tensor
        (raw,) = model.run_raw(seen.tensor).values()
        severities = pooled(model.run(seen.tensor)[output.name], spec.views, output.labels or ())
        severities |= exposure(seen.small)
        causes = self._detector.causes(frame)
        assert causes == severities
        vector[CAUSES] = {
            "tensorSha256": sha256(seen.tensor),
            "reducedSha256": sha256(seen.small),
            "reducedSize": {"height": seen.small.shape[0], "width": seen.small.shape[1]},
            "output": base64.b64encode(raw.tobytes()).decode(),
            "causes": causes,
        }
        return causes


def _frame(case: Case) -> tuple[Frame, Sequence[np.ndarray]]:
    buffers = [memory.make(buffer) for buffer in case["buffers"]]
    return build(case["frame"], buffers), buffers
