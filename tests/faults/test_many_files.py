"""A folder with more files than anybody looks at."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edgeiqa.pictures import photograph, saved
from tests.faults.conftest import Fault
from tests.faults.running import in_order, needs_linux, run

pytestmark = needs_linux

MANY = int(os.environ.get("EDGEIQA_MANY_FILES", "20000"))
"""In the folder; a million by hand, as `python -m tests.faults --many 1000000` does."""


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Path]:
    """A folder of empty files named as pictures, 20 photographs among them."""
    memory = Path("/dev/shm")
    folder = tmp_path if not memory.is_dir() else memory / f"edgeiqa-faults-{os.getpid()}"
    folder = folder / "crowded"
    folder.mkdir(parents=True)
    descriptor = os.open(folder, os.O_RDONLY)
    for index in range(MANY - 20):
        os.close(os.open(f"{index:07}.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    data = saved(photograph(), "JPEG")
    for index in range(20):
        (folder / f"{index * 50_000:07}-photo.jpg").write_bytes(data)
    yield folder
    shutil.rmtree(folder)
    if folder.parent != tmp_path:
        folder.parent.rmdir()


@pytest.mark.slow
def test_all_are_listed_and_memory_stays_small(
    crowded: Path, tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.running.TIMEOUT_S", 3000)
    out = tmp_path / "out.jsonl"
    done = in_order(run("score", crowded, "--model", "nano", "--output", out), 3)
    paths, scored = set(), 0
    with out.open() as stream:
        for line in stream:
            row = json.loads(line)
            paths.add(row["path"])
            scored += row["error"] is None
            assert row["error"] in (None, "empty, 0 bytes")
    assert (len(paths), scored) == (MANY, 20)
    assert done.rss_mb < 300 + MANY * 2000 / (1 << 20)
    fault(
        f"a folder of {MANY:,} files, of which 20 are photographs and the others empty",
        "every file has its line",
        3,
        seconds=round(done.seconds),
        rss_mb=round(done.rss_mb),
        files_per_second=round(MANY / done.seconds),
    )
