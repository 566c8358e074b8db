"""The step ``distill``: train the small student on human scores and the teacher."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from ..training.distill import train_student
from ..training.student import StudentRecipe, personal
from .common import SHIPPED, add_schedule_arguments, initial_weights, say_next, schedule_of
from .formatter import DefaultsFormatter

OPTIONS = (
    *("network", "size", "crop", "source", "teacher", "features", "ladder", "pairs"),
    *("pairs_per_batch", "unlabelled", "unlabelled_per_batch", "frozen", "zoom", "probe", "limit"),
)
"""Options that are called as the recipe calls them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``edgeiqa convert distill``."""
    from .common import add_data_arguments

    default = StudentRecipe()
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument("--name", default="student", help="name of the run, a folder in --work")
    parser.add_argument(
        "--network",
        help="mobilenet_v2, narrower ones such as mobilenet_v2_0.35, or such with thinner blocks "
        f"as mobilenet_v2_t4 (default: {default.network})",
    )
    parser.add_argument(
        "--init",
        type=initial_weights,
        default=default.init,
        help="imagenet (Keras downloads), random, a weights file, another run's student.npz, which "
        "is thinned to fit if its blocks are thicker, or base or nano: start from the "
        "weights of that shipped model, with its network and size, without a teacher, and train "
        "only its last blocks",
    )
    parser.add_argument(
        "--size", type=int, help=f"network input side in pixels (default: {default.size})"
    )
    parser.add_argument("--crop", type=int, help="side of the training crop in pixels (--size)")
    parser.add_argument("--source", type=int, help="pictures' size before the crop (7/6 of --size)")
    parser.add_argument(
        "--frozen", type=int, help="blocks (and the stem) left as they were loaded (default: 0)"
    )
    parser.add_argument(
        "--pairs-per-batch", type=int, default=default.pairs_per_batch, help="added to each batch"
    )
    add_schedule_arguments(parser, default.schedule)
    for name, what in (
        ("teacher", "against the teacher's opinions"),
        ("features", "against the teacher's features"),
        ("ladder", "on pairs of which one is more distorted"),
    ):
        parser.add_argument(
            f"--{name}",
            type=float,
            metavar="WEIGHT",
            help=f"weight of the loss {what}; 0 leaves it out (default: {getattr(default, name)})",
        )
    parser.add_argument("--pairs", type=int, default=default.pairs, help="distorted pairs to make")
    parser.add_argument(
        "--unlabelled",
        type=int,
        default=default.unlabelled,
        metavar="COUNT",
        help="unlabelled pictures to learn the teacher's opinion of (as many as it has scored)",
    )
    parser.add_argument(
        "--unlabelled-per-batch",
        type=int,
        default=default.unlabelled_per_batch,
        help="added to each batch",
    )
    parser.add_argument(
        "--zoom",
        type=float,
        metavar="SHARE",
        default=default.zoom,
        help="share of batches that show the rated pictures at an 8/7 larger scale",
    )
    parser.add_argument(
        "--probe",
        type=int,
        metavar="STEPS",
        help="steps in which the opinion layer learns alone first, for a run from ImageNet weights "
        f"(default: {default.probe})",
    )
    parser.add_argument(
        "--limit", type=int, help="train on this many of the rated pictures, drawn by the seed"
    )


def run(args: argparse.Namespace) -> int:
    """Runs ``edgeiqa convert distill``."""
    from .common import rows_root_work

    rows, root, work = rows_root_work(args)
    start = personal(args.init) if args.init in SHIPPED else StudentRecipe(init=args.init)
    chosen = {name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None}
    recipe = replace(start, schedule=schedule_of(args, start.schedule), **chosen)
    print(json.dumps(train_student(rows, root, work, recipe, args.name)))
    print(f"-> {work / args.name}")
    say_next(args, f"quantize --run {args.name} --mode ptq")
    return 0
