"""``edgeiqa convert head``: give a finished model a head on several depths."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edgeiqa.inference.model import find

from ..common.files import prepare_targets
from ..quantization.rehead import HeadRecipe, rehead
from .common import add_data_arguments, model_name, report, rows_root_work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    default = HeadRecipe()
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        help=".tflite made by `quantize`, or a shipped model's name: base",
    )
    parser.add_argument("--output", required=True, metavar="FILE", help="the .tflite to write")
    parser.add_argument(
        "--model-version", required=True, metavar="X.Y.Z", help="of the model that is written"
    )
    parser.add_argument(
        "--depths",
        default=",".join(map(str, default.depths)),
        help="blocks that the new score is made of, counted from one (default: %(default)s)",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=default.strength,
        metavar="X",
        help="of the ridge, as a share of the number of pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--anchor",
        type=float,
        default=default.anchor,
        metavar="X",
        help="how much of the distances between subsets is learned, 0 to 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--share",
        type=float,
        default=default.share,
        metavar="X",
        help="of the new score beside the model's own, below 1 (default: %(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    add_data_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run this step."""
    prepare_targets(args.output, args.json)
    try:
        depths = tuple(sorted(int(depth) for depth in args.depths.split(",")))
    except ValueError:
        raise ValueError(f"--depths must be numbers such as 3,6,10, got {args.depths!r}") from None
    if not 0 <= args.share < 1:
        raise ValueError(f"--share must be at least 0 and below 1, got {args.share:g}")
    rows, root, work = rows_root_work(args)
    recipe = HeadRecipe(depths, args.strength, args.anchor, args.share)
    document = rehead(
        find(args.model).read_bytes(),
        rows,
        root,
        work,
        Path(args.output),
        recipe,
        version=args.model_version,
        jobs=args.jobs,
    )
    report(document, json.dumps(document, indent=2), args.json)
    return 0
