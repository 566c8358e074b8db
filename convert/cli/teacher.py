"""``edgeiqa convert teacher``: trains a member of the teacher, or fuses trained ones."""

from __future__ import annotations

import argparse
import json

from ..training.teacher import TeacherRecipe, train_teacher
from ..training.teacher_fusion import fuse
from .common import (
    add_data_arguments,
    add_schedule_arguments,
    initial_weights,
    rows_root_work,
    say_next,
    schedule_of,
)
from .formatter import DefaultsFormatter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``edgeiqa convert teacher``."""
    default = TeacherRecipe()
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument(
        "--name", help="name of the member, a folder in WORK/teacher (the network's if not given)"
    )
    parser.add_argument(
        "--fuse",
        nargs="+",
        metavar="MEMBER",
        help="train nothing: make these trained members one teacher and cache its opinions",
    )
    parser.add_argument(
        "--unlabelled",
        type=int,
        default=0,
        metavar="COUNT",
        help="with --fuse: also cache its opinions of this many pictures without a rating",
    )
    parser.add_argument(
        "--test",
        action="store_true",
        help="with --fuse: also measure on the test split, for a final report and nothing else",
    )
    parser.add_argument(
        "--network", default=default.network, help="efficientnet_lite0 to 4, or mobilenet_v2"
    )
    parser.add_argument(
        "--init",
        type=initial_weights,
        default=default.init,
        help="imagenet (the extra teacher brings EfficientNet-Lite2), random, or a weights file",
    )
    parser.add_argument(
        "--size",
        type=int,
        default=default.size,
        help="input side in pixels, at least 448 for detail",
    )
    parser.add_argument(
        "--frozen",
        type=int,
        default=default.frozen,
        help="first blocks that stay as initialised",
    )
    parser.add_argument(
        "--ladder",
        type=float,
        metavar="WEIGHT",
        default=default.ladder,
        help="weight of the loss on pairs of which one is more distorted; 0 leaves it out",
    )
    parser.add_argument("--pairs", type=int, default=default.pairs, help="distorted pairs to make")
    add_schedule_arguments(parser, default.schedule)


def run(args: argparse.Namespace) -> int:
    """Runs ``edgeiqa convert teacher``."""
    rows, root, work = rows_root_work(args)
    if args.fuse:
        report = fuse(rows, root, work, args.fuse, args.unlabelled, test=args.test)
        print(json.dumps(report, indent=2))
        say_next(args, "distill")
        return 0
    recipe = TeacherRecipe(
        network=args.network,
        init=args.init,
        size=args.size,
        frozen=args.frozen,
        ladder=args.ladder,
        pairs=args.pairs,
        schedule=schedule_of(args, TeacherRecipe().schedule),
    )
    name = args.name or args.network
    print(json.dumps(train_teacher(rows, root, work, recipe, name)))
    say_next(args, f"teacher --fuse {name}")
    return 0
