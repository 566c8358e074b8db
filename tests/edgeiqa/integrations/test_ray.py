"""A Ray cluster gives the rows of one process, whatever dies on the way."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.inference.model import ModelError
from edgeiqa.integrations.ray import RayScorer, plain_rows, schema, score_dataset
from edgeiqa.results.score_row import score_row
from tests.edgeiqa.batch.test_isolated import POISON, poisonous

pa = pytest.importorskip("pyarrow")
if importlib.util.find_spec("ray") is None:
    pytest.skip("no Ray", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[3]
MARK = "EDGEIQA_TEST_CLUSTER"


@pytest.fixture(scope="module")
def rays() -> RayScorer:
    return RayScorer("nano")


def alone(*arguments: object) -> list[dict[str, Any]]:
    """The rows of `edgeiqa score`, a process without Ray."""
    command = [sys.executable, "-m", "edgeiqa", "score", "--format", "jsonl"]
    done = subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, check=False, timeout=120
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_path(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {row["path"]: row for row in rows}
    assert len(found) == len(rows)  # None came twice.
    return found


def test_every_shape_of_a_batch_gives_the_same_rows(rays: RayScorer) -> None:
    paths = [*map(str, sample_paths()[:3]), "missing.jpg"]
    expected = alone("--model", "nano", *paths)
    objects = np.array(paths, dtype=object)
    for batch in (
        pa.table({"path": paths}),
        {"path": objects},
        {"path": np.array(paths)},
        {"path": np.array([os.fsencode(path) for path in paths], dtype=object)},
        pa.table({"path": paths, "other": [1, 2, 3, 4]}).to_pandas(),
    ):
        table = rays(batch)
        assert table.schema == schema()
        assert list(plain_rows(table)) == expected


def test_pictures_may_come_as_bytes_beside_their_path(rays: RayScorer) -> None:
    data = sample_paths()[0].read_bytes()
    scorer, gate = ScoreSettings.choose("nano").open()
    batch = pa.table({"path": ["s3://far/a.jpg", "b", "c"], "bytes": [data, b"", b"text"]})
    for one in (batch, batch.to_pandas()):
        rows = list(plain_rows(rays(one)))
        assert rows[0] == score_row("s3://far/a.jpg", scorer, gate, data).to_dict()
        assert [row["error"] for row in rows[1:]] == [
            "empty, 0 bytes",
            "not a picture in a format that can be read",
        ]


def test_addresses_are_read_where_they_are(rays: RayScorer, tmp_path: Path) -> None:
    photo = sample_paths()[0]
    paths = [photo.as_uri(), (tmp_path / "missing.jpg").as_uri(), "no-such-scheme://x/y.jpg"]
    first, second, third = plain_rows(rays(pa.table({"path": paths})))
    assert first == {**alone("--model", "nano", photo)[0], "path": paths[0]}
    assert second["error"] == "no such file"
    assert "no-such-scheme" in third["error"]


def test_what_could_not_be_listed_passes_through(rays: RayScorer) -> None:
    batch = pa.table({"path": ["locked", str(sample_paths()[0])], "error": ["no entry", None]})
    first, second = plain_rows(rays(batch))
    assert (first["path"], first["error"], first["score"]) == ("locked", "no entry", None)
    assert second["error"] is None


def test_names_that_are_no_text_and_values_that_are_no_name(
    rays: RayScorer, tmp_path: Path
) -> None:
    odd = os.path.join(os.fsencode(tmp_path), b"\xff.jpg")
    shutil.copy(os.fsencode(sample_paths()[0]), odd)
    (row,) = plain_rows(rays({"path": np.array([odd], dtype=object)}))
    assert row["path"] == str(tmp_path / "\\udcff.jpg")
    assert row["score"] == alone("--model", "nano", sample_paths()[0])[0]["score"]
    rows = list(plain_rows(rays({"path": np.array([None, 7], dtype=object)})))
    assert [row["error"] for row in rows] == [
        "TypeError: path is a NoneType, expected text",
        "TypeError: path is a int, expected text",
    ]


def test_bytes_that_are_none_cost_their_row_alone(rays: RayScorer) -> None:
    data = sample_paths()[0].read_bytes()
    batch = {"path": np.array(["a", "b", "c"], dtype=object)}
    batch["bytes"] = np.array(["a.jpg", 7, data], dtype=object)
    rows = list(plain_rows(rays(batch)))
    assert [row["error"] for row in rows] == [
        "TypeError: bytes is a str, expected bytes",
        "TypeError: bytes is a int, expected bytes",
        None,
    ]


def test_a_recipe_says_all_that_arguments_do() -> None:
    batch = pa.table({"path": [*map(str, sample_paths()[:4])]})
    expected = RayScorer("nano", "strict", None, {"dark": 0.2})(batch)
    assert RayScorer(ScoreSettings.choose("nano", "strict", None, {"dark": 0.2}))(batch) == expected
    assert not all(row["accept"] for row in plain_rows(expected))


def test_a_batch_without_paths_is_refused(rays: RayScorer) -> None:
    with pytest.raises(ValueError, match="include_paths=True"):
        rays(pa.table({"bytes": [b""]}))


def test_results_survive_parquet(rays: RayScorer, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = rays(pa.table({"path": [*map(str, sample_paths()), "missing.jpg"]}))
    pq.write_table(table, tmp_path / "scores.parquet")
    read = pq.read_table(tmp_path / "scores.parquet")
    assert list(plain_rows(read)) == alone("--model", "nano", *sample_paths(), "missing.jpg")


def test_invalid_arguments_are_reported_before_anything_runs() -> None:
    with pytest.raises(ModelError, match="no model 'nix'"):
        score_dataset(None, model="nix")
    with pytest.raises(ValueError, match="blurr"):
        score_dataset(None, max_causes={"blurr": 0.1})


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real cluster of two CPUs, on the loopback address only."""
    folder = tmp_path_factory.mktemp("poison")
    (folder / "pillow_heif.py").write_text(POISON)
    # Its sockets' paths must be short.
    work = tempfile.mkdtemp(prefix="ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(ROOT))))
        patch.setenv(MARK, uuid.uuid4().hex)
        import ray
        import ray.data

        # Read when Ray is imported, which may have been before.
        patch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False, raising=False)
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            object_store_memory=200_000_000,
            _temp_dir=work,
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        try:
            assert ray.nodes()[0]["NodeManagerAddress"] == "127.0.0.1"
            yield ray
        finally:
            ray.shutdown()
            shutil.rmtree(work, ignore_errors=True)


