"""From a trained student to an int8 one: equalise, round with care, train with fake quantisation.

What int8 loses is mostly avoidable before any training: channels are rescaled so that every one
of them uses the 8 bits (:mod:`convert.quantization.equalization`), and kernels are rounded
so that the layer's output, not each weight, stays the same
(:mod:`convert.quantization.adaptive_rounding`). Training by
tensorflow-model-optimization starts from there and has only the rounding of activations to learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.metrics import validation_figures
from ..common.opinion import bin_centres, expected
from ..common.progress import progress
from ..datasets.cache import load_pixels
from ..datasets.manifest import ManifestRow, rows_digest, select
from ..nets import keras_nets, weights
from ..nets.bn_folding import Folded, fold, merge_bottlenecks
from ..training.loop import Batch, Schedule, Trainer, predict
from ..training.student import StudentData, StudentRecipe
from .activation_stats import observe
from .adaptive_rounding import round_kernels
from .equalization import equalise, whiten
from .logit_centering import centre_opinion, settle_opinion

_BATCH = 8


@dataclass(frozen=True, slots=True)
class QatRecipe:
    """Everything that quantisation-aware training depends on, besides the student.

    Attributes:
        steps: Training steps; an epoch here is this many batches of fresh random crops.
        schedule: Batch, rates and seed; its epochs are passes of ``steps``. Kernels are trained
            as shares of the largest weight of their channel, so rates are relative.
        calibration: Training pictures that ranges and rounding are measured on.
        margin: How far activations may exceed what was measured before they are clipped.
        inner: Weight of keeping what leaves each stage, beside the opinion.
    """

    steps: int = 120
    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            epochs=1, batch=16, rate=2e-4, head_rate=2e-4, warmup=0.1, weight_decay=0.0
        )
    )
    calibration: int = 300
    margin: float = 1.1
    inner: float = 0.2


@dataclass(frozen=True)
class Prepared:
    """A student ready for int8.

    Attributes:
        target: The equalised float network: the student itself, in other coordinates.
        rounded: The same with kernels on their int8 grids.
        ranges: Quantisation range of each tensor.
    """

    target: Folded
    rounded: Folded
    ranges: dict[str, tuple[float, float]]


def normalised(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the network takes: ``pixel * PIXEL_SCALE + PIXEL_OFFSET``, float32."""
    scale, offset = np.float32(keras_nets.PIXEL_SCALE), np.float32(keras_nets.PIXEL_OFFSET)
    return pictures.astype(np.float32) * scale + offset


