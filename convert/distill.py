"""The student: a MobileNetV2 that learns from people and from the teacher.

Losses, each on the student's opinion histogram: against the MOS, against the teacher's opinion
(pairwise fidelity, squared error and earth mover's distance each), cosine distance of the pooled
features to the teacher's, and a hinge on pairs of one scene of which one is more distorted.

Networks are fully convolutional, so a run can start from the weights of another at a lower
resolution: ``--init RUN/student.npz``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import nets
from convert.augment import LARGEST_CROP, MARKED_SUBSETS, crop_and_flip
from convert.cache import load_pixels
from convert.data.ladders import load_ladders
from convert.data.manifest import ManifestRow, rows_digest, select
from convert.files import replacing, write_json
from convert.helptext import DefaultsFormatter
from convert.metrics import validation_figures
from convert.opinion import bin_centres, expected, opinion_histograms
from convert.teacher import TeacherOutputs
from convert.train import (
    Batch,
    Schedule,
    Trainer,
    add_schedule_arguments,
    file_digest,
    predict,
    schedule_of,
)
from convert.watermark import paint


@dataclass(frozen=True, slots=True)
class StudentRecipe:
    """Everything that a student run depends on, besides data and teacher.

    Attributes:
        network: Name of the backbone, see :func:`convert.nets.architecture`.
        init: Initial weights, see :func:`convert.weights.load_initial_weights`.
        size: Height and width of the training crop and of the network in use, in pixels.
        source: Size that pictures are squashed to before the crop; at most 0.89 of it is cropped
            so that the watermark corner can be left out. None takes 7/6 of ``size``.
        bins: Opinion histogram bins.
        dropout: Share of the embedding dropped in training.
        teacher: Weight of the loss against the teacher's opinion; 0 trains without a teacher.
        features: Weight of the cosine distance to the teacher's features.
        ladder: Weight of the hinge on distorted pairs; 0 trains without them.
        pairs: Number of distorted pairs to make.
        pairs_per_batch: Distorted pairs added to each batch.
        watermark: Share of pictures that get a painted watermark.
        frozen: Number of blocks, with the stem, that stay as they were loaded: the largest feature
            maps cost most to train, and change least once trained at a lower resolution.
        schedule: How long and how fast.
    """

    network: str = "mobilenet_v2"
    init: str = "imagenet"
    size: int = 384
    source: int | None = None
    bins: int = 10
    dropout: float = 0.2
    teacher: float = 1.0
    features: float = 0.5
    ladder: float = 2.0
    pairs: int = 1500
    pairs_per_batch: int = 2
    watermark: float = 0.15
    frozen: int = 0
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        blocks = len(nets.architecture(self.network).blocks)
        if not 0 <= self.frozen <= blocks:
            raise ValueError(f"{self.network} has {blocks} blocks, cannot freeze {self.frozen}")
        if self.size < 32:
            raise ValueError(f"size must be at least 32 px, got {self.size}")
        if self.size > LARGEST_CROP * self.source_size:
            raise ValueError(
                f"a crop of {self.size} px from {self.source_size} px would show watermark "
                f"corners; the source must be at least {math.ceil(self.size / LARGEST_CROP)} px"
            )
        if min(self.teacher, self.features, self.ladder) < 0:
            raise ValueError("weights of losses must not be negative")
        if self.ladder and not (self.pairs > 0 and self.pairs_per_batch > 0):
            raise ValueError("the ladder loss needs pairs, and pairs in each batch")

    @property
    def source_size(self) -> int:
        """The size that pictures are squashed to before the crop."""
        return self.source if self.source is not None else round(self.size * 7 / 6)


def train_student(
    rows: Sequence[ManifestRow], root: Path, work: Path, recipe: StudentRecipe, name: str
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

    Returns:
        Training log of the last epoch with the validation figures.

    Raises:
        ValueError: The teacher's outputs belong to another manifest.
        FileNotFoundError: A teacher is asked for and has not run.
    """
    import keras

    from convert import weights

    folder = work / name
    keras.utils.set_random_seed(recipe.schedule.seed)
    arch = nets.architecture(recipe.network)
    model = nets.build(
        keras, arch, recipe.size, bins=recipe.bins, dropout=recipe.dropout, embedding=True
    )
    said = weights.load_initial_weights(model, arch, recipe.init)
    print(f"student {arch.name} at {recipe.size} px, {said}")
    freeze(model, recipe.frozen)

    train_rows, validation_rows = select(rows, "train"), select(rows, "validation")
    data = StudentData(train_rows, root, work, recipe)
    trained = _with_projection(keras, model, data.teacher if recipe.features else None)
    validation = load_pixels(validation_rows, root, recipe.size, work, label="validation pictures")
    validation_mos = np.array([row.mos for row in validation_rows])
    centres = np.array(bin_centres(recipe.bins), np.float32)

    def validate() -> Mapping[str, float]:
        logits, _ = predict(model, validation, label="validating")
        subsets = [row.subset for row in validation_rows]
        return validation_figures(expected(logits, centres), validation_mos, subsets)

    fingerprint = asdict(recipe) | {
        "rows": rows_digest(train_rows),
        "init": file_digest(recipe.init),
        "teacher outputs": file_digest(work / "teacher" / "train.npz") if data.teacher else None,
    }
    trainer = Trainer(keras, trained, student_loss(recipe), recipe.schedule, folder, fingerprint)
    log = trainer.fit(len(train_rows), data.batch, validate)
    weights.save_npz(model, folder / "student.npz")
    shipped = keras.Model(model.inputs[0], model.outputs[0], name=arch.name)
    shipped.save(folder / "student.keras")
    write_json(folder / "recipe.json", asdict(recipe) | {"before": _recipe_before(recipe)})
    plot_log(log, folder / "training.png", f"{arch.name} at {recipe.size} px")
    return log[-1]