def processes(text: bytes) -> set[int]:
    """Those of our cluster whose command line holds the text."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = mark in (folder / "environ").read_bytes().split(b"\0")
            if ours and text in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
        except OSError:  # It has ended meanwhile.
            continue
    return found - {os.getpid()}


def actors() -> set[int]:
    return processes(b"MapWorker(")


@pytest.fixture
def album(tmp_path: Path) -> list[str]:
    """Many photographs: the samples under many names."""
    folder = tmp_path / "album"
    folder.mkdir()
    names = []
    for number in range(240):
        name = folder / f"{number:03}.jpg"
        name.symlink_to(sample_paths()[number % len(sample_paths())])
        names.append(str(name))
    return names


def rows_of(dataset: Any) -> Iterator[dict[str, Any]]:
    for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
        yield from plain_rows(table)


@pytest.mark.slow
def test_a_cluster_scores_as_one_process_does(ray: Any, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.jpg").write_bytes(sample_paths()[0].read_bytes()[:5000])
    paths = [*map(str, sample_paths()), *map(str, tmp_path.iterdir()), "missing.jpg"]
    expected = by_path(alone("--gate", "strict", "--max", "noise=0.2", *paths))
    items = ray.data.from_items([{"path": path} for path in paths], override_num_blocks=3)
    options: dict[str, Any] = {"gate": "strict", "max_causes": {"noise": 0.2}}
    got = score_dataset(items, concurrency=2, batch_size=4, **options)
    assert by_path(list(rows_of(got))) == expected
    # As files that Ray itself reads, with as many actors as it likes.
    read = ray.data.read_binary_files(str(sample_paths()[0].parent), include_paths=True)
    read = read.filter(lambda row: row["path"].endswith(".jpg"))
    got = by_path(list(rows_of(score_dataset(read, **options))))
    assert got == {path: expected[path] for path in map(str, sample_paths())}


@pytest.mark.slow
def test_actors_killed_on_the_way_lose_nothing(ray: Any, album: list[str]) -> None:
    expected = by_path(alone("--model", "nano", *album))
    items = ray.data.from_items([{"path": path} for path in album], override_num_blocks=30)
    results = rows_of(score_dataset(items, model="nano", concurrency=2, batch_size=8))
    rows = [next(results)]
    before = actors()
    assert before
    for victim in before:  # All of them, for real.
        os.kill(victim, signal.SIGKILL)
    seen: set[int] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.update(actors())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        rows.extend(results)
    finally:
        over.set()
        watcher.join()
    assert seen - before  # Others took over.
    assert by_path(rows) == expected


@pytest.mark.slow
def test_poison_and_killed_helpers_cost_no_neighbour(
    ray: Any, album: list[str], tmp_path: Path
) -> None:
    poison = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in poison:
        path.write_bytes(poisonous(b"KILL"))
    album[50:50] = [str(poison[0])]
    album[200:200] = [str(poison[1])]
    expected = by_path(alone("--model", "nano", *(p for p in album if Path(p) not in poison)))
    items = ray.data.from_items([{"path": path} for path in album], override_num_blocks=30)
    results = rows_of(score_dataset(items, model="nano", concurrency=2, batch_size=8))
    rows = [next(results)]
    victims = processes(b"edgeiqa.batch.worker_main")
    assert victims
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    before = actors()
    rows.extend(results)
    got = by_path(rows)
    for path in poison:
        reason = "the decoder crashed on it (SIGSEGV); tried 2 times"
        assert got.pop(str(path))["error"] == reason
    assert got == expected
    assert before  # No actor died for it.
    until = time.monotonic() + 20
    while processes(b"edgeiqa.batch.worker_main") and time.monotonic() < until:
        time.sleep(0.1)
    assert not processes(b"edgeiqa.batch.worker_main")
