"""The student: a MobileNetV2 that learns from people and from the teacher.

Losses, each on the student's opinion histogram: against the MOS, against the teacher's opinion of
rated and of unlabelled pictures (pairwise fidelity, squared error and earth mover's distance each),
cosine distance of the pooled features to the teacher's, and a hinge on pairs of one scene of which
one is more distorted.

Networks are fully convolutional, so a run can start from the weights of another at a lower
resolution: ``--init RUN/student.npz``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from convert.data.cache import load_pixels
from convert.data.manifest import ManifestRow, rows_digest, select
from convert.files import replacing, write_json
from convert.helptext import DefaultsFormatter
from convert.metrics import validation_figures
from convert.networks import nets
from convert.opinion import bin_centres, expected
from convert.training.probe import central_views
from convert.training.student import (
    DETAIL_SOURCE,
    StudentData,
    StudentRecipe,
    student_loss,
    two_views,
)
from convert.training.train import (
    CHECKPOINT,
    add_schedule_arguments,
    file_digest,
    schedule_of,
)

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
    import torch

    from convert.networks import thinning, torch_nets, weights
    from convert.training.probe import fit_fresh_layers
    from convert.training.torch_train import TorchTrainer, predict

    folder = work / name
    keras.utils.set_random_seed(recipe.schedule.seed)
    arch = nets.architecture(recipe.network)
    model = nets.build(
        keras, arch, recipe.size, bins=recipe.bins, dropout=recipe.dropout, embedding=True
    )
    wide = thinning.thicker(arch, recipe.init)
    if wide is None:
        said = weights.load_initial_weights(model, arch, recipe.init)
        print(f"student {arch.name} at {recipe.size} px, {said}", flush=True)
    net = torch_nets.TorchNet(arch, bins=recipe.bins, dropout=recipe.dropout, frozen=recipe.frozen)
    torch_nets.set_weights(net, {layer.name: layer.get_weights() for layer in model.layers})

    train_rows, validation_rows = select(rows, "train"), select(rows, "validation")
    data = StudentData(train_rows, root, work, recipe)
    width = data.teacher.embedding.shape[1] if data.teacher and recipe.features else 0
    torch.manual_seed(recipe.schedule.seed)
    trained = torch_nets.Training(net, width, views=2 if recipe.detail else 1)
    size = DETAIL_SOURCE if recipe.detail else recipe.size
    validation = load_pixels(validation_rows, root, size, work, label="validation pictures")
    validation_mos = np.array([row.mos for row in validation_rows])
    centres = np.array(bin_centres(recipe.bins), np.float32)

    def validate() -> Mapping[str, float]:
        seen = two_views(validation, recipe.size) if recipe.detail else validation
        logits = predict(trained, seen, label="validating", exact=True)[0]
        subsets = [row.subset for row in validation_rows]
        return validation_figures(expected(logits, centres), validation_mos, subsets)

    fingerprint = asdict(recipe) | {
        "rows": rows_digest(train_rows),
        "init": file_digest(recipe.init),
        "teacher outputs": file_digest(work / "teacher" / "train.npz") if data.teacher else None,
    }
    begun = (folder / CHECKPOINT).is_file()
    if wide is not None and not begun:
        _start_thinner(wide, net, data)
    if recipe.probe and not begun:
        print(f"probed: loss {fit_fresh_layers(trained, data, centres):.4f}", flush=True)
    trainer = TorchTrainer(
        trained, student_loss(recipe, centres), recipe.schedule, folder, fingerprint
    )
    log = trainer.fit(len(data), data.batch, validate, follow=follow)
    torch_nets.save_npz(net, folder / "student.npz")
    weights.load_npz(model, folder / "student.npz", whole=True)
    shipped = keras.Model(model.inputs[0], model.outputs[0], name=arch.name)
    weights.save_keras(shipped, folder / "student.keras")
    write_json(folder / "recipe.json", asdict(recipe) | {"before": _recipe_before(recipe)})
    plot_log(log, folder / "training.png", f"{arch.name} at {recipe.size} px")
    return log[-1]


def _start_thinner(wide: nets.Architecture, net: Any, data: StudentData) -> None:
    from convert.networks import thinning, torch_nets, weights

    recipe = data.recipe
    trained = torch_nets.TorchNet(wide, bins=recipe.bins)
    torch_nets.set_weights(trained, weights.read_npz(Path(recipe.init)))
    drawn = np.random.default_rng((recipe.schedule.seed, 7)).permutation(len(data))
    pictures = central_views(data, np.sort(drawn[:THINNING_PICTURES]))
    thinning.thin(trained, net, pictures.reshape(-1, *pictures.shape[-3:]))
    name = Path(recipe.init).name
    print(f"student {net.arch.name} at {recipe.size} px, thinned from {name}", flush=True)


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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``python -m convert distill``."""
    from convert.data.command import add_data_arguments

    default = StudentRecipe()
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument("--name", default="student", help="name of the run, a folder in --work")
    parser.add_argument(
        "--network",
        default=default.network,
        help="mobilenet_v2, narrower ones such as mobilenet_v2_0.35, or such with thinner blocks "
        "as mobilenet_v2_t4",
    )
    parser.add_argument(
        "--init",
        default=default.init,
        help="imagenet (Keras downloads), random, a weights file, or another run's student.npz, "
        "which is thinned to fit if its blocks are thicker",
    )
    parser.add_argument(
        "--size", type=int, default=default.size, help="network input side in pixels"
    )
    parser.add_argument("--crop", type=int, help="side of the training crop in pixels (--size)")
    parser.add_argument("--source", type=int, help="pictures' size before the crop (7/6 of --size)")
    parser.add_argument(
        "--frozen", type=int, default=0, help="blocks (and the stem) left as they were loaded"
    )
    parser.add_argument(
        "--pairs-per-batch", type=int, default=default.pairs_per_batch, help="added to each batch"
    )
    add_schedule_arguments(parser, default.schedule)
    for name, what in (
        ("teacher", "against the teacher's opinions"),
        ("features", "against the teacher's features"),
        ("ladder", "on pairs of which one is more distorted"),
    ):
        parser.add_argument(
            f"--{name}",
            type=float,
            metavar="WEIGHT",
            default=getattr(default, name),
            help=f"weight of the loss {what}; 0 leaves it out",
        )
    parser.add_argument("--pairs", type=int, default=default.pairs, help="distorted pairs to make")
    parser.add_argument(
        "--unlabelled",
        type=int,
        default=default.unlabelled,
        metavar="COUNT",
        help="unlabelled pictures to learn the teacher's opinion of (as many as it has scored)",
    )
    parser.add_argument(
        "--unlabelled-per-batch",
        type=int,
        default=default.unlabelled_per_batch,
        help="added to each batch",
    )
    parser.add_argument(
        "--zoom",
        type=float,
        metavar="SHARE",
        default=default.zoom,
        help="share of batches that show the rated pictures at an 8/7 larger scale",
    )
    parser.add_argument(
        "--probe",
        type=int,
        metavar="STEPS",
        default=default.probe,
        help="steps in which the opinion layer learns alone first, for a run from ImageNet weights",
    )
    parser.add_argument(
        "--limit", type=int, help="train on this many of the rated pictures, drawn by the seed"
    )


def run(args: argparse.Namespace) -> int:
    """Runs ``python -m convert distill``."""
    from convert.data.command import rows_root_work

    rows, root, work = rows_root_work(args)
    recipe = StudentRecipe(
        network=args.network,
        init=args.init,
        size=args.size,
        crop=args.crop,
        source=args.source,
        teacher=args.teacher,
        features=args.features,
        ladder=args.ladder,
        pairs=args.pairs,
        pairs_per_batch=args.pairs_per_batch,
        unlabelled=args.unlabelled,
        unlabelled_per_batch=args.unlabelled_per_batch,
        frozen=args.frozen,
        zoom=args.zoom,
        probe=args.probe,
        limit=args.limit,
        schedule=schedule_of(args),
    )
    print(json.dumps(train_student(rows, root, work, recipe, args.name)))
    print(f"-> {work / args.name}")
    return 0
