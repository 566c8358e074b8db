"""The step ``ladder``: check that scores fall as distortions grow."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from edgeiqa.imaging.discovery import SUFFIXES

from ..common import provenance
from ..common.files import prepare_targets
from ..common.quiet import quiet
from ..datasets.manifest import data_root, load_manifest, work_dir
from ..distortions.distort import DISTORTIONS, RgbArray, monotone_kinds
from ..evaluation.ladder_burst import check_bursts
from ..evaluation.monotonicity import (
    VALIDATION_MOS,
    check_ladders,
    clean_samples,
    load_pictures,
    validation_scenes,
)
from .common import existing_file, existing_folder, model_name, report


def _images_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"no images in {folder}")
    return found


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"must be a share from 0 to 1, got {text!r}")
    return value


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def _chosen_pictures(args: argparse.Namespace) -> list[Path]:
    if args.images is not None:
        return _images_in(args.images)
    if args.rows is None:
        return clean_samples()
    root = data_root(args.data_root)
    manifest = args.manifest or work_dir(args.work) / "manifests" / "biq2021.csv"
    names = validation_scenes(load_manifest(manifest), args.scenes, args.seed)
    return [root / name for name in names]


def _described(args: argparse.Namespace) -> str:
    if args.images is not None:
        return f"a folder of {len(_images_in(args.images))} pictures"
    if args.rows is None:
        return "the package's unspoilt sample photographs"
    return (
        f"{args.scenes} at most of the {args.rows} split, MOS at least {VALIDATION_MOS}, no "
        f"watermarked subset, drawn by seed {args.seed}"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `edgeiqa convert ladder`."""
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        help=".tflite with its contract, or a shipped model's name: base",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--images",
        type=existing_folder,
        metavar="DIR",
        help="folder of sound pictures (default: the package's unspoilt sample photographs)",
    )
    where.add_argument(
        "--rows",
        choices=("validation",),
        help="use rated pictures of this split with a MOS of at least 0.7 instead",
    )
    parser.add_argument(
        "--scenes",
        type=_at_least_one,
        default=40,
        metavar="N",
        help="how many pictures --rows draws by --seed (default: %(default)s)",
    )
    parser.add_argument(
        "--manifest",
        type=existing_file,
        metavar="FILE",
        help="rated pictures for --rows (default: manifests/biq2021.csv in --work)",
    )
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder of the databases (default: $EDGEIQA_DATA)"
    )
    parser.add_argument(
        "--work", metavar="DIR", help="work folder (default: $EDGEIQA_WORK, ~/.cache/edgeiqa)"
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=tuple(DISTORTIONS),
        default=monotone_kinds(),
        metavar="KIND",
        help="distortions to try (default: those that surely look worse with every level, which "
        f"are {', '.join(monotone_kinds())})",
    )
    parser.add_argument(
        "--no-burst",
        action="store_true",
        help="leave out the pairs of frames one level apart, half of the work",
    )
    parser.add_argument(
        "--repeats",
        type=_at_least_one,
        default=1000,
        metavar="N",
        help="bootstrap draws of the burst's 95%% intervals (default: %(default)s)",
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
        "--plot", type=Path, metavar="PNG", help="draw scores (0-100) over levels (0-5)"
    )
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="show every picture with scores")
    parser.add_argument(
        "--max-violations",
        type=_share,
        metavar="SHARE",
        help="exit with 1 when the score does not fall in a larger share (0-1) of the "
        "neighbouring levels, such as 0.05 (default: no limit)",
    )


def run(args: argparse.Namespace) -> int:
    """Runs `edgeiqa convert ladder`.

    Returns:
        0; 1 when there are more violations than `--max-violations`; 3 when a picture could not
        be read.
    """
    from edgeiqa.inference.model import find
    from edgeiqa.scorer import Scorer

    prepare_targets(args.json, args.plot, args.sheet)
    with quiet():  # LiteRT announces its delegate
        scorer = Scorer(args.model, causes=False)
    paths = _chosen_pictures(args)
    pictures, errors = load_pictures(paths)
    for error in errors:
        print(f"unreadable: {error}", file=sys.stderr)
    facts = {
        "model": scorer.contract.name,
        "model_version": scorer.contract.version,
        "model_sha256": provenance.sha256(find(args.model).read_bytes()),
        "flatbuffer_sha256": scorer.contract.flatbuffer_sha256,
        "pictures": _described(args),
        "unreadable": len(errors),
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.evaluation.monotonicity.check_ladders"),
        "date": provenance.now(),
    }

    def score(rgb: RgbArray) -> float:
        return scorer.score(rgb).score

    result = check_ladders(score, pictures, args.kinds, seed=args.seed, facts=facts)
    if not args.no_burst:
        burst = check_bursts(score, pictures, args.kinds, seed=args.seed, repeats=args.repeats)
        result = dataclasses.replace(result, burst=burst)
    report(result.to_dict(), result.table(), args.json)
    if args.plot is not None or args.sheet is not None:
        from ..evaluation import ladder_pictures

        if args.plot is not None:
            ladder_pictures.plot(result, args.plot)
        if args.sheet is not None:
            ladder_pictures.contact_sheet(result, pictures, args.sheet)
    if errors:
        return 3
    return int(args.max_violations is not None and result.count().share > args.max_violations)
