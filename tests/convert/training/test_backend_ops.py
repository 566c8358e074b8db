"""The losses are written once: TensorFlow and PyTorch must give the same values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convert.common.opinion import bin_centres, opinion_histograms
from convert.training import losses

CENTRES = np.array(bin_centres(10), np.float32)
RANDOM = np.random.default_rng(3)
LOGITS = RANDOM.normal(0, 2, (6, 10)).astype(np.float32)
SCORE = RANDOM.uniform(0.1, 0.9, 6).astype(np.float32)
HISTOGRAM = opinion_histograms(SCORE)
WEIGHT = RANDOM.uniform(0.2, 2.0, 6).astype(np.float32)

LOSSES: dict[str, Callable[[Any, Callable[[Any], Any]], Any]] = {
    "quality": lambda x, t: losses.quality(x, t(SCORE), t(HISTOGRAM), CENTRES),
    "weighted": lambda x, t: losses.quality(x, t(SCORE), t(HISTOGRAM), CENTRES, t(WEIGHT)),
    "error alone": lambda x, t: losses.quality(
        x, t(SCORE), t(HISTOGRAM), CENTRES, parts=(0.0, 1.0, 0.0)
    ),
    "norm in norm": lambda x, t: losses.norm_in_norm(losses.expected_score(x, CENTRES), t(SCORE)),
    "cosine": lambda x, t: losses.cosine_distance(x, t(LOGITS[::-1].copy()), t(WEIGHT)),
    "ladder": lambda x, t: losses.ladder(x[:3, 0], x[3:, 0], t(WEIGHT[:3])),
}


@pytest.mark.parametrize("name", LOSSES)
def test_both_libraries_give_the_same_loss_and_gradient(name: str) -> None:
    import tensorflow as tf
    import torch

    loss = LOSSES[name]
    first = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        wanted = loss(first, tf.constant)
    gradient = tf.convert_to_tensor(tape.gradient(wanted, first)).numpy()
    second = torch.tensor(LOGITS, requires_grad=True)
    got = loss(second, torch.tensor)
    got.backward()
    assert got.item() == pytest.approx(float(wanted), abs=1e-5)
    assert second.grad is not None
    assert second.grad.numpy() == pytest.approx(gradient, abs=1e-5)


def test_pictures_of_no_weight_do_not_count() -> None:
    import torch

    def loss(logits: np.ndarray, weight: np.ndarray) -> float:
        arguments = (torch.tensor(logits), torch.tensor(SCORE), torch.tensor(HISTOGRAM), CENTRES)
        return float(losses.quality(*arguments, torch.tensor(weight)))

    weight = np.array([1, 1, 1, 1, 0, 0], np.float32)
    other = LOGITS.copy()
    other[4:] += RANDOM.normal(0, 3, (2, 10)).astype(np.float32)
    assert loss(other, weight) == pytest.approx(loss(LOGITS, weight), abs=1e-6)
    assert loss(other, WEIGHT) != pytest.approx(loss(LOGITS, WEIGHT), abs=1e-3)


def test_norm_in_norm_is_blind_to_scale_and_offset() -> None:
    import torch

    target = torch.tensor(SCORE)
    assert float(losses.norm_in_norm(5 * target - 1, target)) == pytest.approx(0.0, abs=1e-5)
    assert float(losses.norm_in_norm(-target, target)) == pytest.approx(1.0, abs=1e-4)
