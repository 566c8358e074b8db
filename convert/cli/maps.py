"""The step ``maps``: check that quality maps find the degraded half of a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..common import provenance
from ..common.files import prepare_targets
from ..distortions.distort import DISTORTIONS
from ..evaluation.maps import KINDS, LEVEL, check_maps, remembering, sheet
from ..evaluation.monotonicity import clean_samples, load_pictures
from ..evaluation.predictions import model_facts, open_scorer
from .common import existing_folder, model_name, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        help=".tflite with its contract, or a shipped model's name: base",
    )
    parser.add_argument(
        "--images",
        type=existing_folder,
        metavar="DIR",
        help="folder of sound pictures (default: the package's unspoilt sample photographs)",
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=tuple(DISTORTIONS),
        default=KINDS,
        metavar="KIND",
        help=f"distortions of the half (default: {' '.join(KINDS)})",
    )
    parser.add_argument(
        "--level",
        type=int,
        default=LEVEL,
        choices=range(1, 6),
        help="of the distortion (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of noise and motion angles (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, - for stdout")
    parser.add_argument(
        "--sheet", type=Path, metavar="PNG", help="show one map of every picture and distortion"
    )


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when a picture could not be read."""
    prepare_targets(args.json, args.sheet)
    scorer, _ = open_scorer(args.model, 1)
    paths = clean_samples() if args.images is None else _images_in(args.images)
    pictures, errors = load_pictures(paths)
    for error in errors:
        print(f"unreadable: {error}", file=sys.stderr)
    facts = {
        **model_facts(scorer, args.model),
        "unreadable": len(errors),
        "level": args.level,
        "seed": args.seed,
        "rule": "the degraded half is where the map is below Otsu's threshold of its own values",
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.evaluation.maps.check_maps"),
        "date": provenance.now(),
    }
    settings = {"level": args.level, "seed": args.seed}
    mapper = remembering(scorer)
    result = check_maps(mapper, pictures, args.kinds, **settings, facts=facts)
    report(result.to_dict(), result.table(), args.json)
    if args.sheet is not None:
        sheet(mapper, pictures, args.kinds, args.sheet, **settings)
    return 3 if errors else 0


def _images_in(folder: Path) -> list[Path]:
    from edgeiqa.imaging.discovery import expand

    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    found = [Path(item.path) for item in expand([str(folder)]) if item.error is None]
    if not found:
        raise ValueError(f"no images in {folder}")
    return found
