from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.training.keras_loop import Trainer, predict
from convert.training.loop import Schedule, TrainingError, epoch_batches

COUNT = 40
X = np.random.default_rng(0).normal(size=(COUNT, 5)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5, 0.0, 3.0], np.float32))[:, None]


def schedule(epochs: int = 3) -> Schedule:
    return Schedule(epochs=epochs, batch=8, rate=0.05, head_rate=0.05, weight_decay=0.0, seed=4)


def make_trainer(folder: Path, module: str = "keras", **changes: Any) -> Trainer:
    import keras
    import tf_keras

    api = {"keras": keras, "tf_keras": tf_keras}[module]
    api.utils.set_random_seed(1)
    entry = api.Input((5,), name="x")
    body = api.layers.Dense(4, name="body")(entry)
    model = api.Model(entry, api.layers.Dense(1, name="opinion")(body))

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        import tensorflow as tf

        return {"error": tf.reduce_mean(tf.square(outputs - batch["y"]))}

    settings = {"data": 1, **changes.pop("fingerprint", {})}
    return Trainer(api, model, loss, schedule(), folder, settings, **changes)


def make_batch(chosen: np.ndarray, generator: np.random.Generator) -> dict[str, Any]:
    return {"input": X[chosen], "y": Y[chosen]}


def error_of(trainer: Trainer) -> float:
    return float(np.mean((predict(trainer.model, X) - Y) ** 2))


@pytest.mark.parametrize("module", ["keras", "tf_keras"])
def test_it_learns_and_logs_every_epoch_as_json_lines(tmp_path: Path, module: str) -> None:
    trainer = make_trainer(tmp_path, module)
    before = error_of(trainer)
    log = trainer.fit(COUNT, make_batch, lambda: {"val_error": error_of(trainer)})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == log
    assert [record["epoch"] for record in log] == [1, 2, 3]
    assert log[-1]["val_error"] == pytest.approx(error_of(trainer), abs=1e-4)
    assert log[-1]["val_error"] < 0.5 * before


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

    first = make_trainer(tmp_path / "broken", checkpoint_seconds=0.0)
    with pytest.raises(PowerCutError):
        first.fit(COUNT, failing, dict)
    second = make_trainer(tmp_path / "broken", checkpoint_seconds=0.0)
    log = second.fit(COUNT, make_batch, dict)
    # Also the losses are those of whole epochs, not of what was left after the interruption.
    assert [record["epoch"] for record in log] == [1, 2, 3]
    for record, expected in zip(log, whole, strict=True):
        assert record["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    for ours, theirs in zip(second.model.weights, straight.model.weights, strict=True):
        assert np.asarray(ours) == pytest.approx(np.asarray(theirs), abs=1e-6)


def test_figures_that_do_not_exist_are_null_in_the_log(tmp_path: Path) -> None:
    make_trainer(tmp_path).fit(COUNT, make_batch, lambda: {"val_srocc": float("nan")})
    text = (tmp_path / "log.jsonl").read_text()
    assert "NaN" not in text
    assert json.loads(text.splitlines()[0])["val_srocc"] is None


def test_finished_run_is_not_trained_again_and_its_log_is_whole(tmp_path: Path) -> None:
    make_trainer(tmp_path).fit(COUNT, make_batch, dict)
    (tmp_path / "log.jsonl").unlink()

    def never(chosen: np.ndarray, generator: np.random.Generator) -> dict[str, Any]:
        raise AssertionError

    log = make_trainer(tmp_path).fit(COUNT, never, dict)
    assert len(log) == len((tmp_path / "log.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"rate": 0.0}, {"rate": -1.0}])
def test_schedules_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Schedule(**wrong)


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    make_trainer(tmp_path).fit(COUNT, make_batch, dict)
    other = make_trainer(tmp_path, fingerprint={"data": 2})
    with pytest.raises(TrainingError, match="other settings"):
        other.fit(COUNT, make_batch, dict)


def test_loss_that_is_not_finite_stops_with_the_place(tmp_path: Path) -> None:
    def broken(chosen: np.ndarray, generator: np.random.Generator) -> dict[str, Any]:
        return {"input": X[chosen] * np.nan, "y": Y[chosen]}

    with pytest.raises(TrainingError, match="epoch 1, step 1"):
        make_trainer(tmp_path).fit(COUNT, broken, dict)


def test_batches_of_an_epoch_cover_it_and_depend_on_seed_and_epoch_alone() -> None:
    def indices(epoch: int, skip: int = 0) -> list[list[int]]:
        return [chosen.tolist() for chosen, _ in epoch_batches(COUNT, schedule(), epoch, skip)]

    assert sorted(index for batch in indices(0) for index in batch) == list(range(COUNT))
    assert indices(0) == indices(0)
    assert indices(0) != indices(1)
    assert indices(1, skip=3) == indices(1)[3:]


def test_rate_rises_then_falls_to_nothing() -> None:
    factors = [schedule().factor(step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == factors[9] == factors[10] == 1.0
    assert all(a >= b for a, b in pairwise(factors[10:]))
    assert factors[-1] < 0.001
