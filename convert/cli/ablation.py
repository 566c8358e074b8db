"""The step ``ablation``: measure what each ingredient of distillation is worth."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from ..common import provenance
from ..common.files import write_json
from ..training.ablation import Budget, ablate, markdown
from .common import initial_weights
from .formatter import DefaultsFormatter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``edgeiqa convert ablation``."""
    from .common import add_data_arguments

    default = Budget()
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument(
        "--tables",
        nargs="+",
        choices=("losses", "input"),
        default=["losses", "input"],
        help="what to compare",
    )
    parser.add_argument(
        "--pictures", type=int, default=default.pictures, help="rated training pictures per run"
    )
    parser.add_argument(
        "--input-pictures",
        type=int,
        default=default.input_pictures,
        help="the same where inputs are compared",
    )
    parser.add_argument("--epochs", type=int, default=default.epochs, help="passes over them")
    parser.add_argument(
        "--size", type=int, default=default.size, help="input side where the row does not say"
    )
    parser.add_argument(
        "--frozen", type=int, default=default.frozen, help="blocks left as they were loaded"
    )
    parser.add_argument("--network", default=default.network, help="backbone of every run")
    parser.add_argument(
        "--init",
        type=initial_weights,
        default=default.init,
        help="imagenet, random, or a weights file",
    )
    parser.add_argument(
        "--probe", type=int, default=default.probe, help="steps of the opinion layer alone first"
    )
    parser.add_argument(
        "--pairs", type=int, default=default.pairs, help="distorted pairs, where a row has them"
    )
    parser.add_argument(
        "--unlabelled",
        type=int,
        default=default.unlabelled,
        metavar="COUNT",
        help="unlabelled pictures of the last row, as many as the teacher has scored",
    )
    parser.add_argument("--seeds", type=int, default=default.seeds, help="runs per row")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")


def run(args: argparse.Namespace) -> int:
    """Runs ``edgeiqa convert ablation``."""
    from .common import rows_root_work

    rows, root, work = rows_root_work(args)
    budget = Budget(
        pictures=args.pictures,
        input_pictures=args.input_pictures,
        epochs=args.epochs,
        size=args.size,
        frozen=args.frozen,
        network=args.network,
        init=args.init,
        probe=args.probe,
        pairs=args.pairs,
        unlabelled=args.unlabelled,
        seeds=args.seeds,
    )
    report = ablate(rows, root, work, budget, args.tables)
    print(markdown(report))
    if args.json:
        about = {
            "budget": asdict(replace(budget, init=Path(budget.init).name)),
            "database": args.database,
            "split": "validation",
            "versions": provenance.versions(),
            "command": provenance.command_line("convert.training.ablation.ablate"),
            "date": provenance.now(),
        }
        write_json(args.json, {**report, "protocol": about})
        print(f"-> {args.json}")
    return 0
