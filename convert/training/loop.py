"""The training loop: one-cycle AdamW in Keras, JSON lines, checkpoints that resume.

Models of Keras 3 train on the backend that ``KERAS_BACKEND`` names: TensorFlow unless it is set,
JAX or PyTorch. Only the quantisation-aware student is a ``tf_keras`` model, as
tensorflow-model-optimization knows no other; it goes through the same loop.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing, write_text
from ..common.progress import progress

Batch = dict[str, NDArray[Any]]
CHECKPOINT = "checkpoint.npz"
"""Name of the file in a run's folder from which it resumes."""

MakeBatch = Callable[[NDArray[np.int64], np.random.Generator], Batch]
"""From picture indices and a seeded generator (for crops and flips) to named arrays."""

Loss = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]
"""From the model's outputs and the batch's tensors to named scalar terms, summed to the loss."""

_FORMAT = 2  # of the checkpoint; 1 held the tensors of a PyTorch module


class TrainingError(RuntimeError):
    """Training cannot continue: a loss that is not finite, or a checkpoint of another run."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: Passes over the training pictures.
        batch: Pictures per step.
        rate: Peak learning rate of the backbone.
        head_rate: Peak learning rate of the freshly initialised opinion layer.
        warmup: Share of all steps over which the rate rises linearly; it then falls by a cosine.
        weight_decay: Decoupled weight decay of AdamW.
        seed: Seed of shuffling, crops and flips.
    """

    epochs: int = 3
    batch: int = 16
    rate: float = 3e-4
    head_rate: float = 3e-3
    warmup: float = 0.1
    weight_decay: float = 1e-2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1:
            raise ValueError(
                f"epochs and batch must be at least 1, got {self.epochs} and {self.batch}"
            )
        if not (self.rate > 0 and self.head_rate > 0):
            raise ValueError(f"learning rates must be positive, got {self.rate}, {self.head_rate}")

    def factor(self, step: int, steps: int) -> float:
        """The learning rate at ``step`` of ``steps`` as a share of its peak."""
        rise = max(1, round(self.warmup * steps))
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def epoch_batches(
    count: int, schedule: Schedule, epoch: int, skip: int = 0
) -> Iterator[tuple[NDArray[np.int64], np.random.Generator]]:
    """Indices and generator of each batch of an epoch; depends on the seed and epoch alone.

    The last, smaller batch is dropped unless it is the only one.
    """
    order = np.random.default_rng((schedule.seed, epoch)).permutation(count)
    for number in range(skip, steps_per_epoch(count, schedule)):
        chosen = order[number * schedule.batch : (number + 1) * schedule.batch]
        yield chosen, np.random.default_rng((schedule.seed, epoch, number))


