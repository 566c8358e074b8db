"""The step ``calibrate``: check that scores are MOS, and that std estimates their error."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..common import provenance
from ..common.files import prepare_targets, write_bytes
from ..evaluation.calibrate import BINS, calibration_report
from ..evaluation.predictions import (
    Scores,
    arrays,
    model_facts,
    open_scorer,
    predict,
    tell_unreadable,
)
from ..evaluation.uncertainty import plain_spread, with_spread
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
        "--seed", type=int, default=0, metavar="N", help="of draws and folds (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="pictures scored at a time (default: processors)"
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument(
        "--plot", type=Path, metavar="PNG", help="draw the reliability diagram and the error bars"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the model with the fitted std in its contract; validation pictures only",
    )


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    from edgeiqa.inference.model import find

    if args.output is not None and args.split == "test":
        raise ValueError("--output with --split test: nothing may be fitted to the test split")
    rows, root = picture_rows(args)
    prepare_targets(args.json, args.plot, args.output)
    model = find(args.model).read_bytes()
    scorer, workers = open_scorer(plain_spread(model), args.jobs)
    predictions = predict(scorer, rows, root, workers)
    unreadable = tell_unreadable(predictions)
    scores = arrays(predictions)
    as_shipped, _ = open_scorer(model, 1)
    calibration = as_shipped.contract.calibration
    std = None
    if scores.std is not None:
        std = np.array([calibration.std(float(s)) for s in scores.std])
    facts = {
        **model_facts(as_shipped, args.model),
        "database": args.database,
        "split": args.split,
        "pictures": len(rows),
        "unreadable": unreadable,
        "score": "edgeiqa.Scorer from the image file; points of 0-100, MOS times 100",
        "reliability": f"{BINS} bins of equal numbers of pictures, 95% bootstrap of the mean MOS",
        "nll": "Gaussian, nats per picture, MOS in points",
        "coverage": "share of MOS within score +- 1.2816 std",
        "std_fitted": "std_scale * spread ** std_power: power by NLL, scale by 80% coverage; "
        "figures by 5-fold cross-fitting, each picture's std from a fit that did not see it",
        "seed": args.seed,
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.evaluation.calibrate.calibration_report"),
        "date": provenance.now(),
    }
    shipped = Scores(scores.score, scores.mos, std, scores.subsets)
    result = calibration_report(scores, shipped, seed=args.seed, facts=facts)
    report(result.to_dict(), result.table(), args.json)
    if args.plot is not None:
        from ..evaluation.calibrate import plot

        plot(result, scores, args.plot)
    if args.output is not None:
        if result.fit is None:
            raise ValueError("this model has no histogram, so it has no std to calibrate")
        write_bytes(args.output, with_spread(model, result.fit))
    return 3 if unreadable else 0
