"""KonIQ-10k (Hosu, Lin, Sziranyi and Saupe, IEEE TIP 29, 2020), with its official split.

``koniq10k/1024x768/*.jpg`` with ``koniq10k_distributions_sets.csv`` (github.com/subpic/koniq,
``metadata/``): image_name, c1 to c5 (shares of the five ratings), c_total (votes), MOS, SD, set.
The official sets are 7,058 training, 1,000 validation and 2,015 test pictures. With the table go
the pictures of either archive, ``1024x768`` or ``512x384``.

``MOS`` comes from z-scores and is scaled to 1-100; ``SD`` belongs to the five ratings (1-5). The
shares give the raw opinions: :func:`votes`. Their mean and the MOS rank alike but are not the same
number, since z-scores take every worker's own use of the scale into account.
"""

from __future__ import annotations

from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .scale import Scale
from .tables import csv_records, number, stored_names

TABLE = "koniq10k_distributions_sets.csv"
PICTURES = ("1024x768", "512x384")
SCALE = Scale(1.0, 100.0)
RATINGS = Scale(1.0, 5.0)
SETS = {"training": "train", "validation": "validation", "test": "test"}
SHARES = ("c1", "c2", "c3", "c4", "c5")


def read(base: Path) -> list[Label]:
    """Labels with the official split.

    Args:
        base: ``koniq10k``.

    Raises:
        DataError: A column is missing or a set is unknown.
    """
    folder = _pictures(base)
    stored = stored_names(base / folder)
    labels = []
    for where, record in csv_records(_table(base), ("image_name", "MOS", "SD", "set")):
        name = record["image_name"].strip()
        if record["set"] not in SETS:
            raise DataError(f"{where}: set {record['set']!r} is not one of {', '.join(SETS)}")
        labels.append(
            Label(
                f"{folder}/{stored.get(name.lower(), name)}",
                SCALE.mos(number(record["MOS"], where), where),
                RATINGS.std(number(record["SD"], where)),
                split=SETS[record["set"]],
            )
        )
    return labels


def votes(base: Path) -> dict[str, tuple[float, ...]]:
    """The raw opinions.

    Args:
        base: ``koniq10k``.

    Returns:
        Per path, relative to ``base`` as in the manifest, the shares of the five ratings from worst
        to best; they sum to one.

    Raises:
        DataError: Shares of a picture do not sum to one.
    """
    folder = _pictures(base)
    stored = stored_names(base / folder)
    found = {}
    for where, record in csv_records(_table(base), ("image_name", *SHARES)):
        name = record["image_name"].strip()
        shares = tuple(number(record[column], where) for column in SHARES)
        if abs(sum(shares) - 1.0) > 1e-3 or min(shares) < 0:
            raise DataError(f"{where}: the shares of the five ratings must sum to 1, got {shares}")
        total = sum(shares)
        found[f"{folder}/{stored.get(name.lower(), name)}"] = tuple(s / total for s in shares)
    return found


def _pictures(base: Path) -> str:
    return next((name for name in PICTURES if (base / name).is_dir()), PICTURES[0])


def _table(base: Path) -> Path:
    return base / TABLE if (base / TABLE).is_file() else base / "metadata" / TABLE


DATABASE = Database(
    name="koniq10k",
    title="KonIQ-10k",
    kind="authentic",
    citation="V. Hosu, H. Lin, T. Sziranyi and D. Saupe, KonIQ-10k: an ecologically valid database "
    "for deep learning of blind image quality assessment, IEEE TIP 29, 2020",
    where="database.mmsp-kn.de/koniq-10k-database.html; the table with the official sets at "
    "github.com/subpic/koniq, metadata/",
    terms="free for research, pictures under Creative Commons licences (YFCC100M); cite",
    pictures=10073,
    scale="MOS 1..100; std 1..5; votes",
    split="official",
    folders=("koniq10k", "KonIQ-10k", "koniq-10k"),
    needs=(PICTURES, (TABLE, f"metadata/{TABLE}")),
    read=read,
    official_split=True,
)
