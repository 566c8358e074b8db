from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import convert
from convert.__main__ import FORMER, GROUPS, STEPS, main


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_is_instant_and_names_every_step() -> None:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "convert", "--help"], capture_output=True, text=True, check=False
    )
    # Generous for a busy machine; importing TensorFlow alone takes longer than this.
    assert time.monotonic() - start < 2
    assert done.returncode == 0
    for title, steps in GROUPS:
        heading = done.stdout.index(f"\n{title}:\n")
        assert all(done.stdout.index(f"\n  {step.name} ") > heading for step in steps)


@pytest.mark.parametrize("step", ["evaluate", "verify", "export"])
def test_help_of_a_step_loads_nothing_heavy(step: str) -> None:
    done = python(
        "import sys\nfrom convert.__main__ import main\n"
        f"try: main(['{step}', '--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'tf_keras', 'torch', 'scipy', 'ai_edge_litert'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize(
    "step",
    ["evaluate", "verify", "export", "monotonicity", "calibrate", "stability", "maps"],
)
def test_help_explains_every_option(step: str) -> None:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"convert.cli.{step}").add_arguments(parser)
    for action in parser._actions:
        assert action.help, action.dest
        assert action.help != argparse.SUPPRESS, action.dest
        takes_a_value = action.nargs != 0
        assert not takes_a_value or action.metavar or action.choices, action.dest
    if step == "export":
        assert parser.epilog is not None
        assert all(word in parser.epilog for word in ("example", "--input-range", "--score-range"))


def test_every_step_has_a_module_and_every_module_a_step() -> None:
    names = {name.replace("-", "_") for name in STEPS}
    for name in names:
        assert importlib.util.find_spec(f"convert.cli.{name}") is not None, name
    folder = Path(convert.__file__).parent / "cli"
    files = {file.stem for file in folder.glob("*.py")}
    assert files == names | {"__init__", "common", "formatter"}


@pytest.mark.parametrize("former", FORMER)
def test_former_names_of_steps_still_work(former: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([former, "--help"])
    assert end.value.code == 0
    said = capsys.readouterr()
    assert FORMER[former] in said.err
    assert FORMER[former] in said.out


def test_imports_inside_are_relative() -> None:
    """An installation has the package under another name."""
    for file in Path(convert.__file__).parent.rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not re.match(r"\s*(from|import) convert\b", line), f"{file}: {line}"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["evaluate"], ["evaluate", "m", "--x"]])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_all_wrong_arguments_are_named_at_once_before_anything_heavy_loads() -> None:
    done = python(
        "import sys\nfrom convert.__main__ import main\n"
        "code = main(['export', '--keras', '/no/such.keras', '--images', '/no/such/folder',"
        " '--size', 'x', '4'])\n"
        "print(code, sorted({'tensorflow', 'keras', 'scipy'} & set(sys.modules)))"
    )
    assert done.stdout == "2 []\n"
    assert done.stderr.count("\n") == 1
    for part in ("--keras: no file /no/such.keras", "--images: no folder /no/such", "--size: "):
        assert part in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["evaluate", "nothing.tflite"], "MODEL: no model file nothing.tflite"),
        (["verify", "base", "--keras", "."], "--keras: . is a folder"),
        (["distill", "--init", "imagenett"], "--init: no file imagenett"),
        (["data", "--csv", "none.csv"], "--csv: no file none.csv"),
    ],
)
def test_files_are_checked_first(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert named in capsys.readouterr().err


def test_a_missing_library_says_how_to_get_it() -> None:
    done = python(
        "import sys\nsys.modules['scipy'] = None\nsys.modules['tensorflow'] = None\n"
        "sys.modules['ai_edge_litert'] = None\n"
        "from convert.__main__ import main\n"
        "sys.exit(main(['export', '--keras', 'x.keras', '--images', 'edgeiqa/assets/samples']))"
    )
    assert done.returncode == 2
    assert 'pip install "edgeiqa[convert]"' in done.stderr
    assert done.stderr.count("\n") == 1


def test_interrupt_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("convert.cli.evaluate.run", interrupted)
    assert main(["evaluate", "base"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
