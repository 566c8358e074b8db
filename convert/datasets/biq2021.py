"""BIQ2021 (Ahmed and Asif, Journal of Electronic Imaging 31(5), 2022) in its official layout.

``ROOT/BIQ2021/Images/*.jpg`` with ``Train (Images and MOS).csv`` (10,000 rows) and
``Test (Images and MOS).csv`` (2,000 rows); MOS of 30 laboratory observers on 0-1, higher is
better; no standard deviations are published. Terms: research and benchmarking.

The validation split is ours: 1,000 pictures of the official Train, drawn once within each subset
in proportion to its size and committed as ``splits/biq2021_validation.txt``.

Traps seen in the release and handled here: two empty trailing columns in the Train table, blank
lines, one picture stored under another capitalisation of its suffix than its label says. About
250 pictures of ss01 are turned upright by their EXIF orientation, which the decoder honours.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from .errors import DataError
from .manifest import ManifestRow

NAME = "biq2021"
FOLDER = "BIQ2021"
TRAIN_TABLE = "Train (Images and MOS).csv"
TEST_TABLE = "Test (Images and MOS).csv"
COUNTS = {"train": 9000, "validation": 1000, "test": 2000}
SUBSET_COUNTS = {"ss01": 2000, "ss02": 2000, "ss03": 8000}
WHERE = (
    "its authors offer it at github.com/nisarahmedrana/BIQ2021 "
    "(Images/ and the two CSV tables, 420 MB)"
)
_NAME_PATTERN = re.compile(r"(ss\d\d) \(\d+\)\.jpe?g", re.IGNORECASE)


def official_validation() -> list[str]:
    """The committed validation split: file names as the official Train table spells them."""
    text = resources.files(__package__ or "").joinpath("splits/biq2021_validation.txt").read_text()
    return text.split("\n")[:-1]


def read_table(file: Path) -> list[tuple[str, float]]:
    """Reads one official label table.

    Args:
        file: A CSV whose first two columns are ``Image Name`` and ``MOS``.

    Returns:
        File name and MOS of each row, in the table's order.

    Raises:
        DataError: The table is missing, has another header, or a row is not valid.
    """
    if not file.is_file():
        raise DataError(f"{file} is missing; {WHERE}")
    rows: list[tuple[str, float]] = []
    with file.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream)
        header = [cell.strip() for cell in next(reader, [])]
        if header[:2] != ["Image Name", "MOS"]:
            raise DataError(f"{file}: header must begin with Image Name, MOS; got {header}")
        for number, cells in enumerate(reader, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            try:
                rows.append((cells[0].strip(), float(cells[1])))
            except (IndexError, ValueError) as error:
                raise DataError(f"{file}, line {number}: not a name and a MOS: {cells}") from error
    return rows


def build_manifest(
    root: Path, validation: Iterable[str] | None = None, *, strict_counts: bool = True
) -> list[ManifestRow]:
    """Reads the official layout into manifest rows.

    Args:
        root: The data root, holding ``BIQ2021/``.
        validation: File names of the validation split; None takes the committed list.
        strict_counts: Check the published numbers of pictures per split and subset. A partial
            copy or a synthetic stand-in passes False.

    Returns:
        Rows in the order of the official tables, Train first.

    Raises:
        DataError: A table is missing, a name occurs twice, a validation name is not in Train,
            or a count is not the published one.
    """
    base = root / FOLDER
    if not base.is_dir():
        raise DataError(f"{base} is missing; {WHERE}")
    held_out = set(official_validation() if validation is None else validation)
    stored = _stored_names(base / "Images")
    rows: list[ManifestRow] = []
    for table, is_train in ((TRAIN_TABLE, True), (TEST_TABLE, False)):
        for name, mos in read_table(base / table):
            match = _NAME_PATTERN.fullmatch(name)
            if match is None:
                raise DataError(f"{table}: {name!r} is not a BIQ2021 file name")
            split = ("validation" if name in held_out else "train") if is_train else "test"
            spelled = stored.get(name.lower(), name)
            rows.append(
                ManifestRow(f"{FOLDER}/Images/{spelled}", mos, None, split, match[1].lower())
            )
    _check(rows, held_out, strict_counts)
    return rows


def partial_validation(root: Path) -> list[str]:
    """Of a partial copy: the committed names that it has, or else one in ten of its Train."""
    table = read_table(root / FOLDER / TRAIN_TABLE)
    names = {name for name, _ in table}
    held_out = [name for name in official_validation() if name in names]
    return held_out or draw_validation(table, max(1, len(table) // 10))


def _stored_names(images: Path) -> dict[str, str]:
    """Names on disk by their lower-case form: labels and files differ in capitalisation."""
    if not images.is_dir():
        raise DataError(f"{images} is missing; {WHERE}")
    return {entry.name.lower(): entry.name for entry in images.iterdir()}


def _check(rows: Sequence[ManifestRow], held_out: set[str], strict_counts: bool) -> None:
    twice = [path for path, n in Counter(row.path for row in rows).items() if n > 1]
    if twice:
        raise DataError(f"{len(twice)} pictures are labelled twice, the first is {twice[0]}")
    found = sum(row.split == "validation" for row in rows)
    if found != len(held_out):
        raise DataError(
            f"{len(held_out) - found} names of the validation split are not in the Train table"
        )
    if not strict_counts:
        return
    splits = Counter(row.split for row in rows)
    subsets = Counter(row.subset for row in rows)
    if dict(splits) != COUNTS or dict(subsets) != SUBSET_COUNTS:
        raise DataError(
            f"expected {COUNTS} and {SUBSET_COUNTS} pictures, got {dict(splits)} and "
            f"{dict(subsets)}; is this a partial copy? (--any-count accepts one)"
        )


def draw_validation(
    train: Sequence[tuple[str, float]], count: int = 1000, seed: int = 2021
) -> list[str]:
    """Draws the validation split; kept so that the committed list can be reproduced.

    Args:
        train: Rows of the official Train table.
        count: Number of pictures to hold out.
        seed: Seed of the draw.

    Returns:
        File names, sorted, each subset in proportion to its size in Train.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    by_subset: dict[str, list[str]] = {}
    for name, _ in train:
        by_subset.setdefault(name[:4], []).append(name)
    chosen: list[str] = []
    subsets = sorted(by_subset)
    for subset in subsets[:-1]:
        names = sorted(by_subset[subset])
        share = round(count * len(names) / len(train))
        chosen += [names[i] for i in generator.permutation(len(names))[:share]]
    names = sorted(by_subset[subsets[-1]])
    chosen += [names[i] for i in generator.permutation(len(names))[: count - len(chosen)]]
    return sorted(chosen)
