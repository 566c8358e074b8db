"""``edgeiqa convert data``: a database into a manifest, every picture opened once."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..common.progress import progress
from ..datasets import custom_csv
from ..datasets.errors import DataError
from ..datasets.manifest import (
    SPLITS,
    ManifestRow,
    data_root,
    save_manifest,
    work_dir,
)
from ..datasets.registry import build, manifest_file
from ..datasets.registry import database as find_database
from ..datasets.scale import Scale
from .common import add_data_arguments, existing_file, say_next

WIDEST_SUMMARY = 4
"""With more subsets than this they become lines instead of columns."""


def prepare(
    database: str, root: Path, work: Path, *, strict_counts: bool = True, repeat: int = 0
) -> tuple[list[ManifestRow], dict[str, str]]:
    """Builds the manifest of a database and opens every picture once.

    Args:
        database: One of :data:`DATABASES`, but not "csv".
        root: The data root.
        work: Where the manifest goes, see :func:`manifest_file`.
        strict_counts: Insist on the published number of pictures.
        repeat: Which of the seeded splits.

    Returns:
        The manifest rows, all of them, and the error of each picture that cannot be read.

    Raises:
        DataError: The layout or the labels are not what the authors published.
    """
    rows = build(database, root, repeat=repeat, strict_counts=strict_counts)
    damaged = unreadable(rows, root)
    save_manifest(rows, manifest_file(work, database, repeat))
    return rows, damaged


def unreadable(rows: Sequence[ManifestRow], root: Path) -> dict[str, str]:
    """Decodes every picture; returns the error of each that cannot be read, by path."""
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode

    def one(row: ManifestRow) -> tuple[str, str] | None:
        try:
            decode(root / row.path)
        except (UnreadableImageError, OSError) as error:
            return row.path, str(error)
        return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(progress(pool.map(one, rows), len(rows), "opening pictures"))
    return dict(item for item in found if item)


def summary(rows: Sequence[ManifestRow]) -> str:
    """A table of pictures and mean MOS per split and subset."""
    subsets = sorted({row.subset for row in rows})
    labels = [subset or "all" for subset in subsets]
    cells = {
        (split, subset): _cell([r.mos for r in rows if r.split == split and r.subset == subset])
        for split in SPLITS
        for subset in subsets
    }
    if len(subsets) <= WIDEST_SUMMARY:
        lines = [f"{'split':<12}" + "".join(f"{label:>16}" for label in labels)]
        for split in SPLITS:
            lines.append(f"{split:<12}" + "".join(cells[split, subset] for subset in subsets))
        return "\n".join(lines)
    width = max(len(label) for label in labels) + 2
    lines = [f"{'subset':<{width}}" + "".join(f"{split:>16}" for split in SPLITS)]
    for label, subset in zip(labels, subsets, strict=True):
        lines.append(f"{label:<{width}}" + "".join(cells[split, subset] for split in SPLITS))
    totals = [_cell([row.mos for row in rows if row.split == split]) for split in SPLITS]
    return "\n".join([*lines, f"{'all':<{width}}" + "".join(totals)])


def _cell(mos: Sequence[float]) -> str:
    mean = f"{sum(mos) / len(mos):.3f}" if mos else "-"
    return f"{len(mos):>8} {mean:>7}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``edgeiqa convert data``."""
    add_data_arguments(parser)
    parser.add_argument(
        "--list",
        action="store_true",
        help="describe all databases: terms, where to get them, what is here",
    )
    parser.add_argument(
        "--any-count",
        action="store_true",
        help="accept a partial copy instead of insisting on the published number of pictures",
    )
    parser.add_argument(
        "--csv",
        type=existing_file,
        metavar="FILE",
        help="your own ratings, with --database csv: columns path and mos, optional std, "
        "reference, split (train, validation, test) and subset; paths start from the data root "
        "or from the file's folder",
    )
    parser.add_argument(
        "--mos-range",
        nargs=2,
        type=float,
        default=(0.0, 1.0),
        metavar=("LOW", "HIGH"),
        help="ends of the scale of your own ratings (default: 0 1)",
    )
    parser.add_argument(
        "--lower-is-better",
        action="store_true",
        help="your own ratings are high for bad pictures, as DMOS is",
    )
    parser.add_argument("--json", action="store_true", help="print counts and errors as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs ``edgeiqa convert data``; 3 if pictures are missing or damaged."""
    if args.list:
        return _list(args)
    if (args.csv is None) != (args.database != custom_csv.NAME):
        raise DataError("--csv FILE and --database csv go together")
    work = work_dir(args.work)
    if args.csv is None:
        root = data_root(args.data_root)
        rows, damaged = prepare(
            args.database, root, work, strict_counts=not args.any_count, repeat=args.repeat
        )
    else:
        rows, damaged = _prepare_own(args, work)
    file = manifest_file(work, args.database, args.repeat)
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
        known = find_database(args.database)
        if known.only_for:
            print(f"note: {known.only_for}")
    for path, error in damaged.items():
        print(f"unreadable: {path}: {error}", file=sys.stderr)
    say_next(args, "distill --init base" if args.database == custom_csv.NAME else "teacher")
    return 3 if damaged else 0


def _prepare_own(args: argparse.Namespace, work: Path) -> tuple[list[ManifestRow], dict[str, str]]:
    """As :func:`prepare`, for one's own ratings; the table's folder can stand for the data root."""
    table = Path(args.csv).expanduser()
    if args.data_root is None and not os.environ.get("EDGEIQA_DATA"):
        root = data_root(table.parent)
        print(f"no data root is set; other steps need --data-root {root}", file=sys.stderr)
    else:
        root = data_root(args.data_root)
    low, high = args.mos_range
    scale = Scale(low, high, args.lower_is_better)
    rows = custom_csv.build_manifest(table, root, scale, repeat=args.repeat)
    damaged = unreadable(rows, root)
    save_manifest(rows, manifest_file(work, custom_csv.NAME, args.repeat))
    return rows, damaged


def _list(args: argparse.Namespace) -> int:
    from ..datasets import listing

    known = args.data_root is not None or os.environ.get("EDGEIQA_DATA")
    root = data_root(args.data_root) if known else None
    if args.json:
        print(json.dumps(listing.entries(root), indent=2, ensure_ascii=False))
        return 0
    print(listing.table(root))
    if root is None:
        print("\nfound: not checked, because no data root is set (--data-root or EDGEIQA_DATA)")
    return 0
