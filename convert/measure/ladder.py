"""The ladder check: a score must fall with every rung of a distortion, and choose within a burst.

Each picture is distorted at five growing levels (`convert.distortions.distort`), and the original
and the five levels are scored by the runtime. Every neighbouring pair in which the score does not
fall is a violation. Then frames of one moment that differ by one level are compared
(`convert.measure.ladder_burst`).
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convert import protocol
from convert.data.manifest import ManifestRow, data_root, load_manifest, select, work_dir
from convert.distortions.distort import DISTORTIONS, ORIGINAL, RgbArray, monotone_kinds
from convert.files import prepare_targets
from convert.measure.command import report
from convert.measure.ladder_burst import check_bursts
from convert.measure.ladder_report import Ladder, LadderReport, rungs
from convert.progress import progress
from convert.quiet import quiet
from edgeiqa.listing import SUFFIXES


def check_ladders(
    score: Callable[[RgbArray], float],
    pictures: Mapping[str, RgbArray],
    kinds: Sequence[str] = ORIGINAL,
    *,
    seed: int = 0,
    facts: Mapping[str, Any] | None = None,
) -> LadderReport:
    """Scores every picture under every distortion at every level.

    Args:
        score: uint8 (height, width, 3) RGB to a score of 0-100, higher is better.
        pictures: name to uint8 (height, width, 3) RGB.
        kinds: names in `convert.distortions.distort.DISTORTIONS`; the six of the first report
            unless told.
        seed: fixes noise and motion angles.
        facts: what the report shall say about how it was made.

    Raises:
        ValueError: an unknown distortion, or no pictures.
    """
    if not pictures:
        raise ValueError("no pictures to check")
    unknown = [kind for kind in kinds if kind not in DISTORTIONS]
    if unknown:
        raise ValueError(f"unknown distortion {unknown[0]!r}; known: {', '.join(DISTORTIONS)}")
    ladders = []
    jobs = [(name, kind) for name in pictures for kind in kinds]
    originals: dict[str, float] = {}
    for name, kind in progress(jobs, len(jobs), "ladders"):
        original, *levels = rungs(pictures[name], kind, name, seed)
        if name not in originals:
            originals[name] = float(score(original))
        scores = (originals[name], *(float(score(level)) for level in levels))
        ladders.append(Ladder(name, kind, scores))
    return LadderReport(tuple(ladders), seed, dict(facts or {}))


VALIDATION_MOS = 0.7
"""Validation pictures rated at least this (0-1) count as clean."""


def validation_scenes(rows: Sequence[ManifestRow], count: int, seed: int) -> list[str]:
    """Draws well-rated pictures that never took part in training.

    Args:
        rows: rows of the manifest; only those of its validation split count.
        count: how many to draw at most.
        seed: of the draw.

    Returns:
        Their paths below the data root, sorted.

    Raises:
        ValueError: no validation picture is rated well enough.
    """
    from convert.data.augment import MARKED_SUBSETS

    good = sorted(
        row.path
        for row in select(rows, "validation")
        if row.mos >= VALIDATION_MOS and row.subset not in MARKED_SUBSETS
    )
    if not good:
        raise ValueError(f"no validation picture has a MOS of at least {VALIDATION_MOS}")
    chosen = np.random.default_rng(seed).permutation(len(good))[:count]
    return sorted(good[index] for index in chosen)


def clean_samples() -> list[Path]:
    """Returns the package's sample photographs that were not spoilt on purpose."""
    from edgeiqa.samples import sample_paths

    # A spoilt one is called <photograph>-<what was done>.jpg (edgeiqa/samples/README.md).
    return [Path(path) for path in sample_paths() if "-" not in Path(path).stem]


def load_pictures(paths: Iterable[Path]) -> tuple[dict[str, RgbArray], list[str]]:
    """Reads pictures as the runtime does.

    Args:
        paths: image files.

    Returns:
        File name to uint8 (height, width, 3) RGB, and one line for each unreadable file.
    """
    from edgeiqa.decode import UnreadableImageError, decode

    pictures: dict[str, RgbArray] = {}
    errors = []
    for path in paths:
        try:
            pictures[path.name] = np.asarray(decode(path))
        except (UnreadableImageError, OSError) as error:
            errors.append(f"{path}: {error}")
    return pictures, errors


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
    """Adds the options of `python -m convert ladder`."""
    parser.add_argument(
        "model", metavar="MODEL", help=".tflite with its contract, or a shipped model's name: base"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--images",
        type=Path,
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
        type=Path,
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
    """Runs `python -m convert ladder`.

    Returns:
        0; 1 when there are more violations than `--max-violations`; 3 when a picture could not
        be read.
    """
    from edgeiqa.model import find
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
        "model_sha256": protocol.sha256(find(args.model).read_bytes()),
        "flatbuffer_sha256": scorer.contract.flatbuffer_sha256,
        "pictures": _described(args),
        "unreadable": len(errors),
        "versions": protocol.versions(),
        "command": protocol.command_line("convert.measure.ladder.check_ladders"),
        "date": protocol.now(),
    }

    def score(rgb: RgbArray) -> float:
        return scorer.score(rgb).score

    result = check_ladders(score, pictures, args.kinds, seed=args.seed, facts=facts)
    if not args.no_burst:
        burst = check_bursts(score, pictures, args.kinds, seed=args.seed, repeats=args.repeats)
        result = dataclasses.replace(result, burst=burst)
    report(result.to_dict(), result.table(), args.json)
    if args.plot is not None or args.sheet is not None:
        from convert.measure import ladder_pictures

        if args.plot is not None:
            ladder_pictures.plot(result, args.plot)
        if args.sheet is not None:
            ladder_pictures.contact_sheet(result, pictures, args.sheet)
    if errors:
        return 3
    return int(args.max_violations is not None and result.count().share > args.max_violations)
