"""The teacher: a large ImageNet network fine-tuned on MOS, and its opinions cached.

An EfficientNet-Lite at 448 px or more. Its lower blocks keep their ImageNet weights; what they
compute is cached once per picture, and the blocks above are fine-tuned on crops and flips of those
feature maps. That makes a full pass over the data minutes instead of hours on a processor, and
costs no colour or blur augmentation, which would change the very quality that is being learnt.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import nets
from convert.augment import MARKED_SUBSETS, crop_and_flip
from convert.cache import load_pixels
from convert.data.manifest import ManifestRow, select
from convert.metrics import validation_figures
from convert.opinion import bin_centres, expected, opinion_histograms, softmax
from convert.train import Batch, Schedule, Trainer, predict


@dataclass(frozen=True, slots=True)
class TeacherRecipe:
    """Everything that a teacher run depends on, besides the data.

    Attributes:
        network: Name of the backbone, see :func:`convert.nets.architecture`.
        init: Initial weights, see :func:`convert.weights.load_initial_weights`.
        size: Input height and width in pixels.
        frozen: Number of blocks that keep their initial weights.
        crop: Side of the random crop as a share of the feature map.
        bins: Opinion histogram bins.
        dropout: Share of the embedding dropped in training.
        schedule: How long and how fast.
    """

    network: str = "efficientnet_lite2"
    init: str = "imagenet"
    size: int = 448
    frozen: int = 7
    crop: float = 24 / 28
    bins: int = 10
    dropout: float = 0.2
    schedule: Schedule = field(
        default_factory=lambda: Schedule(epochs=3, batch=16, rate=3e-4, head_rate=3e-3)
    )


@dataclass(frozen=True, slots=True)
class TeacherOutputs:
    """What the teacher said of each picture, in manifest order of its split.

    Attributes:
        score: Expected opinion on 0-1, float32 [N].
        histogram: Opinion probabilities, float32 [N, bins].
        embedding: Pooled features, float32 [N, D].
    """

    score: NDArray[np.float32]
    histogram: NDArray[np.float32]
    embedding: NDArray[np.float32]

    def save(self, file: Path) -> None:
        """Writes the arrays as .npz, atomically."""
        scratch = file.with_name(file.name + ".part")
        with scratch.open("wb") as stream:
            np.savez(stream, score=self.score, histogram=self.histogram, embedding=self.embedding)
        scratch.replace(file)

    @classmethod
    def load(cls, file: Path) -> TeacherOutputs:
        """Reads what :meth:`save` wrote.

        Raises:
            FileNotFoundError: The teacher has not run.
        """
        if not file.is_file():
            raise FileNotFoundError(
                f"no teacher outputs at {file}: run `python -m convert teacher`"
            )
        with np.load(file) as stored:
            return cls(stored["score"], stored["histogram"], stored["embedding"])


def train_teacher(
    rows: Sequence[ManifestRow], root: Path, work: Path, recipe: TeacherRecipe
) -> dict[str, Any]:
    """Fine-tunes the teacher on the train split and caches its opinions.

    Writes to ``work/teacher``: ``trunk.npz``, ``top.npz`` (weights), ``log.jsonl``,
    ``train.npz`` and ``validation.npz`` (:class:`TeacherOutputs`), ``recipe.json``.

    Args:
        rows: The manifest; train and validation are used, test never.
        root: The data root.
        work: Folder for caches, checkpoints and results.
        recipe: See :class:`TeacherRecipe`.

    Returns:
        Validation figures of the finished teacher.
    """
    import keras

    from convert import losses, weights

    folder = work / "teacher"
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.schedule.seed)
    arch = nets.architecture(recipe.network)
    trunk = nets.build_trunk(keras, arch, recipe.size, recipe.frozen)
    top = nets.build_top(keras, arch, recipe.frozen, bins=recipe.bins, dropout=recipe.dropout)
    said = weights.load_initial_weights(trunk, arch, recipe.init)
    weights.load_initial_weights(top, arch, recipe.init)
    print(f"teacher {arch.name} at {recipe.size} px, {said}, {recipe.frozen} blocks frozen")

    train_rows, validation_rows = select(rows, "train"), select(rows, "validation")
    settings = asdict(recipe) | {"network": arch.name}
    train = _features(trunk, train_rows, root, work, recipe, "train")
    validation = _features(trunk, validation_rows, root, work, recipe, "validation")

    mos = np.array([row.mos for row in train_rows], np.float32)
    histogram = opinion_histograms(mos, [row.std for row in train_rows], recipe.bins)
    marked = np.array([row.subset in MARKED_SUBSETS for row in train_rows])
    centres = np.array(bin_centres(recipe.bins), np.float32)
    validation_mos = np.array([row.mos for row in validation_rows])

    def make_batch(chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        maps = crop_and_flip(train, chosen, marked[chosen], recipe.crop, generator)
        return {"input": maps, "score": mos[chosen], "histogram": histogram[chosen]}

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"mos": losses.quality(outputs[0], batch["score"], batch["histogram"], centres)}

    def validate() -> Mapping[str, float]:
        logits, _ = predict(top, validation, label="validating")
        return validation_figures(
            expected(logits, centres), validation_mos, [row.subset for row in validation_rows]
        )

    trainer = Trainer(keras, top, loss, recipe.schedule, folder, settings)
    log = trainer.fit(len(train_rows), make_batch, validate)
    weights.save_npz(trunk, folder / "trunk.npz")
    weights.save_npz(top, folder / "top.npz")
    for name, maps in (("train", train), ("validation", validation)):
        logits, embedding = predict(top, maps, label=f"teacher on {name}")
        probabilities = softmax(logits)
        TeacherOutputs(probabilities @ centres, probabilities, embedding).save(
            folder / f"{name}.npz"
        )
    (folder / "recipe.json").write_text(json.dumps(settings, indent=2) + "\n")
    return log[-1]


def _features(
    trunk: Any,
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    recipe: TeacherRecipe,
    split: str,
) -> NDArray[np.float16]:
    """The frozen trunk's feature maps of all pictures, float16, kept on disk."""
    pixels = load_pixels(rows, root, recipe.size, work, label=f"{split} pictures")
    source = Path(str(getattr(pixels, "filename", split))).stem
    init = Path(recipe.init).stem
    name = f"{source}-{recipe.network}-{recipe.frozen}-{init}.npy"
    file = work / "features" / name
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(file.name + ".part")
        shape = (len(pixels), *trunk.output_shape[1:])
        array = np.lib.format.open_memmap(scratch, mode="w+", dtype=np.float16, shape=shape)
        step = 256
        for start in range(0, len(pixels), step):
            array[start : start + step] = predict(
                trunk, pixels[start : start + step], label=f"trunk on {split} {start}"
            )
        array.flush()
        scratch.replace(file)
    features: NDArray[np.float16] = np.load(file, mmap_mode="r")
    return features


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``python -m convert teacher``."""
    from convert.data.command import add_data_arguments

    default = TeacherRecipe()
    add_data_arguments(parser)
    parser.add_argument("--network", default=default.network)
    parser.add_argument(
        "--init",
        default=default.init,
        help="imagenet (the extra teacher brings EfficientNet-Lite2), random, or a weights file",
    )
    parser.add_argument("--size", type=int, default=default.size, help="input pixels, at least 448")
    parser.add_argument(
        "--frozen", type=int, default=default.frozen, help="blocks left as they are"
    )
    parser.add_argument("--epochs", type=int, default=default.schedule.epochs)
    parser.add_argument("--batch", type=int, default=default.schedule.batch)
    parser.add_argument("--rate", type=float, default=default.schedule.rate)
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    """Runs ``python -m convert teacher``."""
    from convert.data.command import rows_root_work

    rows, root, work = rows_root_work(args)
    recipe = TeacherRecipe(
        network=args.network,
        init=args.init,
        size=args.size,
        frozen=args.frozen,
        schedule=Schedule(
            epochs=args.epochs,
            batch=args.batch,
            rate=args.rate,
            head_rate=10 * args.rate,
            seed=args.seed,
        ),
    )
    print(json.dumps(train_teacher(rows, root, work, recipe)))
    return 0
