"""Suggestions for typing errors, and defaults from variables and the configuration file."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeiqa.cli.common import UsageError
from edgeiqa.cli.main import SHELLS, main, make_parser
from edgeiqa.cli.parser import apply_defaults

toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "edgeiqa.toml"
    path.touch()
    monkeypatch.setenv("EDGEIQA_CONFIG", str(path))
    return path


def parsed(*argv: str) -> argparse.Namespace:
    parser = make_parser()
    apply_defaults(parser, argv)
    return parser.parse_args(argv)


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["scroe", "a.jpg"], "score"),
        (["score", "a.jpg", "--outptu", "x"], "--output"),
        (["score", "a.jpg", "--no-progres"], "--no-progress"),
        (["score", "a.jpg", "--format", "jsno"], "json"),
    ],
)
def test_typing_errors_get_a_suggestion(
    argv: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err.rstrip().endswith(f"did you mean {meant}?")


def test_words_that_resemble_nothing_get_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "a.jpg", "--xyzzy"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "fit-gate" in capsys.readouterr().out


def test_variables_set_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed("score", "a.jpg").model == "base"
    monkeypatch.setenv("EDGEIQA_MODEL", "nano")
    monkeypatch.setenv("EDGEIQA_WORKERS", "3")
    monkeypatch.setenv("EDGEIQA_NO_PROGRESS", "true")
    monkeypatch.setenv("EDGEIQA_MAX", "blur=0.4")
    found = parsed("score", "a.jpg")
    assert (found.model, found.workers, found.quiet) == ("nano", 3, True)
    assert found.max_causes == [("blur", 0.4)]
    assert parsed("score", "a.jpg", "--model", "base").model == "base"


@toml
def test_a_file_sets_defaults_and_variables_take_precedence(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(
        'model = "nano"\nno-progress = true\n[score]\nworkers = 4\nmax = ["blur=0.4", "dark=1"]\n'
        '[live]\nmodel = "base"\n'
    )
    found = parsed("score", "a.jpg")
    assert (found.model, found.quiet, found.workers) == ("nano", True, 4)
    assert found.max_causes == [("blur", 0.4), ("dark", 1.0)]
    assert parsed("live", "0").model == "base"
    monkeypatch.setenv("EDGEIQA_WORKERS", "5")
    assert parsed("score", "a.jpg").workers == 5


@toml
def test_an_option_silences_defaults_that_it_excludes(config: Path) -> None:
    config.write_text("min-score = 70\n")
    assert parsed("score", "a.jpg").min_score == 70
    found = parsed("score", "a.jpg", "--gate", "strict")
    assert (found.gate, found.min_score) == ("strict", None)
    assert parsed("score", "a.jpg", "--min-score=60").min_score == 60


@toml
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = [1, 2]", "model"),
        ("modle = 'nano'", "'model'"),
        ("[scroe]\nmodel = 'nano'", "'score'"),
        ("[score]\nworkers = 0", "workers"),
        ("[score]\nworkers = 2.5", "2.5"),
        ("[score]\nformat = 'xml'", "jsonl"),
        ("no-progress = 'maybe'", "'maybe'"),
        ("[score]\nmin-score = 0.6", "60"),
        ("model = {a = 1}", "'model'"),
        ("[pick]\napply = true", "'apply'"),
        ("model = ", "TOML"),
        ("a" + ".a" * 5000 + " = 1", "edgeiqa.toml"),
    ],
)
def test_wrong_configurations_are_named(config: Path, text: str, said: str) -> None:
    config.write_text(text)
    with pytest.raises(UsageError) as caught:
        parsed("score", "a.jpg")
    assert said in str(caught.value)
    assert str(config) in str(caught.value)


def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEIQA_WORKERS", "many")
    assert main(["score", "a.jpg"]) == 2
    assert "EDGEIQA_WORKERS" in capsys.readouterr().err


def test_the_file_lies_where_systems_expect_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDGEIQA_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert parsed("score", "a.jpg").model == "base"
    (tmp_path / "edgeiqa.toml").write_text("model = 5 5")
    with pytest.raises(UsageError, match="edgeiqa"):
        parsed("score", "a.jpg")
    monkeypatch.setenv("EDGEIQA_CONFIG", str(tmp_path / "missing.toml"))
    with pytest.raises(UsageError, match="missing"):
        parsed("score", "a.jpg")


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_scripts_are_valid(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab")
    assert main(["--print-completion", shell]) == 0
    script = capsys.readouterr().out
    assert "fit-gate" in script
    assert "max-megapixels" in script
    if shutil.which(shell) is not None:
        checked = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_completion_without_its_package_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--print-completion", "bash"]) == 2
    assert "edgeiqa[completion]" in capsys.readouterr().err
