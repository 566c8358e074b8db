"""Reckons what it takes to score very many photographs, from what was measured on one core.

Usage: python scripts/bench/scale_estimate.py [--images 1e9] [--cores 100 1000 10000]
                               [--price 0.01 0.02 0.05 0.1] [--megabytes 2.5]
                               [--core-speed 1.0] [--report FILE]

The throughput per core is that of `scripts/bench/ray.py`; everything else is a parameter. The
prices are examples of a price per core and hour, in whatever money: put in yours. A core of yours
that is half as fast as the measured one is --core-speed 0.5. Prints Markdown;
`python scripts/docs/fill_tables.py` puts it into docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.cli.common import POSITIVE  # noqa: E402
from scripts.docs.markdown import table  # noqa: E402

REPORT = ROOT / "docs" / "benchmarks" / "ray.json"


@dataclass(frozen=True)
class Wishes:
    """What to reckon with.

    Attributes:
        images: Photographs.
        cores: Numbers of cores to give the wall time for.
        prices: Prices of a core for an hour, in any money.
        speed: Your core over the measured one.
        batch: Photographs that are scored again when an actor dies.
        core_hours_per_death: Core-hours until an actor dies, on average: machines that are taken
            away, memory that runs out.
        unreadable: Share of photographs that cannot be read.
    """

    images: float = 1e9
    cores: tuple[int, ...] = (100, 1000, 10_000)
    prices: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1)
    speed: float = 1.0
    batch: int = 1000
    core_hours_per_death: float = 100.0
    unreadable: float = 0.001


def rate_of(case: dict[str, Any]) -> float:
    """Photographs a second and core, with all measured cores at work."""
    most = max(case["ray"], key=lambda run: run["actors"])
    return float(most["per_second_and_core"])


def core_hours(images: float, per_second: float) -> float:
    """Hours that one core works on them."""
    return images / per_second / 3600


def duration(hours: float) -> str:
    """Hours as people say them."""
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def size(count: float) -> str:
    """Bytes as people say them, in powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:,.0f} TB" if count >= 10 else f"{count:.1f} TB"


def work_table(report: dict[str, Any], wishes: Wishes) -> str:
    """Core-hours, wall time and volume per kind of picture and model."""
    rows = []
    for case in report["cases"]:
        rate = rate_of(case) * wishes.speed
        hours = core_hours(wishes.images, rate)
        read = case["file_bytes"] * rate
        rows.append(
            [
                f"{case['pictures']}, {case['model']}",
                f"{rate:.1f}",
                f"{hours:,.0f}",
                *(duration(hours / cores) for cores in wishes.cores),
                size(case["file_bytes"] * wishes.images),
                f"{read / 1e6:.1f} MB/s",
            ]
        )
    head = ["photographs, model", "a second and core", "core-hours"]
    head += [f"on {cores:,} cores" for cores in wishes.cores]
    return table([*head, "to read in all", "to read per core"], rows)


def price_table(report: dict[str, Any], wishes: Wishes) -> str:
    """What the core-hours cost at several prices."""
    rows = []
    for case in report["cases"]:
        hours = core_hours(wishes.images, rate_of(case) * wishes.speed)
        cells = [f"{hours * price:,.0f}" for price in wishes.prices]
        rows.append([f"{case['pictures']}, {case['model']}", *cells])
    head = [f"at {price:g} per core-hour" for price in wishes.prices]
    return table(["photographs, model", *head], rows)


def checks_list(report: dict[str, Any], wishes: Wishes) -> str:
    """What must come out, and what dying actors cost."""
    row = report["parquet"]["bytes_per_row"]
    slowest = min(rate_of(case) for case in report["cases"]) * wishes.speed
    hours = core_hours(wishes.images, slowest)
    deaths = hours / wishes.core_hours_per_death
    again = deaths * wishes.batch / 2 / wishes.images
    return "\n".join(
        [
            f"- Results: {row:.0f} bytes a row as Parquet with random figures and 40 random digits "
            f"as name, {size(row * wishes.images)} in all.",
            f"- Rows that must come out: {wishes.images:,.0f}, one per photograph. With "
            f"{wishes.unreadable:.1%} unreadable ones, {wishes.images * wishes.unreadable:,.0f} of "
            "them have an error; a share that differs between folders or machines points at a "
            "disk or a network, not at pictures.",
            f"- If an actor dies every {wishes.core_hours_per_death:g} core-hours, "
            f"{deaths:,.0f} die on the way in the slowest case, each with half of a block of "
            f"{wishes.batch:,} photographs to score again: {again:.3%} more work, and no row lost.",
        ]
    )


def scale_block(report: dict[str, Any], wishes: Wishes | None = None) -> str:
    """All of it, as Markdown."""
    wishes = wishes or Wishes()
    told = report["machine"]
    return "\n\n".join(
        [
            f"{wishes.images:,.0f} photographs, measured on {told['processor']} "
            f"({told['cores']} cores); your core is taken to be {wishes.speed:g} times as fast.",
            work_table(report, wishes),
            "Money, in the unit of your price (put in yours with `--price`):",
            price_table(report, wishes),
            checks_list(report, wishes),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the reckoning; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\nUsage")[0],
        epilog=(__doc__ or "").partition("]\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = Wishes()
    parser.add_argument("--images", type=POSITIVE, default=default.images, metavar="N")
    parser.add_argument("--cores", type=int, nargs="+", default=default.cores, metavar="N")
    parser.add_argument("--price", type=POSITIVE, nargs="+", default=default.prices, metavar="X")
    parser.add_argument("--core-speed", type=POSITIVE, default=1.0, metavar="X")
    parser.add_argument("--megabytes", type=POSITIVE, metavar="MB", help="size of your files")
    parser.add_argument("--block", type=int, default=default.batch, metavar="N")
    parser.add_argument("--core-hours-per-death", type=POSITIVE, default=100.0, metavar="H")
    parser.add_argument("--unreadable", type=float, default=default.unreadable, metavar="SHARE")
    parser.add_argument("--report", type=Path, default=REPORT, metavar="FILE")
    args = parser.parse_args(arguments)
    try:
        report = json.loads(args.report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(
            f"scale_estimate: error: {args.report}: {error}; python scripts/bench/ray.py makes it",
            file=sys.stderr,
        )
        return 2
    if args.megabytes is not None:
        for case in report["cases"]:
            case["file_bytes"] = args.megabytes * 1e6
    wishes = Wishes(
        args.images,
        tuple(args.cores),
        tuple(args.price),
        args.core_speed,
        args.block,
        args.core_hours_per_death,
        args.unreadable,
    )
    print(scale_block(report, wishes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
