"""The wheel: whole, small, and at the version that the code says."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import edgeiqa
from edgeiqa.assets import sample_paths

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (file,) = folder.glob("*.whl")
    return file


def test_wheel_brings_model_samples_types_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        model = archive.read("edgeiqa/assets/models/base.tflite")
    assert model == (ROOT / "edgeiqa" / "assets" / "models" / "base.tflite").read_bytes()
    for sample in sample_paths():
        assert f"edgeiqa/assets/samples/{sample.name}" in names
    for name in (
        "edgeiqa/py.typed",
        "edgeiqa/assets/samples/README.md",
        "edgeiqa/report/web/page.html",
        "edgeiqa/report/web/style.css",
        "edgeiqa/report/web/main.js",
        "edgeiqa_convert/__main__.py",
        "edgeiqa_convert/datasets/splits/biq2021_validation.txt",
    ):
        assert name in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    roots = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert roots == {"edgeiqa", "edgeiqa_convert"}


def test_wheel_has_every_module_of_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for package, installed in (("edgeiqa", "edgeiqa"), ("convert", "edgeiqa_convert")):
        modules = {p.relative_to(ROOT / package).as_posix() for p in (ROOT / package).rglob("*.py")}
        assert len(modules) > 20
        assert {f"{installed}/{module}" for module in modules} <= names


def test_wheel_is_small_and_says_the_version(wheel: Path) -> None:
    assert wheel.name == f"edgeiqa-{edgeiqa._version.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < 7_000_000
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    assert "License-Expression: Apache-2.0" in text
    needed = [
        line
        for line in text.splitlines()
        if line.startswith("Requires-Dist") and "extra" not in line
    ]
    names = sorted(
        {line.split(": ")[1].split(";")[0].split(">")[0].split("<")[0] for line in needed}
    )
    assert names == ["ai-edge-litert", "numpy", "pillow", "tflite-runtime"]


def test_changelog_names_what_is_being_made() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{edgeiqa._version.__version__}]" in text


_IN_A_CLEAN_ENVIRONMENT = """
import importlib.util, json, sys
from edgeiqa import Scorer
from edgeiqa.assets import sample_paths
scores = {path.name: Scorer().score(path).score for path in sample_paths()}
heavy = ("tensorflow", "tf_keras", "keras", "torch", "jax", "scipy", "cv2")
print(json.dumps({
    "scores": scores,
    "installed": [name for name in heavy if importlib.util.find_spec(name)],
    "loaded": [name for name in heavy if name in sys.modules],
}))
"""


@pytest.mark.slow
def test_wheel_scores_in_a_clean_environment_without_any_training_library(
    wheel: Path, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=120)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, str(wheel)], check=True, timeout=300)
    done = subprocess.run(
        [str(python), "-c", _IN_A_CLEAN_ENVIRONMENT],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    said = json.loads(done.stdout)
    assert said["installed"] == []
    assert said["loaded"] == []
    here = {path.name: edgeiqa.Scorer().score(path).score for path in sample_paths()}
    assert said["scores"] == here
    _check_convert(python.with_name("edgeiqa"), tmp_path)


def _check_convert(command: Path, folder: Path) -> None:
    """The steps are there under the installed name, and beside somebody's own `convert.py`."""
    (folder / "convert.py").write_text("raise SystemExit('this belongs to the user')\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(command), "convert", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder,
        )

    assert "worst-errors" in run("--help").stdout
    listed = run("data", "--list")
    assert listed.returncode == 0, listed.stderr
    assert "koniq10k" in listed.stdout
    for arguments in (("export", "--keras", "x"), ("export",), ()):
        missing = run(*arguments)
        assert missing.returncode == 2
        assert missing.stderr.count("\n") == 1
        assert 'pip install "edgeiqa[convert]"' in missing.stderr