def made_ahead(
    batches: Iterable[tuple[NDArray[np.int64], np.random.Generator]],
    make_batch: MakeBatch,
    ahead: int = 3,
) -> Iterator[Batch]:
    """Makes batches on a second thread while the network is busy with the ones before.

    Args:
        batches: From :func:`epoch_batches`.
        make_batch: Makes the arrays of one; each has a generator of its own, so the order in which
            threads run changes nothing.
        ahead: How many to have ready.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[Batch]] = deque()
        try:
            for chosen, generator in batches:
                waiting.append(pool.submit(make_batch, chosen, generator))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def steps_per_epoch(count: int, schedule: Schedule) -> int:
    """Number of batches in an epoch over ``count`` pictures."""
    return max(1, count // schedule.batch)


class Learner:
    """A model with its loss and optimiser, one step at a time.

    Args:
        keras: The module the model was built with, ``keras`` or ``tf_keras``.
        model: A functional model.
        loss: Terms of the loss, see :data:`Loss`; written with ``keras.ops``, or with TensorFlow
            for ``tf_keras``.
        rate: Peak learning rate.
        head_rate: That of fresh layers; None takes ``rate``.
        head: Layers with this in their name are fresh.
        weight_decay: Decoupled weight decay of AdamW.
    """

    def __init__(
        self,
        keras: Any,
        model: Any,
        loss: Loss,
        rate: float,
        head_rate: float | None = None,
        *,
        head: str = "opinion",
        weight_decay: float = 1e-2,
    ) -> None:
        self.model = model
        self._keras, self._loss, self._rate = keras, loss, rate
        self._trained: Any = None
        ratio = 1.0 if head_rate is None else head_rate / rate
        if keras.__name__ == "tf_keras":
            if ratio != 1.0:
                raise ValueError("tf_keras trains all layers at one rate")
            self.optimizer = keras.optimizers.AdamW(rate, weight_decay=weight_decay)
        else:
            ratios = [
                ratio if head in variable.path else 1.0 for variable in model.trainable_variables
            ]
            self.optimizer = _two_rates(rate, ratios, weight_decay)
        self.optimizer.build(model.trainable_variables)

    def step(self, batch: Batch) -> Mapping[str, float]:
        """One step of the optimiser; returns the terms of the loss, and ``loss``, their sum."""
        arrays = {
            name: value.astype(np.float32) if value.dtype == np.float64 else value
            for name, value in batch.items()
        }
        if self._trained is None:
            self._trained = self._compiled(arrays)
        given = arrays.pop("input")
        found = self._trained.train_on_batch(given, arrays or None, return_dict=True)
        terms = {name: float(value) for name, value in found.items()}
        return {"loss": sum(terms.values()), **terms}

    def _compiled(self, batch: Batch) -> Any:
        """The model as one whose step computes the terms; their names come from a first batch."""
        keras, loss, model = self._keras, self._loss, self.model
        shapes = [(len(batch["input"]), *out.shape[1:]) for out in model.outputs]
        tensor = keras.ops.convert_to_tensor if keras.__name__ == "keras" else lambda x: x
        dummies = [tensor(np.zeros(shape, np.float32)) for shape in shapes]
        given = {name: tensor(value) for name, value in batch.items()}
        names = list(loss(dummies if len(dummies) > 1 else dummies[0], given))

        class Trained(keras.Model):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                super().__init__(model.input, model.output)
                self.terms = {name: keras.metrics.Mean(name) for name in names}

            def compute_loss(
                self,
                x: Any = None,
                y: Any = None,
                y_pred: Any = None,
                sample_weight: Any = None,
                training: bool = True,
            ) -> Any:
                given = {name: tensor(value) for name, value in (y or {}).items()}
                found = loss(y_pred, {"input": x, **given})
                for name, value in found.items():
                    self.terms[name].update_state(value)
                return sum(found.values())

            def compute_metrics(self, *_: Any, **__: Any) -> Any:
                return {name: term.result() for name, term in self.terms.items()}

        trained = Trained()
        trained.compile(optimizer=self.optimizer, jit_compile=jit(keras))
        return trained

    def set_rate(self, factor: float) -> None:
        """Sets every learning rate to this share of its peak."""
        self.optimizer.learning_rate = self._rate * factor

    def variables(self) -> list[Any]:
        """All that a run needs to resume as if never interrupted: weights and optimiser."""
        return [*self.model.variables, *self.optimizer.variables]


def jit(keras: Any) -> bool:
    """Whether steps are compiled by XLA: with JAX, whose only speed that is."""
    return keras.__name__ == "keras" and keras.backend.backend() == "jax"


def _two_rates(rate: float, ratios: Sequence[float], weight_decay: float) -> Any:
    """AdamW whose rate is multiplied by a ratio for each variable."""
    import keras

    class TwoRates(keras.optimizers.Adam):  # type: ignore[misc]
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            own = learning_rate * ratios[self._get_variable_index(variable)]
            self.assign_sub(variable, keras.ops.multiply(variable, own * weight_decay))
            super().update_step(gradient, variable, own)

    return TwoRates(rate)


class Trainer(Learner):
    """Trains one model by a schedule; writes ``log.jsonl`` and ``checkpoint.npz`` in its folder.

    Args:
        keras: See :class:`Learner`, as ``model``, ``loss`` and ``head``.
        model: See :class:`Learner`.
        loss: See :class:`Learner`.
        schedule: How long and how fast.
        folder: Where log and checkpoint go; created when missing.
        fingerprint: All that the run depends on (data, initial weights, architecture, losses). A
            checkpoint with another fingerprint is refused rather than resumed.
        head: See :class:`Learner`.
        checkpoint_seconds: Least time between two checkpoints inside an epoch.
    """

    def __init__(
        self,
        keras: Any,
        model: Any,
        loss: Loss,
        schedule: Schedule,
        folder: Path,
        fingerprint: Mapping[str, Any],
        *,
        head: str = "opinion",
        checkpoint_seconds: float = 180.0,
    ) -> None:
        super().__init__(
            keras,
            model,
            loss,
            schedule.rate,
            schedule.head_rate,
            head=head,
            weight_decay=schedule.weight_decay,
        )
        self.schedule = schedule
        self.folder = folder
        self.fingerprint = json.dumps(
            {**fingerprint, "schedule": repr(schedule)}, sort_keys=True, default=str
        )
        self.checkpoint_seconds = checkpoint_seconds
        folder.mkdir(parents=True, exist_ok=True)

    def fit(
        self,
        count: int,
        make_batch: MakeBatch,
        validate: Callable[[], Mapping[str, float]],
        *,
        follow: bool = True,
    ) -> list[dict[str, Any]]:
        """Trains to the end of the schedule, from the checkpoint if there is one.

        Args:
            count: Number of training pictures.
            make_batch: Makes the arrays of a batch; ``input`` is what the model takes.
            validate: Called after each epoch; its figures go to the log.
            follow: Validate after every epoch, not after the last alone.

        Returns:
            The log: one dictionary per finished epoch.

        Raises:
            TrainingError: The loss is not finite, or the checkpoint belongs to another run.
        """
        per_epoch = steps_per_epoch(count, self.schedule)
        epoch, skip, log, sums, spent = self._resume()
        self._write_log(log)
        while epoch < self.schedule.epochs:
            began = time.monotonic() - spent
            batches = made_ahead(epoch_batches(count, self.schedule, epoch, skip), make_batch)
            bar = progress(batches, per_epoch - skip, f"epoch {epoch + 1}/{self.schedule.epochs}")
            saved = time.monotonic()
            for number, batch in enumerate(bar, start=skip):
                done, steps = epoch * per_epoch + number, self.schedule.epochs * per_epoch
                self.set_rate(self.schedule.factor(done, steps))
                terms = self.step(batch)
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + value
                if not math.isfinite(terms["loss"]):
                    raise TrainingError(
                        f"the loss is not finite in epoch {epoch + 1}, step {number + 1}; "
                        "a lower --rate may help"
                    )
                if time.monotonic() - saved > self.checkpoint_seconds:
                    self._save(epoch, number + 1, log, sums, time.monotonic() - began)
                    saved = time.monotonic()
            means = {name: value / per_epoch for name, value in sums.items()}
            last = epoch + 1 == self.schedule.epochs
            figures = validate() if follow or last else {}
            record: dict[str, Any] = {
                "epoch": epoch + 1,
                **{name: round(value, 6) for name, value in means.items()},
                **{name: _or_none(value) for name, value in figures.items()},
                "seconds": round(time.monotonic() - began, 1),
            }
            log.append(record)
            print(json.dumps(record), flush=True)
            epoch, skip, sums, spent = epoch + 1, 0, {}, 0.0
            self._write_log(log)
            self._save(epoch, 0, log, sums, spent)
        return log

    def state(self) -> list[NDArray[Any]]:
        """The values of :meth:`Learner.variables`."""
        to_numpy = getattr(getattr(self._keras, "ops", None), "convert_to_numpy", np.asarray)
        return [np.asarray(to_numpy(variable)) for variable in self.variables()]

    @property
    def _checkpoint(self) -> Path:
        return self.folder / CHECKPOINT

    def _save(
        self,
        epoch: int,
        step: int,
        log: list[dict[str, Any]],
        sums: Mapping[str, float],
        spent: float,
    ) -> None:
        arrays: dict[str, Any] = {f"v{i}": value for i, value in enumerate(self.state())}
        state = {
            "format": _FORMAT,
            "epoch": epoch,
            "step": step,
            "log": log,
            "sums": dict(sums),
            "spent": spent,
            "fingerprint": self.fingerprint,
        }
        with replacing(self._checkpoint) as scratch, scratch.open("wb") as stream:
            np.savez(stream, state=np.array(json.dumps(state)), **arrays)

    def _resume(self) -> tuple[int, int, list[dict[str, Any]], dict[str, float], float]:
        if not self._checkpoint.is_file():
            return 0, 0, [], {}, 0.0
        with np.load(self._checkpoint) as stored:
            state = json.loads(str(stored["state"]))
            if state.get("format") != _FORMAT:
                raise TrainingError(
                    f"{self._checkpoint} was written by the PyTorch loop of an earlier version and "
                    "cannot be resumed; remove it to start afresh (finished weights, such as "
                    "student.npz, still load)"
                )
            if state["fingerprint"] != self.fingerprint:
                raise TrainingError(
                    f"{self._checkpoint} belongs to a run with other settings or data; "
                    "remove it or choose another --work folder to start afresh"
                )
            for index, variable in enumerate(self.variables()):
                variable.assign(stored[f"v{index}"])
        print(f"resuming after epoch {state['epoch']}, step {state['step']}", flush=True)
        return state["epoch"], state["step"], state["log"], state["sums"], state["spent"]

    def _write_log(self, log: list[dict[str, Any]]) -> None:
        write_text(self.folder / "log.jsonl", "".join(json.dumps(one) + "\n" for one in log))


def _or_none(value: float) -> float | None:
    """A figure for the log: JSON has no NaN, which a correlation of constants is."""
    return round(value, 5) if math.isfinite(value) else None


def predict(
    model: Any, arrays: NDArray[Any], *, batch: int = 16, label: str = "predicting"
) -> list[NDArray[np.float32]]:
    """Runs a model over an array in batches of one size, so that it is traced but once.

    Args:
        model: A functional model of Keras 3 or ``tf_keras``.
        arrays: [N, ...], N at least 1; cast to float32 per batch.
        batch: Rows per call; the last is filled up by repeating rows.
        label: What the progress bar says.

    Returns:
        float32 arrays [N, ...], one per output.
    """
    collected: list[list[NDArray[np.float32]]] = []
    starts = range(0, len(arrays), batch)
    if type(model).__module__.split(".")[0] == "keras":
        import keras

        model.jit_compile = jit(keras)
    for start in progress(starts, len(starts), label):
        rows = np.asarray(arrays[start : start + batch], np.float32)
        full = rows[np.arange(min(batch, len(arrays))) % len(rows)]
        outputs = model.predict_on_batch(full)
        parts = outputs if isinstance(outputs, list | tuple) else [outputs]
        collected.append([np.asarray(part, np.float32)[: len(rows)] for part in parts])
    return [np.concatenate(parts) for parts in zip(*collected, strict=True)]


def file_digest(file: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, for fingerprints; of anything else its text, such as "imagenet"."""
    path = Path(file)
    content = path.read_bytes() if path.is_file() else str(file).encode()
    return hashlib.sha256(content).hexdigest()
