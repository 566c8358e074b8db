"""The step ``misses``: show the pictures that a .tflite judges worst, as a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..common import provenance
from ..common.files import prepare_targets, write_json, write_text
from ..evaluation.predictions import model_facts, open_scorer, predict, tell_unreadable
from ..evaluation.worst_errors import WORST, worst_misses
from .common import add_picture_arguments, model_name, picture_rows


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
        "--worst", type=int, default=WORST, metavar="N", help="pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("misses.html"),
        metavar="HTML",
        help="the page, with the pictures in it: mind their terms before you pass it on "
        "(default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the list as JSON, - for stdout")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw all of them on one sheet")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="pictures scored at a time (default: processors)"
    )


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    from ..evaluation.worst_errors import contact_sheet, page

    rows, root = picture_rows(args)
    prepare_targets(args.out, args.json, args.sheet)
    scorer, workers = open_scorer(args.model, args.jobs)
    predictions = predict(scorer, rows, root, workers)
    unreadable = tell_unreadable(predictions)
    facts = {
        **model_facts(scorer, args.model),
        "database": args.database,
        "split": args.split,
        "pictures": len(rows),
        "unreadable": unreadable,
        "error": "score minus MOS, points of 0-100",
        "versions": provenance.versions(),
        "command": provenance.command_line("convert.evaluation.worst_errors.worst_misses"),
        "date": provenance.now(),
    }
    result = worst_misses(predictions, args.worst, facts)
    write_text(args.out, page(result, root))
    if args.sheet is not None:
        contact_sheet(result, root, args.sheet)
    if args.json == "-":
        import json

        print(json.dumps(result.to_dict(), indent=2, ensure_ascii=False))
        return 3 if unreadable else 0
    print(result.table())
    if args.json:
        write_json(args.json, result.to_dict())
    return 3 if unreadable else 0
