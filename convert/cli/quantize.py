"""The step ``quantize``: quantise the student to a full int8 .tflite."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..quantization.qat import QatRecipe
from ..quantization.quantize import MODES, quantize
from ..training.loop import Schedule
from .common import say_next
from .formatter import DefaultsFormatter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``edgeiqa convert quantize``."""
    from .common import add_data_arguments

    default = QatRecipe()
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument(
        "--run", dest="student", metavar="NAME", default="student", help="name of the student run"
    )
    parser.add_argument(
        "--mode",
        choices=MODES,
        default="qat",
        help="ptq: calibrate, equalise and round; qat: the same, then train",
    )
    parser.add_argument("--output", type=Path, help=".tflite to write (default: in the run)")
    parser.add_argument(
        "--name", help="name of the model, in its contract (default: that of the run)"
    )
    parser.add_argument("--model-version", default="1", help="its version, in its contract")
    parser.add_argument("--terms", default="", help="initial weights and their terms, for the card")
    parser.add_argument("--size", type=int, help="another input size (ptq only)")
    parser.add_argument("--steps", type=int, default=default.steps, help="QAT steps")
    parser.add_argument(
        "--batch", type=int, default=default.schedule.batch, help="pictures per QAT step"
    )
    parser.add_argument(
        "--rate", type=float, default=default.schedule.rate, help="peak learning rate of QAT"
    )
    parser.add_argument("--seed", type=int, default=0, help="of QAT's crops")
    parser.add_argument(
        "--pictures", type=int, default=default.calibration, help="calibration pictures"
    )


def run(args: argparse.Namespace) -> int:
    """Runs ``edgeiqa convert quantize``."""
    from .common import rows_root_work

    rows, root, work = rows_root_work(args)
    schedule = Schedule(
        epochs=1,
        batch=args.batch,
        rate=args.rate,
        head_rate=args.rate,
        weight_decay=0.0,
        seed=args.seed,
    )
    name = args.name or args.student
    output = args.output or work / args.student / f"{name}-{args.mode}.tflite"
    report = quantize(
        rows,
        root,
        work,
        output,
        run=args.student,
        mode=args.mode,
        name=name,
        version=args.model_version,
        size=args.size,
        recipe=QatRecipe(steps=args.steps, schedule=schedule, calibration=args.pictures),
        terms=args.terms,
        database=args.database,
    )
    print(json.dumps(report, indent=2))
    say_next(args, f"evaluate {output} --split validation")
    return 0
