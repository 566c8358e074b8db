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
from edgeiqa.batch.isolated import ApartScorer
from edgeiqa.batch.settings import Recipe
from edgeiqa.errors import WorkerError
from edgeiqa.inference.model import find
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
    """A HEIC as far as its first bytes go, which the decoder above is asked about."""
    return (b"\0\0\0\x18ftypheic" + what) * 20


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApartScorer]:
    folder = tmp_path_factory.mktemp("poison")
    (folder / "pillow_heif.py").write_text(POISON)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        scorer = ApartScorer(Recipe.asked("nano"), timeout=2)
        yield scorer
        scorer.close()


@pytest.fixture(scope="module")
def expected() -> dict[str, object]:
    scorer, gate = Recipe.asked("nano").opened()
    return score_row(str(sample_paths()[0]), scorer, gate).to_dict()


def test_rows_are_those_of_this_process(expected: dict[str, object], tmp_path: Path) -> None:
    recipe = Recipe.asked("nano", min_score=80, max_causes={"dark": 0.3})
    scorer, gate = recipe.opened()
    apart = ApartScorer(recipe)
    odd = os.path.join(os.fsencode(tmp_path), b"\xff\n.jpg")
    with open(odd, "wb") as stream:
        stream.write(sample_paths()[2].read_bytes())
    name = os.fsdecode(odd)
    for path in (*map(str, sample_paths()[:4]), "missing.jpg", str(tmp_path), __file__, name):
        assert apart.row(path) == score_row(path, scorer, gate).to_dict()
    data = sample_paths()[1].read_bytes()
    assert apart.row("x", data) == score_row("x", scorer, gate, data).to_dict()
    assert apart.row("x", b"")["error"] == "empty, 0 bytes"
    assert apart.row("x", memoryview(data)) == apart.row("x", bytearray(data))
    apart.close()


@pytest.mark.parametrize(
    ("poison", "why"),
    [
        (b"KILL", "the decoder crashed on it (SIGSEGV)"),
        (b"QUIT", "the decoder crashed on it (exit code 7)"),
        (b"HANG", "no answer within 2 s, see --timeout"),
    ],
)
def test_a_picture_that_ends_its_process_is_a_row_with_its_error(
    poisoned: ApartScorer, expected: dict[str, object], poison: bytes, why: str
) -> None:
    row = poisoned.row("poison.jpg", poisonous(poison))
    assert row["path"] == "poison.jpg"
    assert row["error"] == f"{why}; tried 2 times"
    assert (row["score"], row["causes"], row["accept"], row["reasons"]) == (None, {}, None, [])
    path = str(sample_paths()[0])
    assert poisoned.row(path) == expected


def test_what_a_decoder_prints_is_no_answer(poisoned: ApartScorer) -> None:
    assert poisoned.row("x", poisonous(b"TALK"))["error"].startswith("HEIC needs")


def test_a_kill_from_outside_costs_nothing(
    poisoned: ApartScorer, expected: dict[str, object]
) -> None:
    path = str(sample_paths()[0])
    assert poisoned.row(path) == expected
    before = poisoned.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert poisoned.row(path) == expected
    assert poisoned.pid != before


def test_what_cannot_be_opened_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeiqa.batch.worker_process._TRIES_AFTER_S", ())
    with pytest.raises(RuntimeError, match="no model 'nix'"):
        ApartScorer(Recipe.of("nix", None))
    with pytest.raises(RuntimeError, match="ContractError"):
        ApartScorer(Recipe.of(b"no model", None))
    with pytest.raises(ValueError, match="blurr"):
        Recipe.asked("nano", max_causes={"blurr": 0.5})


def test_a_process_that_cannot_be_started_is_told_and_what_is_closed_stays_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apart = ApartScorer(Recipe.asked("nano"))
    assert apart.pid is not None
    apart.close()
    apart.close()
    with pytest.raises(WorkerError, match="closed"):
        apart.row("x.jpg")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(WorkerError, match="no Python"):
        ApartScorer(Recipe.asked("nano"))


def test_a_model_may_come_as_bytes(expected: dict[str, object]) -> None:
    apart = ApartScorer(Recipe.asked(find("nano").read_bytes()))
    path = str(sample_paths()[0])
    assert apart.row(path) == expected
    apart.close()
    assert apart.pid is None


def test_the_process_ends_with_its_starter_however_that_ends() -> None:
    code = (
        "import os, signal\nfrom edgeiqa.batch.isolated import ApartScorer\n"
        "from edgeiqa.batch.settings import Recipe\n"
        "held = ApartScorer(Recipe.asked('nano'))\nprint(held.pid, flush=True)\n"
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
