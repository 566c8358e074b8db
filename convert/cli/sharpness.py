"""The step ``sharpness``: measure whether slight blur in large photographs is detected."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from edgeiqa.analysis.cause_detector import DEFAULT, CauseDetector

from ..causes import clean_images
from ..causes.sharpness import (
    JPEG_QUALITY,
    Measured,
    measure_photograph,
    share_above,
    summary,
    table,
)
from ..common import provenance
from ..common.files import prepare_targets
from ..common.progress import progress
from ..datasets.manifest import data_root
from .common import existing_file, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument("--data-root", metavar="DIR", help="default: $EDGEIQA_DATA")
    parser.add_argument(
        "--model",
        type=existing_file,
        default=DEFAULT,
        metavar="FILE",
        help=".tflite for causes (default: the one that comes with edgeiqa)",
    )
    parser.add_argument(
        "--photographs",
        choices=("test", "train"),
        default="test",
        help="the committed list to use; test is for the final report only (default: test)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N photographs")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")


def run(args: argparse.Namespace) -> int:
    """Run this step."""
    prepare_targets(args.json)
    paths = clean_images.large(args.photographs, data_root(args.data_root))[: args.limit]
    detector = CauseDetector(args.model)
    limit = detector.contract.limits.get("normal", {}).get("blur", 0.5)
    conditions: dict[str, Any] = {}
    shares: dict[str, dict[str, float]] = {}
    tables = []
    measure: Callable[[Path], Measured]
    for name, keep_noise in (("plain", False), ("noise kept", True)):
        measure = partial(measure_photograph, detector=detector, keep_noise=keep_noise)
        with ThreadPoolExecutor(args.jobs) as pool:
            measured = list(progress(pool.map(measure, paths), len(paths), name))
        conditions[name] = summary(measured)
        tables.append(f"{name}, {len(paths)} photographs: ROC-AUC [95% interval]\n")
        tables.append(table(conditions[name]) + "\n")
        shares[name] = share_above(measured, limit)
        listed = ", ".join(f"{version} {share:.0%}" for version, share in shares[name].items())
        tables.append(f"above {limit:g}: {listed}\n")
    contract = detector.contract
    facts = {
        "command": provenance.command_line("edgeiqa convert sharpness"),
        "date": provenance.now(),
        "model": contract.name,
        "model_version": contract.version,
        "flatbuffer_sha256": contract.flatbuffer_sha256,
        "photographs": len(paths),
        "list": f"convert/causes/splits/large_{args.photographs}.txt",
        "jpeg_quality": JPEG_QUALITY,
        "versions": provenance.versions(),
    }
    document = {"protocol": facts, "auc": conditions, "limit": limit, "told": shares}
    report(document, "\n".join(tables).rstrip(), args.json)
    return 0
