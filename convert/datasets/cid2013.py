"""CID2013, Camera Image Database (Virtanen and others, IEEE TIP 24(1), 2015).

``CID2013/IS1/co1/IS_I_C01_D01.jpg`` with ``CID2013 data - version 12112014.xlsx``, sheet
``CID2013 MOS``: Source_ID (the file name without suffix), the MOS within the image set and the
``Realigned MOS``, which puts all six sets on one scale. 79 cameras, eight scenes, 474 pictures. A
file name says image set (roman), scene and device.

Only the realigned MOS compares across sets. Realignment carries its nominal 0-100 to -9.55 at the
lower end: scaled from -10..100, so that nothing is clipped. Splits go by scene, which all cameras
and several sets photographed alike; with eight scenes, validation and test hold two each. The
subset is the image set. The workbook was not available when this was written; sheet and columns are
those that public readers of the release use, the range was taken from a table made from it.
"""

from __future__ import annotations

import re
from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .scale import Scale
from .tables import number, sheet_records, stored_names

TABLE = "CID2013 data - version 12112014.xlsx"
SHEET = "CID2013 MOS"
SCALE = Scale(-10.0, 100.0)
SETS = ("I", "II", "III", "IV", "V", "VI")
_NAME = re.compile(r"IS_([IV]+)_C(\d\d)_D\d\d", re.IGNORECASE)


def read(base: Path) -> list[Label]:
    """Labels of all photographs.

    Args:
        base: ``CID2013``.

    Raises:
        DataError: The workbook is another one, or an identifier is none of the database's.
    """
    labels = []
    stored: dict[str, dict[str, str]] = {}
    for where, record in sheet_records(base / TABLE, ("Source_ID", "Realigned MOS"), SHEET):
        identifier = str(record["Source_ID"]).strip()
        match = _NAME.fullmatch(identifier)
        if match is None or match[1].upper() not in SETS:
            raise DataError(f"{where}: {identifier!r} is not a CID2013 picture")
        image_set = f"IS{SETS.index(match[1].upper()) + 1}"
        folder = f"{image_set}/co{int(match[2])}"
        if folder not in stored:
            stored[folder] = stored_names(base / folder)
        name = f"{identifier}.jpg"
        labels.append(
            Label(
                f"{folder}/{stored[folder].get(name.lower(), name)}",
                SCALE.mos(number(record["Realigned MOS"], where), where),
                None,
                f"C{match[2]}",
                image_set,
            )
        )
    return labels


DATABASE = Database(
    name="cid2013",
    title="CID2013 (Camera Image Database)",
    kind="authentic",
    citation="T. Virtanen et al., CID2013: a database for evaluating no-reference image quality "
    "assessment algorithms, IEEE TIP 24(1), 2015",
    where="zenodo.org/record/2647033",
    terms="free for any purpose with the copyright notice and acknowledgement; single pictures not "
    "outside of the database; cite",
    pictures=474,
    scale="realigned MOS -10..100",
    split="by scene",
    folders=("CID2013", "cid2013"),
    needs=(*((f"IS{number}",) for number in range(1, 7)), (TABLE,)),
    read=read,
)
