"""The student: a MobileNetV2 that learns from people and from the teacher.

Losses, each on the student's opinion histogram: against the MOS, against the teacher's opinion of
rated and of unlabelled pictures (pairwise fidelity, squared error and earth mover's distance each),
cosine distance of the pooled features to the teacher's, and a hinge on pairs of one scene of which
one is more distorted.

Networks are fully convolutional, so a run can start from the weights of another at a lower
resolution: ``--init RUN/student.npz``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edgeiqa.inference.model import available_models, find

from ..common.files import replacing, write_json
from ..common.metrics import validation_figures
from ..common.opinion import bin_centres, expected
from ..datasets.cache import load_pixels
from ..datasets.manifest import ManifestRow, rows_digest, select
from ..nets import keras_nets
from ..nets.shipped import load_shipped
from .linear_probe import central_views, fit_fresh_layers
from .loop import CHECKPOINT, Trainer, TrainingError, file_digest, predict
from .student import StudentData, StudentRecipe, student_loss

MIN_SPREAD = 0.05
"""Deviation of validation scores, as a share of the ratings', below which a student is useless."""

THINNING_PICTURES = 256
"""On as many rated pictures a thinner network is fitted to a trained one."""


def train_student(
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    recipe: StudentRecipe,
    name: str,
    *,
    follow: bool = True,
) -> dict[str, Any]:
    """Trains a student on the train split and follows it on the validation split.

    Writes to ``work/NAME``: ``student.npz`` (weights), ``student.keras`` (the same, as a Keras 3
    model with float pixels 0-255 in and opinion logits out), ``log.jsonl``, ``training.png``,
    ``recipe.json``.

    Args:
        rows: The manifest; train and validation are used, test never.
        root: The data root.
        work: Folder for caches, checkpoints and results; the teacher's outputs are read there.
        recipe: See :class:`StudentRecipe`.
        name: Name of the run.
        follow: Validate after every epoch, not after the last alone.

    Returns:
        Training log of the last epoch with the validation figures.

    Raises:
        ValueError: The teacher's outputs belong to another manifest.
        FileNotFoundError: A teacher is asked for and has not run.
    """
    import keras

    from ..nets import channel_pruning, weights

    folder = work / name
    keras.utils.set_random_seed(recipe.schedule.seed)
    arch = keras_nets.architecture(recipe.network)
    model = keras_nets.build(
        keras, arch, recipe.size, bins=recipe.bins, dropout=recipe.dropout, embedding=True
    )
    wide = channel_pruning.thicker(arch, recipe.init)
    shipped = recipe.init in available_models()
    if shipped:
        load_shipped(find(recipe.init)).fill(model)
        print(f"student {arch.name} at {recipe.size} px, as shipped in {recipe.init}", flush=True)
    elif wide is None:
        said = weights.load_initial_weights(model, arch, recipe.init)
        print(f"student {arch.name} at {recipe.size} px, {said}", flush=True)
    keras_nets.freeze(model, recipe.frozen)
    if shipped:
        keras_nets.freeze_statistics(model)

    train_rows, validation_rows = select(rows, "train"), select(rows, "validation")
    data = StudentData(train_rows, root, work, recipe)
    width = data.teacher.embedding.shape[1] if data.teacher and recipe.features else 0
    trained = keras_nets.with_projection(keras, model, width)
    validation = load_pixels(validation_rows, root, recipe.size, work, label="validation pictures")
    validation_mos = np.array([row.mos for row in validation_rows])
    centres = np.array(bin_centres(recipe.bins), np.float32)

    def validate() -> Mapping[str, float]:
        logits = predict(model, validation, label="validating")[0]
        subsets = [row.subset for row in validation_rows]
        return validation_figures(expected(logits, centres), validation_mos, subsets)

    fingerprint = asdict(recipe) | {
        "rows": rows_digest(train_rows),
        "init": file_digest(recipe.init),
        "teacher outputs": file_digest(work / "teacher" / "train.npz") if data.teacher else None,
    }
    begun = (folder / CHECKPOINT).is_file()
    if wide is not None and not begun:
        _start_thinner(wide, model, data)
    if recipe.probe and not begun:
        print(f"probed: loss {fit_fresh_layers(model, trained, data, centres):.4f}", flush=True)
    trainer = Trainer(
        keras, trained, student_loss(recipe, centres), recipe.schedule, folder, fingerprint
    )
    log = trainer.fit(len(data), data.batch, validate, follow=follow)
    refuse_collapsed(log[-1])
    weights.save_npz(model, folder / "student.npz")
    keras_nets.freeze(model, 0)
    shipped = keras.Model(model.inputs[0], model.outputs[0], name=arch.name)
    weights.save_keras(shipped, folder / "student.keras")
    write_json(folder / "recipe.json", asdict(recipe) | {"before": _recipe_before(recipe)})
    plot_log(log, folder / "training.png", f"{arch.name} at {recipe.size} px")
    return log[-1]


def refuse_collapsed(figures: Mapping[str, Any]) -> None:
    """Refuses a student that gives nearly the same score to every validation picture.

    Args:
        figures: The last line of the training log.

    Raises:
        TrainingError: Its scores spread by less than a twentieth of what people's do.
    """
    spread = figures.get("val_spread")
    if spread is None or spread < MIN_SPREAD:
        raise TrainingError(
            f"the student collapsed: its scores of validation pictures spread by {spread or 0:.3f} "
            f"times what the ratings do, expected at least {MIN_SPREAD}. Train longer (--epochs) "
            "or more gently (--rate), let the opinion layer learn first (--probe 300), or start "
            "from a trained model (--init base)"
        )


def _start_thinner(wide: keras_nets.Architecture, model: Any, data: StudentData) -> None:
    import keras

    from ..nets import channel_pruning, weights

    recipe = data.recipe
    trained = keras_nets.build(keras, wide, None, bins=recipe.bins, embedding=True)
    weights.load_npz(trained, Path(recipe.init), whole=True)
    drawn = np.random.default_rng((recipe.schedule.seed, 7)).permutation(len(data))
    pictures = central_views(data, np.sort(drawn[:THINNING_PICTURES]))
    channel_pruning.thin(trained, model, keras_nets.architecture(recipe.network), pictures)
    name = Path(recipe.init).name
    print(f"student {model.name} at {recipe.size} px, thinned from {name}", flush=True)


def _recipe_before(recipe: StudentRecipe) -> dict[str, Any] | None:
    """The recipe of the run whose weights this one started from, if it was one of ours."""
    file = Path(recipe.init).parent / "recipe.json"
    if Path(recipe.init).suffix != ".npz" or not file.is_file():
        return None
    before: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return before


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def plot_log(log: Sequence[Mapping[str, Any]], file: Path, title: str) -> None:
    """Draws losses and validation SROCC by epoch as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    epochs = [record["epoch"] for record in log]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), constrained_layout=True)
    terms = [key for key in log[0] if key not in ("epoch", "seconds") and key[:4] != "val_"]
    for term in terms:
        left.plot(epochs, [_number(record[term]) for record in log], "o-", label=term)
    for key in [key for key in log[0] if key.startswith("val_srocc")]:
        label = key.removeprefix("val_srocc").strip("_") or "pooled"
        right.plot(epochs, [_number(record[key]) for record in log], "o-", label=label)
    left.set(title=f"{title}: training loss", xlabel="epoch", xticks=epochs)
    right.set(title="validation SROCC", xlabel="epoch", xticks=epochs)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    with replacing(file) as scratch:
        figure.savefig(scratch, dpi=110, format="png")
    pyplot.close(figure)
