"""The teacher: a large ImageNet network fine-tuned on MOS, and its opinions cached.

An EfficientNet-Lite at 448 px or more. Its lower blocks keep their ImageNet weights; what they
compute is cached once per picture, and the blocks above are fine-tuned on crops and flips of those
feature maps. That makes a full pass over the data minutes instead of hours on a processor, and
costs no colour or blur augmentation, which would change the very quality that is being learnt.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import nets
from convert.augment import LARGEST_CROP, MARKED_SUBSETS, crop_and_flip
from convert.cache import load_pixels, pixels_key
from convert.data.manifest import ManifestRow, rows_digest, select
from convert.files import replacing, write_json
from convert.helptext import DefaultsFormatter
from convert.metrics import validation_figures
from convert.opinion import bin_centres, expected, opinion_histograms, softmax
from convert.train import (
    Batch,
    Schedule,
    Trainer,
    add_schedule_arguments,
    predict,
    schedule_of,
)


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
    crop: float = 6 / 7
    bins: int = 10
    dropout: float = 0.2
    schedule: Schedule = field(
        default_factory=lambda: Schedule(epochs=3, batch=16, rate=3e-4, head_rate=3e-3)
    )

    def __post_init__(self) -> None:
        blocks = len(nets.architecture(self.network).blocks)
        if not 0 < self.frozen < blocks:
            raise ValueError(
                f"{self.network} has {blocks} blocks: between 1 and {blocks - 1} can be frozen, "
                f"not {self.frozen}"
            )
        if not 0 < self.crop <= LARGEST_CROP:
            raise ValueError(
                f"crop must be at most {LARGEST_CROP}, or it shows watermarks; got {self.crop}"
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

    def save(self, file: Path, rows: Sequence[ManifestRow]) -> None:
        """Writes the arrays as .npz, atomically, with a digest of the pictures they belong to."""
        with replacing(file) as scratch, scratch.open("wb") as stream:
            np.savez(
                stream,
                score=self.score,
                histogram=self.histogram,
                embedding=self.embedding,
                rows=np.array(rows_digest(rows)),
            )

    @classmethod
    def load(cls, file: Path, rows: Sequence[ManifestRow]) -> TeacherOutputs:
        """Reads what :meth:`save` wrote.

        Args:
            file: The .npz.
            rows: The pictures that the outputs must belong to, in this order.

        Raises:
            FileNotFoundError: The teacher has not run.
            ValueError: It has, on other pictures, labels or splits.
        """
        if not file.is_file():
            raise FileNotFoundError(
                f"no teacher outputs at {file}: run `python -m convert teacher`"
            )
        with np.load(file) as stored:
            if str(stored["rows"]) != rows_digest(rows):
                raise ValueError(
                    f"{file} belongs to another manifest: run `python -m convert teacher` again"
                )
            return cls(stored["score"], stored["histogram"], stored["embedding"])


def train_teacher(
    rows: Sequence[ManifestRow], root: Path, work: Path, recipe: TeacherRecipe
) -> dict[str, Any]:
    """Fine-tunes the teacher on the train split and caches its opinions.

    Crops of the feature maps leave out the watermark corner only as far as the trunk's receptive
    field has not spread it, and the cached opinions are of whole pictures; the student, whose crops
    are of pixels, never sees the corner with a label.

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
    settings = asdict(recipe)
    fingerprint = settings | {
        "rows": rows_digest(train_rows),
        "weights": _digest_of_weights(trunk) + _digest_of_weights(top, but="opinion"),
    }
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

    trainer = Trainer(keras, top, loss, recipe.schedule, folder, fingerprint)
    log = trainer.fit(len(train_rows), make_batch, validate)
    weights.save_npz(trunk, folder / "trunk.npz")
    weights.save_npz(top, folder / "top.npz")
    for name, chosen, maps in (
        ("train", train_rows, train),
        ("validation", validation_rows, validation),
    ):
        logits, embedding = predict(top, maps, label=f"teacher on {name}")
        probabilities = softmax(logits)
        outputs = TeacherOutputs(probabilities @ centres, probabilities, embedding)
        outputs.save(folder / f"{name}.npz", chosen)
    write_json(folder / "recipe.json", settings)
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
    key = f"{pixels_key(rows, root, recipe.size)}-{trunk.name}-{_digest_of_weights(trunk)}"
    file = work / "features" / f"{key}.npy"
    if not file.is_file():
        shape = (len(pixels), *trunk.output_shape[1:])
        step = 256
        with replacing(file) as scratch:
            array = np.lib.format.open_memmap(scratch, mode="w+", dtype=np.float16, shape=shape)
            for start in range(0, len(pixels), step):
                array[start : start + step] = predict(
                    trunk, pixels[start : start + step], label=f"trunk on {split} {start}"
                )
            array.flush()
    features: NDArray[np.float16] = np.load(file, mmap_mode="r")
    return features


def _digest_of_weights(model: Any, but: str = "") -> str:
    """A digest of a model's weights, without those of the layer ``but``."""
    digest = hashlib.sha256()
    for layer in model.layers:
        if layer.name != but:
            for value in layer.get_weights():
                digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:16]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``python -m convert teacher``."""
    from convert.data.command import add_data_arguments

    default = TeacherRecipe()
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument(
        "--network", default=default.network, help="efficientnet_lite0 to 4, or mobilenet_v2"
    )
    parser.add_argument(
        "--init",
        default=default.init,
        help="imagenet (the extra teacher brings EfficientNet-Lite2), random, or a weights file",
    )
    parser.add_argument(
        "--size",
        type=int,
        default=default.size,
        help="input side in pixels, at least 448 for detail",
    )
    parser.add_argument(
        "--frozen",
        type=int,
        default=default.frozen,
        help="first blocks that stay as initialised",
    )
    add_schedule_arguments(parser, default.schedule)


def run(args: argparse.Namespace) -> int:
    """Runs ``python -m convert teacher``."""
    from convert.data.command import rows_root_work

    rows, root, work = rows_root_work(args)
    recipe = TeacherRecipe(
        network=args.network,
        init=args.init,
        size=args.size,
        frozen=args.frozen,
        schedule=schedule_of(args),
    )
    print(json.dumps(train_teacher(rows, root, work, recipe)))
    return 0