def _recipe_before(recipe: StudentRecipe) -> dict[str, Any] | None:
    """The recipe of the run whose weights this one started from, if it was one of ours."""
    file = Path(recipe.init).parent / "recipe.json"
    if Path(recipe.init).suffix != ".npz" or not file.is_file():
        return None
    before: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return before


def freeze(model: Any, blocks: int) -> None:
    """Keeps the stem and the first blocks of a network as they are, BatchNorm included.

    Args:
        model: A network of :mod:`convert.nets`.
        blocks: Number of blocks; 0 freezes nothing.
    """
    frozen = {"stem", *(f"block{index:02d}" for index in range(blocks))} if blocks else set()
    for layer in model.layers:
        if layer.name.split("_")[0] in frozen:
            layer.trainable = False


class StudentData:
    """Training pictures, labels, teacher outputs and distorted pairs as batches.

    Args:
        rows: Training rows.
        root: The data root.
        work: Folder of caches and teacher outputs.
        recipe: Decides sizes and what is needed.
    """

    def __init__(
        self, rows: Sequence[ManifestRow], root: Path, work: Path, recipe: StudentRecipe
    ) -> None:
        source = recipe.source_size
        self.share = recipe.size / source
        self.watermark = recipe.watermark
        self.pairs_per_batch = recipe.pairs_per_batch if recipe.ladder else 0
        self.pixels = load_pixels(rows, root, source, work, label="train pictures")
        self.mos = np.array([row.mos for row in rows], np.float32)
        self.histogram = opinion_histograms(self.mos, [row.std for row in rows], recipe.bins)
        self.marked = np.array([row.subset in MARKED_SUBSETS for row in rows])
        self.teacher: TeacherOutputs | None = None
        if recipe.teacher or recipe.features:
            self.teacher = TeacherOutputs.load(work / "teacher" / "train.npz", rows)
            if self.teacher.histogram.shape[1] != recipe.bins:
                raise ValueError(
                    f"the teacher has {self.teacher.histogram.shape[1]} opinion bins, the "
                    f"student {recipe.bins}"
                )
        if self.pairs_per_batch:
            self.ladders, self.margins = load_ladders(
                rows, root, source, work, recipe.pairs, recipe.schedule.seed
            )

    def batch(self, chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        """The arrays of one batch; pictures of distorted pairs follow the rated ones."""
        pictures = crop_and_flip(self.pixels, chosen, self.marked[chosen], self.share, generator)
        for slot in np.flatnonzero(generator.random(len(chosen)) < self.watermark):
            pictures[slot] = paint(pictures[slot], generator)
        batch: Batch = {"score": self.mos[chosen], "histogram": self.histogram[chosen]}
        if self.teacher is not None:
            batch["teacher_score"] = self.teacher.score[chosen]
            batch["teacher_histogram"] = self.teacher.histogram[chosen]
            batch["teacher_embedding"] = self.teacher.embedding[chosen]
        if self.pairs_per_batch:
            which = generator.integers(len(self.margins), size=self.pairs_per_batch)
            state = int(generator.integers(2**32))
            unmarked = np.zeros(len(which), np.bool_)
            # The same crop and mirror for both: only the distortion may tell them apart.
            better, worse = (
                crop_and_flip(
                    self.ladders[:, side],
                    which,
                    unmarked,
                    self.share,
                    np.random.default_rng(state),
                )
                for side in (0, 1)
            )
            pictures = np.concatenate([pictures, better, worse])
            batch["margin"] = self.margins[which]
        batch["input"] = pictures
        return batch


def student_loss(recipe: StudentRecipe) -> Any:
    """The loss of a student, see :data:`convert.train.Loss`."""
    from convert import losses

    centres = np.array(bin_centres(recipe.bins), np.float32)

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        logits, projected = outputs
        rated = batch["score"].shape[0]
        terms = {"mos": losses.quality(logits[:rated], batch["score"], batch["histogram"], centres)}
        if recipe.teacher:
            terms["teacher"] = recipe.teacher * losses.quality(
                logits[:rated], batch["teacher_score"], batch["teacher_histogram"], centres
            )
        if recipe.features:
            terms["features"] = recipe.features * losses.cosine_distance(
                projected[:rated], batch["teacher_embedding"]
            )
        if "margin" in batch:
            pairs = batch["margin"].shape[0]
            scores = losses.expected_score(logits[rated:], centres)
            terms["ladder"] = recipe.ladder * losses.ladder(
                scores[:pairs], scores[pairs:], batch["margin"]
            )
        return terms

    return loss


def _with_projection(keras: Any, model: Any, teacher: TeacherOutputs | None) -> Any:
    """The model as it is trained: its embedding projected into the teacher's feature space."""
    opinion, embedding = model.outputs
    if teacher is None:
        return model
    projected = keras.layers.Dense(
        teacher.embedding.shape[1], use_bias=False, name="opinion_features"
    )(embedding)
    return keras.Model(model.inputs[0], [opinion, projected], name="training")


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
        "--network", default=default.network, help="mobilenet_v2, or mobilenet_v2_0.35 and such"
    )
    parser.add_argument(
        "--init",
        default=default.init,
        help="imagenet (Keras downloads), random, a weights file, or another run's student.npz",
    )
    parser.add_argument(
        "--size", type=int, default=default.size, help="network input side in pixels"
    )
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


def run(args: argparse.Namespace) -> int:
    """Runs ``python -m convert distill``."""
    from convert.data.command import rows_root_work

    rows, root, work = rows_root_work(args)
    recipe = StudentRecipe(
        network=args.network,
        init=args.init,
        size=args.size,
        source=args.source,
        teacher=args.teacher,
        features=args.features,
        ladder=args.ladder,
        pairs=args.pairs,
        pairs_per_batch=args.pairs_per_batch,
        frozen=args.frozen,
        schedule=schedule_of(args),
    )
    print(json.dumps(train_student(rows, root, work, recipe, args.name)))
    print(f"-> {work / args.name}")
    return 0
