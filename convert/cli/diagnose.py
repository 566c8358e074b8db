"""The step ``diagnose``: measure detected causes and false alarms."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from edgeiqa.analysis.cause_detector import DEFAULT, CauseDetector
from edgeiqa.causes import CAUSES

from ..causes.clean_images import MIN_MOS
from ..causes.diagnose import (
    _share,
    alarm_table,
    false_alarms,
    fault_rows,
    fault_table,
    faults,
    hard_cases,
)
from ..common import provenance
from ..common.files import prepare_targets
from ..datasets.manifest import data_root, work_dir
from ..datasets.registry import database_rows
from .common import add_data_arguments, existing_file, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    add_data_arguments(parser)
    parser.add_argument(
        "--model",
        type=existing_file,
        default=DEFAULT,
        metavar="FILE",
        help=".tflite for causes (default: the one that comes with edgeiqa)",
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=100,
        metavar="N",
        help="to degrade (default: %(default)s)",
    )
    parser.add_argument(
        "--hard-cases",
        action="store_true",
        help="also the hard cases, which are of the test split: for the final report only",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")


def run(args: argparse.Namespace) -> int:
    """Run this step."""
    prepare_targets(args.json)
    root = data_root(args.data_root)
    detector = CauseDetector(args.model)
    contract = detector.contract
    limits = contract.limits.get("normal", {})
    rows = database_rows(args.database, root, "validation", work=work_dir(args.work))
    liked = [row for row in rows if row.mos >= MIN_MOS]
    chosen = np.random.default_rng(0).permutation(len(liked))[: args.pictures]
    clean, kinds = faults([root / liked[index].path for index in chosen], detector, args.jobs)
    detected = fault_rows(clean, kinds, limits)
    facts = {
        "command": provenance.command_line("edgeiqa convert diagnose"),
        "date": provenance.now(),
        "model": contract.name,
        "model_version": contract.version,
        "flatbuffer_sha256": contract.flatbuffer_sha256,
        "database": args.database,
        "split": "validation",
        "pictures": len(clean),
        "versions": provenance.versions(),
    }
    document: dict[str, Any] = {
        "protocol": facts,
        "limits": limits,
        "untouched": {cause: _share(clean, cause, limits) for cause in CAUSES},
        "faults": detected,
    }
    text = [f"{len(clean)} pictures, limits of preset normal\n", fault_table(detected)]
    if args.hard_cases:
        alarms = false_alarms(hard_cases(root), detector)
        document["hard_cases"] = alarms
        for preset in contract.limits:
            text.append(f"\nfalse alarms, preset {preset}\n\n{alarm_table(alarms, preset)}")
    report(document, "\n".join(text), args.json)
    return 0
