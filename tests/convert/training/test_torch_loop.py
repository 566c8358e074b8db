from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.training.loop import Schedule, TrainingError
from convert.training.torch_loop import TorchTrainer, predict

COUNT = 40
X = np.random.default_rng(0).normal(size=(COUNT, 5)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5, 0.0, 3.0], np.float32))[:, None]


def make_trainer(folder: Path, **changes: Any) -> TorchTrainer:
    import torch

    torch.manual_seed(1)
    net = torch.nn.Sequential()
    net.add_module("body", torch.nn.Linear(5, 4))
    net.add_module("norm", torch.nn.BatchNorm1d(4))
    net.add_module("dropout", torch.nn.Dropout(0.1))
    net.add_module("opinion", torch.nn.Linear(4, 1))

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"error": (outputs.float() - batch["y"]).square().mean()}

    schedule = Schedule(epochs=3, batch=8, rate=0.05, head_rate=0.05, weight_decay=0.0, seed=4)
    settings = {"data": 1, **changes.pop("fingerprint", {})}
    return TorchTrainer(net, loss, schedule, folder, settings, **changes)


def make_batch(chosen: np.ndarray, generator: np.random.Generator) -> dict[str, Any]:
    return {"input": X[chosen], "y": Y[chosen]}


def error_of(trainer: TorchTrainer) -> float:
    return float(np.mean((predict(trainer.net, X)[0] - Y) ** 2))


def test_it_learns_and_validates_as_often_as_asked(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "a")
    before = error_of(trainer)
    log = trainer.fit(COUNT, make_batch, lambda: {"val_error": error_of(trainer)})
    assert log[-1]["val_error"] == pytest.approx(error_of(trainer), abs=1e-4)
    assert log[-1]["val_error"] < 0.7 * before
    trainer = make_trainer(tmp_path / "b")
    log = trainer.fit(COUNT, make_batch, lambda: {"val_error": 1.0}, follow=False)
    assert ["val_error" in record for record in log] == [False, False, True]


class PowerCutError(Exception):
    """Stands for a power cut in the middle of an epoch."""


def test_interrupted_training_resumes_to_the_very_same_weights(tmp_path: Path) -> None:
    straight = make_trainer(tmp_path / "straight")
    whole = straight.fit(COUNT, make_batch, dict)
    calls = 0

    def failing(chosen: np.ndarray, generator: np.random.Generator) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls == 9:  # the fourth batch of the second epoch
            raise PowerCutError
        return make_batch(chosen, generator)

    with pytest.raises(PowerCutError):
        make_trainer(tmp_path / "broken", checkpoint_seconds=0.0).fit(COUNT, failing, dict)
    second = make_trainer(tmp_path / "broken")
    log = second.fit(COUNT, make_batch, dict)
    for record, expected in zip(log, whole, strict=True):
        assert record["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    for ours, theirs in zip(second.state(), straight.state(), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    make_trainer(tmp_path).fit(COUNT, make_batch, dict)
    with pytest.raises(TrainingError, match="other settings"):
        make_trainer(tmp_path, fingerprint={"data": 2}).fit(COUNT, make_batch, dict)


def test_head_and_body_have_their_own_rates_and_frozen_parts_none(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    groups = trainer._optimizer.param_groups
    trainer.set_rate(0.5)
    assert [len(group["params"]) for group in groups] == [4, 2]
    assert [group["lr"] for group in groups] == [0.025, 0.025]


def test_exact_prediction_is_float32_and_the_other_nearly_so(tmp_path: Path) -> None:
    import torch

    net = make_trainer(tmp_path).net.eval()
    with torch.no_grad():
        wanted = net(torch.tensor(X)).numpy()
    assert predict(net, X, batch=7, exact=True)[0] == pytest.approx(wanted, abs=1e-6)
    assert predict(net, X)[0] == pytest.approx(wanted, abs=0.1)
