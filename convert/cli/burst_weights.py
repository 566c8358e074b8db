"""The step ``burst-weights``: learns the weights of the burst ranking."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edgeiqa.burst.weights import BurstWeights
from edgeiqa.files.atomic import write_atomically

from ..common import provenance
from ..common.files import prepare_targets
from ..datasets.manifest import data_root
from ..evaluation.burst_measures import measure_scenes
from ..training.burst_weights import learn, training_scenes
from .common import model_name, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `edgeiqa convert burst-weights`."""
    parser.add_argument(
        "--model", type=model_name, default="base", help="whose scores to weigh (default: base)"
    )
    parser.add_argument(
        "--scenes", type=int, default=100, metavar="N", help="rated pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--more",
        type=Path,
        nargs="*",
        default=[],
        metavar="DIR",
        help="folders of more training pictures, such as those of BSDS500's train part",
    )
    parser.add_argument(
        "--more-scenes",
        type=int,
        default=60,
        metavar="N",
        help="how many to draw from --more (default: %(default)s)",
    )
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder of the databases (default: $EDGEIQA_DATA)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="side by side (default: 1)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, - for stdout")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write the weights to FILE, such as burst.json",
    )
    parser.add_argument("--version", default="0.1.0", help="of the weights (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Runs `edgeiqa convert burst-weights`; returns 0, or 3 when a picture was unreadable."""
    prepare_targets(args.json, args.output)
    scenes = training_scenes(
        data_root(args.data_root), args.scenes, args.more, args.more_scenes, args.seed
    )
    measured, errors = measure_scenes(scenes, args.model, args.processes)
    for error in errors:
        print(f"unreadable: {error}", file=sys.stderr)
    document = {
        **learn(measured),
        "model": args.model,
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.training.burst_weights.learn"),
        "date": provenance.now(),
    }
    if args.output is not None:
        training = {
            key: document[key] for key in ("command", "date", "scenes", "pairs", "strength")
        }
        weights = BurstWeights("burst", args.version, args.model, document["weights"], training)
        write_atomically(args.output, (json.dumps(weights.to_dict(), indent=1) + "\n").encode())
    lines = [f"{name:18}{weight:g}" for name, weight in document["weights"].items()]
    found = document["validation"]["accuracy"]["all"]
    lines.append(f"validation scenes, one level apart {found['1']}, two {found['2']}")
    report(document, "\n".join(lines), args.json)
    return 3 if errors else 0
