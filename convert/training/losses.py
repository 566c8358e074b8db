"""Losses on opinion histogram logits, for TensorFlow and PyTorch tensors alike."""

from __future__ import annotations

from typing import Any

from convert.training.backend_ops import Tensor, ops_of

OPINION_SIGMA = 0.1
"""Thurstone deviation on the 0-1 scale that turns score differences into preferences."""


def expected_score(logits: Tensor, centres: Any) -> Tensor:
    """Mean of the opinion histogram: [B, bins] logits to [B] scores on 0-1."""
    ops = ops_of(logits)
    return ops.row_sum(ops.softmax(logits) * ops.constant(centres, logits))


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Mean of [B] values, each counting ``weights`` [B]; None counts them alike."""
    ops = ops_of(values)
    if weights is None:
        return ops.mean(values)
    return ops.total(values * weights) / (ops.total(weights) + 1e-6)


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
    ops = ops_of(logits)
    difference = ops.cumsum(ops.softmax(logits) - histogram)
    return weighted_mean(ops.row_sum(difference * difference), weights) / logits.shape[-1]


def preference(score: Tensor, sigma: float = OPINION_SIGMA) -> Tensor:
    """Thurstone's probability that picture i is preferred to j: [B] scores to [B, B]."""
    difference = (score[:, None] - score[None, :]) / (sigma * 2.0**0.5)
    return 0.5 * (1.0 + ops_of(score).erf(difference / 2.0**0.5))


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
    ops = ops_of(score)
    p, q = preference(score, sigma), preference(target, sigma)
    tiny = 1e-6  # keeps the square root's slope finite
    loss = 1.0 - ops.sqrt(p * q + tiny) - ops.sqrt((1.0 - p) * (1.0 - q) + tiny)
    pairs = 1.0 - ops.eye(score.shape[0], score)
    if weights is not None:
        pairs = pairs * weights[:, None] * weights[None, :]
    return ops.total(loss * pairs) / (ops.total(pairs) + tiny)


def squared(score: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean squared error of scores [B]."""
    return weighted_mean((score - target) * (score - target), weights)


def norm_in_norm(score: Tensor, target: Tensor) -> Tensor:
    """Distance of standardised scores, blind to scale and offset (p = q = 1).

    Li, Jiang and Jiang, "Norm-in-Norm Loss with Faster Convergence and Better Performance for
    Image Quality Assessment", ACM Multimedia 2020.

    Args:
        score: Predicted scores, [B].
        target: Target scores, [B].

    Returns:
        Mean absolute difference of the centred scores after division by their L1 norms, scaled to
        0-1 (two opposite unit vectors are 2 apart).
    """
    ops = ops_of(score)

    def standardised(x: Tensor) -> Tensor:
        centred = x - ops.mean(x)
        return centred / (ops.total(ops.relu(centred) + ops.relu(-centred)) + 1e-6)

    difference = standardised(score) - standardised(target)
    return ops.total(ops.relu(difference) + ops.relu(-difference)) / 2.0


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
    ops = ops_of(embedding)
    cosine = ops.row_sum(ops.normalise(embedding) * ops.normalise(target))
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
    ops = ops_of(better)
    return ops.mean(ops.relu(margin - (better - worse)))
