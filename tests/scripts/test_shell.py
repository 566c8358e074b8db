"""The set-up scripts: they parse, find a Python, and say what to do where there is none."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.docs.make_samples import ROOT

SHELL = shutil.which("dash") or shutil.which("sh")
pytestmark = pytest.mark.skipif(SHELL is None, reason="needs a POSIX shell")


def shell(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    assert SHELL is not None
    return subprocess.run(
        [SHELL, "-euc", f'. "$1"; {code}', "sh", str(ROOT / "scripts" / "venv.sh")],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def tool(folder: Path, name: str, code: str) -> Path:
    file = folder / name
    file.write_text(f"#!{SHELL}\n{code}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("script", ["demo.sh", "test.sh", "venv.sh"])
def test_scripts_parse(script: str) -> None:
    assert SHELL is not None
    file = ROOT / "scripts" / script
    subprocess.run([SHELL, "-n", str(file)], check=True)
    assert script == "venv.sh" or file.stat().st_mode & 0o111


@pytest.mark.parametrize("script", ["run", "lint", "runtime"])
def test_ci_scripts_parse(script: str) -> None:
    file = ROOT / ".ci" / script
    subprocess.run(["bash", "-n", str(file)], check=True)
    assert file.stat().st_mode & 0o111


def test_ci_runs_tests_lint_format_types_and_site() -> None:
    text = "".join((ROOT / ".ci" / name).read_text() for name in ("run", "lint"))
    for command in ("scripts/test.sh", "ruff check", "ruff format --check", "mypy", "mkdocs build"):
        assert command in text


def test_workflows_call_scripts_that_exist() -> None:
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        for script in re.findall(r"run: (?:python )?([.\w/]+/[\w.]+)", workflow.read_text()):
            assert (ROOT / script).is_file(), script


def test_finds_the_python_that_the_user_names() -> None:
    found = shell("find_python 99", PYTHON=sys.executable)
    assert found.stdout.strip() == sys.executable


def test_too_old_or_too_new_a_python_is_named(tmp_path: Path) -> None:
    tool(tmp_path, "python3", 'case $1 in -V) echo "Python 3.9.2";; *) exit 1;; esac')
    result = shell("find_python 13", PATH=str(tmp_path))
    assert result.returncode == 1
    assert "Python 3.10 to 3.13 is needed; python3 here is Python 3.9.2" in result.stderr


def test_no_python_says_what_to_install(tmp_path: Path) -> None:
    result = shell("find_python 13", PATH=str(tmp_path))
    assert result.returncode == 1
    assert "apt-get install python3 python3-venv" in result.stderr


def without_ensurepip(folder: Path, user: str) -> None:
    """A machine whose Python lacks ensurepip, with or without root."""
    tool(folder, "python3", "case $2 in *ensurepip*) exit 1;; *) echo 3.11;; esac")
    tool(folder, "id", f"echo {user}")


def test_missing_venv_is_installed_by_root(tmp_path: Path) -> None:
    without_ensurepip(tmp_path, "0")
    tool(tmp_path, "env", 'shift; exec "$@"')
    tool(tmp_path, "apt-get", f'echo "$@" >>"{tmp_path}/log"')
    result = shell("need_venv python3", PATH=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "install -y python3.11-venv" in (tmp_path / "log").read_text()


def test_missing_venv_uses_sudo_otherwise(tmp_path: Path) -> None:
    without_ensurepip(tmp_path, "1000")
    tool(tmp_path, "env", 'shift; exec "$@"')
    tool(tmp_path, "apt-get", "exit 0")
    tool(tmp_path, "sudo", f'echo "$@" >>"{tmp_path}/log"; exec "$@"')
    assert shell("need_venv python3", PATH=str(tmp_path)).returncode == 0
    assert "apt-get" in (tmp_path / "log").read_text()


def test_missing_venv_without_rights_says_what_to_install(tmp_path: Path) -> None:
    without_ensurepip(tmp_path, "1000")
    result = shell("need_venv python3", PATH=str(tmp_path))
    assert result.returncode == 1
    assert "python3.11-venv (or python3-venv)" in result.stderr


def test_failing_install_is_told(tmp_path: Path) -> None:
    without_ensurepip(tmp_path, "0")
    tool(tmp_path, "env", 'shift; exec "$@"')
    tool(tmp_path, "apt-get", "exit 100")
    result = shell("need_venv python3", PATH=str(tmp_path))
    assert result.returncode == 1
    assert "apt-get could not install python3.11-venv" in result.stderr
