"""Several fine-tuned networks as one teacher, with an uncertainty that was measured.

The fused score is the mean of the members' scores: networks of different depth and resolution err
on different pictures. How far they disagree says how far the MOS may be from the score; the two
constants of that law are fitted on the validation split by likelihood. Students choose nothing by
it, they only listen less where the teacher is unsure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import write_json
from ..common.metrics import validation_figures
from ..datasets.cache import load_pixels
from ..datasets.manifest import ManifestRow, select
from ..datasets.unlabelled import load_unlabelled
from .teacher import Member
from .teacher_outputs import POOL_SEED, TeacherOutputs, pool_key, rows_key


def fuse(
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    names: Sequence[str],
    unlabelled: int = 0,
    *,
    test: bool = False,
) -> dict[str, Any]:
    """Makes trained members one teacher and caches its opinions.

    Writes ``train.npz``, ``validation.npz``, with ``unlabelled`` also ``unlabelled.npz``, and
    ``recipe.json`` to ``work/teacher``.

    Args:
        rows: The manifest.
        root: The data root.
        work: Folder of caches; the members are in ``work/teacher/NAME``.
        names: The members.
        unlabelled: How many unlabelled pictures to score.
        test: Also measure on the test split: for the final report, once, and nothing else.

    Returns:
        Validation figures by member and of the fusion, and the law of its uncertainty.

    Raises:
        FileNotFoundError: A member has not finished training.
        ValueError: No member is named, or one twice.
    """
    if not names or len(set(names)) != len(names):
        raise ValueError(f"name each member once, got {list(names)}")
    folder = work / "teacher"
    members = [Member.load(folder / name) for name in names]
    train, validation = select(rows, "train"), select(rows, "validation")
    said = {
        split: [
            TeacherOutputs.load(folder / name / f"{split}.npz", rows_key(chosen)) for name in names
        ]
        for split, chosen in (("train", train), ("validation", validation))
    }
    mos = np.array([row.mos for row in validation])
    law = uncertainty_law(disagreement(said["validation"]), mean_score(said["validation"]) - mos)
    fused = {split: fused_outputs(outputs, law) for split, outputs in said.items()}
    fused["train"].save(folder / "train.npz", rows_key(train))
    fused["validation"].save(folder / "validation.npz", rows_key(validation))
    if unlabelled:
        pool = []
        for name, member in zip(names, members, strict=True):
            pixels = load_unlabelled(train, root, member.recipe.size, work, unlabelled, POOL_SEED)
            pool.append(member.on_pixels(pixels, f"{name} on unlabelled"))
        fused_outputs(pool, law).save(folder / "unlabelled.npz", pool_key(train, unlabelled))
    subsets = [row.subset for row in validation]
    report: dict[str, Any] = {
        "members": {
            name: _figures(outputs.score, mos, subsets)
            for name, outputs in zip(names, said["validation"], strict=True)
        },
        "fused": _figures(fused["validation"].score, mos, subsets),
        "std": {"floor": law[0], "per_disagreement": law[1]},
        "unlabelled": unlabelled,
    }
    if test:
        report["test"] = _on_test(select(rows, "test"), root, work, names, members)
    write_json(folder / "recipe.json", report)
    return report


def _on_test(
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    names: Sequence[str],
    members: Sequence[Member],
) -> dict[str, Any]:
    """Figures of members and fusion on the test split."""
    said = []
    for name, member in zip(names, members, strict=True):
        pixels = load_pixels(rows, root, member.recipe.size, work, label="test pictures")
        said.append(member.on_pixels(pixels, f"{name} on test"))
    mos = np.array([row.mos for row in rows])
    subsets = [row.subset for row in rows]

    def figures(score: NDArray[np.float32]) -> dict[str, float | None]:
        found = _figures(score, mos, subsets)
        return {key.replace("val_", "test_", 1): value for key, value in found.items()}

    alone = {name: figures(one.score) for name, one in zip(names, said, strict=True)}
    return {"members": alone, "fused": figures(mean_score(said))}


def _figures(
    score: NDArray[np.float32], mos: NDArray[np.float64], subsets: Sequence[str]
) -> dict[str, float | None]:
    """Figures for a report: JSON has no NaN, which a correlation of constants is."""
    found = validation_figures(score, mos, subsets)
    return {key: value if np.isfinite(value) else None for key, value in found.items()}


def mean_score(outputs: Sequence[TeacherOutputs]) -> NDArray[np.float32]:
    """The mean of the members' scores, [N]."""
    mean: NDArray[np.float32] = np.mean([one.score for one in outputs], axis=0)
    return mean


def disagreement(outputs: Sequence[TeacherOutputs]) -> NDArray[np.float64]:
    """Variance of the members' scores by picture, [N]; zeros of a single member."""
    variance: NDArray[np.float64] = np.var([one.score for one in outputs], axis=0, dtype=np.float64)
    return variance


def uncertainty_law(
    variance: NDArray[np.float64], error: NDArray[np.floating]
) -> tuple[float, float]:
    """Fits ``std**2 = floor**2 + slope * variance`` by Gaussian likelihood.

    Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation
    using Deep Ensembles", NIPS 2017, with the scale fitted rather than assumed.

    Args:
        variance: Disagreement of the members, [N].
        error: Score minus MOS, [N].

    Returns:
        The floor (a deviation on 0-1) and the slope, neither negative.
    """
    from scipy.optimize import minimize

    squares = np.asarray(error, np.float64) ** 2

    def cost(parameters: NDArray[np.float64]) -> float:
        floor, slope = np.exp(parameters)
        total = floor**2 + slope * variance
        return float(np.mean(np.log(total) + squares / total))

    start = np.log([np.sqrt(squares.mean()) + 1e-4, 1.0])
    floor, slope = np.exp(minimize(cost, start, method="Nelder-Mead").x)
    return float(floor), float(slope)


def fused_outputs(outputs: Sequence[TeacherOutputs], law: tuple[float, float]) -> TeacherOutputs:
    """Members' outputs on the same pictures as one.

    Args:
        outputs: One per member.
        law: From :func:`uncertainty_law`.

    Returns:
        Means of scores and histograms; embeddings at unit length, side by side.
    """
    floor, slope = law
    lengths = [np.linalg.norm(one.embedding, axis=1, keepdims=True) + 1e-6 for one in outputs]
    return TeacherOutputs(
        score=mean_score(outputs),
        histogram=np.mean([one.histogram for one in outputs], axis=0),
        embedding=np.concatenate(
            [one.embedding / length for one, length in zip(outputs, lengths, strict=True)], axis=1
        ),
        std=np.sqrt(floor**2 + slope * disagreement(outputs)).astype(np.float32),
    )
