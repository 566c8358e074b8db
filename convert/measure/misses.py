"""The pictures that a model judges worst, as a page to look at: where does it fail, and why?"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convert import protocol
from convert.files import prepare_targets, write_json, write_text
from convert.measure.command import add_picture_arguments, picture_rows
from convert.measure.predictions import (
    Prediction,
    model_facts,
    open_scorer,
    predict,
    tell_unreadable,
)

WORST = 20


@dataclass(frozen=True)
class Miss:
    """A picture far from its MOS.

    Attributes:
        path: Relative to the data root.
        subset: Part of the database.
        mos: Mean opinion, points of 0-100.
        score: Predicted, points.
        std: Predicted spread, points; None for a model that tells none.
    """

    path: str
    subset: str
    mos: float
    score: float
    std: float | None

    @property
    def error(self) -> float:
        """Score minus MOS, points: above 0 where the picture is over-rated."""
        return self.score - self.mos

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded to two decimals."""
        return {
            "path": self.path,
            "subset": self.subset,
            "mos": round(self.mos, 2),
            "score": round(self.score, 2),
            "std": None if self.std is None else round(self.std, 2),
            "error": round(self.error, 2),
        }


@dataclass(frozen=True)
class MissReport:
    """The worst misses of one model.

    Attributes:
        misses: The largest errors first.
        subsets: Per subset the number of scored pictures and of these misses.
        protocol: What it takes to repeat it.
    """

    misses: tuple[Miss, ...]
    subsets: dict[str, tuple[int, int]]
    protocol: dict[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> tuple[Miss, ...]:
        """Over-rated pictures, the worst first."""
        return tuple(miss for miss in self.misses if miss.error > 0)

    @property
    def under(self) -> tuple[Miss, ...]:
        """Under-rated pictures, the worst first."""
        return tuple(miss for miss in self.misses if miss.error <= 0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "protocol": self.protocol,
            "subsets": {
                name: {"pictures": total, "misses": missed}
                for name, (total, missed) in self.subsets.items()
            },
            "over_rated": [miss.to_dict() for miss in self.over],
            "under_rated": [miss.to_dict() for miss in self.under],
        }

    def table(self) -> str:
        """For people: one line per picture."""
        from convert.measure.texttable import aligned

        rows = [["picture", "subset", "MOS", "score", "std", "error"]]
        for miss in (*self.over, *self.under):
            std = "-" if miss.std is None else f"{miss.std:.1f}"
            told = [f"{miss.mos:.1f}", f"{miss.score:.1f}", std, f"{miss.error:+.1f}"]
            rows.append([miss.path, miss.subset, *told])
        return aligned(rows, left=2)


def worst_misses(
    predictions: Sequence[Prediction],
    count: int = WORST,
    facts: Mapping[str, Any] | None = None,
) -> MissReport:
    """Picks the pictures whose score lies farthest from their MOS.

    Args:
        predictions: Scored pictures; unreadable ones are passed over.
        count: How many.
        facts: For the protocol.

    Raises:
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"the number of misses is {count}, expected at least 1")
    scored = [
        Miss(p.path, p.subset, 100.0 * p.mos, p.score, p.std)
        for p in predictions
        if p.score is not None
    ]
    # The path settles ties, so that the page is the same on every machine.
    chosen = sorted(scored, key=lambda miss: (-abs(miss.error), miss.path))[:count]
    subsets = {
        name: (sum(m.subset == name for m in scored), sum(m.subset == name for m in chosen))
        for name in sorted({miss.subset for miss in scored})
    }
    return MissReport(tuple(chosen), subsets, dict(facts or {}))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model", metavar="MODEL", help=".tflite with its contract, or a shipped model's name: base"
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
    from convert.measure.misses_page import contact_sheet, page

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
        "versions": protocol.versions(),
        "command": protocol.command_line("convert.measure.misses.worst_misses"),
        "date": protocol.now(),
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
