"""What the golden scores are made of, computed by whichever edgeiqa and runtime can be imported."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from edgeiqa.analysis.cause_detector import CauseDetector
from edgeiqa.analysis.patches import detail
from edgeiqa.imaging.frame import Frame
from edgeiqa.inference.model import Model, available_models
from edgeiqa.preprocessing.resize import preprocess
from edgeiqa.quality import quality_from_outputs
from tests.golden.frames import golden_frames
from tests.golden.pictures import golden_pictures

CAUSES = "causes"
_FRAMES = "-frames"


def digest(array: np.ndarray) -> str:
    """SHA-256 of shape and values."""
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One picture or frame seen by one network.

    Attributes:
        title: Of the picture or frame.
        pixels: Its planes as they were handed over.
        tensors: What preprocessing made of them, uint8, by name.
        outputs: Raw integers by the output's name, int8 [values].
        values: Score and std in points of 0-100, or severities of causes 0-1.
    """

    title: str
    pixels: tuple[np.ndarray, ...]
    tensors: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    values: dict[str, float]


class RememberingModel(Model):
    """Runs a network once per distinct tensor, as many formats of a frame end in the same one.

    Attributes:
        seconds: How long each run took.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._seen: dict[str, dict[str, np.ndarray]] = {}
        self.seconds: list[float] = []

    def run_raw(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        key = digest(tensor)
        if key not in self._seen:
            start = time.perf_counter()
            self._seen[key] = super().run_raw(tensor)
            self.seconds.append(time.perf_counter() - start)
        return {name: values.copy() for name, values in self._seen[key].items()}

    def run(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        raw = self.run_raw(tensor)
        with self._runner() as runner:
            return runner.dequantise(raw)


@dataclass
class Document:
    """All entries of one file of golden scores.

    Attributes:
        name: Of the file, without suffix.
        model: The network.
        every: Only each so many-th picture or frame.
    """

    name: str
    model: RememberingModel
    every: int = 1
    _diagnosis: CauseDetector | None = field(default=None, repr=False)

    def head(self) -> dict[str, Any]:
        """Which network this is."""
        contract = self.model.contract
        return {
            "model": contract.name,
            "version": contract.version,
            "flatbuffer_sha256": contract.flatbuffer_sha256,
        }

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(self._frames[:: self.every])

    @property
    def _frames(self) -> tuple[tuple[str, Frame], ...]:
        if self.name == CAUSES:
            return (*_pictures(), *_frames())
        return _frames() if self.name.endswith(_FRAMES) else _pictures()

    def entries(self) -> Iterator[Entry]:
        """Computes them, in the order of the file."""
        if self.name == CAUSES:
            self._diagnosis = CauseDetector(self.model)
        for title, frame in self._frames[:: self.every]:
            yield self._causes(title, frame) if self._diagnosis else self._score(title, frame)

    def golden(self, entry: Entry) -> dict[str, Any]:
        """What the file holds of an entry: digests of what is large, the rest as it is."""
        pixels = [digest(plane) for plane in entry.pixels]
        tensors = {name: digest(tensor) for name, tensor in entry.tensors.items()}
        if self.name == CAUSES:
            (outputs,) = entry.outputs.values()
            return {**tensors, "outputs": digest(outputs), "causes": entry.values}
        outputs_by_name = {key: values.tolist() for key, values in entry.outputs.items()}
        if self.name.endswith(_FRAMES):
            score = {"score": entry.values["score"]}
            return {"pixels": pixels, **tensors, "outputs": outputs_by_name, **score}
        return {"pixels": pixels[0], **tensors, "outputs": outputs_by_name, **entry.values}

    def _score(self, title: str, frame: Frame) -> Entry:
        tensor = preprocess(frame, self.model.contract.input)
        quality = quality_from_outputs(self.model.run(tensor), self.model.contract)
        values = {"score": quality.score}
        if quality.std is not None:
            values["std"] = quality.std
        raw = self.model.run_raw(tensor)
        return Entry(title, (frame.pixels, *(frame.chroma or ())), {"tensor": tensor}, raw, values)

    def _causes(self, title: str, frame: Frame) -> Entry:
        assert self._diagnosis is not None
        seen = detail(frame, self.model.contract.input)
        return Entry(
            title,
            (frame.pixels, *(frame.chroma or ())),
            {"patches": seen.tensor, "small": seen.small},
            self.model.run_raw(seen.tensor),
            self._diagnosis.causes(frame),
        )


def documents(every: int = 1) -> Iterator[Document]:
    """One per file of golden scores; files of one network share their runs."""
    yield Document(CAUSES, RememberingModel(CAUSES), every)
    for name in available_models():
        model = RememberingModel(name)
        yield Document(name, model, every)
        yield Document(f"{name}{_FRAMES}", model, every)


@cache
def _pictures() -> tuple[tuple[str, Frame], ...]:
    return tuple((title, Frame(rgb)) for title, rgb in golden_pictures())


@cache
def _frames() -> tuple[tuple[str, Frame], ...]:
    return tuple(golden_frames())
