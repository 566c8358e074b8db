"""A worker process scores like this process does, and retries as often as requested."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeiqa.assets import sample_paths
from edgeiqa.batch import protocol
from edgeiqa.batch.protocol import write_message
from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.batch.worker_process import WorkerProcess, worker_command
from edgeiqa.errors import WorkerError
from edgeiqa.inference.model import find
from edgeiqa.results.score_row import score_row
from tests.edgeiqa.batch.test_pool import odd_worker

RECIPE = ScoreSettings.choose("nano", "strict", max_causes={"dark": 0.3})


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    made = WorkerProcess(RECIPE, 60, worker_command())
    yield made
    made.close()


def big_bmp() -> bytes:
    """A picture of more bytes than any pipe holds."""
    levels = np.random.default_rng(7).integers(0, 256, (1100, 1000, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, "BMP")
    return stream.getvalue()


def test_bytes_give_the_rows_of_paths_and_of_this_process(worker: WorkerProcess) -> None:
    scorer, gate = RECIPE.open()
    for path in sample_paths():
        data = path.read_bytes()
        row = worker.score(str(path), data)
        assert row == worker.score(str(path))
        assert row.to_dict() == score_row(str(path), scorer, gate, data).to_dict()
        assert row.error is None
        assert row.accept is not None
    data = big_bmp()
    for content in (data, bytearray(data), memoryview(data), data[:1_000_000], b"", b"text\n"):
        row = worker.score("far/away.bmp", content)
        assert row.to_dict() == score_row("far/away.bmp", scorer, gate, content).to_dict()
    assert worker.score("no/such.jpg").error == "no such file"


def test_too_many_bytes_are_an_error_and_nothing_else(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sample_paths()[0]
    expected = worker.score(str(path))
    before = worker.pid
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "MAX_BYTES", 1000)
        row = worker.score("x", bytes(1001))
    assert (row.path, row.error) == ("x", "1001 bytes, at most 1000 can be sent")
    assert worker.score(str(path), path.read_bytes()) == expected
    assert worker.pid == before


def test_a_model_goes_along_as_bytes(tmp_path: Path) -> None:
    file = tmp_path / "own.tflite"
    file.write_bytes(find("nano").read_bytes())
    recipe = ScoreSettings.choose(file.read_bytes(), "strict", max_causes={"dark": 0.3})
    assert (recipe.min_score, recipe.limits) == (RECIPE.min_score, RECIPE.limits)
    file.unlink()
    made = WorkerProcess(recipe, 60, worker_command())
    scorer, gate = RECIPE.open()
    path = str(sample_paths()[0])
    assert made.score(path).to_dict() == score_row(path, scorer, gate).to_dict()
    made.close()
    assert made.pid is None


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_it_retries_as_often_as_requested() -> None:
    data = sample_paths()[0].read_bytes()
    once = WorkerProcess(RECIPE, 60, odd_worker())
    twice = WorkerProcess(RECIPE, 60, odd_worker(), tries=2)
    reason = "the decoder crashed on it (SIGSEGV)"
    assert once.score("segfault", data).error == reason
    assert twice.score("segfault", data).error == f"{reason}; tried 2 times"
    for worker in (once, twice):
        assert worker.score("fine", data).error is None
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)  # From outside.
    assert "SIGKILL" in str(once.score("next", data).error)
    assert twice.score("next", data).error is None
    once.close()
    twice.close()


def test_why_a_model_is_refused_there_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeiqa.batch.worker_process._RETRY_DELAYS_S", ())
    worker = WorkerProcess(ScoreSettings.of(b"no model", None), 60, worker_command())
    with pytest.raises(WorkerError, match="did not start: ContractError"):
        worker.start()
    worker.close()


@pytest.mark.parametrize(("sent", "code"), [(b"", 0), (b'{"settings": ', 0), (b"nonsense\n", 1)])
def test_a_worker_that_gets_nonsense_or_nothing_ends(sent: bytes, code: int) -> None:
    done = subprocess.run(worker_command(), input=sent, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_a_worker_ends_in_the_middle_of_a_picture_that_stops_coming() -> None:
    stream = io.BytesIO()
    write_message(stream, {"settings": RECIPE.to_json(), "timeout_s": 60})
    write_message(stream, {"path": "x"}, bytes(1000))
    sent = stream.getvalue()[:-1]
    done = subprocess.run(worker_command(), input=sent, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not hasattr(select, "poll"), reason="needs poll")
@pytest.mark.parametrize(
    ("answers", "gap_s", "killed"), [(True, 0, False), (False, 0, True), (False, 100, False)]
)
def test_what_is_overdue_is_killed_unless_its_answer_waits_or_this_process_was_stopped(
    answers: bool, gap_s: float, killed: bool
) -> None:
    worker = WorkerProcess(ScoreSettings("nano"), 2, ["true"])
    code = f"import time; print('x' * {int(answers)}, end='', flush=True); time.sleep(60)"
    worker._process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    stdout = worker._process.stdout
    assert stdout is not None
    if answers:
        assert select.select([stdout], [], [], 30)[0]
    now = time.monotonic()
    worker._asked = worker._checked = now - gap_s
    worker._deadline = now - gap_s / 2 - 0.01
    worker.check_timeout()
    try:
        assert worker._process.wait(0.5) == -signal.SIGKILL
        assert killed
    except subprocess.TimeoutExpired:
        assert not killed
    worker.close()
