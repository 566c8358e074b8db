"""The one training loop: one-cycle AdamW, JSON lines, checkpoints that resume.

Teachers and students train in PyTorch (:mod:`convert.torch_train`), the quantisation-aware student
in TensorFlow through :class:`Trainer`; both are a :class:`Loop`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.files import replacing, write_text
from convert.progress import progress

Batch = dict[str, NDArray[Any]]
MakeBatch = Callable[[NDArray[np.int64], np.random.Generator], Batch]
"""From picture indices and a seeded generator (for crops and flips) to named arrays."""

Loss = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]
"""From the model's outputs and the batch's tensors to named scalar terms, summed to the loss."""


class TrainingError(RuntimeError):
    """Training cannot go on: a loss that is not finite, or a checkpoint of another run."""


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


class Loop(ABC):
    """Trains one model; writes ``log.jsonl`` and ``checkpoint.npz`` in its folder.

    Args:
        schedule: How long and how fast.
        folder: Where log and checkpoint go; created when missing.
        fingerprint: All that the run depends on (data, initial weights, architecture, losses). A
            checkpoint with another fingerprint is refused rather than resumed.
        checkpoint_seconds: Least time between two checkpoints inside an epoch.
    """

    def __init__(
        self,
        schedule: Schedule,
        folder: Path,
        fingerprint: Mapping[str, Any],
        *,
        checkpoint_seconds: float = 180.0,
    ) -> None:
        self.schedule = schedule
        self.folder = folder
        self.fingerprint = json.dumps(
            {**fingerprint, "schedule": repr(schedule)}, sort_keys=True, default=str
        )
        self.checkpoint_seconds = checkpoint_seconds
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def step(self, batch: Batch) -> Mapping[str, float]:
        """One step of all optimisers; returns the terms of the loss, and ``loss``, their sum."""

    @abstractmethod
    def set_rate(self, factor: float) -> None:
        """Sets every learning rate to this share of its peak."""

    @abstractmethod
    def state(self) -> list[NDArray[Any]]:
        """All that a run needs to go on as if never interrupted: weights and optimisers."""

    @abstractmethod
    def restore(self, state: Sequence[NDArray[Any]]) -> None:
        """Takes what :meth:`state` gave."""

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

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.npz"

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
            if state["fingerprint"] != self.fingerprint:
                raise TrainingError(
                    f"{self._checkpoint} belongs to a run with other settings or data; "
                    "remove it or choose another --work folder to start afresh"
                )
            self.restore([stored[f"v{index}"] for index in range(len(stored.files) - 1)])
        print(f"resuming after epoch {state['epoch']}, step {state['step']}", flush=True)
        return state["epoch"], state["step"], state["log"], state["sums"], state["spent"]

    def _write_log(self, log: list[dict[str, Any]]) -> None:
        write_text(self.folder / "log.jsonl", "".join(json.dumps(one) + "\n" for one in log))


class Trainer(Loop):
    """Trains a Keras model, Keras 3 on TensorFlow or ``tf_keras``.

    Args:
        keras: The module the model was built with, ``keras`` or ``tf_keras``.
        model: The model to train.
        loss: Terms of the loss, see :data:`Loss`.
        schedule: See :class:`Loop`, as ``folder``, ``fingerprint`` and ``checkpoint_seconds``.
        folder: See :class:`Loop`.
        fingerprint: See :class:`Loop`.
        head: Layers with this in their name are fresh and train at ``head_rate``.
        checkpoint_seconds: See :class:`Loop`.
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
        import tensorflow as tf

        super().__init__(schedule, folder, fingerprint, checkpoint_seconds=checkpoint_seconds)
        self.model = model
        head_ids = {
            id(v) for layer in model.layers if head in layer.name for v in layer.trainable_variables
        }
        body = [v for v in model.trainable_variables if id(v) not in head_ids]
        top = [v for v in model.trainable_variables if id(v) in head_ids]
        self._groups = [(body, schedule.rate), (top, schedule.head_rate)]
        self._optimizers = [
            keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay)
            for _, rate in self._groups
        ]
        for optimizer, (variables, _) in zip(self._optimizers, self._groups, strict=True):
            optimizer.build(variables)

        @tf.function(reduce_retracing=True)
        def step(batch: Mapping[str, Any]) -> Any:
            with tf.GradientTape() as tape:
                outputs = model(tf.cast(batch["input"], tf.float32), training=True)
                terms = loss(outputs, batch)
                total = tf.add_n(list(terms.values()))
            gradients = tape.gradient(total, body + top)
            parts = (gradients[: len(body)], gradients[len(body) :])
            for optimizer, part, (variables, _) in zip(
                self._optimizers, parts, self._groups, strict=True
            ):
                if variables:
                    optimizer.apply_gradients(zip(part, variables, strict=True))
            return {"loss": total, **terms}

        self._step = step

    def step(self, batch: Batch) -> Mapping[str, float]:
        """See :meth:`Loop.step`."""
        return {name: float(value) for name, value in self._step(batch).items()}

    def set_rate(self, factor: float) -> None:
        """See :meth:`Loop.set_rate`."""
        for optimizer, (_, rate) in zip(self._optimizers, self._groups, strict=True):
            optimizer.learning_rate.assign(rate * factor)

    def _variables(self) -> list[Any]:
        held = list(self.model.variables)
        for optimizer in self._optimizers:
            held += list(optimizer.variables)
        return held

    def state(self) -> list[NDArray[Any]]:
        """See :meth:`Loop.state`."""
        return [np.asarray(variable) for variable in self._variables()]

    def restore(self, state: Sequence[NDArray[Any]]) -> None:
        """See :meth:`Loop.restore`."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)


def add_schedule_arguments(parser: argparse.ArgumentParser, default: Schedule) -> None:
    """Adds the options that make a :class:`Schedule`."""
    parser.add_argument(
        "--epochs", type=int, default=default.epochs, help="passes over the training pictures"
    )
    parser.add_argument("--batch", type=int, default=default.batch, help="pictures per step")
    parser.add_argument("--rate", type=float, default=default.rate, help="peak learning rate")
    parser.add_argument(
        "--head-rate", type=float, help="that of the opinion layer; ten times --rate if not given"
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="of shuffling and crops")


def schedule_of(args: argparse.Namespace) -> Schedule:
    """The schedule that the options of :func:`add_schedule_arguments` ask for.

    Raises:
        ValueError: A number makes no sense.
    """
    return Schedule(
        epochs=args.epochs,
        batch=args.batch,
        rate=args.rate,
        head_rate=10 * args.rate if args.head_rate is None else args.head_rate,
        seed=args.seed,
    )


def _or_none(value: float) -> float | None:
    """A figure for the log: JSON has no NaN, which a correlation of constants is."""
    return round(value, 5) if math.isfinite(value) else None


def file_digest(file: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, for fingerprints; of anything else its text, such as "imagenet"."""
    path = Path(file)
    content = path.read_bytes() if path.is_file() else str(file).encode()
    return hashlib.sha256(content).hexdigest()


def predict(model: Any, arrays: NDArray[Any], batch: int = 32, label: str = "predicting") -> Any:
    """Runs a model over an array in batches.

    Args:
        model: A Keras 2 or 3 model with one output or a list of outputs.
        arrays: [N, ...], cast to float32 per batch.
        batch: Rows per call.
        label: What the progress bar says.

    Returns:
        float32 array [N, ...], or a list of them.
    """
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def run(x: Any) -> Any:
        return model(tf.cast(x, tf.float32), training=False)

    collected: list[list[NDArray[np.float32]]] = []
    starts = range(0, len(arrays), batch)
    for start in progress(starts, len(starts), label):
        outputs = run(tf.constant(np.ascontiguousarray(arrays[start : start + batch])))
        parts = outputs if isinstance(outputs, list | tuple) else [outputs]
        collected.append([np.asarray(part) for part in parts])
    joined = [np.concatenate(parts) for parts in zip(*collected, strict=True)]
    return joined if len(joined) > 1 else joined[0]
