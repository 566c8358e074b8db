"""``edgeiqa convert eye``: are the faults that an eye sees in real photographs named?"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgeiqa.analysis.cause_detector import DEFAULT, CauseDetector
from edgeiqa.imaging.decode import decode

from ..causes import eye_labels
from ..causes.clean_images import MIN_MOS
from ..common import provenance
from ..common.files import prepare_targets
from ..common.progress import progress
from ..datasets import biq2021
from ..datasets.errors import DataError
from ..datasets.manifest import data_root
from ..datasets.registry import build
from .common import report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "--model",
        default=DEFAULT,
        metavar="FILE",
        help=".tflite for causes (default: the one that comes with edgeiqa)",
    )
    parser.add_argument(
        "--half",
        choices=eye_labels.HALVES,
        default="test",
        help="labels to learn from, or to report on (default: %(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder of the databases (default: $EDGEIQA_DATA)"
    )


def run(args: argparse.Namespace) -> int:
    """Run this step."""
    prepare_targets(args.json)
    root = data_root(args.data_root)
    labels = eye_labels.eye_labels(args.half)
    rows = {Path(row.path).name.lower(): row for row in build(biq2021.NAME, root)}
    absent = [label.picture for label in labels if label.picture.lower() not in rows]
    if absent:
        raise DataError(f"BIQ2021 has no {absent[0]} in its Train table")
    chosen = [rows[label.picture.lower()] for label in labels]
    diagnosis = CauseDetector(args.model)
    with ThreadPoolExecutor(args.jobs) as pool:
        asked = pool.map(lambda row: diagnosis.causes(decode(root / row.path)), chosen)
        severities = list(progress(asked, len(chosen), "looking"))
    limits = diagnosis.contract.limits.get("normal", {})
    liked = [row.mos >= MIN_MOS for row in chosen]
    found = eye_labels.measure(labels, severities, liked, limits)
    document = {
        "half": args.half,
        "pictures": len(labels),
        "liked": f"MOS of {MIN_MOS} and more",
        "causes": found,
        "steadiness": eye_labels.steadiness(),
        "protocol": {
            "command": provenance.command_line("convert.causes.eye_labels.measure"),
            "at": provenance.now(),
            "model": diagnosis.contract.name,
            "model_version": diagnosis.contract.version,
            "versions": provenance.versions(),
        },
    }
    report(document, eye_labels.table(found), args.json)
    return 0
