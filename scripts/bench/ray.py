"""Measures how many photographs a second Ray scores here, with one actor and with two.

Usage: python scripts/bench/ray.py [--seconds 20] [--json docs/benchmarks/ray.json]

JPEGs of 512 x 512 and of 12 megapixels, quality 92, made of the samples and read from the page
cache; causes and gate included, one thread per actor. The rate is that between the first results
and the last, so that neither Ray's start nor the opening of models counts; how long those take is
given beside it. Beside it, too: the same files in one process without Ray, and what a million rows
take as Parquet.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Only on the loopback address.
os.environ["PYTHONPATH"] = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))

from edgeiqa.assets import sample_paths  # noqa: E402
from edgeiqa.batch.settings import ScoreSettings  # noqa: E402
from edgeiqa.bench.environment import machine, versions  # noqa: E402
from edgeiqa.cli.progress import Progress  # noqa: E402
from edgeiqa.files.atomic import open_output  # noqa: E402
from edgeiqa.results.score_row import score_row  # noqa: E402

SIZES = {"512x512": (512, 512), "12 MP": (4000, 3000)}
ACTORS = (1, 2)
MODELS = ("base", "nano")
BATCH = 8
PARQUET_ROWS = 100_000


def make_files(folder: Path, size: tuple[int, int]) -> list[str]:
    """The samples at one size as JPEGs."""
    from PIL import Image, ImageOps

    paths = []
    for sample in sample_paths():
        path = folder / f"{sample.stem}-{size[0]}.jpg"
        with Image.open(sample) as picture:
            fitted = ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.BICUBIC)
        fitted.save(path, quality=92)
        paths.append(str(path))
    return paths


def alone(paths: Sequence[str], model: str, seconds: float) -> float:
    """Photographs a second in this process."""
    scorer, gate = ScoreSettings.choose(model).open()
    for path in paths[:3]:
        score_row(path, scorer, gate)
    done, start = 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        score_row(paths[done % len(paths)], scorer, gate)
        done += 1
    return done / (time.perf_counter() - start)


def with_ray(paths: Sequence[str], model: str, actors: int, count: int) -> dict[str, Any]:
    """Photographs a second through Ray Data, and how long the first results took."""
    import ray

    from edgeiqa.integrations.ray import score_dataset

    rows = [{"path": paths[number % len(paths)]} for number in range(count)]
    items = ray.data.from_items(rows, override_num_blocks=max(1, count // (2 * BATCH)))
    results = score_dataset(items, model=model, concurrency=actors, batch_size=BATCH)
    start = time.perf_counter()
    moments: list[float] = []
    done: list[int] = []
    errors = 0
    for table in results.iter_batches(batch_size=None, batch_format="pyarrow"):
        moments.append(time.perf_counter())
        done.append(table.num_rows)
        errors += table.num_rows - table["error"].null_count
    if sum(done) != count or errors:
        raise RuntimeError(f"{count} photographs went in, {sum(done)} rows came, {errors} errors")
    rate = (count - done[0]) / (moments[-1] - moments[0])
    return {
        "actors": actors,
        "photographs": count,
        "per_second": round(rate, 2),
        "per_second_and_core": round(rate / actors, 2),
        "first_results_s": round(moments[0] - start, 1),
    }


def parquet_bytes(row: dict[str, Any]) -> float:
    """Bytes per row of a Parquet file whose figures differ from row to row, as real ones do."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from edgeiqa.integrations.ray import schema

    chance = random.Random(1)
    rows = []
    for _ in range(PARQUET_ROWS):
        causes = {cause: round(chance.random() ** 4, 3) for cause in row["causes"]}
        score = round(chance.gauss(65, 12), 2)
        accept = score > 57.5
        reason = {"cause": "low_quality", "value": score, "threshold": 57.5, "decisive": True}
        rows.append(
            {
                **{"path": f"s3://bucket/{chance.getrandbits(160):040x}.jpg", "score": score},
                **{"std": round(chance.gauss(6, 2), 2), "causes": causes, "accept": accept},
                **{"reasons": [] if accept else [reason], "error": None},
            }
        )
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema()), sink, compression="zstd")
    return float(sink.getvalue().size) / PARQUET_ROWS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="about, per case")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--json", type=Path, default=ROOT / "docs/benchmarks/ray.json", metavar="FILE"
    )
    args = parser.parse_args(arguments)
    try:
        import ray
        import ray.data
    except ImportError as error:
        print(f'ray: error: {error}: pip install "edgeiqa[ray]"', file=sys.stderr)
        return 2
    ray.init(num_cpus=max(ACTORS), include_dashboard=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    cases = []
    progress = Progress(len(SIZES) * len(args.models) * (1 + len(ACTORS)))
    try:
        with tempfile.TemporaryDirectory() as made, open_output(str(args.json)) as stream:
            for name, size in SIZES.items():
                paths = make_files(Path(made), size)
                mean = sum(os.path.getsize(path) for path in paths) / len(paths)
                for model in args.models:
                    case: dict[str, Any] = {"pictures": name, "model": model}
                    case["file_bytes"] = round(mean)
                    case["alone_per_second"] = round(alone(paths, model, args.seconds / 4), 2)
                    progress.step()
                    case["ray"] = []
                    for actors in ACTORS:
                        wanted = case["alone_per_second"] * actors * args.seconds
                        count = max(8 * BATCH * actors, round(wanted / BATCH) * BATCH)
                        case["ray"].append(with_ray(paths, model, actors, count))
                        progress.step()
                    cases.append(case)
            scorer, gate = ScoreSettings.choose("nano").open()
            row = score_row(str(sample_paths()[0]), scorer, gate).to_dict()
            report = {
                "command": f"python scripts/bench/ray.py --seconds {args.seconds:g}",
                "what": "JPEG of quality 92 from the page cache, causes and gate, 1 thread each",
                "machine": machine(),
                "versions": {**versions(), "ray": ray.__version__},
                "cases": cases,
                "parquet": {"rows": PARQUET_ROWS, "bytes_per_row": round(parquet_bytes(row), 1)},
            }
            stream.write(json.dumps(report, indent=1) + "\n")
    except (RuntimeError, OSError) as error:
        print(f"ray: error: {error}", file=sys.stderr)
        return 2
    finally:
        progress.close()
        ray.shutdown()
    print(args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
