"""Quantisation-aware training: the student learns to live with int8 before it is converted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import nets, weights
from convert.cache import load_pixels
from convert.data.manifest import ManifestRow, rows_digest, select
from convert.distill import StudentData, StudentRecipe
from convert.metrics import validation_figures
from convert.opinion import bin_centres, expected
from convert.tflite import pin_input_range
from convert.train import Batch, Schedule, Trainer, predict

_AVERAGE_DECAY = 0.999
"""Decay of tensorflow-model-optimization's moving ranges; its quantizers hard-code it."""


@dataclass(frozen=True, slots=True)
class QatRecipe:
    """Everything that quantisation-aware training depends on, besides the student.

    Attributes:
        steps: Training steps; an epoch here is this many batches of fresh random crops.
        schedule: Batch, rates and seed; its epochs are passes of ``steps``.
        settle: Batches over which activation ranges are measured before training starts.
        human: Weight of the loss against the MOS, beside the loss against the float student.
    """

    steps: int = 120
    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            epochs=1, batch=16, rate=5e-5, head_rate=5e-5, warmup=0.1, weight_decay=0.0
        )
    )
    settle: int = 12
    human: float = 0.2


def without_rescaling(
    keras: Any, student: Any, arch: nets.Architecture, size: int, bins: int
) -> Any:
    """The student on normalised pixels: the uint8 input's scale will do the rescaling.

    Args:
        keras: The module to build with, ``keras`` or ``tf_keras``.
        student: The float student, Keras 3.
        arch: Its architecture.
        size: Input height and width.
        bins: Its opinion bins.
    """
    plain = nets.build(keras, arch, size, bins=bins, rescale=False)
    for layer in plain.layers:
        if layer.get_weights():
            layer.set_weights(student.get_layer(layer.name).get_weights())
    return plain


def quantization_aware(student: Any, arch: nets.Architecture, size: int, bins: int) -> Any:
    """Rebuilds a trained student in ``tf_keras`` with fake quantisation.

    The pixel normalisation is left out: the .tflite input's scale and zero point do it exactly.
    BatchNorm keeps the student's statistics, as it will once folded into the convolutions.

    Args:
        student: The float student, Keras 3.
        arch: Its architecture.
        size: Input height and width.
        bins: Its opinion bins.

    Returns:
        A ``tf_keras`` model of ``pixel * PIXEL_SCALE + PIXEL_OFFSET``, float32 [B, H, W, 3].
    """
    import tensorflow_model_optimization as tfmot
    import tf_keras

    plain = without_rescaling(tf_keras, student, arch, size, bins)
    model = tfmot.quantization.keras.quantize_model(plain)
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            layer.layer.trainable = False
    black = nets.PIXEL_OFFSET
    pin_input_range(model, black, black + 255 * nets.PIXEL_SCALE)
    return model


def _range_variables(model: Any) -> list[Any]:
    """Minima and maxima of activations that follow a moving average.

    Those of kernels are taken afresh at every step, and the input's is known and pinned.
    """
    found = []
    for variable in model.weights:
        name = variable.name.split("/")[-1].split(":")[0]
        others = ("kernel_min", "kernel_max", "quantize_layer_min", "quantize_layer_max")
        if name.endswith(("_min", "_max")) and not name.endswith(others):
            found.append(variable)
    return found


def settle_ranges(model: Any, batches: Iterable[NDArray[np.float32]], rounds: int = 2) -> None:
    """Sets the activation ranges to their average over real pictures.

    They start at -6 and 6 and move by a thousandth per step, which a short training never
    outgrows. After n passes a range is ``d^n * start + (1 - d^n) * average``; this solves for the
    average. The second round measures again with sane ranges in the layers below.

    Args:
        model: From :func:`quantization_aware`.
        batches: Normalised pictures, float32 [B, H, W, 3] each; iterated once per round.
        rounds: How often to measure.
    """
    import tensorflow as tf

    held = list(batches)
    run = tf.function(lambda x: model(x, training=True))
    variables = _range_variables(model)
    remaining = _AVERAGE_DECAY ** len(held)
    for _ in range(rounds):
        started = [variable.numpy().astype(np.float64) for variable in variables]
        for batch in held:
            run(tf.constant(batch))
        for variable, start in zip(variables, started, strict=True):
            average = (variable.numpy() - remaining * start) / (1.0 - remaining)
            variable.assign(average.astype(np.float32))


