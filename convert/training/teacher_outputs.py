"""What a teacher said of pictures: kept on disk, and bound to the pictures it was said of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from ..datasets.manifest import ManifestRow, rows_digest

POOL_SEED = 0
"""Seed of distorted pairs and unlabelled pictures: the same for every run, so made once."""


@dataclass(frozen=True, slots=True)
class TeacherOutputs:
    """The teacher's outputs for each picture.

    Attributes:
        score: Expected opinion on 0-1, float32 [N].
        histogram: Opinion probabilities, float32 [N, bins].
        embedding: Pooled features, float32 [N, D].
        std: Expected error of the score, on 0-1, float32 [N]; zeros for a single network, which
            has no estimate of it.
    """

    score: NDArray[np.float32]
    histogram: NDArray[np.float32]
    embedding: NDArray[np.float32]
    std: NDArray[np.float32]

    def certainty(self) -> NDArray[np.float32]:
        """How much each picture should count, float32 [N], 1 on average.

        The inverse of the variance, softened by the median variance, so that no picture counts
        more than twice as much as the median one.
        """
        variance = self.std.astype(np.float64) ** 2
        middle = float(np.median(variance))
        if middle == 0.0:
            return np.ones(len(variance), np.float32)
        weight = middle / (variance + middle)
        return (weight / weight.mean()).astype(np.float32)

    def save(self, file: Path, pictures: str) -> None:
        """Writes the arrays as .npz, atomically.

        Args:
            file: The .npz.
            pictures: Digest of the pictures they belong to.
        """
        with replacing(file) as scratch, scratch.open("wb") as stream:
            np.savez(
                stream,
                score=self.score,
                histogram=self.histogram,
                embedding=self.embedding,
                std=self.std,
                rows=np.array(pictures),
            )

    @classmethod
    def load(cls, file: Path, pictures: str) -> TeacherOutputs:
        """Reads what :meth:`save` wrote.

        Args:
            file: The .npz.
            pictures: Digest of the pictures that the outputs must belong to.

        Raises:
            FileNotFoundError: The teacher has not run.
            ValueError: It has, on other pictures, labels or splits.
        """
        if not file.is_file():
            raise FileNotFoundError(
                f"no teacher outputs at {file}: run `edgeiqa convert teacher` and then "
                "`edgeiqa convert teacher --fuse MEMBER ...`"
            )
        with np.load(file) as stored:
            if str(stored["rows"]) != pictures:
                raise ValueError(
                    f"{file} belongs to other pictures: run `edgeiqa convert teacher` again"
                )
            return cls(stored["score"], stored["histogram"], stored["embedding"], stored["std"])


def rows_key(rows: Sequence[ManifestRow]) -> str:
    """The digest under which outputs on rated pictures are kept."""
    return rows_digest(rows)


def pool_key(rows: Sequence[ManifestRow], count: int) -> str:
    """The digest under which outputs on ``count`` unlabelled pictures are kept."""
    return hashlib.sha256(f"{rows_digest(rows)} {count} {POOL_SEED}".encode()).hexdigest()
