"""Trains the baselines, or takes up what an earlier run finished."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import write_json, write_text
from ..datasets.manifest import DataError, ManifestRow, rows_digest, select
from ..training.loop import file_digest
from . import measure
from .base import (
    MODEL_FILE,
    Baseline,
    Scorer,
    TrainingData,
    load_arrays,
    save_arrays,
)
from .finetune import FineTuned


def training_data(
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    budget: str,
    seed: int,
    init: str = "imagenet",
    finetuned: str | None = None,
) -> TrainingData:
    """The train split in seeded order, and where things are."""
    train = select(rows, "train")
    order = np.random.default_rng((seed, 5)).permutation(len(train))
    shuffled = [train[index] for index in order]
    return TrainingData(shuffled, rows, root, work, budget, seed, init, finetuned)


def trained(
    baseline: Baseline, data: TrainingData, folder: Path, *, train: bool = True
) -> tuple[Scorer, dict[str, Any]]:
    """The scorer of a baseline, trained now unless it was before on the same data.

    Args:
        baseline: Which.
        data: What to learn from.
        folder: Where its model and its interrupted trainings are kept.
        train: False refuses to train.

    Returns:
        The scorer, and its fingerprint and the seconds that training took.

    Raises:
        DataError: It is not trained and must not be.
    """
    key = fingerprint(baseline, data)
    about = folder / "trained.json"
    facts: dict[str, Any] = {}
    if about.is_file() and (folder / MODEL_FILE).is_file():
        facts = json.loads(about.read_text(encoding="utf-8"))
    if facts.get("fingerprint") != key:
        if not train:
            raise DataError("not trained yet on these pictures and budget")
        print(f"training {baseline.name}", file=sys.stderr)
        _forget_other_run(folder, key)
        began = time.monotonic()
        arrays = baseline.fit(data, folder)
        save_arrays(folder / MODEL_FILE, arrays)
        facts = {"fingerprint": key, "seconds": round(time.monotonic() - began, 1)}
        write_json(about, facts)
    return baseline.load(load_arrays(folder / MODEL_FILE)), facts


def _forget_other_run(folder: Path, key: str) -> None:
    """Clears what a run on other data or of another version left behind."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = folder / "begun"
    if not begun.is_file() or begun.read_text(encoding="utf-8") != key:
        import shutil

        shutil.rmtree(folder)
        folder.mkdir(parents=True)
        write_text(begun, key)


def fingerprint(baseline: Baseline, data: TrainingData) -> str:
    """What a trained baseline depends on, as a digest."""
    parts = [baseline.name, str(baseline.version), data.budget, str(data.seed)]
    parts.append(rows_digest(data.rows))
    if baseline.name == FineTuned.name:
        # The run itself, when it is given: its name says nothing about its content.
        run = data.finetuned and data.work / data.finetuned / "student.keras"
        parts.append(file_digest(run or data.init))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def agreement_of(
    scorer: Scorer,
    key: str,
    file: Path,
    rows: Sequence[ManifestRow],
    root: Path,
    *,
    repeats: int,
    seed: int,
) -> dict[str, Any]:
    """The figures of one method, measured now unless they were before."""
    wanted = f"{key} {rows_digest(rows)} {repeats} {seed}"
    if file.is_file():
        stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if stored["of"] == wanted:
            return dict(stored["result"])
    found = measure.agreement(
        scorer,
        rows,
        root,
        repeats=repeats,
        seed=seed,
        label=f"scoring {file.parent.name}",
    )
    result = {
        "groups": found.groups,
        "pictures": found.pictures,
        "unreadable": found.unreadable,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    if not found.unreadable:  # a picture may come back
        write_json(file, {"of": wanted, "result": result})
    return result
