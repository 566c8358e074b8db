"""A picture that takes its process with it is one error, and nothing else is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.batch.isolated import IsolatedScorer
from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.errors import WorkerError
from edgeiqa.inference.model import find
from edgeiqa.results.row import Row
from edgeiqa.results.score_row import score_row

POISON = """
import os, signal, time
from PIL import Image

def taste(prefix):
    if prefix.endswith(b"KILL"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if prefix.endswith(b"HANG"):
        time.sleep(300)
    if prefix.endswith(b"QUIT"):
        os._exit(7)
    if prefix.endswith(b"TALK"):
        print("a decoder that prints")
    return False

def register_heif_opener():
    Image.register_open("HEIF", None, taste)
"""
"""As `pillow_heif`: a decoder that can be made to crash, hang, leave or print."""


def poisonous(what: bytes) -> bytes:
    """A HEIC as far as its first bytes go, for the decoder above."""
    return (b"\0\0\0\x18ftypheic" + what) * 20


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IsolatedScorer]:
    folder = tmp_path_factory.mktemp("poison")
    (folder / "pillow_heif.py").write_text(POISON)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        scorer = IsolatedScorer(ScoreSettings.choose("nano"), timeout=2)
        yield scorer
        scorer.close()


@pytest.fixture(scope="module")
def expected() -> Row:
    scorer, gate = ScoreSettings.choose("nano").open()
    return score_row(str(sample_paths()[0]), scorer, gate)


def test_rows_are_those_of_this_process(expected: Row, tmp_path: Path) -> None:
    chosen = ScoreSettings.choose("nano", min_score=80, max_causes={"dark": 0.3})
    scorer, gate = chosen.open()
    isolated = IsolatedScorer(chosen)
    odd = os.path.join(os.fsencode(tmp_path), b"\xff\n.jpg")
    with open(odd, "wb") as stream:
        stream.write(sample_paths()[2].read_bytes())
    name = os.fsdecode(odd)
    for path in (*map(str, sample_paths()[:4]), "missing.jpg", str(tmp_path), __file__, name):
        assert isolated.score(path) == score_row(path, scorer, gate)
    data = sample_paths()[1].read_bytes()
    assert isolated.score("x", data) == score_row("x", scorer, gate, data)
    assert isolated.score("x", b"").error == "empty, 0 bytes"
    assert isolated.score("x", memoryview(data)) == isolated.score("x", bytearray(data))
    isolated.close()


@pytest.mark.parametrize(
    ("poison", "why"),
    [
        (b"KILL", "the decoder crashed on it (SIGSEGV)"),
        (b"QUIT", "the decoder crashed on it (exit code 7)"),
        (b"HANG", "no answer within 2 s, see --timeout"),
    ],
)
def test_a_picture_that_ends_its_process_is_a_row_with_its_error(
    poisoned: IsolatedScorer, expected: Row, poison: bytes, why: str
) -> None:
    row = poisoned.score("poison.jpg", poisonous(poison))
    assert row == Row("poison.jpg", error=f"{why}; tried 2 times")
    path = str(sample_paths()[0])
    assert poisoned.score(path) == expected


def test_what_a_decoder_prints_is_no_answer(poisoned: IsolatedScorer) -> None:
    assert str(poisoned.score("x", poisonous(b"TALK")).error).startswith("HEIC needs")


def test_a_kill_from_outside_costs_nothing(poisoned: IsolatedScorer, expected: Row) -> None:
    path = str(sample_paths()[0])
    assert poisoned.score(path) == expected
    before = poisoned.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert poisoned.score(path) == expected
    assert poisoned.pid != before


def test_what_cannot_be_opened_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeiqa.batch.worker_process._RETRY_DELAYS_S", ())
    with pytest.raises(RuntimeError, match="no model 'nix'"):
        IsolatedScorer(ScoreSettings.of("nix", None))
    with pytest.raises(RuntimeError, match="ContractError"):
        IsolatedScorer(ScoreSettings.of(b"no model", None))
    with pytest.raises(ValueError, match="blurr"):
        ScoreSettings.choose("nano", max_causes={"blurr": 0.5})


def test_a_process_that_cannot_be_started_is_reported_and_what_is_closed_stays_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    isolated = IsolatedScorer(ScoreSettings.choose("nano"))
    assert isolated.pid is not None
    isolated.close()
    isolated.close()
    with pytest.raises(WorkerError, match="closed"):
        isolated.score("x.jpg")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(WorkerError, match="no Python"):
        IsolatedScorer(ScoreSettings.choose("nano"))


def test_a_model_may_come_as_bytes(expected: Row) -> None:
    isolated = IsolatedScorer(ScoreSettings.choose(find("nano").read_bytes()))
    path = str(sample_paths()[0])
    assert isolated.score(path) == expected
    isolated.close()
    assert isolated.pid is None


def test_the_process_ends_with_its_starter_however_that_ends() -> None:
    code = (
        "import os, signal\nfrom edgeiqa.batch.isolated import IsolatedScorer\n"
        "from edgeiqa.batch.settings import ScoreSettings\n"
        "held = IsolatedScorer(ScoreSettings.choose('nano'))\nprint(held.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=root) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
    assert parent.returncode == -signal.SIGKILL
    until = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if status == "Z":  # Nobody in this container may be there to collect it.
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists()
