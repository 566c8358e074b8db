"""``python -m convert data``: a database into a manifest, every picture opened once."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from convert.data import biq2021
from convert.data.manifest import (
    SPLITS,
    ManifestRow,
    data_root,
    load_manifest,
    save_manifest,
    work_dir,
)
from convert.progress import progress

DATABASES = (biq2021.NAME,)


def prepare(
    database: str, root: Path, work: Path, *, strict_counts: bool = True
) -> tuple[list[ManifestRow], dict[str, str]]:
    """Builds the manifest of a database and opens every picture once.

    Args:
        database: One of :data:`DATABASES`.
        root: The data root.
        work: Where the manifest goes: ``work/manifests/DATABASE.csv``.
        strict_counts: Insist on the published number of pictures.

    Returns:
        The manifest rows, all of them, and the error of each picture that cannot be read.

    Raises:
        DataError: The layout or the labels are not what the authors published.
    """
    if strict_counts:
        rows = biq2021.build_manifest(root)
    else:
        rows = biq2021.build_manifest(root, _partial_validation(root), strict_counts=False)
    damaged = unreadable(rows, root)
    save_manifest(rows, manifest_file(work, database))
    return rows, damaged


def _partial_validation(root: Path) -> list[str]:
    """Of a partial copy: the committed names that it has, or else one in ten of its Train."""
    table = biq2021.read_table(root / biq2021.FOLDER / biq2021.TRAIN_TABLE)
    names = {name for name, _ in table}
    held_out = [name for name in biq2021.official_validation() if name in names]
    return held_out or biq2021.draw_validation(table, max(1, len(table) // 10))


def unreadable(rows: Sequence[ManifestRow], root: Path) -> dict[str, str]:
    """Decodes every picture; returns the error of each that cannot be read, by path."""
    from edgeiqa.decode import UnreadableImageError, decode

    def one(row: ManifestRow) -> tuple[str, str] | None:
        try:
            decode(root / row.path)
        except (UnreadableImageError, OSError) as error:
            return row.path, str(error)
        return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(progress(pool.map(one, rows), len(rows), "opening pictures"))
    return dict(item for item in found if item)


def manifest_file(work: Path, database: str) -> Path:
    """Where the manifest of a database is kept."""
    return work / "manifests" / f"{database}.csv"


def summary(rows: Sequence[ManifestRow]) -> str:
    """A table of pictures and mean MOS per split and subset."""
    subsets = sorted({row.subset for row in rows})
    lines = [f"{'split':<12}" + "".join(f"{subset or 'all':>16}" for subset in subsets)]
    for split in SPLITS:
        cells = []
        for subset in subsets:
            mos = [row.mos for row in rows if row.split == split and row.subset == subset]
            mean = f"{sum(mos) / len(mos):.3f}" if mos else "-"
            cells.append(f"{len(mos):>8} {mean:>7}")
        lines.append(f"{split:<12}" + "".join(cells))
    return "\n".join(lines)


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--database``, ``--data-root`` and ``--work``, which every step shares."""
    parser.add_argument(
        "--database", default=biq2021.NAME, choices=DATABASES, help="which database to use"
    )
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder that holds BIQ2021/ (default: $EDGEIQA_DATA)"
    )
    parser.add_argument(
        "--work",
        metavar="DIR",
        help="caches, checkpoints and results (default: $EDGEIQA_WORK or ~/.cache/edgeiqa)",
    )


def rows_root_work(args: argparse.Namespace) -> tuple[list[ManifestRow], Path, Path]:
    """The manifest, data root and work folder that the shared arguments name."""
    root, work = data_root(args.data_root), work_dir(args.work)
    return load_manifest(manifest_file(work, args.database)), root, work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``python -m convert data``."""
    add_data_arguments(parser)
    parser.add_argument(
        "--any-count",
        action="store_true",
        help="accept a partial copy instead of insisting on the published number of pictures",
    )
    parser.add_argument("--json", action="store_true", help="print counts and errors as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs ``python -m convert data``; 3 if pictures are missing or damaged."""
    root, work = data_root(args.data_root), work_dir(args.work)
    rows, damaged = prepare(args.database, root, work, strict_counts=not args.any_count)
    file = manifest_file(work, args.database)
    if args.json:
        counts = Counter((row.split, row.subset) for row in rows)
        report = {
            "manifest": str(file),
            "counts": {f"{split}/{subset}": n for (split, subset), n in sorted(counts.items())},
            "unreadable": damaged,
        }
        print(json.dumps(report, indent=2))
    else:
        print(f"{len(rows)} pictures of {args.database} -> {file}\n(pictures, mean MOS)")
        print(summary(rows))
    for path, error in damaged.items():
        print(f"unreadable: {path}: {error}", file=sys.stderr)
    return 3 if damaged else 0
