"""BID, Blurred Image Database (Ciancio and others, IEEE TIP 20(1), 2011).

``BID/ImageDatabase/DatabaseImage0001.JPG`` (in some copies directly in ``BID/``) with
``DatabaseGrades.xls``: image number, average subjective grade, number of grades, grade #1 to #20.
586 numbers, not all from 1 to 590 exist. Old Excel in the release, saved anew as .xlsx by many.

Grades 0-5, higher is better; the standard deviation is computed from the single grades.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from .database import Database, Label
from .scale import Scale
from .tables import number, sheet_records, stored_names

TABLES = ("DatabaseGrades.xls", "DatabaseGrades.xlsx")
PICTURES = "ImageDatabase"
SCALE = Scale(0.0, 5.0)


def read(base: Path) -> list[Label]:
    """Labels of all photographs.

    Args:
        base: ``BID``.

    Raises:
        DataError: The workbook is another one.
    """
    table = next(base / name for name in TABLES if (base / name).is_file())
    folder = f"{PICTURES}/" if (base / PICTURES).is_dir() else ""
    stored = stored_names(base / folder)
    labels = []
    for where, record in sheet_records(table, ("Image Number", "Average Subjective Grade")):
        name = f"DatabaseImage{int(number(record['Image Number'], where)):04d}.JPG"
        grades = [
            number(value, where)
            for column, value in record.items()
            if column.lower().startswith("grade #") and value not in (None, "")
        ]
        labels.append(
            Label(
                f"{folder}{stored.get(name.lower(), name)}",
                SCALE.mos(number(record["Average Subjective Grade"], where), where),
                SCALE.std(statistics.stdev(grades)) if len(grades) > 1 else None,
            )
        )
    return labels


DATABASE = Database(
    name="bid",
    title="BID (Blurred Image Database)",
    kind="authentic",
    citation="A. Ciancio et al., No-reference blur assessment of digital pictures based on "
    "multifeature classifiers, IEEE TIP 20(1), 2011",
    where="www02.smt.ufrj.br/~eduardo/ImageDatabase.htm",
    terms="offered for research; no licence is named, ask its authors for other uses; cite",
    pictures=586,
    scale="MOS 0..5; std from single grades",
    split="random",
    folders=("BID", "bid"),
    needs=(TABLES,),
    read=read,
)
