"""The step ``burst-weights``: learn how to weigh what tells frames of a burst apart."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from convert.cli.common import report
from convert.common import provenance
from convert.common.files import prepare_targets
from convert.datasets.manifest import data_root
from convert.evaluation.burst_measures import measure_scenes
from convert.training.burst_weights import learn, training_scenes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m convert burst-weights`."""
    parser.add_argument("--model", default="base", help="whose scores to weigh (default: base)")
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


def run(args: argparse.Namespace) -> int:
    """Runs `python -m convert burst-weights`; returns 0, or 3 when a picture was unreadable."""
    prepare_targets(args.json)
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
    lines = [f'    "{name}": {weight:g},' for name, weight in document["weights"].items()]
    found = document["validation"]["accuracy"]["all"]
    lines.append("}")
    lines.append(f"validation scenes, one level apart {found['1']}, two {found['2']}")
    report(document, "\n".join(["WEIGHTS = {", *lines]), args.json)
    return 3 if errors else 0
