"""What is known of a database, and how its labels become manifest rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .errors import DataError
from .manifest import ManifestRow
from .partition import REPEATS, check_repeat, partition

METER_ONLY = (
    "it belongs to the transfer meter: `transfer` and `evaluate` may score it, and nothing may "
    "learn from it"
)
"""Why a database that transfer is measured on may not be trained on."""


class Label(NamedTuple):
    """One rated picture as a loader reads it.

    Attributes:
        path: Relative to the database's folder, forward slashes.
        mos: 0-1, higher is better.
        std: Of the opinions, on the same scale, or None.
        reference: The scene it shows; "" where it is its own.
        subset: Distortion or part of the database.
        split: Official split, or "" where the authors published none.
    """

    path: str
    mos: float
    std: float | None = None
    reference: str = ""
    subset: str = ""
    split: str = ""


@dataclass(frozen=True)
class Database:
    """A database of rated pictures.

    Attributes:
        name: As ``--database`` takes it.
        title: As its authors call it.
        kind: "synthetic" (known originals, distorted) or "authentic" (as cameras took them).
        citation: Authors, title, where it appeared.
        where: Where its authors offer it.
        terms: Under which terms, in a few words.
        pictures: Published number of rated pictures.
        scale: The original scale and what was made of it.
        split: How it is split.
        folders: Names that its folder below the data root may have, the authors' first.
        needs: Files and folders below it that a loader needs; each entry lists alternatives.
        read: Reads the labels; takes the database's folder.
        official_split: The authors split it, so there are no repeats.
        only_for: Why it may not be trained on, "" if it may.
    """

    name: str
    title: str
    kind: str
    citation: str
    where: str
    terms: str
    pictures: int
    scale: str
    split: str
    folders: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    read: Callable[[Path], list[Label]] | None = None
    official_split: bool = False
    only_for: str = ""

    @property
    def trainable(self) -> bool:
        """Whether a network may learn from it."""
        return not self.only_for

    @property
    def repeats(self) -> int:
        """Number of splits there are."""
        return 1 if self.official_split else REPEATS

    @property
    def layout(self) -> str:
        """The folder and what must be in it, in one line."""
        inside = ", ".join(names[0] for names in self.needs)
        return f"{self.folders[0]}/ with {inside}" if self.folders else inside

    def base(self, root: Path) -> Path | None:
        """The database's folder below the data root; None if it is not there."""
        for name in self.folders:
            if (root / name).is_dir():
                return root / name
        return None

    def missing(self, root: Path) -> list[str]:
        """What a loader needs and is not there, relative to the data root."""
        base = self.base(root)
        if base is None:
            return [f"{self.folders[0]}/"] if self.folders else []
        return [
            f"{base.relative_to(root).as_posix()}/{' or '.join(names[:2])}"
            for names in self.needs
            if not any((base / name).exists() for name in names)
        ]

    def require(self, root: Path) -> Path:
        """The database's folder.

        Raises:
            DataError: It or something in it is missing; says what, and where to get it.
        """
        missing = self.missing(root)
        base = self.base(root)
        if missing or base is None:
            verb = "are" if len(missing) > 1 else "is"
            raise DataError(
                f"{self.title}: {', '.join(missing)} {verb} missing from {root}; its authors offer "
                f"it at {self.where} (layout: {self.layout})"
            )
        return base


def build_manifest(
    database: Database, root: Path, *, repeat: int = 0, strict_counts: bool = True
) -> list[ManifestRow]:
    """Reads a database in its authors' layout.

    Args:
        database: With a loader.
        root: The data root.
        repeat: Which of the seeded splits; 0 only where the authors split the database.
        strict_counts: Insist on the published number of pictures.

    Returns:
        Rows in the order of the authors' tables.

    Raises:
        DataError: Something is missing or not as published, or there is no such repeat.
    """
    check_database_repeat(database, repeat)
    base = database.require(root)
    if database.read is None:
        raise DataError(f"{database.title} is not read from the data root")
    prefix = base.relative_to(root).as_posix()
    labels = database.read(base)
    if strict_counts and len(labels) != database.pictures:
        raise DataError(
            f"{database.title}: expected {database.pictures:,} rated pictures, got "
            f"{len(labels):,}; is this a partial copy? (--any-count accepts one)"
        )
    return rows_of(labels, database.name, prefix=prefix, repeat=repeat)


def check_database_repeat(database: Database, repeat: int) -> None:
    """Refuses a repeat that a database does not have.

    Raises:
        DataError: The authors split the database and the repeat is not 0, or it is out of range.
    """
    check_repeat(repeat)
    if database.official_split and repeat:
        raise DataError(
            f"{database.title} is split by its authors, so there is only --repeat 0, not {repeat}"
        )


def rows_of(
    labels: list[Label], database: str, *, prefix: str = "", repeat: int = 0
) -> list[ManifestRow]:
    """Manifest rows of labels, split by reference where no split is given.

    Args:
        labels: Of one database; either all or none with a split.
        database: Its name.
        prefix: Path of its folder below the data root.
        repeat: Which of the seeded splits.

    Raises:
        DataError: A label is missing, a picture is labelled twice, only some have a split, or a
            value is out of range.
    """
    if not labels:
        raise DataError(f"{database}: the tables hold no rated picture")
    twice = [path for path, count in Counter(label.path for label in labels).items() if count > 1]
    if twice:
        raise DataError(f"{len(twice)} pictures are labelled twice, the first is {twice[0]}")
    given = sum(bool(label.split) for label in labels)
    if given not in (0, len(labels)):
        raise DataError(f"{database}: {len(labels) - given} of {len(labels)} rows have no split")
    splits = (
        [label.split for label in labels]
        if given
        else partition(
            # The mark keeps a picture without a reference apart from one named like it.
            [label.reference or f"\0{label.path}" for label in labels],
            database,
            repeat,
        )
    )
    return [
        ManifestRow(
            f"{prefix}/{label.path}" if prefix else label.path,
            label.mos,
            label.std,
            split,
            label.subset,
            label.reference,
        )
        for label, split in zip(labels, splits, strict=True)
    ]
