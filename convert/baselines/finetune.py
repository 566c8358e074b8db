"""A fine-tuned ImageNet network: the survey's own baseline.

MobileNetV2 (Sandler et al., CVPR 2018) at 224 px, squashed, trained on the MOS alone by the code
that trains our students: squared error, without ranking, histogram, teacher, distorted pairs or
painted watermarks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.baselines.base import RgbArray, Scorer, TrainingData
from convert.datasets.manifest import DataError

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
    version = 1
    extra = "baselines"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Trains through `convert.training.distill.train_student`, which resumes, and converts.

        Raises:
            DataError: The named finished run is not there, or had more to learn from than MOS.
        """
        import keras

        from convert.quantization.tflite_export import to_tflite

        if data.finetuned is None:
            run = folder / "student"
            _train(data, run)
        else:
            run = finished_run(data.work, data.finetuned)
        model = keras.models.load_model(run / "student.keras", compile=False)
        flatbuffer = to_tflite(model, quantize="none")
        return {
            "tflite": np.frombuffer(flatbuffer, np.uint8),
            "parameters": np.array(model.count_params()),
        }

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """LiteRT with one thread, as our own models run."""
        from ai_edge_litert.interpreter import Interpreter

        from convert.common.opinion import bin_centres, expected
        from convert.common.quiet import quiet
        from convert.quantization.tflite_inspect import inspect
        from edgeiqa.preprocessing.resize import resize

        flatbuffer = arrays["tflite"].tobytes()
        with quiet():
            interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
            interpreter.allocate_tensors()
        entry, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        size = (int(entry["shape"][1]), int(entry["shape"][2]))
        centres = np.array(bin_centres(int(out["shape"][-1])), np.float32)
        lock = threading.Lock()

        def score(rgb: RgbArray) -> float:
            pixels = resize(rgb, size)[None].astype(np.float32)
            with lock:  # an interpreter serves one thread at a time
                interpreter.set_tensor(entry["index"], pixels)
                interpreter.invoke()
                logits = interpreter.get_tensor(out["index"]).reshape(1, -1)
            return float(expected(logits, centres)[0])

        macs = inspect(flatbuffer).macs
        return Scorer(score, int(arrays["parameters"]), macs, len(flatbuffer))


def _train(data: TrainingData, run: Path) -> None:
    from convert.training.distill import train_student
    from convert.training.loop import Schedule
    from convert.training.student import StudentRecipe

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
    """The folder of a finished run that learnt from MOS alone.

    Args:
        work: The work folder.
        name: Of the run.

    Raises:
        DataError: There is no such run, or it had a teacher or distorted pairs.
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
                    f"{run} is no baseline: it learnt from more than MOS ({term} {recipe[term]})"
                )
        recipe = recipe.get("before")
    return run
