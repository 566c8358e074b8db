"""``edgeiqa convert baselines``: the survey's strategies, trained and measured beside ours."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..baselines import measure, table
from ..baselines.base import Baseline, Scorer
from ..baselines.brisque import Brisque
from ..baselines.cnniqa import Cnniqa
from ..baselines.finetune import FineTuned
from ..baselines.fit import agreement_of, trained, training_data
from ..baselines.laplacian import LAPLACIAN
from ..baselines.niqe import Niqe
from ..baselines.piqe import PIQE
from ..baselines.proxy_cnn import ProxyCnn
from ..common import provenance
from ..common.files import prepare_targets, write_json, write_text
from ..datasets.manifest import SPLITS, DataError, select
from .common import add_data_arguments, existing_file, initial_weights, rows_root_work
from .formatter import DefaultsFormatter

BASELINES: tuple[Baseline, ...] = (
    LAPLACIAN,
    PIQE,
    Niqe(),
    Brisque(),
    Cnniqa(),
    ProxyCnn(),
    FineTuned(),
)
"""Cheapest first, so that an interrupted run has most of the table."""

NAMES = tuple(baseline.name for baseline in BASELINES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``edgeiqa convert baselines``."""
    parser.formatter_class = DefaultsFormatter
    add_data_arguments(parser)
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, metavar="NAME", help=f"some of: {', '.join(NAMES)}"
    )
    parser.add_argument(
        "--budget",
        choices=("small", "full"),
        default="full",
        help="small: few pictures, minutes, to see that it runs; full: the comparison",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS[1:],
        default="validation",
        help="where to measure; test is for final reports only",
    )
    parser.add_argument(
        "--finished", action="store_true", help="train nothing, take what is trained already"
    )
    parser.add_argument(
        "--init",
        type=initial_weights,
        default="imagenet",
        help="weights the fine-tuned network starts from: imagenet (Keras downloads) or a file",
    )
    parser.add_argument(
        "--finetuned",
        metavar="RUN",
        help="a finished run of distill on MOS alone, to take as the fine-tuned network",
    )
    parser.add_argument("--seed", type=int, default=0, help="of draws, trainings and intervals")
    parser.add_argument("--repeats", type=int, default=1000, help="draws of the 95%% intervals")
    parser.add_argument("--rounds", type=int, default=21, help="how often each method is timed")
    parser.add_argument(
        "--from",
        type=existing_file,
        dest="source",
        metavar="FILE",
        help="show or draw results that --json wrote; trains and measures nothing",
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument("--markdown", metavar="FILE", help="write the table as Markdown")
    parser.add_argument(
        "--pareto", metavar="FILE", help="draw SROCC against milliseconds: .png, .svg or .pdf"
    )


def run(args: argparse.Namespace) -> int:
    """Runs ``edgeiqa convert baselines``.

    Returns:
        0 done, 1 some baseline failed, 3 some pictures unreadable.
    """
    prepare_targets(args.json, args.markdown, args.pareto)
    code = 0
    if args.source:
        found = table.read_document(Path(args.source))
    else:
        found, code = compare(args)
    if args.json == "-":
        print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(table.text_table(found))
        if args.json:
            write_json(args.json, found)
    if args.markdown:
        write_text(args.markdown, table.markdown_table(found) + "\n")
    if args.pareto:
        from ..baselines.pareto import draw

        draw(found, Path(args.pareto))
    return code


def compare(args: argparse.Namespace) -> tuple[dict[str, Any], int]:
    """Trains what is not trained, measures what is not measured, times everything.

    Returns:
        The document, see `convert.baselines.table`, and the exit code.

    Raises:
        DataError: No baseline is finished.
    """
    from edgeiqa.inference.model import available_models

    rows, root, work = rows_root_work(args)
    if args.split == "test":
        print("note: the test split is for final reports only", file=sys.stderr)
    measured = select(rows, args.split)
    data = training_data(rows, root, work, args.budget, args.seed, args.init, args.finetuned)
    entries: list[dict[str, Any]] = []
    scorers: dict[str, Scorer] = {}
    failed = False
    unreadable: dict[str, str] = {}
    for baseline in BASELINES:
        if args.only and baseline.name not in args.only:
            continue
        folder = work / "baselines" / args.budget / f"{baseline.name}-{args.seed}"
        try:
            scorer, facts = trained(baseline, data, folder, train=not args.finished)
            result = agreement_of(
                scorer,
                facts["fingerprint"],
                folder / f"{args.split}.json",
                measured,
                root,
                repeats=args.repeats,
                seed=args.seed,
            )
        except (ImportError, RuntimeError, ValueError, OSError) as error:
            failed = True
            print(f"{baseline.name}: {_reason(error, baseline)}", file=sys.stderr)
            continue
        scorers[baseline.name] = scorer
        unreadable |= result["unreadable"]
        entries.append(
            {
                "name": baseline.name,
                "title": baseline.title,
                "paper": baseline.paper,
                "ours": False,
                **facts,
                **result,
            }
        )
    for name in available_models():
        scorer = measure.shipped_scorer(name)
        digest = provenance.sha256(_model_bytes(name))
        file = work / "baselines" / "shipped" / f"{name}-{digest[:12]}-{args.split}.json"
        result = agreement_of(
            scorer, digest, file, measured, root, repeats=args.repeats, seed=args.seed
        )
        unreadable |= result["unreadable"]
        scorers[f"edgeiqa {name}"] = scorer
        entries.append(
            {
                "name": f"edgeiqa {name}",
                "title": name,
                "paper": "this project",
                "ours": True,
                "fingerprint": digest,
                **result,
            }
        )
    if not entries:
        raise DataError("nothing to compare: no baseline is finished and no model is shipped")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    times = measure.milliseconds(scorers, measure.timed_picture(), args.rounds)
    for entry in entries:
        scorer = scorers[entry["name"]]
        entry |= {
            "parameters": scorer.parameters,
            "macs": scorer.macs,
            "bytes": scorer.bytes,
            "milliseconds": times[entry["name"]],
        }
    for path, reason in unreadable.items():
        print(f"unreadable: {path}: {reason}", file=sys.stderr)
    about: dict[str, Any] = {
        "database": args.database,
        "split": args.split,
        "pictures": len(measured),
        "budget": args.budget,
        "seed": args.seed,
        "interval": f"95% percentile bootstrap over pictures, {args.repeats} draws",
        "timing": (
            f"a 512 x 512 picture in memory to its score, preprocessing included, one thread, "
            f"median of {args.rounds} runs in turns, {measure.processor()}"
        ),
        "load": None if load is None else round(load, 2),
        "macs": "for 512 x 512 pictures, from the formulas; ours and the tflite from the graph",
        "versions": provenance.versions((*provenance.PACKAGES, "scikit-learn", "scipy")),
        "command": provenance.command_line("convert.cli.baselines.compare"),
        "date": provenance.now(),
    }
    return table.document(entries, about), 1 if failed else 3 if unreadable else 0


def _model_bytes(name: str) -> bytes:
    from edgeiqa.inference.model import find

    return find(name).read_bytes()


def _reason(error: Exception, baseline: Baseline) -> str:
    if isinstance(error, ImportError) and error.name:
        package = error.name.split(".")[0]
        if package not in ("convert", "edgeiqa"):
            return f'{package} is not installed; pip install "edgeiqa[{baseline.extra}]" brings it'
    return " ".join(str(error).split()) or type(error).__name__