def train_aware(
    student: Any,
    student_recipe: StudentRecipe,
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    folder: Path,
    recipe: QatRecipe,
) -> Any:
    """Fine-tunes a fake-quantised copy of the student, towards the student and the MOS.

    Args:
        student: The float student, Keras 3, opinion logits out.
        student_recipe: What it was trained with.
        rows: The manifest; trains on its train split, logs figures of its validation split.
        root: The data root.
        work: Folder of caches and teacher outputs.
        folder: Where log and checkpoint of this step go.
        recipe: See :class:`QatRecipe`.

    Returns:
        The trained ``tf_keras`` model with fake quantisation, ready to be converted.
    """
    import tensorflow as tf
    import tf_keras

    from convert import losses

    size, bins = student_recipe.size, student_recipe.bins
    tf_keras.utils.set_random_seed(recipe.schedule.seed)
    arch = nets.architecture(student_recipe.network)
    model = quantization_aware(student, arch, size, bins)
    # The float student is the teacher here.
    alone = replace(student_recipe, teacher=0.0, features=0.0)
    train_rows = select(rows, "train")
    data = StudentData(train_rows, root, work, alone)
    centres = np.array(bin_centres(bins), np.float32)
    count = len(data.mos)

    def normalised(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return pictures.astype(np.float32) * np.float32(nets.PIXEL_SCALE) + np.float32(
            nets.PIXEL_OFFSET
        )

    def make_batch(_: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        batch = data.batch(generator.integers(count, size=recipe.schedule.batch), generator)
        batch["pixels"] = batch["input"]
        batch["input"] = normalised(batch["pixels"])
        return batch

    def loss(logits: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = student(tf.cast(batch["pixels"], tf.float32), training=False)
        histogram = tf.stop_gradient(tf.nn.softmax(wanted))
        score = tf.stop_gradient(losses.expected_score(wanted, centres))
        rated = batch["score"].shape[0]
        return {
            "student": losses.quality(logits, score, histogram, centres),
            "mos": recipe.human
            * losses.quality(logits[:rated], batch["score"], batch["histogram"], centres),
        }

    settings = asdict(recipe) | {
        "student": asdict(student_recipe),
        "rows": rows_digest(train_rows),
        "weights": [float(np.sum(np.abs(value))) for value in student.get_weights()],
    }
    trainer = Trainer(
        tf_keras, model, loss, recipe.schedule, folder, settings, head="quant_opinion"
    )
    if not (folder / "checkpoint.npz").is_file():
        seeds = ((recipe.schedule.seed, 11, number) for number in range(recipe.settle))
        generators = (np.random.default_rng(seed) for seed in seeds)
        none = np.empty(0, np.int64)
        settle_ranges(model, (make_batch(none, generator)["input"] for generator in generators))
    validation_rows = select(rows, "validation")
    validation = load_pixels(validation_rows, root, size, work, label="validation pictures")

    def normalised_model(pixels: Any, training: bool) -> Any:
        return model(pixels * nets.PIXEL_SCALE + nets.PIXEL_OFFSET, training=training)

    def validate() -> Mapping[str, float]:
        score = expected(predict(normalised_model, validation, label="validating"), centres)
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
            raise FileNotFoundError(f"no {name} in {folder}: run `python -m convert distill` first")
    stored = json.loads((folder / "recipe.json").read_text())
    stored.pop("before", None)
    stored["schedule"] = Schedule(**stored["schedule"])
    recipe = StudentRecipe(**stored)
    model = nets.build(
        keras, nets.architecture(recipe.network), size or recipe.size, bins=recipe.bins
    )
    weights.load_npz(model, folder / "student.npz", whole=True)
    return model, recipe
