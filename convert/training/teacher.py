"""Teachers: large ImageNet networks fine-tuned on MOS and on distorted pairs.

An EfficientNet-Lite or a MobileNetV2 at 448 px or more. Its lower blocks keep their initial
weights; what they compute is cached once per picture, and the blocks above are fine-tuned on crops
and flips of those feature maps. That makes a full pass over the data minutes instead of hours on a
processor, and costs no colour or blur augmentation, which would change the very quality that is
being learned. Several such members are fused by :mod:`convert.training.teacher_fusion`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing, write_json
from ..common.metrics import validation_figures
from ..common.opinion import bin_centres, opinion_histograms, softmax
from ..datasets.augment import LARGEST_CROP, MARKED_SUBSETS, crop_and_flip, same_crops
from ..datasets.cache import load_pixels, pixels_key
from ..datasets.holdout import refuse_reserved
from ..datasets.ladders import load_ladders
from ..datasets.manifest import ManifestRow, rows_digest, select
from ..nets import keras_nets
from .loop import Batch, Schedule, Trainer, predict
from .teacher_outputs import POOL_SEED, TeacherOutputs, rows_key


@dataclass(frozen=True, slots=True)
class TeacherRecipe:
    """Everything that a teacher run depends on, besides the data.

    Attributes:
        network: Name of the backbone, see :func:`convert.nets.keras_nets.architecture`.
        init: Initial weights, see :func:`convert.nets.weights.load_initial_weights`.
        size: Input height and width in pixels.
        frozen: Number of blocks that keep their initial weights.
        crop: Side of the random crop as a share of the feature map.
        bins: Opinion histogram bins.
        dropout: Share of the embedding dropped in training.
        ladder: Weight of the hinge on distorted pairs; 0 trains without them.
        pairs: Number of distorted pairs to make.
        pairs_per_batch: Distorted pairs added to each batch.
        schedule: How long and how fast.
    """

    network: str = "efficientnet_lite2"
    init: str = "imagenet"
    size: int = 512
    frozen: int = 7
    crop: float = 6 / 7
    bins: int = 10
    dropout: float = 0.2
    ladder: float = 2.0
    pairs: int = 1500
    pairs_per_batch: int = 2
    schedule: Schedule = field(
        default_factory=lambda: Schedule(epochs=3, batch=16, rate=3e-4, head_rate=3e-3)
    )

    def __post_init__(self) -> None:
        blocks = len(keras_nets.architecture(self.network).blocks)
        if not 0 < self.frozen < blocks:
            raise ValueError(
                f"{self.network} has {blocks} blocks: between 1 and {blocks - 1} can be frozen, "
                f"not {self.frozen}"
            )
        if not 0 < self.crop <= LARGEST_CROP:
            raise ValueError(
                f"crop must be at most {LARGEST_CROP}, or it shows watermarks; got {self.crop}"
            )


class Member:
    """One network of the teacher, trained or not.

    Args:
        folder: Where its weights are or will be.
        recipe: What it is.
    """

    def __init__(self, folder: Path, recipe: TeacherRecipe) -> None:
        import keras

        arch = keras_nets.architecture(recipe.network)
        self.folder, self.recipe = folder, recipe
        keras.utils.set_random_seed(recipe.schedule.seed)
        self.trunk = keras_nets.build_trunk(keras, arch, recipe.frozen)
        self.top = keras_nets.build_top(
            keras, arch, recipe.frozen, bins=recipe.bins, dropout=recipe.dropout
        )

    def initialise(self) -> str:
        """Loads the initial weights; returns a line that says which."""
        from ..nets import weights

        arch = keras_nets.architecture(self.recipe.network)
        for part in (self.trunk, self.top):
            said = weights.load_initial_weights(part, arch, self.recipe.init)
        return said

    def save(self) -> None:
        """Writes ``trunk.npz``, ``top.npz`` and ``recipe.json``."""
        from ..nets import weights

        weights.save_npz(self.trunk, self.folder / "trunk.npz")
        weights.save_npz(self.top, self.folder / "top.npz")
        write_json(self.folder / "recipe.json", asdict(self.recipe))

    @classmethod
    def load(cls, folder: Path) -> Member:
        """Opens a trained member.

        Raises:
            FileNotFoundError: It is not there or not finished.
        """
        from ..nets import weights

        if not (folder / "recipe.json").is_file():
            raise FileNotFoundError(
                f"no trained teacher in {folder}: run `edgeiqa convert teacher --name "
                f"{folder.name}` first"
            )
        stored = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
        stored["schedule"] = Schedule(**stored["schedule"])
        member = cls(folder, TeacherRecipe(**stored))
        for net, name in ((member.trunk, "trunk.npz"), (member.top, "top.npz")):
            weights.load_npz(net, folder / name, whole=True)
        return member

    def on_maps(self, maps: NDArray[Any], label: str) -> TeacherOutputs:
        """What the upper blocks say of the trunk's feature maps [N, h, w, C]."""
        logits, embedding = predict(self.top, maps, label=label)
        histogram = softmax(logits)
        centres = np.array(bin_centres(self.recipe.bins), np.float32)
        return TeacherOutputs(
            histogram @ centres, histogram, embedding, np.zeros(len(logits), np.float32)
        )

    def on_pixels(self, pixels: NDArray[np.uint8], label: str) -> TeacherOutputs:
        """What it says of pictures, uint8 [N, size, size, 3] RGB."""
        parts = []
        for start in range(0, len(pixels), 256):
            (maps,) = predict(self.trunk, pixels[start : start + 256], label=f"{label} {start}")
            parts.append(self.on_maps(maps, f"{label} {start}"))
        return TeacherOutputs(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("score", "histogram", "embedding", "std")
            )
        )

    def features(self, pixels: NDArray[np.uint8], key: str, work: Path, label: str) -> Any:
        """The trunk's feature maps of pictures, float16, computed once and kept on disk."""
        name = f"{key}-{self.recipe.network}-{self.recipe.frozen}-{_weights_digest(self.trunk)}"
        file = work / "features" / f"{name}.npy"
        if not file.is_file():
            (first,) = predict(self.trunk, pixels[:1], label=label)
            step = 256
            with replacing(file) as scratch:
                array = np.lib.format.open_memmap(
                    scratch, mode="w+", dtype=np.float16, shape=(len(pixels), *first.shape[1:])
                )
                for start in range(0, len(pixels), step):
                    (array[start : start + step],) = predict(
                        self.trunk, pixels[start : start + step], label=f"{label} {start}"
                    )
                array.flush()
        return np.load(file, mmap_mode="r")


