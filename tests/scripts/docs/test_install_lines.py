"""Every `pip install` line of README and docs works, with a wheel built from this checkout.

Nothing is fetched: dependencies are left out (`--no-deps`), and the repository that `OWNER` stands
for is this checkout.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.docs.structure import ROOT

PLACEHOLDER = "https://github.com/OWNER/edgeiqa"
DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
_LINE = re.compile(r"pip (?:install|wheel) [^`\n]+")


def install_lines() -> list[str]:
    """All distinct lines, without comments."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in DOCUMENTS)
    found = {line.group().partition("  #")[0].strip() for line in _LINE.finditer(text)}
    return sorted(line for line in found if "edgeiqa" in line or re.search(r'[ "]\.', line))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheelhouse")
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    return folder


def pip(*words: str) -> str:
    """Runs pip in the root of the checkout; returns what it complains about."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stderr


def test_there_are_install_lines() -> None:
    lines = install_lines()
    assert "pip install ." in lines
    assert any(PLACEHOLDER in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("line", install_lines())
def test_each_line_installs_edgeiqa(line: str, house: Path, tmp_path: Path) -> None:
    _, step, *words = shlex.split(line)
    words = [
        word.replace(f"git+{PLACEHOLDER}", ROOT.as_uri()).replace("wheelhouse", str(house))
        for word in words
        if not word.startswith("numpy")
    ]
    if step == "wheel":
        pip(step, "--no-build-isolation", *words)
        assert list(house.glob("edgeiqa-*.whl"))
        return
    target = tmp_path / "installed"
    said = pip(step, "--no-deps", "--no-build-isolation", "--target", str(target), *words)
    assert "does not provide the extra" not in said
    assert (target / "edgeiqa" / "scorer.py").is_file()


def test_every_extra_of_the_table_is_one(house: Path) -> None:
    (wheel,) = house.glob("edgeiqa-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith("/METADATA"))
        text = archive.read(name).decode()
    provided = set(re.findall(r"^Provides-Extra: (\S+)$", text, re.MULTILINE))
    page = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")
    table = page.partition("## Extras")[2].partition("## ")[0]
    named = {
        extra
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for extra in re.findall(r"`([a-z]+)`", row)
    }
    assert named == provided


@pytest.mark.parametrize("file", ["README.md", "docs/installation.md"])
def test_the_placeholder_is_said_to_be_one(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(r"`OWNER` is a placeholder", text)
