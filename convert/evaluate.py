"""How well a model agrees with people: correlations and errors against mean opinion scores.

Pictures go the whole way that a user's take: file, decoder, preprocessing, int8 model, calibrated
score. Nothing is fitted to the model beforehand except the VQEG logistic where it is named.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert import protocol
from convert.data.command import add_data_arguments, manifest_file
from convert.data.manifest import SPLITS, ManifestRow, data_root, load_manifest, select, work_dir
from convert.data.registry import build
from convert.files import prepare_targets, write_json, write_text
from convert.metrics import (
    FloatArray,
    Interval,
    Metric,
    bootstrap,
    fit_logistic4,
    krocc,
    logistic4,
    plcc,
    rmse,
    spread_ratio,
    srocc,
)
from convert.predictions import Prediction as Prediction
from convert.predictions import (
    model_facts,
    open_scorer,
    predict,
    scores_csv,
    tell_unreadable,
)
from convert.texttable import aligned

POOLED = "pooled"
LEAST = 5
"""With fewer pictures than this a group is counted but not measured."""


@dataclass(frozen=True)
class Group:
    """Results on all pictures or on one subset.

    Attributes:
        name: "pooled" or the subset's name.
        pictures: How many were scored.
        metrics: SROCC, PLCC, KROCC, RMSE, spread and the two after the logistic, with intervals;
            empty when there are too few pictures.
        logistic: The fitted (b1, b2, b3, b4), from predictions on 0-1 to MOS on 0-1.
    """

    name: str
    pictures: int
    metrics: dict[str, Interval]
    logistic: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """All results of one evaluation and how to get them again.

    Attributes:
        groups: Pooled first, then the subsets by name.
        predictions: One per picture of the split, in manifest order.
        protocol: Model checksum, data, seed, versions, command.
    """

    groups: tuple[Group, ...]
    predictions: tuple[Prediction, ...]
    protocol: dict[str, Any]

    @property
    def unreadable(self) -> tuple[Prediction, ...]:
        """The pictures without a score."""
        return tuple(p for p in self.predictions if p.score is None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, without the single predictions."""
        return {
            "protocol": self.protocol,
            "groups": {
                group.name: {
                    "pictures": group.pictures,
                    **{name: interval.to_dict() for name, interval in group.metrics.items()},
                    "logistic": list(group.logistic),
                }
                for group in self.groups
            },
            "unreadable": [{"path": p.path, "error": p.error} for p in self.unreadable],
        }

    def table(self) -> str:
        """The results as aligned text, one metric per line and one column per group."""
        names = list(self.groups[0].metrics) if self.groups else []
        rows = [["", *(group.name for group in self.groups)]]
        rows.append(["pictures", *(str(group.pictures) for group in self.groups)])
        for name in names:
            rows.append([name, *(_cell(group.metrics.get(name)) for group in self.groups)])
        return aligned(rows)


def evaluate(
    model: str | os.PathLike[str],
    rows: Sequence[ManifestRow],
    root: str | os.PathLike[str],
    *,
    database: str = "",
    split: str = "",
    repeats: int = 1000,
    seed: int = 0,
    jobs: int | None = None,
) -> Evaluation:
    """Score pictures through `edgeiqa.Scorer` and compare with their MOS.

    Args:
        model: A .tflite with a contract, or the name of a model that edgeiqa brings.
        rows: Pictures with MOS on 0-1, such as one split of a manifest.
        root: Folder that the rows' paths start from.
        database: Its name, for the protocol only.
        split: Its name, for the protocol only.
        repeats: Bootstrap draws; see `convert.metrics.bootstrap`.
        seed: Seed of the draws.
        jobs: Pictures scored at a time; the number of processors when None. Changes no score.

    Returns:
        Results pooled and per subset. Pictures that cannot be read are listed in it.

    Raises:
        ValueError: no rows, no readable picture, or a model without a valid contract.
        OSError: the model cannot be read.
    """
    scorer, workers = open_scorer(model, jobs)
    predictions = predict(scorer, rows, root, workers)
    readable = [p for p in predictions if p.score is not None]
    subsets = sorted({p.subset for p in readable} - {""})
    groups = [measure(POOLED, readable, repeats=repeats, seed=seed)]
    if len(subsets) > 1:
        for subset in subsets:
            chosen = [p for p in readable if p.subset == subset]
            groups.append(measure(subset, chosen, repeats=repeats, seed=seed))
    facts = {
        **model_facts(scorer, model),
        "database": database,
        "split": split,
        "pictures": len(rows),
        "unreadable": len(rows) - len(readable),
        "score": "edgeiqa.Scorer from the image file; predictions are score / 100",
        "logistic": "VQEG 4-parameter, fitted per group on all its pictures, kept in the draws",
        "interval": "95% percentile bootstrap over pictures",
        "repeats": repeats,
        "seed": seed,
        "versions": protocol.versions(),
        "command": protocol.command_line("convert.evaluate.evaluate"),
        "date": protocol.now(),
    }
    return Evaluation(tuple(groups), predictions, facts)