def _weights_digest(net: Any) -> str:
    digest = hashlib.sha256()
    for value in net.get_weights():
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:16]


def train_teacher(
    rows: Sequence[ManifestRow], root: Path, work: Path, recipe: TeacherRecipe, name: str
) -> dict[str, Any]:
    """Fine-tunes one member of the teacher on the train split and caches its opinions.

    Crops of the feature maps leave out the watermark corner only as far as the trunk's receptive
    field has not spread it, and the cached opinions are of whole pictures; the student, whose crops
    are of pixels, never sees the corner with a label.

    Writes to ``work/teacher/NAME``: ``trunk.npz``, ``top.npz`` (weights), ``log.jsonl``,
    ``train.npz`` and ``validation.npz`` (:class:`TeacherOutputs`), ``recipe.json``.

    Args:
        rows: The manifest; train and validation are used, test never.
        root: The data root.
        work: Folder for caches, checkpoints and results.
        recipe: See :class:`TeacherRecipe`.
        name: Name of the member.

    Returns:
        Training log of the last epoch with the validation figures.
    """
    import keras

    refuse_reserved(select(rows, "train"), "training")
    member = Member(work / "teacher" / name, recipe)
    said = member.initialise()
    print(f"teacher {recipe.network} at {recipe.size} px, {said}, {recipe.frozen} blocks frozen")

    train_rows, validation_rows = select(rows, "train"), select(rows, "validation")
    fingerprint = asdict(recipe) | {
        "rows": rows_digest(train_rows),
        "weights": _weights_digest(member.trunk),
    }
    maps = {}
    for split, chosen in (("train", train_rows), ("validation", validation_rows)):
        pixels = load_pixels(chosen, root, recipe.size, work, label=f"{split} pictures")
        key = pixels_key(chosen, root, recipe.size)
        maps[split] = member.features(pixels, key, work, f"trunk on {split}")
    pairs = _pair_maps(member, train_rows, root, work)
    centres = np.array(bin_centres(recipe.bins), np.float32)
    mos = np.array([row.mos for row in validation_rows])
    subsets = [row.subset for row in validation_rows]

    def validate() -> Mapping[str, float]:
        return validation_figures(
            member.on_maps(maps["validation"], "validating").score, mos, subsets
        )

    trainer = Trainer(
        keras, member.top, _loss(recipe, centres), recipe.schedule, member.folder, fingerprint
    )
    make_batch = _batches(recipe, train_rows, maps["train"], pairs)
    log = trainer.fit(len(train_rows), make_batch, validate)
    for split, chosen in (("train", train_rows), ("validation", validation_rows)):
        outputs = member.on_maps(maps[split], f"teacher on {split}")
        outputs.save(member.folder / f"{split}.npz", rows_key(chosen))
    member.save()
    return log[-1]


