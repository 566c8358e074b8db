"""The few tensor operations that the losses need, in TensorFlow and in PyTorch.

Teachers and students train in PyTorch, the quantisation-aware student in TensorFlow. So that both
minimise the very same losses, :mod:`convert.training.losses` is written once, against
:class:`TensorOps`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

Tensor = Any  # a tf.Tensor or torch.Tensor; TensorFlow ships no usable type information


@dataclass(frozen=True, slots=True)
class TensorOps:
    """One library's operations; reductions are over all elements unless named otherwise.

    Attributes:
        constant: A float32 array as a tensor, on the device of another tensor.
        softmax: Over the last axis.
        cumsum: Over the last axis.
        erf: Error function.
        sqrt: Square root.
        relu: ``max(x, 0)``.
        mean: Mean of all elements.
        total: Sum of all elements.
        row_sum: Sum over the last axis.
        normalise: Divides by the Euclidean norm over the last axis.
        eye: The identity matrix of a size, on the device of another tensor.
    """

    constant: Callable[[Any, Tensor], Tensor]
    softmax: Callable[[Tensor], Tensor]
    cumsum: Callable[[Tensor], Tensor]
    erf: Callable[[Tensor], Tensor]
    sqrt: Callable[[Tensor], Tensor]
    relu: Callable[[Tensor], Tensor]
    mean: Callable[[Tensor], Tensor]
    total: Callable[[Tensor], Tensor]
    row_sum: Callable[[Tensor], Tensor]
    normalise: Callable[[Tensor], Tensor]
    eye: Callable[[int, Tensor], Tensor]


def ops_of(tensor: Tensor) -> TensorOps:
    """The operations of the library that a tensor belongs to."""
    return _torch() if type(tensor).__module__.split(".")[0] == "torch" else _tensorflow()


@cache
def _tensorflow() -> TensorOps:
    import tensorflow as tf

    return TensorOps(
        constant=lambda x, like: tf.constant(x, tf.float32),
        softmax=tf.nn.softmax,
        cumsum=lambda x: tf.cumsum(x, axis=-1),
        erf=tf.math.erf,
        sqrt=tf.sqrt,
        relu=tf.nn.relu,
        mean=tf.reduce_mean,
        total=tf.reduce_sum,
        row_sum=lambda x: tf.reduce_sum(x, axis=-1),
        normalise=lambda x: tf.math.l2_normalize(x, axis=-1),
        eye=lambda size, like: tf.eye(size),
    )


@cache
def _torch() -> TensorOps:
    import torch

    return TensorOps(
        constant=lambda x, like: torch.as_tensor(x, dtype=torch.float32, device=like.device),
        softmax=lambda x: torch.softmax(x, -1),
        cumsum=lambda x: torch.cumsum(x, -1),
        erf=torch.erf,
        sqrt=torch.sqrt,
        relu=torch.relu,
        mean=torch.mean,
        total=torch.sum,
        row_sum=lambda x: torch.sum(x, -1),
        normalise=lambda x: torch.nn.functional.normalize(x, dim=-1),
        eye=lambda size, like: torch.eye(size, device=like.device),
    )
