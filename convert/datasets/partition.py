"""Splits for databases whose authors published none: seeded, repeatable, never through a scene."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .errors import DataError

REPEATS = 10
"""Number of splits of a database without an official one; the field reports medians over ten."""

SHARES = (0.6, 0.2, 0.2)
"""Of the scenes: train, validation, test."""


def partition(groups: Sequence[str], database: str, repeat: int = 0) -> list[str]:
    """Assigns every picture to a split, all pictures of a group to the same one.

    The draw depends on the names of the groups, the database and the repeat only, not on the
    order of the pictures.

    Args:
        groups: Per picture its reference, or its own path where there is none.
        database: Name of the database, so that no two share a draw.
        repeat: 0 to ``REPEATS - 1``.

    Returns:
        "train", "validation" or "test" per picture. Validation and test each get a fifth of the
        groups, rounded, and at least one.

    Raises:
        DataError: The repeat is out of range or there are fewer than three groups.
    """
    import numpy as np

    check_repeat(repeat)
    names = sorted(set(groups))
    if len(names) < 3:
        raise DataError(
            f"{database}: {len(names)} scenes cannot be split into train, validation and test"
        )
    seed = int.from_bytes(hashlib.sha256(database.encode()).digest()[:4], "big")
    order = np.random.default_rng((seed, repeat)).permutation(len(names))
    held = max(1, round(SHARES[1] * len(names)))
    tested = max(1, round(SHARES[2] * len(names)))
    split = {
        names[index]: "test" if place < tested else "validation"
        for place, index in enumerate(order[: held + tested])
    }
    return [split.get(group, "train") for group in groups]


def check_repeat(repeat: int) -> None:
    """Refuses a repeat that does not exist.

    Raises:
        DataError: It is not 0 to ``REPEATS - 1``.
    """
    if not 0 <= repeat < REPEATS:
        raise DataError(f"--repeat must be 0 to {REPEATS - 1}, got {repeat}")
