"""A small resumable training loop for the small PyTorch networks of this package."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.common.files import replacing
from convert.common.progress import progress
from convert.datasets.manifest import DataError

Batch = Callable[[NDArray[np.int64], np.random.Generator], tuple[Any, Any]]
"""From indices and a seeded generator to network input and target, tensors both."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast.

    Attributes:
        epochs: Passes over the items.
        batch: Items per step.
        rate: Peak learning rate of Adam; it rises over a tenth of the steps, then falls by cosine.
        seed: Of shuffling and of the batches' draws.
    """

    epochs: int
    batch: int
    rate: float
    seed: int

    def factor(self, step: int, steps: int) -> float:
        """The rate at a step as a share of the peak."""
        rise = max(1, steps // 10)
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def train(
    network: Any,
    loss: Callable[[Any, Any], Any],
    batch: Batch,
    count: int,
    plan: Plan,
    state: Path,
    identity: str,
) -> list[float]:
    """Trains a network, or goes on where an interrupted run stopped.

    Args:
        network: A torch module; trained in place.
        loss: Of the network's output and the target.
        batch: Makes the batches.
        count: Number of items.
        plan: How long and how fast.
        state: File that holds the run after each epoch.
        identity: What else the run depends on; a state of another run is not resumed.

    Returns:
        Mean loss of each epoch.

    Raises:
        RuntimeError: The loss is not finite.
    """
    import torch

    key = hashlib.sha256(
        json.dumps([identity, count, asdict(plan), os.fspath(state.name)]).encode()
    ).hexdigest()
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.rate)
    losses: list[float] = []
    if state.is_file():
        stored = torch.load(state, weights_only=True)
        if stored["key"] == key:
            network.load_state_dict(stored["network"])
            optimiser.load_state_dict(stored["optimiser"])
            losses = list(stored["losses"])
    per_epoch = max(1, count // plan.batch)
    for epoch in range(len(losses), plan.epochs):
        began = time.monotonic()
        order = np.random.default_rng((plan.seed, epoch)).permutation(count)
        total = 0.0
        network.train()
        for step in progress(range(per_epoch), label=f"{state.stem} epoch {epoch + 1}"):
            chosen = order[step * plan.batch : (step + 1) * plan.batch]
            generator = np.random.default_rng((plan.seed, epoch, step))
            torch.manual_seed(int(generator.integers(2**31)))  # dropout
            rate = plan.rate * plan.factor(epoch * per_epoch + step, plan.epochs * per_epoch)
            for group in optimiser.param_groups:
                group["lr"] = rate
            inputs, target = batch(chosen, generator)
            value = loss(network(inputs), target)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            total += float(value.detach())
        mean = total / per_epoch
        if not math.isfinite(mean):
            raise RuntimeError(f"the loss of {state.stem} is {mean} in epoch {epoch + 1}")
        losses.append(mean)
        with replacing(state) as scratch:
            torch.save(
                {
                    "key": key,
                    "network": network.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "losses": losses,
                },
                scratch,
            )
        seconds = time.monotonic() - began
        print(f"{state.stem}: epoch {epoch + 1} of {plan.epochs}, loss {mean:.4f}, {seconds:.0f} s")
    network.eval()
    return losses


def weights_of(network: Any) -> dict[str, NDArray[Any]]:
    """The weights as float32 arrays."""
    return {name: value.numpy().astype(np.float32) for name, value in network.state_dict().items()}


def set_weights(network: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Fills a network with what `weights_of` gave, for inference.

    Raises:
        DataError: Arrays are missing or have other shapes.
    """
    import torch

    wanted = network.state_dict()
    if missing := sorted(set(wanted) - set(arrays)):
        raise DataError(f"a trained baseline lacks {', '.join(missing)}")
    try:
        network.load_state_dict({name: torch.from_numpy(arrays[name].copy()) for name in wanted})
    except RuntimeError as error:
        raise DataError(f"a trained baseline does not fit its network: {error}") from error
    network.eval()


def parameters_of(network: Any) -> int:
    """Number of learnt numbers."""
    return sum(int(parameter.numel()) for parameter in network.parameters())
