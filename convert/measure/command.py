"""What the commands of this package share: which pictures, and how results are told."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from convert.data.command import add_data_arguments, manifest_file
from convert.data.manifest import SPLITS, ManifestRow, data_root, load_manifest, select, work_dir
from convert.data.registry import build
from convert.files import write_json


def database_rows(
    database: str,
    root: Path,
    split: str,
    manifest: str | os.PathLike[str] | None = None,
    work: Path | None = None,
    repeat: int = 0,
) -> list[ManifestRow]:
    """The pictures of one split.

    They come from `manifest` if given, else from the one that ``python -m convert data`` wrote
    to the work folder if there is one, else from the database's official layout.

    Args:
        database: One of `convert.data.registry.DATABASES`.
        root: The data root.
        split: "train", "validation" or "test".
        manifest: A manifest file.
        work: The work folder, see `convert.data.manifest.work_dir`.
        repeat: Which split of a database that its authors did not split.

    Raises:
        ValueError: unknown database, or data that is not as published.
    """
    if manifest is not None:
        return select(load_manifest(manifest), split)
    if work is not None and manifest_file(work, database, repeat).is_file():
        return select(load_manifest(manifest_file(work, database, repeat)), split)
    return select(build(database, root, repeat=repeat), split)


def add_picture_arguments(parser: argparse.ArgumentParser, split: str) -> None:
    """Options that say which rated pictures to use; shared with ``verify``."""
    add_data_arguments(parser)
    parser.add_argument("--split", default=split, choices=SPLITS, help=f"default: {split}")
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="CSV of rated pictures (default: what `python -m convert data` wrote to --work, "
        "else the database's official layout)",
    )


def picture_rows(args: argparse.Namespace) -> tuple[list[ManifestRow], Path]:
    """The rated pictures that `add_picture_arguments` names, and the data root."""
    root = data_root(args.data_root)
    work = work_dir(args.work) if args.manifest is None else None
    rows = database_rows(args.database, root, args.split, args.manifest, work, args.repeat)
    return rows, root


def report(document: dict[str, Any], table: str, json_file: str | None) -> None:
    """Print the table, and the JSON to a file; with ``-`` the JSON alone to stdout."""
    if json_file == "-":
        import json

        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        return
    print(table)
    if json_file:
        write_json(json_file, document)
