"""Starts are measured step by step, in processes of their own."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import pytest

from scripts.bench import cold_start
from scripts.bench.cold_start import command, command_once, main, make_photo, start_once, summary
from scripts.docs.tables.coldstart import coldstart_tables

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photo(tmp_path_factory.mktemp("pictures"))


def test_steps_come_in_order_and_add_up(photo: Path) -> None:
    run = start_once(command(photo, ("nano", "causes"), 2))
    names = ["interpreter", "numpy", "pillow", "litert", "edgeiqa", "open", "ready"]
    assert list(run["steps"]) == [*names, "score 1", "score 2"]
    assert all(ms >= 0 for ms in run["steps"].values())
    assert run["total"] == pytest.approx(sum(run["steps"].values()))
    assert 20 < run["rss_mb"] <= run["peak_mb"] < 500


def test_the_command_is_timed_to_its_end(photo: Path) -> None:
    words = [sys.executable, "-m", "edgeiqa", "score", str(photo), "--model", "nano"]
    run = command_once(words)
    assert run["total"] > 10
    # What this process was when it began that one counts, too.
    assert 20 < run["peak_mb"] < 500 + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    with pytest.raises(RuntimeError, match="no model 'nix'"):
        command_once([*words, "--model", "nix"])


def test_summaries_are_medians_and_least_ones() -> None:
    runs = [
        {"total": t, "steps": {"a": t - 1}, "rss_mb": 50.0, "peak_mb": p}
        for t, p in ((10.0, 60.0), (30.0, 61.0), (20.0, 62.0))
    ]
    found = summary(runs)
    assert (found["runs"], found["median_ms"], found["min_ms"]) == (3, 20.0, 10.0)
    assert found["steps_ms"] == {"a": 19.0}
    assert found["peak_mb"] == 61.0


def test_a_report_is_written_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cold_start, "SUBJECTS", (("nano", "plain"),))
    monkeypatch.setattr(cold_start, "drop_page_cache", lambda: False)
    assert coldstart_tables(tmp_path).startswith("_Not measured yet")
    path = tmp_path / "coldstart.json"
    assert main(["--runs", "1", "--cold", "1", "--json", str(path)]) == 0
    first, *commands = json.loads(path.read_text())["time"]
    assert first["cold"] is None
    assert [one["how"] for one in commands] == ["edgeiqa score", "edgeiqa score"]
    text = coldstart_tables(tmp_path)
    assert "| nano, no causes, Python |" in text
    assert "| first verdict |" in text
    assert str(path) in capsys.readouterr().out
