"""What a student learns from: its recipe, and batches of pictures with what is said of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.opinion import opinion_histograms
from ..datasets.augment import LARGEST_CROP, MARKED_SUBSETS, crop_and_flip, same_crops
from ..datasets.cache import load_pixels
from ..datasets.holdout import refuse_reserved
from ..datasets.ladders import load_ladders
from ..datasets.manifest import ManifestRow
from ..datasets.unlabelled import load_unlabelled
from ..distortions.watermark import paint
from ..nets import keras_nets
from .loop import Batch, Schedule
from .teacher_outputs import POOL_SEED, TeacherOutputs, pool_key, rows_key


@dataclass(frozen=True, slots=True)
class StudentRecipe:
    """Everything that a student run depends on, besides data and teacher.

    Attributes:
        network: Name of the backbone, see :func:`convert.nets.keras_nets.architecture`.
        init: Initial weights, see :func:`convert.nets.weights.load_initial_weights`, or the name
            of a shipped model.
        size: Height and width of the network in use, in pixels.
        crop: Side of the training crop, in pixels; None takes ``size``. The crop of a ``source``
            that is larger than ``size`` may be smaller, so that both show a scene about as large.
        source: Size that pictures are squashed to before the crop; at most 0.89 of it is cropped
            so that the watermark corner can be left out. None takes 7/6 of ``size``.
        bins: Opinion histogram bins.
        dropout: Share of the embedding dropped in training.
        teacher: Weight of the loss against the teacher's opinion; 0 trains without a teacher.
        rank: Weight of pairwise fidelity inside the losses against people and teacher.
        histogram: Weight of the earth mover's distance inside them.
        features: Weight of the cosine distance to the teacher's features.
        ladder: Weight of the hinge on distorted pairs; 0 trains without them.
        pairs: Number of distorted pairs to make.
        pairs_per_batch: Distorted pairs added to each batch.
        unlabelled: Number of unlabelled pictures; the teacher must have scored as many.
        unlabelled_per_batch: Unlabelled pictures added to each batch.
        zoom: Share of batches whose rated pictures are crops of an 8/7 larger version, so that a
            score learns not to read the resolution of a scene as its sharpness.
        watermark: Share of pictures that get a painted watermark.
        frozen: Number of blocks, with the stem, that stay as they were loaded: the largest feature
            maps cost most to train, and change least once trained at a lower resolution.
        probe: Steps in which the opinion layer learns alone before the rest joins, see
            :mod:`convert.training.linear_probe`.
        limit: Train on this many of the training pictures, drawn by the seed; None takes all.
        schedule: How long and how fast.
    """

    network: str = "mobilenet_v2"
    init: str = "imagenet"
    size: int = 384
    crop: int | None = None
    source: int | None = None
    bins: int = 10
    dropout: float = 0.2
    teacher: float = 1.0
    rank: float = 1.0
    histogram: float = 5.0
    features: float = 0.5
    ladder: float = 2.0
    pairs: int = 1500
    pairs_per_batch: int = 2
    unlabelled: int = 0
    unlabelled_per_batch: int = 4
    zoom: float = 0.0
    watermark: float = 0.15
    frozen: int = 0
    probe: int = 0
    limit: int | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        blocks = len(keras_nets.architecture(self.network).blocks)
        if not 0 <= self.frozen <= blocks:
            raise ValueError(f"{self.network} has {blocks} blocks, cannot freeze {self.frozen}")
        if self.size < 32:
            raise ValueError(f"size must be at least 32 px, got {self.size}")
        if self.crop is not None and self.crop < 32:
            raise ValueError(f"a crop must be at least 32 px, got {self.crop}")
        if self.crop_size > LARGEST_CROP * self.source_size:
            raise ValueError(
                f"a crop of {self.crop_size} px from {self.source_size} px would show watermark "
                f"corners; the source must be at least "
                f"{math.ceil(self.crop_size / LARGEST_CROP)} px"
            )
        weights = (self.teacher, self.rank, self.histogram, self.features, self.ladder)
        if min(weights) < 0:
            raise ValueError("weights of losses must not be negative")
        if self.ladder and not (self.pairs > 0 and self.pairs_per_batch > 0):
            raise ValueError("the ladder loss needs pairs, and pairs in each batch")
        if self.unlabelled and not (self.teacher and self.unlabelled_per_batch > 0):
            raise ValueError("unlabelled pictures need a teacher, and a place in each batch")
        if not 0.0 <= self.zoom <= 1.0:
            raise ValueError(f"zoom must be a share from 0 to 1, got {self.zoom}")
        if self.probe < 0:
            raise ValueError(f"probe must not be negative, got {self.probe}")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")

    @property
    def source_size(self) -> int:
        """The size that pictures are squashed to before the crop."""
        return self.source if self.source is not None else round(self.size * 7 / 6)

    @property
    def crop_size(self) -> int:
        """Side of the training crop."""
        return self.size if self.crop is None else self.crop

    @property
    def parts(self) -> tuple[float, float, float]:
        """Weights inside :func:`convert.training.losses.quality`."""
        return (self.rank, 10.0, self.histogram)


def personal(name: str) -> StudentRecipe:
    """The recipe for training from the weights of a shipped model on a few hundred ratings.

    Only the last blocks learn, after the opinion layer alone: what makes a photograph sharp or
    noisy is known already. There is no teacher, whose opinions would differ from the ratings, and
    no pairs that say how distorted pictures should score.

    Args:
        name: Of a shipped model.
    """
    from edgeiqa.inference.model import find

    from ..nets.shipped import load_shipped

    shipped = load_shipped(find(name))
    return StudentRecipe(
        network=shipped.arch.name,
        init=name,
        size=shipped.contract.input.height,
        bins=len(shipped.contract.score_output.bins or ()),
        teacher=0.0,
        features=0.0,
        ladder=0.0,
        watermark=0.0,
        frozen=len(shipped.arch.blocks) - 2,
        probe=200,
        # Gentle: without statistics to follow, large steps would undo what is known.
        schedule=Schedule(epochs=2, rate=1e-5, head_rate=1e-4),
    )


class StudentData:
    """Training pictures, labels, teacher outputs, unlabelled and distorted ones, as batches.

    Args:
        rows: Training rows.
        root: The data root.
        work: Folder of caches and teacher outputs.
        recipe: Decides sizes and what is needed.

    Raises:
        DataError: A row must not be used for training, see :mod:`convert.datasets.holdout`.
    """

    def __init__(
        self, rows: Sequence[ManifestRow], root: Path, work: Path, recipe: StudentRecipe
    ) -> None:
        refuse_reserved(rows, "training")
        source = recipe.source_size
        self.recipe = recipe
        self.share = recipe.crop_size / source
        self.pixels = load_pixels(rows, root, source, work, label="train pictures")
        self.larger = self.pixels
        if recipe.zoom:
            self.larger = load_pixels(
                rows, root, round(source * 8 / 7), work, label="larger train pictures"
            )
        self.mos = np.array([row.mos for row in rows], np.float32)
        self.histogram = opinion_histograms(self.mos, [row.std for row in rows], recipe.bins)
        self.marked = np.array([row.subset in MARKED_SUBSETS for row in rows])
        self.used = np.arange(len(rows))
        if recipe.limit is not None:
            drawn = np.random.default_rng((recipe.schedule.seed, 5)).permutation(len(rows))
            self.used = np.sort(drawn[: recipe.limit])
        self.teacher: TeacherOutputs | None = None
        self.pool: TeacherOutputs | None = None
        if recipe.teacher or recipe.features:
            self.teacher = self._opinions(work, "train", rows_key(rows))
            self.certainty = self.teacher.certainty()
        if recipe.unlabelled:
            key = pool_key(rows, recipe.unlabelled)
            self.pool = self._opinions(work, "unlabelled", key)
            self.pool_certainty = self.pool.certainty()
            self.pool_pixels = load_unlabelled(
                rows, root, source, work, recipe.unlabelled, POOL_SEED
            )
        if recipe.ladder:
            self.ladders, self.margins = load_ladders(
                rows, root, source, work, recipe.pairs, POOL_SEED
            )

    def __len__(self) -> int:
        return len(self.used)

    def _opinions(self, work: Path, split: str, key: str) -> TeacherOutputs:
        outputs = TeacherOutputs.load(work / "teacher" / f"{split}.npz", key)
        if outputs.histogram.shape[1] != self.recipe.bins:
            raise ValueError(
                f"the teacher has {outputs.histogram.shape[1]} opinion bins, the student "
                f"{self.recipe.bins}"
            )
        return outputs

    def labels(self, chosen: NDArray[np.int64]) -> Batch:
        """What people and, if there is one, the teacher say of rated pictures."""
        said = {} if self.teacher is None else _said(self.teacher, self.certainty, chosen)
        return {"score": self.mos[chosen], "histogram": self.histogram[chosen], **said}

    def batch(self, drawn: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        """The arrays of one batch: rated pictures, then unlabelled, then distorted pairs.

        Args:
            drawn: Numbers of the rated pictures among those in use.
            generator: Source of all randomness.

        Returns:
            ``input`` uint8 pictures; ``score`` and ``histogram`` of the rated; ``teacher_*`` of
            the rated and the unlabelled; ``margin`` of the pairs.
        """
        recipe, chosen = self.recipe, self.used[drawn]
        pixels = self.larger if recipe.zoom and generator.random() < recipe.zoom else self.pixels
        share = recipe.crop_size / pixels.shape[1]
        pictures = crop_and_flip(pixels, chosen, self.marked[chosen], share, generator)
        for slot in np.flatnonzero(generator.random(len(chosen)) < recipe.watermark):
            pictures[slot] = paint(pictures[slot], generator)
        batch = self.labels(chosen)
        parts = [pictures]
        if self.pool is not None:
            which = generator.integers(len(self.pool_pixels), size=recipe.unlabelled_per_batch)
            unmarked = np.zeros(len(which), np.bool_)
            parts.append(crop_and_flip(self.pool_pixels, which, unmarked, self.share, generator))
            more = _said(self.pool, self.pool_certainty, which)
            batch |= {name: np.concatenate([batch[name], more[name]]) for name in more}
        if recipe.ladder:
            which = generator.integers(len(self.margins), size=recipe.pairs_per_batch)
            parts += same_crops(self.ladders, which, self.share, generator)
            batch["margin"] = self.margins[which]
        batch["input"] = np.concatenate(parts)
        return batch


def _said(
    outputs: TeacherOutputs, certainty: NDArray[np.float32], chosen: NDArray[np.int64]
) -> Batch:
    return {
        "teacher_score": outputs.score[chosen],
        "teacher_histogram": outputs.histogram[chosen],
        "teacher_embedding": outputs.embedding[chosen],
        "teacher_weight": certainty[chosen],
    }


def student_loss(recipe: StudentRecipe, centres: Any) -> Any:
    """The loss of a student, see :data:`convert.training.loop.Loss`.

    Args:
        recipe: Decides its terms.
        centres: Bin centres [bins].
    """
    from . import losses

    def loss(outputs: Any, batch: Any) -> Any:
        logits, projected = outputs
        rated = batch["score"].shape[0]
        terms = {
            "mos": losses.quality(
                logits[:rated], batch["score"], batch["histogram"], centres, parts=recipe.parts
            )
        }
        if "teacher_score" in batch:
            judged, weight = batch["teacher_score"].shape[0], batch["teacher_weight"]
            if recipe.teacher:
                terms["teacher"] = recipe.teacher * losses.quality(
                    logits[:judged],
                    batch["teacher_score"],
                    batch["teacher_histogram"],
                    centres,
                    weight,
                    parts=recipe.parts,
                )
            if recipe.features:
                terms["features"] = recipe.features * losses.cosine_distance(
                    projected[:judged], batch["teacher_embedding"], weight
                )
        if "margin" in batch:
            pairs = batch["margin"].shape[0]
            scores = losses.expected_score(logits[-2 * pairs :], centres)
            terms["ladder"] = recipe.ladder * losses.ladder(
                scores[:pairs], scores[pairs:], batch["margin"]
            )
        return terms

    return loss
