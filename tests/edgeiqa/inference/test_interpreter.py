"""Which interpreter is taken, and what people are told where there is none."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.inference import interpreter
from edgeiqa.inference.interpreter import interpreter_class

ROOT = Path(__file__).resolve().parents[3]
LITERT, FALLBACK = "ai_edge_litert", "tflite_runtime"


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    for package in packages:
        # None in sys.modules: as if it were not installed.
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setitem(sys.modules, f"{package}.interpreter", None)


def with_fallback(monkeypatch: pytest.MonkeyPatch) -> type:
    class Interpreter:
        pass

    module = types.ModuleType(f"{FALLBACK}.interpreter")
    module.Interpreter = Interpreter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, FALLBACK, types.ModuleType(FALLBACK))
    monkeypatch.setitem(sys.modules, f"{FALLBACK}.interpreter", module)
    return Interpreter


def on_arm(monkeypatch: pytest.MonkeyPatch, machine: str, version: tuple[int, int] = (3, 11)):
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    monkeypatch.setattr(sys, "version_info", (*version, 2, "final", 0))
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "python_version", lambda: f"{version[0]}.{version[1]}.2")


def told() -> str:
    with pytest.raises(ImportError) as caught:
        interpreter_class()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_litert_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fallback(monkeypatch)
    assert interpreter_class().__module__.startswith(LITERT)


def test_the_predecessor_is_taken_where_there_is_no_litert(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, LITERT)
    fallback = with_fallback(monkeypatch)
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert interpreter_class() is fallback


def test_the_predecessor_beside_numpy_2_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, LITERT)
    with_fallback(monkeypatch)
    monkeypatch.setattr(np, "__version__", "2.4.6")
    text = told()
    assert "works with NumPy 1 only and this is NumPy 2.4.6" in text
    assert text.endswith('pip install "numpy<2", or better ai-edge-litert')
    on_arm(monkeypatch, "armv7l")
    assert told().endswith('pip install "numpy<2"')


def test_neither_on_a_64_bit_system(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, LITERT, FALLBACK)
    text = told()
    assert "ai-edge-litert is not installed. pip install ai-edge-litert" in text
    assert platform.machine() in text
    assert "tflite" not in text


@pytest.mark.parametrize(
    ("machine", "version", "advice"),
    [
        ("armv7l", (3, 11), ': pip install "tflite-runtime>=2.14" "numpy<2"; or use a 64-bit'),
        ("armv8l", (3, 10), ': pip install "tflite-runtime>=2.14" "numpy<2"; or use a 64-bit'),
        ("aarch64", (3, 11), ': linux32 pip install "tflite-runtime>=2.14" "numpy<2"; or'),
        ("armv7l", (3, 13), "only for Python up to 3.11; this is Python 3.13.2: use Python 3.11"),
        ("aarch64", (3, 12), "only for Python up to 3.11; this is Python 3.12.2: use Python 3.11"),
        ("armv6l", (3, 11), "no runtime is available: use a board with ARMv7 or later"),
    ],
)
def test_neither_on_32_bit_arm(
    monkeypatch: pytest.MonkeyPatch, machine: str, version: tuple[int, int], advice: str
) -> None:
    without(monkeypatch, LITERT, FALLBACK)
    on_arm(monkeypatch, machine, version)
    text = told()
    assert "ai-edge-litert is not installed; tflite-runtime is not installed. " in text
    assert advice in text


def test_what_is_broken_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for package in (LITERT, FALLBACK):
        for name in [n for n in sys.modules if n.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        error = "libc.so.6: version `GLIBC_2.99' not found"
        (tmp_path / package / "interpreter.py").write_text(f'raise ImportError("""{error}""")')
    monkeypatch.syspath_prepend(tmp_path)
    text = told()
    assert "ai-edge-litert cannot be loaded: libc.so.6: version `GLIBC_2.99' not found" in text
    assert "tflite-runtime cannot be loaded: libc.so.6" in text


def command(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Our command in a Python that finds no LiteRT, and what lies in `site` before all else."""
    code = (
        "import sys\n"
        "sys.modules['ai_edge_litert'] = sys.modules['ai_edge_litert.interpreter'] = None\n"
        "from edgeiqa.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(ROOT)))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def installed(folder: Path, *packages: str) -> Path:
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    words += ["--only-binary=:all:", "--no-deps", "--target", str(folder)]
    subprocess.run([*words, *packages], check=True, capture_output=True, timeout=300)
    return folder


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    done = command(tmp_path, "score", str(sample_paths()[0]))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("edgeiqa: error: no runtime for models: ")


@pytest.mark.slow
@pytest.mark.skipif(
    sys.version_info[:2] > interpreter._FALLBACK_NEWEST or platform.machine() != "x86_64",
    reason="tflite-runtime has no wheel for this Python",
)
def test_the_real_predecessor_scores_with_numpy_1_and_refuses_numpy_2(tmp_path: Path) -> None:
    two = installed(tmp_path / "two", "tflite-runtime==2.14.0", "numpy==2.2.6")
    done = command(two, "score", str(sample_paths()[0]))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "this is NumPy 2.2.6" in done.stderr
    one = installed(tmp_path / "one", "tflite-runtime==2.14.0", "numpy==1.26.4")
    words = (
        "score",
        "edgeiqa/assets/samples",
        "--model",
        "nano",
        "--no-progress",
        "--format",
        "jsonl",
    )
    done = command(one, *words)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(sample_paths())
