"""``edgeiqa convert transfer``: how a model or a recipe does away from home."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..common import provenance
from ..common.files import prepare_targets
from ..common.metrics import FloatArray
from ..datasets import biq2021
from ..datasets.manifest import ManifestRow, data_root, load_manifest, work_dir
from ..datasets.registry import manifest_file
from ..evaluation import transfer
from ..evaluation.predictions import open_scorer, predict
from .common import model_name, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        nargs="*",
        help=".tflite with its contract, or a shipped model's name: base; several are compared "
        "with the first one on the same bootstrap draws",
    )
    parser.add_argument(
        "--trunk",
        metavar="NETWORK=INIT",
        action="append",
        default=[],
        help="measure a recipe instead: a linear head on this frozen network, such as "
        "mobilenet_v2=imagenet or nima_mobilenet_v1=aesthetic.tflite; given several times, on all "
        "of them together",
    )
    parser.add_argument(
        "--depths",
        default="usual",
        help="blocks whose means the head sees, counted from one: 3,6,10; `usual` takes the last "
        "block of every stage, `last` the last layer alone (default: %(default)s)",
    )
    parser.add_argument(
        "--deviations", action="store_true", help="the head sees deviations beside the means"
    )
    parser.add_argument(
        "--targets",
        choices=transfer.RECIPES,
        default=transfer.WITHIN,
        help="`within`: each subset has its own offset and scale; `standardised`: the scores of "
        "each have mean 0, whatever their features; `pooled`: all on one scale "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--anchor",
        type=float,
        default=0.0,
        metavar="X",
        help="how much of the distances between subsets is learned with --targets within, 0 to 1 "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="what trunks compute in; bfloat16 is faster where the processor has it "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        type=int,
        default=384,
        metavar="N",
        help="pictures are squashed to N x N pixels for a trunk (default: %(default)s)",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=0.3,
        metavar="X",
        help="of the ridge, as a share of the number of pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--pictures", type=int, metavar="N", help="learn from N pictures drawn from the train split"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="so many draws (default: %(default)s)"
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=1000,
        metavar="N",
        help="bootstrap draws of the 95%% intervals (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="pictures scored at a time; changes no score (default: number of processors)",
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder of the databases (default: $EDGEIQA_DATA)"
    )
    parser.add_argument(
        "--work",
        metavar="DIR",
        help="caches of pictures and features (default: $EDGEIQA_WORK or ~/.cache/edgeiqa)",
    )


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    if not args.model and not args.trunk:
        raise ValueError("nothing to measure: name a MODEL or a --trunk NETWORK=INIT")
    prepare_targets(args.json)
    root, work = data_root(args.data_root), work_dir(args.work)
    file = manifest_file(work, biq2021.NAME, 0)
    meter = transfer.read_meter(root, load_manifest(file) if file.is_file() else None)
    results, unreadable = [], 0
    for model in args.model:
        scorer, jobs = open_scorer(model, args.jobs)

        def score(rows: Sequence[ManifestRow]) -> FloatArray:
            nonlocal unreadable
            predictions = predict(scorer, rows, root, jobs)  # noqa: B023, called within the loop
            known = [p.score for p in predictions if p.score is not None]
            unreadable += len(predictions) - len(known)
            # An unreadable picture must not shift the others: it gets the middle of the scores.
            middle = float(np.median(known))
            return np.array([middle if p.score is None else p.score for p in predictions])

        label = f"{scorer.contract.name} {scorer.contract.version}"
        results.append(transfer.measure_model(meter, score, label))
    if args.trunk:
        results.append(_recipe(args, meter, root, work))
    document = transfer.report(results, meter, repeats=args.repeats)
    document["protocol"] = {
        "command": provenance.command_line("convert.evaluation.transfer"),
        "at": provenance.now(),
        "versions": provenance.versions(),
        "unreadable": unreadable,
    }
    report(document, transfer.table(document), args.json)
    return 3 if unreadable else 0


def _recipe(
    args: argparse.Namespace, meter: transfer.Meter, root: Path, work: Path
) -> transfer.Transfer:
    from ..training.frozen_trunk import load_trunk

    depths: list[int] | None = None
    if args.depths != "usual":
        try:
            depths = [] if args.depths == "last" else [int(d) for d in args.depths.split(",")]
        except ValueError:
            raise ValueError(
                f"--depths must be `usual`, `last` or numbers such as 3,6,10, got {args.depths!r}"
            ) from None
    trunks = []
    for word in args.trunk:
        network, equals, init = word.partition("=")
        if not equals:
            raise ValueError(f"--trunk must be NETWORK=INIT, got {word!r}")
        trunks.append(
            load_trunk(
                network,
                init,
                depths=depths,
                deviations=args.deviations,
                precision=args.precision,
            )
        )

    def features(rows: Sequence[ManifestRow]) -> transfer.Features:
        parts = [trunk.features(rows, root, work, args.size) for trunk in trunks]
        return np.concatenate(parts, 1)

    label = f"{' + '.join(trunk.name for trunk in trunks)}, {args.depths} depths, {args.targets}"
    return transfer.measure_recipe(
        meter,
        features,
        label,
        targets=args.targets,
        strength=args.strength,
        anchor=args.anchor,
        pictures=args.pictures,
        seeds=args.seeds,
    )
