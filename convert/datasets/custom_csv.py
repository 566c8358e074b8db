"""Anyone's own ratings: one CSV file, any scale.

Columns ``path`` and ``mos``; optional ``std`` (of the opinions, on the scale of the MOS),
``reference`` (what ties pictures of one scene together), ``split`` ("train", "validation" or "test"
in every row) and ``subset``. Other columns are passed over. Without ``split``, three fifths of the
scenes are for training, a fifth each for validation and test, by a seeded draw; without
``reference`` every picture is its own scene.
"""

from __future__ import annotations

import os
from pathlib import Path

from .database import Database, Label, rows_of
from .errors import DataError
from .manifest import SPLITS, ManifestRow
from .partition import check_repeat
from .scale import Scale
from .tables import csv_records, number

NAME = "csv"


def build_manifest(file: Path, root: Path, scale: Scale, *, repeat: int = 0) -> list[ManifestRow]:
    """Reads one's own ratings.

    Args:
        file: The table.
        root: The data root. A relative path is looked for here first, then beside the table.
        scale: The scale of the MOS.
        repeat: Which of the seeded splits; 0 only if the table has a split.

    Returns:
        Rows in the order of the table. Pictures outside of the data root keep an absolute path.

    Raises:
        DataError: The table is missing, a cell is not valid, a picture occurs twice, or there is
            no such repeat.
    """
    check_repeat(repeat)
    if not file.is_file():
        raise DataError(f"--csv {file} is not a file")
    labels = []
    for where, record in csv_records(file, ("path", "mos")):
        split = (record.get("split") or "").strip()
        if split and split not in SPLITS:
            raise DataError(f"{where}: split must be one of {', '.join(SPLITS)}, got {split!r}")
        std = (record.get("std") or "").strip()
        labels.append(
            Label(
                _path(record["path"].strip(), file, root, where),
                scale.mos(number(record["mos"], where), where),
                scale.std(number(std, where)) if std else None,
                (record.get("reference") or "").strip(),
                (record.get("subset") or "").strip(),
                split,
            )
        )
    if repeat and any(label.split for label in labels):
        raise DataError(f"{file.name} has a split of its own, so there is only --repeat 0")
    return rows_of(labels, NAME, repeat=repeat)


def _path(path: str, file: Path, root: Path, where: str) -> str:
    if not path:
        raise DataError(f"{where}: no path")
    picture = Path(path).expanduser()
    if not picture.is_absolute():
        if (root / picture).exists():
            return picture.as_posix()
        picture = file.parent / picture
    whole = Path(os.path.abspath(picture))
    base = Path(os.path.abspath(root))
    return (whole.relative_to(base) if whole.is_relative_to(base) else whole).as_posix()


DATABASE = Database(
    name=NAME,
    title="your own ratings (--csv FILE)",
    kind="authentic",
    citation="",
    where="wherever you keep it",
    terms="yours",
    pictures=0,
    scale="--mos-range LOW HIGH, --lower-is-better",
    split="its column, else by reference or random",
    folders=(),
    needs=(("a table with the columns path and mos",),),
)
