from __future__ import annotations

import argparse
import importlib
import importlib.util
import subprocess
import sys
import time

import pytest

from convert.__main__ import STEPS, main


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
    assert all(name in done.stdout for name, _, _ in STEPS)


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
    ["evaluate", "verify", "export", "ladder", "calibrate", "stability", "misses", "maps"],
)
def test_help_explains_every_option(step: str) -> None:
    parser = argparse.ArgumentParser()
    modules = {name: module for name, module, _ in STEPS}
    importlib.import_module(modules[step]).add_arguments(parser)
    for action in parser._actions:
        assert action.help, action.dest
        assert action.help != argparse.SUPPRESS, action.dest
        takes_a_value = action.nargs != 0
        assert not takes_a_value or action.metavar or action.choices, action.dest
    if step == "export":
        assert parser.epilog is not None
        assert all(word in parser.epilog for word in ("example", "--input-range", "--score-range"))


def test_every_step_has_a_module() -> None:
    for _, module, _ in STEPS:
        assert importlib.util.find_spec(module) is not None, module


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["evaluate"], ["evaluate", "m", "--x"]])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--keras", "/no/such.keras", "--images", "/no/such/folder"]) == 2
    assert capsys.readouterr().err == (
        "convert export: error: --images /no/such/folder is not a folder\n"
    )


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
