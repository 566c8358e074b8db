"""Results that outlive what other programs, drives and signals do to a run that resumes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.inference.model import find
from tests.edgeiqa.batch.trees import children
from tests.faults.conftest import Fault
from tests.faults.running import COMMAND, ROOT, environment, in_order, needs_linux, photos, run

pytestmark = needs_linux
NANO = ("--model", "nano")
COUNT = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return photos(tmp_path / "photos", COUNT)


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def scores(file: Path) -> dict[str, float]:
    return {row["path"]: row["score"] for row in rows(file) if row["error"] is None}


def started(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "score", *map(str, words)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.005)


def ended(process: subprocess.Popen[str], *codes: int) -> str:
    _, err = process.communicate(timeout=100)
    assert process.returncode in codes, err
    assert "Traceback" not in err
    return err


def begun(out: Path) -> Callable[[], bool]:
    """Whether some rows are in a file."""
    return lambda: out.exists() and out.read_bytes().count(b"\n") >= 5


def test_a_deleted_output_comes_back(folder: Path, tmp_path: Path, fault: Fault) -> None:
    out = tmp_path / "out.jsonl"
    process = started(folder, *NANO, "--resume", "-o", out, "-j", 1)
    wait(begun(out))
    out.unlink()
    ended(process, 0)
    assert len(rows(out)) == COUNT
    fault("the output deleted while `score --resume` runs", "it is written again", 0)


def test_a_replaced_output_is_left_alone(folder: Path, tmp_path: Path, fault: Fault) -> None:
    out = tmp_path / "out.jsonl"
    process = started(folder, *NANO, "--resume", "-o", out, "-j", 1)
    wait(begun(out))
    (tmp_path / "edited").write_text("edited\n")
    (tmp_path / "edited").replace(out)
    err = ended(process, 2)
    assert out.read_text() == "edited\n"
    (rescued,) = tmp_path.glob("out.jsonl.rescued*")
    assert rescued.name in err
    assert len(rows(rescued)) >= 5
    fault(
        "the output replaced by an editor while `score --resume` runs",
        "the editor's file stays, the rows lie beside it",
        2,
    )


def test_a_plain_run_leaves_a_resumed_one_alone(folder: Path, tmp_path: Path, fault: Fault) -> None:
    out = tmp_path / "out.jsonl"
    process = started(folder, *NANO, "--resume", "-o", out, "-j", 1)
    wait(begun(out))
    in_order(run("score", folder / "0000.jpg", *NANO, "-o", out), 2, str(out))
    ended(process, 0)
    assert len(rows(out)) == COUNT
    fault("a plain `score` into the file of a run that resumes", "one line says so", 2)


@pytest.mark.parametrize("back", [True, False])
def test_a_drive_that_drops_out_costs_no_score(
    back: bool, folder: Path, tmp_path: Path, fault: Fault
) -> None:
    out, away = tmp_path / "out.jsonl", tmp_path / "away"
    in_order(run("score", folder, *NANO, "--resume", "-o", out), 0)
    before = scores(out)
    for path in folder.iterdir():
        os.utime(path, (5, 5))  # So that all of it is scored again.
    process = started(folder, *NANO, "--resume", "-o", out, "-j", 1)
    size = out.stat().st_size
    wait(lambda: out.stat().st_size > size)
    folder.rename(away)
    folder.mkdir()
    if back:
        time.sleep(0.5)
        folder.rmdir()
        away.rename(folder)
    ended(process, 0, 3)
    assert scores(out) == before
    if not back:
        done = run("score", folder, *NANO, "--resume", "-o", out)
        in_order(done, 3)
        assert scores(out) == before
        folder.rmdir()
        away.rename(folder)
    in_order(run("score", folder, *NANO, "--resume", "-o", out), 0)
    assert scores(out) == before
    fault("a drive that drops out while it is scored", "all scores stay, a line says so", "0, 3")


def test_a_model_that_is_replaced_scores_nothing(
    folder: Path, tmp_path: Path, fault: Fault
) -> None:
    model, out, expected = tmp_path / "own.tflite", tmp_path / "out.jsonl", tmp_path / "e.jsonl"
    shutil.copy(find("nano"), model)
    in_order(run("score", folder, "--model", model, "-o", expected), 0)
    process = started(folder, "--model", model, "-o", out, "-j", 2)
    wait(lambda: len(children(process.pid)) >= 2)
    shutil.copy(find("base"), tmp_path / "new")
    (tmp_path / "new").replace(model)
    time.sleep(0.5)
    for pid in children(process.pid):  # Whoever follows opens a model, too.
        os.kill(pid, signal.SIGKILL)
    ended(process, 0, 3)
    wanted = scores(expected)
    got = [row for row in rows(out) if row["error"] is None]
    assert len(got) >= COUNT - 4
    assert all(row["score"] == wanted[row["path"]] for row in got)
    fault("the model file replaced during a run", "all rows are of the model it began with", 0)


@pytest.mark.parametrize("whom", ["the command", "the workers", "all"])
def test_a_run_that_is_stopped_for_longer_than_the_time_limit(
    whom: str, folder: Path, tmp_path: Path, fault: Fault
) -> None:
    out = tmp_path / "out.jsonl"
    process = started(folder, *NANO, "--resume", "-o", out, "-j", 1, "--timeout", 2)
    wait(begun(out))
    pids = {"the command": [process.pid], "the workers": children(process.pid)}
    stopped = pids.get(whom) or [process.pid, *children(process.pid)]
    seconds = 1.0 if whom == "the workers" else 8.0  # A worker alone is one that hangs.
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in reversed(stopped):
        os.kill(pid, signal.SIGCONT)
    ended(process, 0)
    assert [row["error"] for row in rows(out)] == [None] * COUNT
    fault(f"SIGSTOP for {whom}, SIGCONT after {seconds:g} s (limit: 2 s)", "all are scored", 0)


def test_a_planted_link_is_not_followed(folder: Path, tmp_path: Path, fault: Fault) -> None:
    victim, out = tmp_path / "victim", tmp_path / "results" / "o.jsonl"
    victim.write_text("precious")
    out.parent.mkdir()
    for name in (".o.jsonl.tidy", ".o.jsonl.edgeiqa-part", f".o.jsonl.{os.getpid()}.part"):
        (out.parent / name).symlink_to(victim)
    for words in (["--resume"], []):
        in_order(run("score", folder / "0001.jpg", folder, *NANO, "-o", out, *words), 0)
        (folder / "0001.jpg").touch()
        in_order(run("score", folder, *NANO, "-o", out, *words), 0)
    assert victim.read_text() == "precious"
    fault("links planted where temporary files lay", "they are not followed", 0)
