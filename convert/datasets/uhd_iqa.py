"""UHD-IQA (Hosu and others, 2024), with its official split.

``UHD-IQA-database/{training,validation,test}/*.jpg`` with ``uhd-iqa-metadata.csv``: image_name,
quality_mos (0-1, higher is better, 20 ratings by experts), set, subset and popularity on Pixabay.
4,269 training, 904 validation and 900 test pictures, all 3,840 wide.

For the challenge of 2024 the authors first gave out ``uhd-iqa-training-metadata.csv`` with the
training pictures alone. Where only that one is there, a fifth of it is held out for validation, by
the seeded draw that other databases use, and ``--any-count`` must allow it. The tables could not be
had when this was written; their columns are those of the release's readme.
"""

from __future__ import annotations

from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .partition import partition
from .scale import Scale
from .tables import csv_records, number, stored_names

TABLE = "uhd-iqa-metadata.csv"
TRAINING_TABLE = "uhd-iqa-training-metadata.csv"
SCALE = Scale(0.0, 1.0)
SETS = {"training": "train", "validation": "validation", "test": "test"}


def read(base: Path) -> list[Label]:
    """Labels with the official split.

    Args:
        base: ``UHD-IQA-database``.

    Raises:
        DataError: A column is missing or a set is unknown.
    """
    if not (base / TABLE).is_file():
        return _training_only(base)
    labels = []
    stored = {name: stored_names(base / name) for name in SETS}
    for where, record in csv_records(base / TABLE, ("image_name", "quality_mos", "set")):
        name, part = record["image_name"].strip(), record["set"].strip()
        if part not in SETS:
            raise DataError(f"{where}: set {part!r} is not one of {', '.join(SETS)}")
        mos = SCALE.mos(number(record["quality_mos"], where), where)
        path = f"{part}/{stored[part].get(name.lower(), name)}"
        labels.append(Label(path, mos, split=SETS[part]))
    return labels


def _training_only(base: Path) -> list[Label]:
    stored = stored_names(base / "training")
    found = []
    for where, record in csv_records(base / TRAINING_TABLE, ("image_name", "quality_mos")):
        name = record["image_name"].strip()
        mos = SCALE.mos(number(record["quality_mos"], where), where)
        found.append((f"training/{stored.get(name.lower(), name)}", mos))
    drawn = partition([path for path, _ in found], "uhd-iqa")
    return [
        Label(path, mos, split="validation" if part == "validation" else "train")
        for (path, mos), part in zip(found, drawn, strict=True)
    ]


DATABASE = Database(
    name="uhd-iqa",
    title="UHD-IQA Benchmark Database",
    kind="authentic",
    citation="V. Hosu et al., UHD-IQA benchmark database: pushing the boundaries of blind photo "
    "quality assessment, arXiv 2406.17472, 2024",
    where="database.mmsp-kn.de/uhd-iqa-benchmark-database.html",
    terms="free for research, pictures under the Pixabay licence; cite",
    pictures=6073,
    scale="MOS 0..1",
    split="official",
    folders=("UHD-IQA-database", "UHD-IQA", "uhd-iqa"),
    needs=(("training",), (TABLE, TRAINING_TABLE)),
    read=read,
    official_split=True,
)
