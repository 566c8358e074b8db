"""How well a model agrees with people: correlations and errors against mean opinion scores.

Pictures go the whole way that a user's take: file, decoder, preprocessing, int8 model, calibrated
score. Nothing is fitted to the model beforehand except the VQEG logistic where it is named.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convert import protocol
from convert.data.command import add_data_arguments, manifest_file
from convert.data.manifest import SPLITS, ManifestRow, data_root, load_manifest, select, work_dir
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
from convert.progress import progress
from convert.quiet import quiet

if TYPE_CHECKING:
    from edgeiqa.scorer import Scorer

POOLED = "pooled"
LEAST = 5
"""With fewer pictures than this a group is counted but not measured."""


@dataclass(frozen=True)
class Prediction:
    """One scored picture.

    Attributes:
        path: Relative to the data root.
        subset: Part of the database.
        mos: Mean opinion score, 0-1.
        score: Predicted score, 0-100, None when the picture could not be read.
        std: Predicted spread of opinions, 0-100 units, where the model tells it.
        error: Why there is no score.
    """

    path: str
    subset: str
    mos: float
    score: float | None
    std: float | None
    error: str | None


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
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )


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
    from edgeiqa.model import Model, find
    from edgeiqa.scorer import Scorer

    if not rows:
        raise ValueError("no pictures to evaluate on")
    workers = jobs or os.cpu_count() or 1
    with quiet():  # LiteRT announces its delegate
        scorer = Scorer(Model(model, max_interpreters=workers))
    with ThreadPoolExecutor(workers) as pool:
        scored = pool.map(partial(_predict, scorer, Path(root)), rows)
        predictions = tuple(progress(scored, len(rows), "scoring"))
    readable = [p for p in predictions if p.score is not None]
    if not readable:
        raise ValueError(f"no picture could be read, the first: {predictions[0].error}")
    subsets = sorted({p.subset for p in readable} - {""})
    groups = [measure(POOLED, readable, repeats=repeats, seed=seed)]
    if len(subsets) > 1:
        for subset in subsets:
            chosen = [p for p in readable if p.subset == subset]
            groups.append(measure(subset, chosen, repeats=repeats, seed=seed))
    facts = {
        "model": scorer.contract.name,
        "model_version": scorer.contract.version,
        "model_sha256": protocol.sha256(find(model).read_bytes()),
        "flatbuffer_sha256": scorer.contract.flatbuffer_sha256,
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


def scores_csv(predictions: Sequence[Prediction]) -> str:
    """Single predictions as CSV text, one line per picture."""
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, ["path", "subset", "mos", "score", "std", "error"], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(asdict(p) for p in predictions)
    return stream.getvalue()


def database_rows(
    database: str,
    root: Path,
    split: str,
    manifest: str | os.PathLike[str] | None = None,
    work: Path | None = None,
) -> list[ManifestRow]:
    """The pictures of one split.

    They come from `manifest` if given, else from the one that ``python -m convert data`` wrote
    to the work folder if there is one, else from the database's official layout.

    Args:
        database: "biq2021".
        root: The data root.
        split: "train", "validation" or "test".
        manifest: A manifest file.
        work: The work folder, see `convert.data.manifest.work_dir`.

    Raises:
        ValueError: unknown database, or data that is not as published.
    """
    if manifest is not None:
        return select(load_manifest(manifest), split)
    if work is not None and manifest_file(work, database).is_file():
        return select(load_manifest(manifest_file(work, database)), split)
    if database != "biq2021":
        raise ValueError(f'database {database!r} is not known, expected "biq2021"')
    from convert.data.biq2021 import build_manifest

    return select(build_manifest(root), split)


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
    return database_rows(args.database, root, args.split, args.manifest, work), root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model", metavar="MODEL", help=".tflite with its contract, or a shipped model's name: base"
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
    result = evaluate(
        args.model,
        rows,
        root,
        database=args.database,
        split=args.split,
        repeats=args.repeats,
        seed=args.seed,
        jobs=args.jobs,
    )
    for prediction in result.unreadable:
        print(f"unreadable: {prediction.path}: {prediction.error}", file=sys.stderr)
    if args.scores:
        write_text(args.scores, scores_csv(result.predictions))
    report(result.to_dict(), result.table(), args.json)
    return 3 if result.unreadable else 0


def report(document: dict[str, Any], table: str, json_file: str | None) -> None:
    """Print the table, and the JSON to a file; with ``-`` the JSON alone to stdout."""
    if json_file == "-":
        import json

        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        return
    print(table)
    if json_file:
        write_json(json_file, document)


def _predict(scorer: Scorer, root: Path, row: ManifestRow) -> Prediction:
    from edgeiqa.decode import UnreadableImageError

    try:
        quality = scorer.score(root / row.path)
    except UnreadableImageError as error:
        message = error.reason
        return Prediction(row.path, row.subset, row.mos, None, None, message)
    return Prediction(row.path, row.subset, row.mos, quality.score, quality.std, None)


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