_Pairs = tuple[NDArray[np.float16], NDArray[np.float32]]


def _pair_maps(
    member: Member, rows: Sequence[ManifestRow], root: Path, work: Path
) -> _Pairs | None:
    """Feature maps [P, 2, h, w, C] and margins [P] of the distorted pairs."""
    recipe = member.recipe
    if not recipe.ladder:
        return None
    pixels, margins = load_ladders(rows, root, recipe.size, work, recipe.pairs, POOL_SEED)
    said = f"{rows_digest(rows)} {recipe.pairs} {pixels[::97].sum()}"
    key = hashlib.sha256(said.encode()).hexdigest()[:20]
    flat = pixels.reshape(-1, *pixels.shape[2:])
    maps = member.features(flat, f"{key}-{recipe.size}", work, "trunk on distorted pairs")
    return maps.reshape(len(margins), 2, *maps.shape[1:]), margins


def _batches(
    recipe: TeacherRecipe,
    rows: Sequence[ManifestRow],
    maps: NDArray[np.float16],
    pairs: _Pairs | None,
) -> Callable[[NDArray[np.int64], np.random.Generator], Batch]:
    mos = np.array([row.mos for row in rows], np.float32)
    histogram = opinion_histograms(mos, [row.std for row in rows], recipe.bins)
    marked = np.array([row.subset in MARKED_SUBSETS for row in rows])

    def make_batch(chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        parts = [crop_and_flip(maps, chosen, marked[chosen], recipe.crop, generator)]
        batch: Batch = {"score": mos[chosen], "histogram": histogram[chosen]}
        if pairs is not None:
            pair_maps, margins = pairs
            which = generator.integers(len(margins), size=recipe.pairs_per_batch)
            batch["margin"] = margins[which]
            parts += same_crops(pair_maps, which, recipe.crop, generator)
        batch["input"] = np.concatenate(parts)
        return batch

    return make_batch


def _loss(recipe: TeacherRecipe, centres: NDArray[np.float32]) -> Any:
    from . import losses

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        logits, rated = outputs[0], batch["score"].shape[0]
        terms = {"mos": losses.quality(logits[:rated], batch["score"], batch["histogram"], centres)}
        if "margin" in batch:
            scores = losses.expected_score(logits[rated:], centres)
            half = scores.shape[0] // 2
            terms["ladder"] = recipe.ladder * losses.ladder(
                scores[:half], scores[half:], batch["margin"]
            )
        return terms

    return loss
