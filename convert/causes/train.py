"""Trains the network for causes on bags of patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from edgeiqa.inference.contract_spec import PATCHES

from ..common.metrics import srocc
from ..training.loop import Batch, Schedule, Trainer, predict
from .degradation import LEARNED
from .network import DetailNet, pooled
from .patch_bags import Bags

DEFAULT = Schedule(epochs=8, batch=32, rate=4e-3, head_rate=4e-3, weight_decay=1e-3)

KEPT = 0.5
"""Share of a bag's patches of each kind that a training step looks at."""

_LOGITS = 6.0
_LEASH = 1e-3


def train(
    bags: Bags,
    validation: Bags,
    views: Sequence[str],
    folder: Path,
    schedule: Schedule = DEFAULT,
    identity: Mapping[str, Any] | None = None,
) -> DetailNet:
    """Trains, or resumes where an earlier run was stopped.

    The loss is the cross-entropy between the severities and the sigmoids of the picture's logits:
    where patches carry no evidence, the network learns to predict the average.

    Args:
        bags: To learn from.
        validation: Bags of other scenes, for the log.
        views: Kinds of the patches, in order.
        folder: For checkpoint and log.
        schedule: How long and how fast.
        identity: What the bags were made of, for the checkpoint's fingerprint.

    Returns:
        The trained network.
    """
    keras.utils.set_random_seed(schedule.seed)
    net = DetailNet(views.count("reduced") / len(views))
    kinds = [np.flatnonzero([view == kind for view in views]) for kind in PATCHES]

    def make(chosen: NDArray[np.int64], generator: np.random.Generator) -> Batch:
        chosen_patches = np.concatenate(
            [
                np.sort(generator.choice(kind, round(KEPT * len(kind)), replace=False))
                for kind in kinds
            ]
        )
        patches = bags.patches[chosen][:, chosen_patches]
        if generator.random() < 0.5:
            patches = patches[..., ::-1]
        if generator.random() < 0.5:
            patches = patches.swapaxes(2, 3)
        return {"input": np.ascontiguousarray(patches), "severities": bags.severities[chosen]}

    kept = sum(round(KEPT * len(kind)) for kind in kinds)
    model = net.for_bags(kept, bags.patches.shape[-1])
    trainer = Trainer(keras, model, _loss, schedule, folder, identity or {})
    trainer.fit(len(bags), make, lambda: figures(net, validation))
    return net


def figures(net: DetailNet, bags: Bags) -> dict[str, float]:
    """Rank correlation and mean absolute error of the severities, per cause."""
    predicted = severities(net, bags.patches)
    found = {}
    for index, cause in enumerate(LEARNED):
        wanted = bags.severities[:, index]
        found[f"{cause}_srocc"] = srocc(predicted[:, index], wanted)
        found[f"{cause}_error"] = float(np.mean(np.abs(predicted[:, index] - wanted)))
    return found


def severities(net: DetailNet, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The severities of pictures, as `edgeiqa.analysis.severity.pooled` has them.

    Args:
        net: The network.
        patches: uint8 [N, P, side, side].

    Returns:
        float32 [N, causes], 0-1.
    """
    model = net.for_bags(*patches.shape[1:3])
    (outputs,) = predict(model, patches, batch=32, label="causes")
    native = outputs[:, : net.native_count(outputs.shape[1])]
    logits = ops.maximum(pooled(outputs), pooled(native)) if native.size else pooled(outputs)
    severity: NDArray[np.float32] = ops.convert_to_numpy(ops.sigmoid(logits))
    return severity


def _loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
    entropy = ops.binary_crossentropy(batch["severities"], pooled(outputs), from_logits=True)
    # Outputs share 8 bits: outliers cost steps that are wanted near 0.
    beyond = ops.relu(ops.abs(outputs) - _LOGITS)
    return {"entropy": ops.mean(entropy), "range": _LEASH * ops.mean(ops.square(beyond))}
