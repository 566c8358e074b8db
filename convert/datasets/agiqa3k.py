"""AGIQA-3K (Li and others, IEEE TCSVT 34(8), 2024): pictures made by six generators, rated.

``AGIQA-3K/data.csv`` as its authors publish it (``AGIQA-3K.csv`` in some copies), with the columns
``name``, ``mos_quality`` 0-5 and ``std_quality``, and the pictures below ``images/`` (or
``AGIQA_3K/``). A copy that lacks some pictures is read as far as it is complete.

Generated pictures are not photographs. What people dislike in them, smeared texture, lost detail
and blocky upsampling, is what they dislike in photographs, so the order of scores carries over.
"""

from __future__ import annotations

from pathlib import Path

from .database import METER_ONLY, Database, Label
from .scale import Scale
from .tables import csv_records, number, stored_names

TABLES = ("data.csv", "AGIQA-3K.csv")
PICTURES = ("images", "AGIQA_3K", "AGIQA-3K")
SCALE = Scale(0.0, 5.0)


def read(base: Path) -> list[Label]:
    """Labels of the pictures that are there.

    Args:
        base: ``AGIQA-3K``.

    Raises:
        DataError: The table lacks a column, or a score is not on the scale.
    """
    table = next(base / name for name in TABLES if (base / name).is_file())
    stored = {
        name: f"{folder}/{kept}"
        for folder in reversed(PICTURES)
        for name, kept in stored_names(base / folder).items()
    }
    return [
        Label(
            stored[record["name"].lower()],
            SCALE.mos(number(record["mos_quality"], where), where),
            SCALE.std(number(record["std_quality"], where)),
            split="test",
        )
        for where, record in csv_records(table, ("name", "mos_quality", "std_quality"))
        if record["name"].lower() in stored
    ]


DATABASE = Database(
    name="agiqa-3k",
    title="AGIQA-3K",
    kind="authentic",
    citation="C. Li et al., AGIQA-3K: an open database for AI-generated image quality assessment, "
    "IEEE Trans. Circuits Syst. Video Technol. 34(8), 2024",
    where="github.com/lcysyzxdxc/AGIQA-3k-Database",
    terms="no licence is named, ask its authors; cite",
    pictures=2982,
    scale="MOS 0..5; std",
    split="all test: measures transfer",
    folders=("AGIQA-3K", "AGIQA_3K"),
    needs=(TABLES, PICTURES),
    read=read,
    official_split=True,
    only_for=METER_ONLY,
)
