"""Losses on opinion histogram logits, in TensorFlow operations.

They serve the Keras 3 trainer and the Keras 2 quantisation-aware trainer alike.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Tensor = Any  # tf.Tensor; TensorFlow ships no usable type information

OPINION_SIGMA = 0.1
"""Thurstone deviation on the 0-1 scale that turns score differences into preferences."""


def expected_score(logits: Tensor, centres: Tensor) -> Tensor:
    """Mean of the opinion histogram: [B, bins] logits to [B] scores on 0-1."""
    return tf.linalg.matvec(tf.nn.softmax(logits), centres)


def earth_mover(logits: Tensor, histogram: Tensor) -> Tensor:
    """Squared earth mover's distance between histograms on one axis.

    Hou, Yu and Samaras, "Squared Earth Mover's Distance-based Loss for Training Deep Neural
    Networks", 2016; the loss of NIMA (Talebi and Milanfar, 2018) with r = 2.

    Args:
        logits: [B, bins].
        histogram: Target probabilities [B, bins].

    Returns:
        Mean over batch and bins of the squared difference of the cumulative histograms.
    """
    difference = tf.cumsum(tf.nn.softmax(logits) - histogram, axis=-1)
    return tf.reduce_mean(tf.square(difference))


def preference(score: Tensor, sigma: float = OPINION_SIGMA) -> Tensor:
    """Thurstone's probability that picture i is preferred to j: [B] scores to [B, B]."""
    difference = (score[:, None] - score[None, :]) / (sigma * 2.0**0.5)
    return 0.5 * (1.0 + tf.math.erf(difference / 2.0**0.5))


def fidelity(score: Tensor, target: Tensor, sigma: float = OPINION_SIGMA) -> Tensor:
    """Pairwise fidelity loss over all pairs of a batch.

    Tsai et al., "FRank", SIGIR 2007; in quality assessment: Zhang et al., "Uncertainty-aware blind
    image quality assessment" (UNIQUE), IEEE TIP 2021.

    Args:
        score: Predicted scores on 0-1, [B].
        target: Target scores on 0-1, [B].
        sigma: Thurstone deviation of one opinion.

    Returns:
        ``1 - sqrt(p q) - sqrt((1 - p)(1 - q))`` averaged over the ordered pairs i != j.
    """
    p, q = preference(score, sigma), preference(target, sigma)
    tiny = 1e-6  # keeps the square root's slope finite
    loss = 1.0 - tf.sqrt(p * q + tiny) - tf.sqrt((1.0 - p) * (1.0 - q) + tiny)
    count = tf.cast(tf.shape(score)[0], loss.dtype)
    off_diagonal = loss * (1.0 - tf.eye(tf.shape(score)[0], dtype=loss.dtype))
    return tf.reduce_sum(off_diagonal) / tf.maximum(count * (count - 1.0), 1.0)


def quality(logits: Tensor, score: Tensor, histogram: Tensor, centres: Tensor) -> Tensor:
    """The loss against one source of scores, human or teacher.

    Pairwise fidelity orders pictures, the squared error keeps the scale, the earth mover's
    distance shapes the histogram; the weights bring the three to a like size early in training.

    Args:
        logits: [B, bins].
        score: Target score on 0-1, [B].
        histogram: Target histogram [B, bins].
        centres: Bin centres [bins].
    """
    predicted = expected_score(logits, centres)
    squared = tf.reduce_mean(tf.square(predicted - score))
    return fidelity(predicted, score) + 10.0 * squared + 5.0 * earth_mover(logits, histogram)


def cosine_distance(embedding: Tensor, target: Tensor) -> Tensor:
    """Mean cosine distance between rows, [B, D] each."""
    a = tf.math.l2_normalize(embedding, axis=-1)
    b = tf.math.l2_normalize(target, axis=-1)
    return tf.reduce_mean(1.0 - tf.reduce_sum(a * b, axis=-1))


def ladder(better: Tensor, worse: Tensor, margin: Tensor) -> Tensor:
    """Hinge on pairs of one scene: the less distorted picture must score ``margin`` higher.

    Liu, van de Weijer and Bagdanov, "RankIQA: Learning from rankings for no-reference image
    quality assessment", ICCV 2017.

    Args:
        better: Scores of the less distorted pictures on 0-1, [P].
        worse: Scores of the more distorted ones, [P].
        margin: Least difference per pair on 0-1, [P].
    """
    return tf.reduce_mean(tf.nn.relu(margin - (better - worse)))
