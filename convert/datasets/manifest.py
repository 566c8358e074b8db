"""The manifest: one row per rated picture, whatever database it came from.

Every later step (caching, training, calibration, evaluation) reads this table and nothing else,
so MOS direction, MOS scale and splits are settled here once.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common.files import replacing
from .errors import DataError as DataError
from .holdout import LIVE_CHALLENGE, TEST_SPLIT, exam_only

SPLITS = ("train", "validation", "test")
_COLUMNS = ("path", "mos", "std", "split", "subset", "reference")
_OLD_COLUMNS = _COLUMNS[:5]
"""Manifests written before references were kept; read as rows without one."""


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One rated picture.

    Attributes:
        path: Path of the image file relative to the data root, with forward slashes.
        mos: Mean opinion score mapped to 0-1, higher is better.
        std: Standard deviation of the opinions on the same 0-1 scale, or None if unpublished.
        split: "train", "validation" or "test".
        subset: Name of the part of the database the picture belongs to, for synthetic databases
            the distortion; "" if there are none.
        reference: The undistorted original, or whatever else ties pictures of one scene together;
            unique within the database. "" where every picture is its own scene.

    Raises:
        DataError: A value is out of range, the split unknown, or a picture of LIVE Challenge is
            to be something else than a test.
    """

    path: str
    mos: float
    std: float | None
    split: str
    subset: str
    reference: str = ""

    def __repr__(self) -> str:
        # Digests of runs and caches are made from this text: a row without a reference must
        # read as it did before there were references.
        text = (
            f"ManifestRow(path={self.path!r}, mos={self.mos!r}, std={self.std!r}, "
            f"split={self.split!r}, subset={self.subset!r}"
        )
        return f"{text}, reference={self.reference!r})" if self.reference else f"{text})"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mos) and 0.0 <= self.mos <= 1.0):
            raise DataError(f"{self.path}: MOS must be between 0 and 1, got {self.mos!r}")
        if self.std is not None and not (math.isfinite(self.std) and self.std >= 0.0):
            raise DataError(f"{self.path}: std must be finite and not negative, got {self.std!r}")
        if self.split not in SPLITS:
            raise DataError(f"{self.path}: split must be one of {SPLITS}, got {self.split!r}")
        if self.split != TEST_SPLIT and exam_only(self.path):
            raise DataError(
                f"{self.path}: {LIVE_CHALLENGE.name} {LIVE_CHALLENGE.why}, so its split must be "
                f"{TEST_SPLIT!r}, not {self.split!r}"
            )


def data_root(argument: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds the databases.

    Args:
        argument: The value of ``--data-root``; None falls back to ``EDGEIQA_DATA``.

    Raises:
        DataError: Neither is set, or the folder does not exist.
    """
    value = argument if argument is not None else os.environ.get("EDGEIQA_DATA")
    if not value:
        raise DataError("no data root: pass --data-root DIR or set EDGEIQA_DATA")
    root = Path(value).expanduser()
    if not root.is_dir():
        raise DataError(f"data root {root} is not a folder")
    return root


def work_dir(argument: str | os.PathLike[str] | None = None) -> Path:
    """The folder for manifests, caches and checkpoints; created when missing.

    Args:
        argument: The value of ``--work``; None falls back to ``EDGEIQA_WORK``, then to
            ``~/.cache/edgeiqa``.
    """
    value = argument if argument is not None else os.environ.get("EDGEIQA_WORK")
    folder = Path(value).expanduser() if value else Path.home() / ".cache" / "edgeiqa"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_manifest(rows: Iterable[ManifestRow], file: str | os.PathLike[str]) -> None:
    """Writes the rows as CSV, atomically."""
    with replacing(file) as scratch, scratch.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in rows:
            std = "" if row.std is None else repr(row.std)
            writer.writerow((row.path, repr(row.mos), std, row.split, row.subset, row.reference))


def load_manifest(file: str | os.PathLike[str]) -> list[ManifestRow]:
    """Reads a manifest written by :func:`save_manifest`.

    Raises:
        DataError: The file is missing, has other columns, or a row is not valid; the message
            names the line.
    """
    path = Path(file)
    if not path.is_file():
        raise DataError(f"no manifest at {path}: run `edgeiqa convert data` first")
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) not in (_COLUMNS, _OLD_COLUMNS):
            raise DataError(f"{path}: columns must be {_COLUMNS}, got {reader.fieldnames}")
        rows = []
        for number, record in enumerate(reader, start=2):
            try:
                rows.append(
                    ManifestRow(
                        path=record["path"],
                        mos=float(record["mos"]),
                        std=float(record["std"]) if record["std"] else None,
                        split=record["split"],
                        subset=record["subset"],
                        reference=record.get("reference", ""),
                    )
                )
            except (TypeError, ValueError) as error:
                raise DataError(f"{path}, line {number}: {error}") from error
    return rows


def rows_digest(rows: Iterable[ManifestRow]) -> str:
    """A digest of pictures, labels, splits and their order, for fingerprints of runs."""
    text = "\n".join(repr(row) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


def select(rows: Sequence[ManifestRow], split: str) -> list[ManifestRow]:
    """The rows of one split, in manifest order.

    Raises:
        DataError: The split name is unknown or holds no row.
    """
    if split not in SPLITS:
        raise DataError(f"split must be one of {SPLITS}, got {split!r}")
    chosen = [row for row in rows if row.split == split]
    if not chosen:
        if rows and all(exam_only(row.path) for row in rows):
            raise DataError(
                f"there are no {split} pictures: {LIVE_CHALLENGE.name} {LIVE_CHALLENGE.why}"
            )
        raise DataError(f"the manifest holds no {split} pictures")
    return chosen
