"""The step ``causes``: train the network that detects what degrades a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..causes.degradation import LEARNED
from ..causes.pipeline import DEFAULT, GOOD_MOS, record, release, train_causes
from ..common.files import prepare_targets, write_json
from ..datasets.manifest import data_root, select, work_dir
from ..datasets.registry import database_rows
from .common import add_data_arguments, add_schedule_arguments, schedule_of
from .formatter import DefaultsFormatter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    add_schedule_arguments(parser, DEFAULT)
    parser.set_defaults(head_rate=DEFAULT.head_rate)
    parser.add_argument("--bags", type=int, default=24_000, help="degraded pictures to learn from")
    parser.add_argument("--jobs", type=int, default=2, help="processes that make them")
    parser.add_argument("--version", default="0.1.0", help="of the model, for its contract")
    parser.add_argument("--output", metavar="FILE", help=".tflite (default: in the work folder)")
    parser.add_argument("--json", metavar="FILE", help="also write the report there")


def run(args: argparse.Namespace) -> int:
    """Run this step."""
    root, work = data_root(args.data_root), work_dir(args.work)
    output = Path(args.output) if args.output else work / "causes" / "detail.tflite"
    prepare_targets(output, args.json)
    rows = [
        row
        for split in ("train", "validation")
        for row in database_rows(args.database, root, split, work=work, repeat=args.repeat)
    ]
    schedule = schedule_of(args, DEFAULT)
    net, learned, held = train_causes(
        rows, root, work, bags=args.bags, schedule=schedule, jobs=args.jobs
    )
    good = [root / row.path for row in select(rows, "validation") if row.mos >= GOOD_MOS]
    training = record(rows, root, len(learned), schedule)
    report = release(net, learned, held, good, output, version=args.version, training=training)
    print(f"{output}: {report['bytes'] / 1e3:.0f} kB, {report['macs'] / 1e6:.0f} million MACs")
    for cause in LEARNED:
        figures = report["int8"][cause]
        print(f"{cause:12} SROCC {figures['srocc']}, mean error {figures['error']}")
    if args.json:
        write_json(args.json, report)
    return 0
