from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.training.loop import Schedule, Trainer, TrainingError, epoch_batches, predict

ROOT = Path(__file__).resolve().parents[3]
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
    body = api.layers.BatchNormalization(momentum=0.9)(api.layers.Dense(4, name="body")(entry))
    body = api.layers.Dropout(0.1)(body)
    model = api.Model(entry, api.layers.Dense(1, name="opinion")(body))

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "error": keras.ops.mean(keras.ops.square(outputs - batch["y"])),
            "size": 1e-3 * keras.ops.mean(keras.ops.square(outputs)),
        }

    settings = {"data": 1, **changes.pop("fingerprint", {})}
    return Trainer(api, model, loss, schedule(), folder, settings, **changes)


def make_batch(chosen: np.ndarray, generator: np.random.Generator) -> dict[str, Any]:
    return {"input": X[chosen], "y": Y[chosen]}


def error_of(trainer: Trainer) -> float:
    return float(np.mean((predict(trainer.model, X)[0] - Y) ** 2))


@pytest.mark.parametrize("module", ["keras", "tf_keras"])
def test_it_learns_and_logs_every_epoch_as_json_lines(tmp_path: Path, module: str) -> None:
    trainer = make_trainer(tmp_path, module)
    before = error_of(trainer)
    log = trainer.fit(COUNT, make_batch, lambda: {"val_error": error_of(trainer)})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == log
    assert [record["epoch"] for record in log] == [1, 2, 3]
    assert log[-1]["val_error"] == pytest.approx(error_of(trainer), abs=1e-4)
    assert log[-1]["val_error"] < 0.7 * before
    assert log[0]["loss"] == pytest.approx(log[0]["error"] + log[0]["size"], abs=2e-6)


def test_it_validates_as_often_as_asked(tmp_path: Path) -> None:
    log = make_trainer(tmp_path).fit(COUNT, make_batch, lambda: {"val_error": 1.0}, follow=False)
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

    first = make_trainer(tmp_path / "broken", checkpoint_seconds=0.0)
    with pytest.raises(PowerCutError):
        first.fit(COUNT, failing, dict)
    second = make_trainer(tmp_path / "broken", checkpoint_seconds=0.0)
    log = second.fit(COUNT, make_batch, dict)
    # Also the losses are those of whole epochs, not of what was left after the interruption.
    assert [record["epoch"] for record in log] == [1, 2, 3]
    for record, expected in zip(log, whole, strict=True):
        assert record["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    for ours, theirs in zip(second.state(), straight.state(), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


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


def test_checkpoint_of_the_pytorch_loop_is_refused(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    state = {"epoch": 1, "step": 0, "log": [], "sums": {}, "fingerprint": trainer.fingerprint}
    np.savez(tmp_path / "checkpoint.npz", state=np.array(json.dumps(state)), v0=np.zeros(3))
    with pytest.raises(TrainingError, match="PyTorch"):
        trainer.fit(COUNT, make_batch, dict)


def test_fresh_layers_have_a_rate_of_their_own_and_frozen_ones_none(tmp_path: Path) -> None:
    """Adam's first step is the rate, whatever the gradient."""
    import keras

    entry = keras.Input((5,))
    fixed = keras.layers.Dense(4, trainable=False, name="fixed")(entry)
    model = keras.Model(
        entry, keras.layers.Dense(1, name="opinion")(keras.layers.Dense(4, name="body")(fixed))
    )

    def loss(outputs: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"error": keras.ops.mean(outputs)}

    rates = Schedule(epochs=1, batch=8, rate=1e-3, head_rate=1e-2, weight_decay=0.0)
    trainer = Trainer(keras, model, loss, rates, tmp_path, {})
    before = {layer.name: layer.get_weights() for layer in model.layers}
    trainer.set_rate(0.5)
    trainer.step(make_batch(np.arange(8), np.random.default_rng(0)))
    moved = {
        name: float(np.abs(model.get_layer(name).get_weights()[1] - values[1]).max())
        for name, values in before.items()
        if values
    }
    assert moved == pytest.approx({"fixed": 0.0, "body": 5e-4, "opinion": 5e-3}, rel=0.01)


def test_prediction_does_not_depend_on_the_batch(tmp_path: Path) -> None:
    model = make_trainer(tmp_path).model
    (whole,) = predict(model, X, batch=COUNT)
    for batch in (1, 7, 100):
        (parts,) = predict(model, X, batch=batch)
        assert parts == pytest.approx(whole, abs=1e-6)
    assert predict(model, X[:3], batch=16)[0] == pytest.approx(whole[:3], abs=1e-6)


BACKEND_RUN = """
import json, sys
from pathlib import Path
import numpy as np
from convert.common.opinion import bin_centres, opinion_histograms
from convert.nets import keras_nets
from convert.training.loop import Schedule, Trainer, predict
from convert.training.student import StudentRecipe, student_loss
import keras

random = np.random.default_rng(0)
arch = keras_nets.mobilenet_v2(0.35)
keras.utils.set_random_seed(0)
model = keras_nets.build(keras, arch, 32, embedding=True)
for variable in model.weights:
    shape = tuple(variable.shape)
    value = random.normal(0, 0.1 if len(shape) < 4 else (2 / np.prod(shape[:-1])) ** 0.5, shape)
    variable.assign(np.abs(value) + 0.5 if variable.path.split("/")[-1] in
                    ("gamma", "moving_variance") else value)
keras_nets.freeze(model, 3)
trained = keras_nets.with_projection(keras, model, 7)
trained.get_layer("opinion_features").set_weights([random.normal(size=(1280, 7)) / 36])
pictures = random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
score = random.uniform(size=6).astype(np.float32)
batch = {
    "input": pictures, "score": score, "histogram": opinion_histograms(score),
    "teacher_score": score[::-1].copy(), "teacher_histogram": opinion_histograms(score[::-1]),
    "teacher_embedding": random.normal(size=(6, 7)).astype(np.float32),
    "teacher_weight": np.ones(6, np.float32), "margin": np.full(1, 0.1, np.float32),
}
recipe = StudentRecipe(size=32, schedule=Schedule(epochs=2, batch=4, rate=1e-4, head_rate=1e-3))
loss = student_loss(recipe, np.array(bin_centres(10), np.float32))
folder = Path(sys.argv[1])
trainer = Trainer(keras, trained, loss, recipe.schedule, folder, {})
trainer.fit(8, lambda chosen, generator: batch, dict)
losses = [record["loss"] for record in trainer._resume()[2]]
print(keras.backend.backend())
print(json.dumps(losses))
print(json.dumps(predict(model, pictures)[0].tolist()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_train_alike(tmp_path: Path, backend: str) -> None:
    pytest.importorskip(backend)
    found = {}
    for name in ("tensorflow", backend):
        done = subprocess.run(
            [sys.executable, "-c", BACKEND_RUN, str(tmp_path / name)],
            env={**os.environ, "KERAS_BACKEND": name, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        *_, used, losses, logits = done.stdout.splitlines()
        assert used == name
        found[name] = np.array(json.loads(losses)), np.array(json.loads(logits))
    # Adam's first steps go by the sign of gradients, also of those near 0.
    assert found[backend][0] == pytest.approx(found["tensorflow"][0], rel=2e-2)
    assert np.abs(found[backend][1] - found["tensorflow"][1]).max() < 0.02


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
