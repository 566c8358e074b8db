"""The step ``distort``: draw a contact sheet of all distortions at all levels."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..common.files import prepare_targets, replacing
from ..distortions.distort import DISTORTIONS, LEVELS
from ..evaluation.distortion_sheet import contact_sheet
from .common import existing_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `edgeiqa convert distort`."""
    parser.add_argument(
        "pictures", nargs="+", type=existing_file, metavar="PICTURE", help="photographs to degrade"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="PNG", help="the sheet to write")
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=tuple(DISTORTIONS),
        default=tuple(DISTORTIONS),
        metavar="KIND",
        help=f"which to show (default: all, which are {', '.join(DISTORTIONS)})",
    )
    parser.add_argument(
        "--levels",
        type=int,
        choices=range(1, 6),
        default=5,
        metavar="N",
        help="show levels 1 to N, at most 5 (default: %(default)s)",
    )
    parser.add_argument(
        "--mixtures",
        type=int,
        default=3,
        metavar="N",
        help="rows of several distortions at once (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of all chance (default: %(default)s)"
    )
    parser.add_argument(
        "--cell",
        type=int,
        default=190,
        metavar="PX",
        help="side of each picture on the sheet, half of what it shows (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Runs `edgeiqa convert distort`.

    Returns:
        0; 3 when a picture could not be read (the others are drawn).

    Raises:
        ValueError: no picture could be read, or a number is out of range.
    """
    from ..evaluation.monotonicity import load_pictures

    if args.mixtures < 0 or args.seed < 0:
        raise ValueError("--mixtures and --seed must not be negative")
    if args.cell < 16:
        raise ValueError(f"--cell must be at least 16 px, got {args.cell}")
    prepare_targets(args.out)
    pictures, errors = load_pictures(args.pictures)
    for error in errors:
        print(f"unreadable: {error}", file=sys.stderr)
    if not pictures:
        raise ValueError("none of the pictures could be read")
    sheet = contact_sheet(
        list(pictures.items()),
        args.kinds,
        LEVELS[: args.levels],
        mixtures=args.mixtures,
        seed=args.seed,
        thumbnail=args.cell,
    )
    with replacing(args.out) as scratch:
        sheet.save(scratch, "PNG")
    print(f"{args.out}: {sheet.width} x {sheet.height} px")
    return 3 if errors else 0
