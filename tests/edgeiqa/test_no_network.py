"""The runtime works where no socket of a network can be made: the kernel would kill it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
WALLED = Path(__file__).with_name("walled.py")
SAMPLES = "edgeiqa/assets/samples"
KILLED = -31
"""By SIGSYS."""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp of Linux")


def walled(*arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, str(WALLED), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def wall() -> str:
    """The word for both walls where the kernel can be asked to kill, else for the hook alone."""
    probe = walled("probe")
    if "up" not in probe.stdout:
        return "hook"
    assert probe.returncode == KILLED  # What is tested below can fail.
    assert "not kept" not in probe.stdout
    return "wall"


def few(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sample_paths()[:3]:
        shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", f"{SAMPLES}/coffee.jpg", "--model", "nano", "--format", "json"),
        ("score", "{folder}", "--model", "nano", "--format", "jsonl", "--output", "{tmp}/a.jsonl"),
        ("live", "{folder}", "--model", "nano", "--max-frames", "2"),
        ("pick", "{folder}", "--model", "nano"),
        ("watch", "{folder}", "--existing", "--count", "2", "--settle", "0.1", "--interval", "0.1"),
        ("models",),
        ("library",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_it_wants_no_network(arguments: tuple[str, ...], tmp_path: Path, wall: str) -> None:
    folder = few(tmp_path)
    words = [word.format(folder=folder, tmp=tmp_path) for word in arguments]
    done = walled(wall, *words)
    assert done.returncode == 0, done.stderr
    assert "network" not in done.stderr.replace(str(tmp_path), "")  # Whose name has it.


def test_a_video_and_a_page_want_none_either(tmp_path: Path, wall: str) -> None:
    av = pytest.importorskip("av")
    import numpy as np

    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 160, 120
        for shade in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 40 * shade, np.uint8))
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    done = walled(wall, "live", str(path), "--model", "nano")
    assert done.returncode == 0, done.stderr
    if any(command.__name__.endswith(".report") for command in COMMANDS):
        results = tmp_path / "results.jsonl"
        score = ("score", str(few(tmp_path)), "--model", "nano", "--format", "jsonl")
        assert walled(wall, *score, "--output", str(results)).returncode == 0
        page = walled(wall, "report", str(results), "--output", str(tmp_path / "page.html"))
        assert page.returncode == 0, page.stderr


def test_in_a_network_of_nothing_it_scores_the_same() -> None:
    alone = ("unshare", "-n")
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"]).returncode:
        pytest.skip("no right to make a network namespace")
    arguments = ("hook", "score", f"{SAMPLES}/coffee.jpg", "--model", "nano", "--format", "json")
    apart, here = walled(*arguments, prefix=alone), walled(*arguments)
    assert apart.returncode == 0, apart.stderr
    assert apart.stdout == here.stdout


def test_a_stream_that_is_asked_for_is_stopped_by_the_wall(wall: str) -> None:
    """So the wall stands where the network would be used."""
    preview = walled(
        wall, "live", SAMPLES, "--model", "nano", "--preview", "0", "--max-frames", "1"
    )
    assert preview.returncode != 0
