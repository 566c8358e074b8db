"""The training loop in PyTorch: bfloat16 where the processor has it, float32 weights always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convert.common.progress import progress
from convert.training.loop import Batch, Loop, Loss, Schedule


def device() -> torch.device:
    """The accelerator if there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast() -> Any:
    """bfloat16 for convolutions and matrix products; float32 where it costs accuracy."""
    return torch.autocast(device().type, torch.bfloat16)


class TorchTrainer(Loop):
    """Trains a PyTorch module.

    Args:
        net: The module.
        loss: Terms of the loss, see :data:`convert.training.loop.Loss`.
        schedule: See :class:`convert.training.loop.Loop`, as ``folder``, ``fingerprint`` and
            ``checkpoint_seconds``.
        folder: See :class:`convert.training.loop.Loop`.
        fingerprint: See :class:`convert.training.loop.Loop`.
        head: Parameters with this in their name are fresh and train at ``head_rate``.
        checkpoint_seconds: See :class:`convert.training.loop.Loop`.
    """

    def __init__(
        self,
        net: torch.nn.Module,
        loss: Loss,
        schedule: Schedule,
        folder: Path,
        fingerprint: Mapping[str, Any],
        *,
        head: str = "opinion",
        checkpoint_seconds: float = 180.0,
    ) -> None:
        super().__init__(schedule, folder, fingerprint, checkpoint_seconds=checkpoint_seconds)
        self.net = net.to(device())
        self._loss = loss
        named = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
        groups = [
            {"params": [p for name, p in named if head not in name], "peak": schedule.rate},
            {"params": [p for name, p in named if head in name], "peak": schedule.head_rate},
        ]
        self._optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=schedule.rate,
            weight_decay=schedule.weight_decay,
            fused=True,
        )
        # Moments exist from the start, so that state and restore agree before the first step.
        for group in self._optimizer.param_groups:
            for parameter in group["params"]:
                self._optimizer.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }

    def step(self, batch: Batch) -> Mapping[str, float]:
        """See :meth:`convert.training.loop.Loop.step`."""
        self.net.train()
        tensors = {name: _tensor(value) for name, value in batch.items()}
        # Dropout must not depend on how often the run was interrupted.
        torch.manual_seed(int(tensors["input"].flatten()[:4096].double().sum().item()))
        with autocast():
            outputs = self.net(tensors["input"])
        terms = self._loss(outputs, tensors)
        total: Any = sum(terms.values())
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()
        self._optimizer.step()
        values = {"loss": total, **terms}
        return {name: value.item() for name, value in values.items()}

    def set_rate(self, factor: float) -> None:
        """See :meth:`convert.training.loop.Loop.set_rate`."""
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * factor

    def _tensors(self) -> list[torch.Tensor]:
        held = list(self.net.state_dict().values())
        for group in self._optimizer.param_groups:
            for parameter in group["params"]:
                state = self._optimizer.state[parameter]
                held += [state["step"], state["exp_avg"], state["exp_avg_sq"]]
        return held

    def state(self) -> list[NDArray[Any]]:
        """See :meth:`convert.training.loop.Loop.state`."""
        return [tensor.detach().cpu().numpy() for tensor in self._tensors()]

    def restore(self, state: Sequence[NDArray[Any]]) -> None:
        """See :meth:`convert.training.loop.Loop.restore`."""
        with torch.no_grad():
            for tensor, value in zip(self._tensors(), state, strict=True):
                tensor.copy_(torch.from_numpy(np.array(value)))


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    return torch.from_numpy(np.array(array, order="C")).to(device())


def predict(
    net: torch.nn.Module,
    arrays: NDArray[Any],
    *,
    batch: int = 16,
    label: str = "predicting",
    exact: bool = False,
) -> list[NDArray[np.float32]]:
    """Runs a module over an array in batches.

    Args:
        net: A module with one output or several.
        arrays: [N, ...], NHWC.
        batch: Rows per call.
        label: What the progress bar says.
        exact: True computes in float32 throughout, as Keras does.

    Returns:
        float32 arrays [N, ...], one per output.
    """
    net.to(device()).eval()
    collected: list[list[NDArray[np.float32]]] = []
    starts = range(0, len(arrays), batch)
    with torch.inference_mode():
        for start in progress(starts, len(starts), label):
            tensor = _tensor(np.asarray(arrays[start : start + batch]))
            if exact:
                outputs = net(tensor)
            else:
                with autocast():
                    outputs = net(tensor)
            parts = outputs if isinstance(outputs, tuple) else (outputs,)
            collected.append([part.float().cpu().numpy() for part in parts])
    return [np.concatenate(parts) for parts in zip(*collected, strict=True)]
