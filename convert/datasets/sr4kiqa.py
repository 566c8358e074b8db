"""SR4KIQA: 4K photographs enlarged from 1/2 to 1/8 of their size by old and learned methods.

``SR4KIQA/MOS.csv`` without a header (file name, a normalised score, MOS 1-5) and one folder for
each scene, ``Animal1/Animal1_Bicubic_x2.jpg``. Compare within a scene only: every scene has the
same ladder of methods, and what is left between scenes is taste.
"""

from __future__ import annotations

import csv
from pathlib import Path

from .database import METER_ONLY, Database, Label
from .errors import DataError
from .scale import Scale
from .tables import number

TABLE = "MOS.csv"
SCALE = Scale(1.0, 5.0)


def read(base: Path) -> list[Label]:
    """Labels of the pictures that are there; ``subset`` and ``reference`` are the scene.

    Args:
        base: ``SR4KIQA``.

    Raises:
        DataError: The table has other columns, or a score is not on the scale.
    """
    labels = []
    with (base / TABLE).open(newline="", encoding="utf-8-sig") as stream:
        for count, cells in enumerate(csv.reader(stream), start=1):
            where = f"{TABLE}, line {count}"
            if not any(cells):
                continue
            if len(cells) < 3:
                raise DataError(f"{where}: expected file name, score and MOS, got {cells}")
            name = cells[0].strip()
            scene = name.split("_", 1)[0]
            if (base / scene / name).is_file():
                mos = SCALE.mos(number(cells[2], where), where)
                labels.append(
                    Label(f"{scene}/{name}", mos, reference=scene, subset=scene, split="test")
                )
    return labels


DATABASE = Database(
    name="sr4kiqa",
    title="SR4KIQA",
    kind="synthetic",
    citation="SR4KIQA: a database of super-resolved 4K images",
    where="github.com/mb21100/SR4KIQA",
    terms="no licence is named, ask its authors; cite",
    pictures=767,
    scale="MOS 1..5",
    split="all test: measures transfer",
    folders=("SR4KIQA",),
    needs=((TABLE,),),
    read=read,
    official_split=True,
    only_for=METER_ONLY,
)
