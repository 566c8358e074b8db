"""The step ``distill``: train the small student on human scores and the teacher."""

from __future__ import annotations

import argparse
import json

from ..training.distill import train_student
from ..training.student import StudentRecipe
from .common import add_schedule_arguments, initial_weights, schedule_of
from .formatter import DefaultsFormatter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``edgeiqa convert distill``."""
    from .common import add_data_arguments

    default = StudentRecipe()
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument("--name", default="student", help="name of the run, a folder in --work")
    parser.add_argument(
        "--network",
        default=default.network,
        help="mobilenet_v2, narrower ones such as mobilenet_v2_0.35, or such with thinner blocks "
        "as mobilenet_v2_t4",
    )
    parser.add_argument(
        "--init",
        type=initial_weights,
        default=default.init,
        help="imagenet (Keras downloads), random, a weights file, or another run's student.npz, "
        "which is thinned to fit if its blocks are thicker",
    )
    parser.add_argument(
        "--size", type=int, default=default.size, help="network input side in pixels"
    )
    parser.add_argument("--crop", type=int, help="side of the training crop in pixels (--size)")
    parser.add_argument("--source", type=int, help="pictures' size before the crop (7/6 of --size)")
    parser.add_argument(
        "--frozen", type=int, default=0, help="blocks (and the stem) left as they were loaded"
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
            default=getattr(default, name),
            help=f"weight of the loss {what}; 0 leaves it out",
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
        default=default.probe,
        help="steps in which the opinion layer learns alone first, for a run from ImageNet weights",
    )
    parser.add_argument(
        "--limit", type=int, help="train on this many of the rated pictures, drawn by the seed"
    )


def run(args: argparse.Namespace) -> int:
    """Runs ``edgeiqa convert distill``."""
    from .common import rows_root_work

    rows, root, work = rows_root_work(args)
    recipe = StudentRecipe(
        network=args.network,
        init=args.init,
        size=args.size,
        crop=args.crop,
        source=args.source,
        teacher=args.teacher,
        features=args.features,
        ladder=args.ladder,
        pairs=args.pairs,
        pairs_per_batch=args.pairs_per_batch,
        unlabelled=args.unlabelled,
        unlabelled_per_batch=args.unlabelled_per_batch,
        frozen=args.frozen,
        zoom=args.zoom,
        probe=args.probe,
        limit=args.limit,
        schedule=schedule_of(args),
    )
    print(json.dumps(train_student(rows, root, work, recipe, args.name)))
    print(f"-> {work / args.name}")
    return 0
