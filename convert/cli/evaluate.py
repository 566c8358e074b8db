"""``edgeiqa convert evaluate``: one model against people, or several side by side."""

from __future__ import annotations

import argparse
import sys

from ..common.files import prepare_targets, write_text
from ..evaluation.compare import compare
from ..evaluation.evaluate import evaluate
from ..evaluation.predictions import scores_csv, tell_unreadable
from .common import add_picture_arguments, model_name, picture_rows, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        nargs="+",
        help=".tflite with its contract, or a shipped model's name: base; several are compared "
        "with the first one on the same bootstrap draws",
    )
    add_picture_arguments(parser, "test")
    parser.add_argument(
        "--repeats",
        type=int,
        default=1000,
        metavar="N",
        help="bootstrap draws of the 95%% intervals (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the bootstrap (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="pictures scored at a time; changes no score (default: number of processors)",
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument(
        "--scores", metavar="FILE", help="write every score (0-100) and MOS (0-1) as CSV"
    )


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    rows, root = picture_rows(args)
    prepare_targets(args.json, args.scores)
    if args.split == "test":
        print(
            "note: the test split is for final reports only; choose models on validation",
            file=sys.stderr,
        )
    results = [
        evaluate(
            model,
            rows,
            root,
            database=args.database,
            split=args.split,
            repeats=args.repeats,
            seed=args.seed,
            jobs=args.jobs,
        )
        for model in args.model
    ]
    unreadable = tell_unreadable(results[0].predictions)
    if len(results) == 1:
        if args.scores:
            write_text(args.scores, scores_csv(results[0].predictions))
        report(results[0].to_dict(), results[0].table(), args.json)
        return 3 if unreadable else 0
    together = compare(args.model, results)
    if args.scores:
        write_text(args.scores, together.scores_csv())
    report(together.to_dict(), together.table(), args.json)
    return 3 if unreadable else 0
