"""All databases by name, and the one way to build a manifest of any of them."""

from __future__ import annotations

from pathlib import Path

from convert.data import (
    bid,
    biq2021,
    cid2013,
    csiq,
    kadid10k,
    koniq10k,
    live,
    live_challenge,
    live_md,
    own_csv,
    spaq,
    tid,
    uhd_iqa,
)
from convert.data.database import Database, build_manifest, check_database_repeat
from convert.data.errors import DataError
from convert.data.manifest import ManifestRow

BIQ2021 = Database(
    name=biq2021.NAME,
    title="BIQ2021",
    kind="authentic",
    citation="N. Ahmed and S. Asif, BIQ2021: a large-scale blind image quality assessment "
    "database, J. Electron. Imaging 31(5), 2022",
    where="github.com/nisarahmedrana/BIQ2021",
    terms="research and benchmarking; no licence is named; cite",
    pictures=sum(biq2021.COUNTS.values()),
    scale="MOS 0..1",
    split="official test; ours of its train",
    folders=(biq2021.FOLDER,),
    needs=(("Images",), (biq2021.TRAIN_TABLE,), (biq2021.TEST_TABLE,)),
    official_split=True,
)

DATABASES: dict[str, Database] = {
    database.name: database
    for database in (
        BIQ2021,
        koniq10k.DATABASE,
        spaq.DATABASE,
        uhd_iqa.DATABASE,
        bid.DATABASE,
        cid2013.DATABASE,
        live_challenge.DATABASE,
        live.DATABASE,
        live_md.DATABASE,
        tid.TID2008,
        tid.TID2013,
        csiq.DATABASE,
        kadid10k.DATABASE,
        own_csv.DATABASE,
    )
}
"""Photographs as taken first, then those distorted on purpose, then one's own."""


def database(name: str) -> Database:
    """A database by the name that ``--database`` takes.

    Raises:
        DataError: There is none of that name.
    """
    if name not in DATABASES:
        raise DataError(f"database {name!r} is not known, expected one of {', '.join(DATABASES)}")
    return DATABASES[name]


def build(
    name: str, root: Path, *, repeat: int = 0, strict_counts: bool = True
) -> list[ManifestRow]:
    """Reads a database below the data root into manifest rows.

    Args:
        name: Any of :data:`DATABASES` but "csv", which needs a file.
        root: The data root.
        repeat: Which of the seeded splits.
        strict_counts: Insist on the published number of pictures.

    Raises:
        DataError: The database is not known, not there or not as published, or the repeat does
            not exist.
    """
    chosen = database(name)
    if name == own_csv.NAME:
        raise DataError(
            "your own ratings need a manifest: run `python -m convert data --database csv "
            "--csv FILE` first"
        )
    if name == biq2021.NAME:
        check_database_repeat(chosen, repeat)
        if strict_counts:
            return biq2021.build_manifest(root)
        return biq2021.build_manifest(root, biq2021.partial_validation(root), strict_counts=False)
    return build_manifest(chosen, root, repeat=repeat, strict_counts=strict_counts)


def refuse_exam(name: str) -> None:
    """Stops steps that learn from a database which may only be scored.

    Args:
        name: Of a database.

    Raises:
        DataError: The database may not be trained, tuned, calibrated or selected on; says why.
    """
    if name in DATABASES and not DATABASES[name].trainable:
        raise DataError(f"--database {name}: {DATABASES[name].only_for}")
