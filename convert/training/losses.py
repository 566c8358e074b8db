"""Losses on opinion histogram logits, in ``keras.ops``."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any  # of the backend in use; none of them ships usable type information

OPINION_SIGMA = 0.1
"""Thurstone deviation on the 0-1 scale that turns score differences into preferences."""


def expected_score(logits: Tensor, centres: Any) -> Tensor:
    """Mean of the opinion histogram: [B, bins] logits to [B] scores on 0-1."""
    return ops.sum(ops.softmax(logits) * ops.convert_to_tensor(centres, "float32"), axis=-1)


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Mean of [B] values, each counting ``weights`` [B]; None counts them alike."""
    if weights is None:
        return ops.mean(values)
    return ops.sum(values * weights) / (ops.sum(weights) + 1e-6)


def earth_mover(logits: Tensor, histogram: Tensor, weights: Tensor | None = None) -> Tensor:
    """Squared earth mover's distance between histograms on one axis.

    Hou, Yu and Samaras, "Squared Earth Mover's Distance-based Loss for Training Deep Neural
    Networks", 2016; the loss of NIMA (Talebi and Milanfar, 2018) with r = 2.

    Args:
        logits: [B, bins].
        histogram: Target probabilities [B, bins].
        weights: How much each picture counts, [B].

    Returns:
        Mean over batch and bins of the squared difference of the cumulative histograms.
    """
    difference = ops.cumsum(ops.softmax(logits) - histogram, axis=-1)
    return weighted_mean(ops.sum(difference * difference, axis=-1), weights) / logits.shape[-1]


def preference(score: Tensor, sigma: float = OPINION_SIGMA) -> Tensor:
    """Thurstone's probability that picture i is preferred to j: [B] scores to [B, B]."""
    difference = (score[:, None] - score[None, :]) / (sigma * 2.0**0.5)
    return 0.5 * (1.0 + ops.erf(difference / 2.0**0.5))


def fidelity(
    score: Tensor, target: Tensor, sigma: float = OPINION_SIGMA, weights: Tensor | None = None
) -> Tensor:
    """Pairwise fidelity loss over all pairs of a batch.

    Tsai et al., "FRank", SIGIR 2007; in quality assessment: Zhang et al., "Uncertainty-aware blind
    image quality assessment" (UNIQUE), IEEE TIP 2021.

    Args:
        score: Predicted scores on 0-1, [B].
        target: Target scores on 0-1, [B].
        sigma: Thurstone deviation of one opinion.
        weights: How much each picture counts, [B]; a pair counts the product of its two.

    Returns:
        ``1 - sqrt(p q) - sqrt((1 - p)(1 - q))`` averaged over the ordered pairs i != j.
    """
    p, q = preference(score, sigma), preference(target, sigma)
    tiny = 1e-6  # keeps the square root's slope finite
    loss = 1.0 - ops.sqrt(p * q + tiny) - ops.sqrt((1.0 - p) * (1.0 - q) + tiny)
    pairs = 1.0 - ops.eye(score.shape[0])
    if weights is not None:
        pairs = pairs * weights[:, None] * weights[None, :]
    return ops.sum(loss * pairs) / (ops.sum(pairs) + tiny)


def squared(score: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean squared error of scores [B]."""
    return weighted_mean((score - target) * (score - target), weights)


def quality(
    logits: Tensor,
    score: Tensor,
    histogram: Tensor,
    centres: Any,
    weights: Tensor | None = None,
    *,
    parts: tuple[float, float, float] = (1.0, 10.0, 5.0),
) -> Tensor:
    """The loss against one source of scores, human or teacher.

    Pairwise fidelity orders pictures, the squared error keeps the scale, the earth mover's
    distance shapes the histogram; the weights bring the three to a like size early in training.

    Args:
        logits: [B, bins].
        score: Target score on 0-1, [B].
        histogram: Target histogram [B, bins].
        centres: Bin centres [bins].
        weights: How much each picture counts, [B].
        parts: Weights of fidelity, squared error and earth mover's distance; 0 leaves one out.
    """
    predicted = expected_score(logits, centres)
    rank, error, shape = parts
    total = error * squared(predicted, score, weights)
    if rank:
        total = total + rank * fidelity(predicted, score, weights=weights)
    if shape:
        total = total + shape * earth_mover(logits, histogram, weights)
    return total


def cosine_distance(embedding: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cosine distance between rows, [B, D] each."""
    cosine = ops.sum(ops.normalize(embedding) * ops.normalize(target), axis=-1)
    return weighted_mean(1.0 - cosine, weights)


def ladder(better: Tensor, worse: Tensor, margin: Tensor) -> Tensor:
    """Hinge on pairs of one scene: the less distorted picture must score ``margin`` higher.

    Liu, van de Weijer and Bagdanov, "RankIQA: Learning from rankings for no-reference image
    quality assessment", ICCV 2017.

    Args:
        better: Scores of the less distorted pictures on 0-1, [P].
        worse: Scores of the more distorted ones, [P].
        margin: Least difference per pair on 0-1, [P].
    """
    return ops.mean(ops.relu(margin - (better - worse)))
