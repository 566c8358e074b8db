"""SPAQ, Smartphone Photography Attribute and Quality (Fang and others, CVPR 2020).

``SPAQ/TestImage/00001.jpg`` with ``SPAQ/Annotations/MOS and Image attribute scores.xlsx``: image
name, MOS, brightness, colourfulness, contrast, noisiness, sharpness, all 0-100, higher is better.
No standard deviations, no official split. Photographs are up to 20 megapixels.
"""

from __future__ import annotations

from pathlib import Path

from .database import Database, Label
from .scale import Scale
from .tables import number, sheet_records, stored_names

TABLE = "MOS and Image attribute scores.xlsx"
TABLES = (f"Annotations/{TABLE}", TABLE)
PICTURES = "TestImage"
SCALE = Scale(0.0, 100.0)


def read(base: Path) -> list[Label]:
    """Labels of all photographs.

    Args:
        base: ``SPAQ``.

    Raises:
        DataError: The workbook is another one.
    """
    table = next(base / name for name in TABLES if (base / name).is_file())
    stored = stored_names(base / PICTURES)
    labels = []
    for where, record in sheet_records(table, ("Image name", "MOS")):
        name = str(record["Image name"]).strip()
        mos = SCALE.mos(number(record["MOS"], where), where)
        labels.append(Label(f"{PICTURES}/{stored.get(name.lower(), name)}", mos))
    return labels


DATABASE = Database(
    name="spaq",
    title="SPAQ",
    kind="authentic",
    citation="Y. Fang, H. Zhu, Y. Zeng, K. Ma and Z. Wang, Perceptual quality assessment of "
    "smartphone photography, CVPR 2020",
    where="github.com/h4nwei/SPAQ",
    terms="education and research only, no fee; commercial use needs the authors' permission; cite",
    pictures=11125,
    scale="MOS 0..100",
    split="random",
    folders=("SPAQ", "spaq"),
    needs=((PICTURES,), TABLES),
    read=read,
)
