"""The step ``stability``: measure how scores shift under what should not matter."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from ..common import provenance
from ..common.files import prepare_targets
from ..evaluation.predictions import model_facts, open_scorer
from ..evaluation.stability import CHANGES, PICTURES, SAMPLES, check_stability
from .common import add_picture_arguments, model_name, picture_rows, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        help=".tflite with its contract, or a shipped model's name: base",
    )
    add_picture_arguments(parser, "validation")
    parser.add_argument(
        "--pictures",
        type=int,
        default=PICTURES,
        metavar="N",
        help="drawn from the split; 0 takes the package's sample photographs only "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of all draws (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="pictures scored at a time (default: processors)"
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    from edgeiqa.assets import sample_paths

    if args.pictures < 0:
        raise ValueError(f"--pictures is {args.pictures}, expected 0 or more")
    prepare_targets(args.json)
    groups: dict[str, list[Path]] = {}
    if args.pictures:
        rows, root = picture_rows(args)
        order = np.random.default_rng(args.seed).permutation(len(rows))[: args.pictures]
        groups[args.split] = [root / rows[index].path for index in sorted(order)]
    groups[SAMPLES] = sample_paths()
    scorer, workers = open_scorer(args.model, args.jobs)
    facts = {
        **model_facts(scorer, args.model),
        "database": args.database if args.pictures else None,
        "split": args.split if args.pictures else None,
        "change": "score after minus score before, points of 0-100; median, 95th percentile and "
        "largest of its size",
        "changes": {name: " ".join((c.__doc__ or name).split()) for name, c in CHANGES.items()},
        "seed": args.seed,
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.evaluation.stability.check_stability"),
        "date": provenance.now(),
    }
    result, errors = check_stability(
        lambda rgb: scorer.score(rgb).score, groups, seed=args.seed, jobs=workers, facts=facts
    )
    for error in errors:
        print(f"unreadable: {error}", file=sys.stderr)
    report(result.to_dict(), result.table(), args.json)
    return 3 if errors else 0