def measure(
    name: str, predictions: Sequence[Prediction], *, repeats: int = 1000, seed: int = 0
) -> Group:
    """Metrics with intervals of one group of scored pictures.

    Args:
        name: What to call the group.
        predictions: Pictures with a score.
        repeats: Bootstrap draws.
        seed: Seed of the draws.

    Returns:
        The group; without metrics when it has fewer than `LEAST` pictures.
    """
    scored = [(p.score / 100, p.mos) for p in predictions if p.score is not None]
    if len(scored) < LEAST:
        return Group(name, len(scored), {}, ())
    predicted, mos = (np.array(column) for column in zip(*scored, strict=True))
    logistic = fit_logistic4(predicted, mos)

    def fitted(metric: Metric) -> Metric:
        # Four parameters on hundreds of pictures barely move: refitting them in every draw
        # would cost minutes and change the intervals in the fourth digit.
        def measured(x: FloatArray, y: FloatArray) -> float:
            return metric(logistic4(x, logistic), y)

        return measured

    metrics: dict[str, Metric] = {
        "SROCC": srocc,
        "PLCC": plcc,
        "PLCC logistic": fitted(plcc),
        "KROCC": krocc,
        "RMSE": rmse,
        "RMSE logistic": fitted(rmse),
        "spread": spread_ratio,
    }
    intervals = bootstrap(metrics, predicted, mos, repeats=repeats, seed=seed)
    return Group(name, len(scored), intervals, tuple(float(b) for b in logistic))


def database_rows(
    database: str,
    root: Path,
    split: str,
    manifest: str | os.PathLike[str] | None = None,
    work: Path | None = None,
    repeat: int = 0,
) -> list[ManifestRow]:
    """The pictures of one split.

    They come from `manifest` if given, else from the one that ``python -m convert data`` wrote
    to the work folder if there is one, else from the database's official layout.

    Args:
        database: One of `convert.data.registry.DATABASES`.
        root: The data root.
        split: "train", "validation" or "test".
        manifest: A manifest file.
        work: The work folder, see `convert.data.manifest.work_dir`.
        repeat: Which split of a database that its authors did not split.

    Raises:
        ValueError: unknown database, or data that is not as published.
    """
    if manifest is not None:
        return select(load_manifest(manifest), split)
    if work is not None and manifest_file(work, database, repeat).is_file():
        return select(load_manifest(manifest_file(work, database, repeat)), split)
    return select(build(database, root, repeat=repeat), split)


def add_picture_arguments(parser: argparse.ArgumentParser, split: str) -> None:
    """Options that say which rated pictures to use; shared with ``verify``."""
    add_data_arguments(parser)
    parser.add_argument("--split", default=split, choices=SPLITS, help=f"default: {split}")
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="CSV of rated pictures (default: what `python -m convert data` wrote to --work, "
        "else the database's official layout)",
    )


def picture_rows(args: argparse.Namespace) -> tuple[list[ManifestRow], Path]:
    """The rated pictures that `add_picture_arguments` names, and the data root."""
    root = data_root(args.data_root)
    work = work_dir(args.work) if args.manifest is None else None
    rows = database_rows(args.database, root, args.split, args.manifest, work, args.repeat)
    return rows, root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="+",
        help=".tflite with its contract, or a shipped model's name: base; several are compared "
        "with the first one on the same bootstrap draws",
    )
    add_picture_arguments(parser, "test")
    parser.add_argument(
        "--repeats",
        type=int,
        default=1000,
        metavar="N",
        help="bootstrap draws of the 95%% intervals (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the bootstrap (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="pictures scored at a time; changes no score (default: number of processors)",
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")
    parser.add_argument(
        "--scores", metavar="FILE", help="write every score (0-100) and MOS (0-1) as CSV"
    )


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    rows, root = picture_rows(args)
    prepare_targets(args.json, args.scores)
    if args.split == "test":
        print(
            "note: the test split is for final reports only; choose models on validation",
            file=sys.stderr,
        )
    results = [
        evaluate(
            model,
            rows,
            root,
            database=args.database,
            split=args.split,
            repeats=args.repeats,
            seed=args.seed,
            jobs=args.jobs,
        )
        for model in args.model
    ]
    unreadable = tell_unreadable(results[0].predictions)
    if len(results) == 1:
        if args.scores:
            write_text(args.scores, scores_csv(results[0].predictions))
        report(results[0].to_dict(), results[0].table(), args.json)
        return 3 if unreadable else 0
    from convert.compare import compare

    together = compare(args.model, results)
    if args.scores:
        write_text(args.scores, together.scores_csv())
    report(together.to_dict(), together.table(), args.json)
    return 3 if unreadable else 0


def report(document: dict[str, Any], table: str, json_file: str | None) -> None:
    """Print the table, and the JSON to a file; with ``-`` the JSON alone to stdout."""
    if json_file == "-":
        import json

        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        return
    print(table)
    if json_file:
        write_json(json_file, document)


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
