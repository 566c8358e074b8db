"""KADID-10k (Lin, Hosu and Saupe, QoMEX 2019).

``kadid10k/images/I01_01_01.png`` with ``kadid10k/dmos.csv``: dist_img, ref_img, dmos, var. 81
references times 25 distortions times 5 levels, 30 crowd workers each.

Two columns are not what their names say. ``dmos`` is on 1-5 and **higher is better** (it falls from
4.08 on average at the first level to 2.01 at the fifth). ``var`` is the standard deviation: whole
ratings with a mean of fractional part f vary by f(1-f) at least, which var squared reaches in more
than a thousand pictures and never falls below.
"""

from __future__ import annotations

import re
from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .scale import Scale
from .tables import csv_records, number, stored_names

TABLE = "dmos.csv"
SCALE = Scale(1.0, 5.0)

KINDS = (
    "Gaussian blur",
    "lens blur",
    "motion blur",
    "colour diffusion",
    "colour shift",
    "colour quantization",
    "colour saturation HSV",
    "colour saturation Lab",
    "JPEG2000",
    "JPEG",
    "white noise",
    "white noise in YCbCr",
    "impulse noise",
    "multiplicative noise",
    "denoising",
    "brighten",
    "darken",
    "mean shift",
    "jitter",
    "non-eccentricity patch",
    "pixelate",
    "quantization",
    "colour block",
    "high sharpen",
    "contrast change",
)
"""Distortions by number from 1."""

_NAME = re.compile(r"(I\d\d)_(\d\d)_(\d\d)\.png", re.IGNORECASE)


def read(base: Path) -> list[Label]:
    """Labels of the distorted pictures.

    Args:
        base: ``kadid10k``.

    Raises:
        DataError: A row is not a picture's.
    """
    stored = stored_names(base / "images")
    labels = []
    for where, record in csv_records(base / TABLE, ("dist_img", "ref_img", "dmos", "var")):
        name = record["dist_img"].strip()
        match = _NAME.fullmatch(name)
        if match is None or not 1 <= int(match[2]) <= len(KINDS):
            raise DataError(f"{where}: {name!r} is not a KADID-10k file name")
        labels.append(
            Label(
                f"images/{stored.get(name.lower(), name)}",
                SCALE.mos(number(record["dmos"], where), where),
                SCALE.std(number(record["var"], where)),
                Path(record["ref_img"].strip()).stem,
                KINDS[int(match[2]) - 1],
            )
        )
    return labels


DATABASE = Database(
    name="kadid10k",
    title="KADID-10k",
    kind="synthetic",
    citation="H. Lin, V. Hosu and D. Saupe, KADID-10k: a large-scale artificially distorted IQA "
    "database, QoMEX 2019",
    where="database.mmsp-kn.de/kadid-10k-database.html",
    terms="free for research, references from Pixabay; cite",
    pictures=10125,
    scale="'dmos' 1..5, higher is better; std",
    split="by reference",
    folders=("kadid10k", "KADID-10k", "KADID10K"),
    needs=(("images",), (TABLE,)),
    read=read,
)
