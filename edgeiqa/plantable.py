"""Shows a plan of `edgeiqa.picking` as table, JSON or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from typing import TextIO

from edgeiqa.output import printable, write_csv_row
from edgeiqa.picking import Pick

COLUMNS = (
    *("path", "moment", "of", "rank", "score", "value", "keep", "why", "taken", "remark"),
    *("done", "error"),
)
"""JSON keys and CSV columns, a contract."""


def table(plan: Sequence[Pick], stream: TextIO) -> None:
    """For people: moment, rank, score, keep or leave, photograph and why."""
    stream.write("moment  rank  score  pick   photo\n")
    for pick in plan:
        if pick.error is not None:
            stream.write(f"{'-':>6}  {'-':>4}  {'-':>5}  error  {printable(pick.path)}: ")
            stream.write(f"{printable(pick.error)}\n")
            continue
        parts = [pick.why, pick.remark, pick.done or "", pick.failed or ""]
        stream.write(
            f"{pick.moment:>6}  {pick.rank:>4}  {pick.score:>5.1f}  "
            f"{'keep ' if pick.keep else 'leave'}  {printable(pick.path)}: "
            f"{printable('; '.join(part for part in parts if part))}\n"
        )


def as_json(plan: Sequence[Pick], stream: TextIO) -> None:
    """One JSON array, one photograph a line."""
    lines = [
        json.dumps(pick.to_dict(), ensure_ascii=not pick.path.isprintable(), allow_nan=False)
        for pick in plan
    ]
    stream.write("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n")


def as_csv(plan: Sequence[Pick], stream: TextIO) -> None:
    """A line of column names, then one line per photograph; keep is true or false."""
    csv.writer(stream, lineterminator="\n").writerow(COLUMNS)
    for pick in plan:
        row = pick.to_dict()
        if row["keep"] is not None:
            row["keep"] = "true" if row["keep"] else "false"
        write_csv_row(stream, [row[column] for column in COLUMNS])


def summary(plan: Sequence[Pick]) -> str:
    """One line about the whole plan."""
    good = [pick for pick in plan if pick.error is None]
    kept = sum(pick.keep for pick in good)
    count = len({pick.moment for pick in good})
    parts = [
        f"{len(good)} {'photograph' if len(good) == 1 else 'photographs'} in "
        f"{count} {'moment' if count == 1 else 'moments'}: {kept} to keep, {len(good) - kept} left"
    ]
    unreadable, failed = len(plan) - len(good), sum(pick.failed is not None for pick in plan)
    if unreadable:
        parts.append(f"{unreadable} unreadable")
    if failed:
        parts.append(f"{failed} not done")
    return ", ".join(parts)


WRITERS: dict[str, Callable[[Sequence[Pick], TextIO], None]] = {
    "table": table,
    "json": as_json,
    "csv": as_csv,
}
