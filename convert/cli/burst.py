"""The step ``burst``: measure how often the better frame of a burst is found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeiqa.imaging.discovery import expand
from edgeiqa.inference.contract import read
from edgeiqa.inference.model import find
from edgeiqa.scorer import Scorer

from ..common import provenance
from ..common.files import prepare_targets
from ..common.quiet import quiet
from ..datasets.biq2021 import build_manifest
from ..datasets.manifest import data_root
from ..evaluation.burst_measures import Scene
from ..evaluation.burst_pairs import (
    TARGET,
    PairSet,
    real_pairs,
    synthetic,
    table,
    video_windows,
)
from ..evaluation.burst_series import KINDS, MIXED, SLIGHT
from ..evaluation.monotonicity import validation_scenes
from .common import model_name, report


def _scenes(paths: Sequence[str], seed: int) -> list[Scene]:
    return [Scene(Path(path).name, path, (*KINDS, MIXED, *SLIGHT), seed) for path in paths]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `edgeiqa convert burst`."""
    parser.add_argument(
        "--model", type=model_name, default="base", help="a model's name or file (default: base)"
    )
    parser.add_argument(
        "--scenes",
        type=int,
        default=20,
        metavar="N",
        help="rated validation pictures (default: %(default)s; 0 for none)",
    )
    parser.add_argument(
        "--large",
        type=Path,
        nargs="*",
        default=[],
        metavar="DIR",
        help="folders of clean large photographs, such as those of CLIC",
    )
    parser.add_argument(
        "--large-scenes",
        type=int,
        default=6,
        metavar="N",
        help="how many to draw from all of them (default: %(default)s)",
    )
    parser.add_argument(
        "--pairs",
        type=Path,
        metavar="DIR",
        help="folder of real pairs, NAME_gt.png the sharp one of NAME.png",
    )
    parser.add_argument(
        "--video", type=Path, metavar="DIR", help="folder of a video's consecutive frames"
    )
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder of the databases (default: $EDGEIQA_DATA)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="side by side (default: 1)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, - for stdout")


def run(args: argparse.Namespace) -> int:
    """Runs `edgeiqa convert burst`.

    Returns:
        0; 1 when synthetic pairs one level apart are right less often than `TARGET`; 3 when a
        picture could not be read.
    """
    prepare_targets(args.json)
    sets: list[PairSet] = []
    errors: list[str] = []

    def take(result: tuple[PairSet, list[str]]) -> None:
        sets.append(result[0])
        errors.extend(result[1])

    if args.scenes:
        root = data_root(args.data_root)
        names = validation_scenes(build_manifest(root), args.scenes, args.seed)
        scenes = _scenes([str(root / name) for name in names], args.seed)
        what = "bursts from rated validation pictures"
        take(synthetic("validation", what, scenes, args.model, args.processes))
    if args.large:
        paths = [item.path for item in expand(map(str, args.large)) if item.error is None]
        draw = np.random.default_rng(args.seed).permutation(len(paths))[: args.large_scenes]
        scenes = _scenes([paths[i] for i in sorted(draw)], args.seed)
        what = "bursts from large photographs"
        take(synthetic("large", what, scenes, args.model, args.processes))
    if args.pairs or args.video:
        with quiet():  # LiteRT announces its delegate
            scorer = Scorer(args.model)
        if args.pairs:
            take(real_pairs(args.pairs, scorer))
        if args.video:
            take(video_windows(args.video, scorer))
    for error in errors:
        print(f"unreadable: {error}", file=sys.stderr)
    contract, _ = read(find(args.model).read_bytes())
    document = {
        "protocol": {
            "model": contract.name,
            "model_version": contract.version,
            "flatbuffer_sha256": contract.flatbuffer_sha256,
            "seed": args.seed,
            "interval": "Wilson, 95%, pairs taken for independent",
            "versions": provenance.versions(),
            "command": provenance.command_line("convert.evaluation.burst_pairs"),
            "date": provenance.now(),
        },
        "target": TARGET,
        "sets": [one.to_dict() for one in sets],
    }
    report(document, table(sets), args.json)
    if errors:
        return 3
    made = [one.counts["all", 1]["burst"] for one in sets if one.name in ("validation", "large")]
    return int(any(count.right < TARGET * count.pairs for count in made))
