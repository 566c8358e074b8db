"""Scores photographs on all cores of this machine or on a Ray cluster: an example to start from.

Usage: python examples/score_with_ray.py PATH... --output RESULTS [--address ADDRESS] [...]

RESULTS decides the format: NAME.jsonl is one file, the lines of `edgeiqa score --format jsonl`;
NAME.parquet is one Parquet file; any other name is a new folder, into which every machine writes
its own part as Parquet, which is the way for millions (it may be an address, such as s3://...).
The order of the rows is that in which they are done. Exit codes as of `edgeiqa score`: 0 all were
scored, 2 wrong usage, 3 some could not be read and have a row with their error.

Without --address a cluster of its own is started on this machine and ended again. With it the
photographs must lie where every machine sees them: a shared disk, or addresses such as
s3://bucket/photo.jpg, which may also come as lines of a text file, --list FILE.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edgeiqa.cli.common import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNREADABLE,
    EXIT_USAGE,
    add_gate_options,
    count_argument,
)

MAX_BLOCKS = 2000


def found(paths: Sequence[str], lists: Sequence[str]) -> list[dict[str, Any]]:
    """The photographs behind files, folders, addresses and lists of such, as rows for Ray.

    Returns:
        Dicts of "path", bytes, as not every file name is text; and "error", where a folder
        cannot be listed.
    """
    from edgeiqa.imaging.discovery import Item, expand

    named = list(paths)
    for file in lists:
        named += Path(file).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    rows = []
    for name in named:
        for item in [Item(name)] if "://" in name else expand([name]):
            rows.append({"path": os.fsencode(item.path), "error": item.error})
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Scores what was named; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\nUsage")[0],
        epilog=(__doc__ or "").partition("\n\n")[2].partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, folders, addresses")
    parser.add_argument("--list", action="append", default=[], metavar="FILE", help="a path a line")
    parser.add_argument("--output", required=True, metavar="RESULTS")
    add_gate_options(parser)
    parser.add_argument("--address", help="of a running cluster, or auto; default: one of its own")
    parser.add_argument("--actors", type=count_argument, metavar="N", help="default: as CPUs")
    parser.add_argument("--batch-size", type=count_argument, default=32, metavar="N")
    args = parser.parse_args(arguments)
    # Ray reports about its use to its makers unless disabled, and a cluster of one machine
    # listens on all its addresses; this setting does more than its name says.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if args.address is None:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        rows = found(args.paths, args.list)
        if not rows:
            raise ValueError("nothing to score: name files, folders, or a --list")
        if os.path.isdir(args.output) and os.listdir(args.output):
            raise ValueError(f"{args.output} is there already and not empty; name a new folder")
        with _cluster(args.address):
            return _score(rows, args)
    except (ImportError, ValueError, OSError) as error:
        print(f"score_with_ray: error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("score_with_ray: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _score(rows: list[dict[str, Any]], args: argparse.Namespace) -> int:
    import ray

    from edgeiqa.integrations.ray import score_dataset

    # Blocks are what Ray hands out and repeats after a crash: many small ones for few pictures.
    blocks = max(1, min(MAX_BLOCKS, len(rows) // args.batch_size))
    results = score_dataset(
        ray.data.from_items(rows, override_num_blocks=blocks),
        model=args.model,
        gate=args.gate,
        min_score=args.min_score,
        max_causes=dict(args.max_causes),
        concurrency=args.actors,
        batch_size=args.batch_size,
    )
    start = time.monotonic()
    if args.output.endswith((".jsonl", ".ndjson", ".parquet")):
        done, unreadable = _write_file(results, args.output, len(rows))
    else:
        results.write_parquet(args.output)
        done, unreadable = _counted(args.output)
    seconds = time.monotonic() - start
    print(
        f"{done} photographs, {unreadable} of them unreadable, in {seconds:.1f} s "
        f"({done / seconds:.1f} a second, Ray's start of actors included): {args.output}",
        file=sys.stderr,
    )
    if done != len(rows):
        raise RuntimeError(f"{len(rows)} photographs went in, {done} rows came out")
    return EXIT_UNREADABLE if unreadable else EXIT_OK


def _write_file(results: Any, target: str, total: int) -> tuple[int, int]:
    """Writes one file, there whole or not at all; returns rows and those with an error."""
    from edgeiqa.cli.progress import Progress
    from edgeiqa.files.atomic import open_output
    from edgeiqa.integrations.ray import plain_rows, schema

    done = unreadable = 0
    progress = Progress(total)
    tables = results.iter_batches(batch_size=None, batch_format="pyarrow")
    try:
        with open_output(target) as stream:
            parquet = None
            if target.endswith(".parquet"):
                import pyarrow.parquet as pq

                parquet = pq.ParquetWriter(stream.buffer, schema())
            for table in tables:
                if parquet is not None:
                    parquet.write_table(table.cast(schema()))
                else:
                    for row in plain_rows(table):
                        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                done += table.num_rows
                unreadable += table.num_rows - table["error"].null_count
                progress.step(table.num_rows)
            if parquet is not None:
                parquet.close()
    finally:
        progress.close()
    return done, unreadable


def _counted(folder: str) -> tuple[int, int]:
    """Rows in a folder of Parquet, read back from where it lies; and those with errors."""
    from pyarrow import dataset, fs

    system, path = fs.FileSystem.from_uri(folder if "://" in folder else os.path.abspath(folder))
    results = dataset.dataset(path, filesystem=system, format="parquet")
    done = results.count_rows()
    return done, done - results.count_rows(filter=dataset.field("error").is_null())


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Ray, connected; a cluster of its own listens on this machine only and ends again."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(f'Ray Data is missing ({error}): pip install "edgeiqa[ray]"') from error
    options: dict[str, Any] = {"include_dashboard": False} if address is None else {}
    options["address"] = address
    ray.init(log_to_driver=False, logging_level="warning", runtime_env=_brought(), **options)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield
    finally:
        ray.shutdown()


def _brought() -> dict[str, Any]:
    """Takes the package along to machines that may not have it installed."""
    import edgeiqa

    return {"py_modules": [str(Path(edgeiqa.__file__).parent)]}


if __name__ == "__main__":
    sys.exit(main())