def prepare(
    student: Any, arch: keras_nets.Architecture, pictures: NDArray[np.uint8], margin: float = 1.1
) -> Prepared:
    """Folds, merges, centres, whitens, equalises and rounds a student.

    Args:
        student: The float student.
        arch: Its architecture.
        pictures: Calibration pictures, uint8 [N, H, W, 3] RGB.
        margin: See :class:`QatRecipe`.
    """
    count = -(-len(pictures) // _BATCH)

    def batches(label: str) -> Iterator[NDArray[np.float32]]:
        for number in progress(range(count), count, label):
            yield normalised(pictures[number * _BATCH : (number + 1) * _BATCH])

    folded = merge_bottlenecks(fold(student, arch))
    logits = [np.asarray(folded.run(batch), np.float64) for batch in batches("opinions")]
    folded, opinions = centre_opinion(folded, np.concatenate(logits), margin)
    seen = observe(folded, batches("activations of the student"))
    folded = whiten(folded, seen, batches("choosing bottleneck bases"))
    target, seen = equalise(folded, observe(folded, batches("activations after turning")), margin)
    ranges = seen.ranges(target, margin) | {keras_nets.OPINION: opinions}
    rounded = round_kernels(target, seen, ranges)
    rounded = settle_opinion(rounded, target, ranges, batches("mean error of int8"))
    return Prepared(target, rounded, ranges)


def train_aware(
    student: Any,
    student_recipe: StudentRecipe,
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    folder: Path,
    recipe: QatRecipe,
    pictures: NDArray[np.uint8],
) -> Any:
    """Trains the rounded student towards the float one, on fresh crops of training pictures.

    Args:
        student: The float student, Keras 3, opinion logits out.
        student_recipe: What it was trained with.
        rows: The manifest; trains on its train split, logs figures of its validation split.
        root: The data root.
        work: Folder of caches and teacher outputs.
        folder: Where log and checkpoint of this step go.
        recipe: See :class:`QatRecipe`; 0 steps train nothing.
        pictures: Calibration pictures, uint8 [N, size, size, 3].

    Returns:
        The ``tf_keras`` model with fake quantisation, ready to be converted.
    """
    import tensorflow as tf
    import tf_keras

    from ..training import losses
    from .fake_quant import build_aware

    size, bins = student_recipe.size, student_recipe.bins
    tf_keras.utils.set_random_seed(recipe.schedule.seed)
    prepared = prepare(
        student, keras_nets.architecture(student_recipe.network), pictures, recipe.margin
    )
    model = build_aware(prepared.rounded, prepared.ranges, size)
    if recipe.steps == 0:
        return model
    # The float student is the teacher here, and pictures have the size that the network has in use.
    source = None if student_recipe.crop else student_recipe.source
    alone = replace(
        student_recipe, teacher=0.0, features=0.0, unlabelled=0, crop=None, source=source
    )
    train_rows = select(rows, "train")
    data = StudentData(train_rows, root, work, alone)
    centres = np.array(bin_centres(bins), np.float32)
    kept = [tensors[-1] for _, tensors, _ in prepared.target.streams()] + [keras_nets.EMBEDDING]
    inner = [model.get_layer(f"quant_{name}").output for name in kept]
    trained = tf_keras.Model(model.input, [model.output, *inner])

    def make_batch(_: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        chosen = generator.integers(len(data), size=recipe.schedule.batch)
        pictures = data.batch(chosen, generator)["input"]
        # A student of two views sees each as a picture of its own.
        return {"input": normalised(pictures.reshape(-1, size, size, 3))}

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        logits, *found = outputs
        held: dict[str, Any] = {}

        def tap(name: str, value: Any) -> Any:
            held[name] = value
            return value

        wanted = tf.stop_gradient(prepared.target.run(batch["input"], tap))
        difference = losses.expected_score(logits, centres) - losses.expected_score(wanted, centres)
        shares = []
        for name, value in zip(kept, found, strict=True):
            goal = tf.stop_gradient(held[name])
            power = tf.reduce_mean(tf.math.reduce_variance(goal, list(range(goal.ndim - 1))))
            shares.append(tf.reduce_mean(tf.square(value - goal)) / power)
        return {
            "score": 1e3 * tf.reduce_mean(tf.square(difference)),
            "histogram": losses.earth_mover(logits, tf.nn.softmax(wanted)) * 100.0,
            "inner": recipe.inner * tf.add_n(shares),
        }

    settings = asdict(recipe) | {
        "student": asdict(student_recipe),
        "rows": rows_digest(train_rows),
        "weights": [float(np.sum(np.abs(value))) for value in student.get_weights()],
    }
    trainer = Trainer(tf_keras, trained, loss, recipe.schedule, folder, settings)
    validation_rows = select(rows, "validation")
    validation = load_pixels(validation_rows, root, size, work, label="validation pictures")

    image = tf_keras.Input((size, size, 3))
    scaled = tf_keras.layers.Rescaling(keras_nets.PIXEL_SCALE, keras_nets.PIXEL_OFFSET)(image)
    on_pixels = tf_keras.Model(image, model(scaled))

    def validate() -> Mapping[str, float]:
        logits = predict(on_pixels, validation, batch=32, label="validating")[0]
        score = expected(logits, centres)
        mos = [row.mos for row in validation_rows]
        return validation_figures(score, mos, [row.subset for row in validation_rows])

    trainer.fit(recipe.steps * recipe.schedule.batch, make_batch, validate)
    return model


def load_student(folder: Path, size: int | None = None) -> tuple[Any, StudentRecipe]:
    """Loads a finished student run.

    Args:
        folder: The run, with ``student.npz`` and ``recipe.json``.
        size: Another input size than it was trained for; networks are fully convolutional.

    Returns:
        The Keras 3 model (float pixels 0-255 in, opinion logits out) and its recipe.

    Raises:
        FileNotFoundError: The run is not there or not finished.
    """
    import json

    import keras

    for name in ("recipe.json", "student.npz"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"no {name} in {folder}: run `edgeiqa convert distill` first")
    stored = json.loads((folder / "recipe.json").read_text())
    stored.pop("before", None)
    stored.pop("detail", None)  # of earlier versions, always false
    stored["schedule"] = Schedule(**stored["schedule"])
    recipe = StudentRecipe(**stored)
    model = keras_nets.build(
        keras, keras_nets.architecture(recipe.network), size or recipe.size, bins=recipe.bins
    )
    weights.load_npz(model, folder / "student.npz", whole=True)
    return model, recipe
