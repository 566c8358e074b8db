"""``edgeiqa convert operate``: what a model's gate presets keep and catch, or new ones for it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..common import provenance
from ..common.files import prepare_targets
from ..datasets.holdout import refuse_reserved
from ..evaluation.operating_points import (
    BAD_MOS,
    GOOD_MOS,
    KEPT_GOOD,
    OperatingPoint,
    check_bounds,
    operating_point,
    points_table,
    preset_gates,
    take_shots,
)
from ..evaluation.predictions import causes_sha256, model_facts, open_scorer
from ..evaluation.preset_search import MIN_LIMIT, Proposal, propose
from .common import add_picture_arguments, model_name, picture_rows, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        help=".tflite with its contract, or a shipped model's name: base",
    )
    add_picture_arguments(parser, "validation")
    parser.add_argument(
        "--good",
        type=float,
        default=GOOD_MOS,
        metavar="MOS",
        help="from this MOS on a shot is good, 0-1 (default: %(default)s)",
    )
    parser.add_argument(
        "--bad",
        type=float,
        default=BAD_MOS,
        metavar="MOS",
        help="below this MOS a shot is bad, 0-1 (default: %(default)s)",
    )
    shares = ", ".join(f"{preset}={share:g}" for preset, share in KEPT_GOOD.items())
    parser.add_argument(
        "--propose",
        action="store_true",
        help="also choose score thresholds and limits of causes that keep stated shares of the "
        "good shots and catch the most bad ones; never on a test split",
    )
    parser.add_argument(
        "--keep",
        action="append",
        type=_preset_share,
        metavar="PRESET=SHARE",
        help=f"with --propose: the presets and what they keep, repeatable (default: {shares})",
    )
    parser.add_argument(
        "--cause-share",
        type=float,
        metavar="X",
        help="with --propose: the causes' share of the good shots that may be lost, from 0 to "
        "below 1 (default: what catches the most bad shots)",
    )
    parser.add_argument(
        "--least-limit",
        type=float,
        default=MIN_LIMIT,
        metavar="X",
        help="with --propose: no limit of a cause is below this severity (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the folds in which proposals are checked (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="pictures scored at a time (default: processors)"
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    if args.propose and args.split == "test":
        raise ValueError("--propose with --split test: nothing may be fitted to the test split")
    check_bounds(args.good, args.bad)
    rows, root = picture_rows(args)
    if args.propose:
        refuse_reserved(rows, "choosing thresholds")
    prepare_targets(args.json)
    if args.split == "test":
        print(
            "note: the test split is for final reports only; choose thresholds on validation",
            file=sys.stderr,
        )
    scorer, workers = open_scorer(args.model, args.jobs, causes=True)
    gates = {} if args.propose and not scorer.contract.gate else preset_gates(scorer)
    shots = take_shots(scorer, rows, root, workers)
    unreadable = [shot for shot in shots if shot.quality is None]
    for shot in unreadable:
        print(f"unreadable: {shot.path}: {shot.error}", file=sys.stderr)
    points = [
        operating_point(preset, gate, shots, good=args.good, bad=args.bad)
        for preset, gate in gates.items()
    ]
    proposal = None
    if args.propose:
        proposal = propose(
            shots,
            kept=dict(args.keep) if args.keep else None,
            good=args.good,
            bad=args.bad,
            cause_share=args.cause_share,
            least_limit=args.least_limit,
            seed=args.seed,
        )
    facts = {
        **model_facts(scorer, args.model),
        "database": args.database,
        "split": args.split,
        "pictures": len(rows),
        "unreadable": len(unreadable),
        "good": f"MOS of {args.good:g} or more",
        "bad": f"MOS below {args.bad:g}",
        "interval": "95% Wilson score interval",
        "causes_sha256": causes_sha256(),
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.evaluation.operating_points.operating_point"),
        "date": provenance.now(),
    }
    document: dict[str, Any] = {
        "protocol": facts,
        "presets": {point.preset: point.to_dict() for point in points},
        "unreadable": [{"path": shot.path, "error": shot.error} for shot in unreadable],
    }
    if proposal is not None:
        document["proposal"] = proposal.to_dict()
    report(document, _table(points, proposal, facts), args.json)
    return 3 if unreadable else 0


def _table(points: list[OperatingPoint], proposal: Proposal | None, facts: dict[str, Any]) -> str:
    parts = [points_table(points)] if points else []
    if proposal is not None:
        parts.append(proposal.table())
    parts.append(
        f"good: {facts['good']}; bad: {facts['bad']}; {facts['database']}, {facts['split']} split; "
        f"in brackets: {facts['interval']}"
    )
    return "\n\n".join(parts)


def _preset_share(text: str) -> tuple[str, float]:
    preset, _, number = text.partition("=")
    try:
        share = float(number)
    except ValueError:
        share = -1.0
    if not preset or not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not PRESET=SHARE, such as normal=0.95")
    return preset, share
