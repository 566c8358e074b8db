"""PCUID: underwater photographs, each compared with every other one by observers.

``PCUID/MOS.xlsx`` (``image_id``, ``MOS`` 0-100) with the photographs in ``300-1`` to ``300-3``;
the number in a file's name is its ``image_id``.
"""

from __future__ import annotations

import re
from pathlib import Path

from .database import METER_ONLY, Database, Label
from .scale import Scale
from .tables import number, sheet_records

TABLE = "MOS.xlsx"
FOLDERS = ("300-1", "300-2", "300-3")
SCALE = Scale(0.0, 100.0)


def read(base: Path) -> list[Label]:
    """Labels of the photographs that are there.

    Args:
        base: ``PCUID``.

    Raises:
        DataError: The workbook is another one, or a score is not on the scale.
    """
    stored = {
        int(found[1]): file.relative_to(base).as_posix()
        for folder in FOLDERS
        for file in sorted((base / folder).glob("*.jpg"))
        if (found := re.search(r"(\d+)$", file.stem))
    }
    return [
        Label(stored[key], SCALE.mos(number(record["MOS"], where), where), split="test")
        for where, record in sheet_records(base / TABLE, ("image_id", "MOS"))
        if (key := int(number(record["image_id"], where))) in stored
    ]


DATABASE = Database(
    name="pcuid",
    title="PCUID (paired comparisons of underwater images)",
    kind="authentic",
    citation="JOU-UIP, PCUID: paired comparison underwater image database",
    where="github.com/JOU-UIP/PCUID",
    terms="no licence is named, ask its authors; cite",
    pictures=300,
    scale="MOS 0..100",
    split="all test: measures transfer",
    folders=("PCUID",),
    needs=((TABLE,), *((folder,) for folder in FOLDERS)),
    read=read,
    official_split=True,
    only_for=METER_ONLY,
)
