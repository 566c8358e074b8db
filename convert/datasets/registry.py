"""All databases by name, and the one way to build a manifest of any of them."""

from __future__ import annotations

import os
from pathlib import Path

from . import (
    agiqa3k,
    bid,
    biq2021,
    cid2013,
    csiq,
    custom_csv,
    kadid10k,
    koniq10k,
    live,
    live_challenge,
    live_md,
    pcuid,
    spaq,
    sr4kiqa,
    tid,
    uhd_iqa,
)
from .database import Database, build_manifest, check_database_repeat
from .errors import DataError
from .manifest import ManifestRow, load_manifest, select

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
        agiqa3k.DATABASE,
        pcuid.DATABASE,
        sr4kiqa.DATABASE,
        live.DATABASE,
        live_md.DATABASE,
        tid.TID2008,
        tid.TID2013,
        csiq.DATABASE,
        kadid10k.DATABASE,
        custom_csv.DATABASE,
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
    if name == custom_csv.NAME:
        raise DataError(
            "your own ratings need a manifest: run `edgeiqa convert data --database csv "
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


def manifest_file(work: Path, database: str, repeat: int = 0) -> Path:
    """Where the manifest of a database, split for the given repeat, is kept."""
    name = f"{database}-repeat{repeat}" if repeat else database
    return work / "manifests" / f"{name}.csv"


def database_rows(
    database: str,
    root: Path,
    split: str,
    manifest: str | os.PathLike[str] | None = None,
    work: Path | None = None,
    repeat: int = 0,
) -> list[ManifestRow]:
    """The pictures of one split.

    They come from `manifest` if given, else from the one that ``edgeiqa convert data`` wrote
    to the work folder if there is one, else from the database's official layout.

    Args:
        database: One of `convert.datasets.registry.DATABASES`.
        root: The data root.
        split: "train", "validation" or "test".
        manifest: A manifest file.
        work: The work folder, see `convert.datasets.manifest.work_dir`.
        repeat: Which split of a database that its authors did not split.

    Raises:
        ValueError: unknown database, or data that is not as published.
    """
    if manifest is not None:
        return select(load_manifest(manifest), split)
    if work is not None and manifest_file(work, database, repeat).is_file():
        return select(load_manifest(manifest_file(work, database, repeat)), split)
    return select(build(database, root, repeat=repeat), split)
