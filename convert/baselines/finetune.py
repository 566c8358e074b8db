"""A fine-tuned ImageNet network: the survey's own baseline.

MobileNetV2 (Sandler et al., CVPR 2018) at 224 px, squashed, trained on the MOS alone by the code
that trains our students: squared error, without ranking, histogram, teacher, distorted pairs or
painted watermarks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.manifest import DataError
from .base import RgbArray, Scorer, TrainingData
from .network import Runner, frozen

SIZE = 224
SOURCE = 256
PICTURES = (4000, 100)
"""Training pictures, full and small budget. A network of this size needs minutes per thousand on
a processor; with more of them it gets better, see ``--finetuned``."""

EPOCHS = (2, 1)


class FineTuned:
    """MobileNetV2 fine-tuned on MOS, run as a float .tflite."""

    name = "mobilenet"
    title = "MobileNetV2, fine-tuned"
    paper = "Sandler et al. 2018"
    version = 2
    extra = "baselines"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Trains through `convert.training.distill.train_student`, which resumes, and converts.

        Raises:
            DataError: The named finished run is not there, or had more to learn from than MOS.
        """
        import keras

        if data.finetuned is None:
            run = folder / "student"
            _train(data, run)
        else:
            run = finished_run(data.work, data.finetuned)
        model = keras.models.load_model(run / "student.keras", compile=False)
        return frozen(model, model.input_shape[1:])

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """LiteRT with one thread, as our own models run."""
        from edgeiqa.preprocessing.resize import resize

        from ..common.opinion import bin_centres, expected
        from ..quantization.tflite_inspect import inspect

        run = Runner(arrays)
        size = (run.shape[1], run.shape[2])

        def score(rgb: RgbArray) -> float:
            logits = run(resize(rgb, size)[None].astype(np.float32))
            centres = np.array(bin_centres(logits.shape[-1]), np.float32)
            return float(expected(logits, centres)[0])

        return Scorer(score, run.parameters, inspect(run.flatbuffer).macs, run.bytes)


def _train(data: TrainingData, run: Path) -> None:
    from ..training.distill import train_student
    from ..training.loop import Schedule
    from ..training.student import StudentRecipe

    recipe = StudentRecipe(
        init=data.init,
        size=SIZE,
        source=SOURCE,
        teacher=0.0,
        rank=0.0,
        histogram=0.0,
        features=0.0,
        ladder=0.0,
        watermark=0.0,
        limit=min(data.count(*PICTURES), len(data.rows)),
        schedule=Schedule(epochs=data.count(*EPOCHS), seed=data.seed),
    )
    rows = [row for row in data.manifest if row.split != "test"]
    name = run.relative_to(data.work).as_posix()
    train_student(rows, data.root, data.work, recipe, name)


def finished_run(work: Path, name: str) -> Path:
    """The folder of a finished run that learned from MOS alone.

    Args:
        work: The work folder.
        name: Of the run.

    Raises:
        DataError: The run does not exist, or it had a teacher or distorted pairs.
    """
    run = work / name
    for file in ("student.keras", "recipe.json"):
        if not (run / file).is_file():
            raise DataError(f"{run} is not a finished run of distill: {file} is missing")
    recipe: dict[str, Any] | None = json.loads((run / "recipe.json").read_text(encoding="utf-8"))
    while recipe:
        for term in ("teacher", "features", "ladder"):
            if recipe.get(term):
                raise DataError(
                    f"{run} is not a baseline: it used more than MOS ({term} {recipe[term]})"
                )
        recipe = recipe.get("before")
    return run
