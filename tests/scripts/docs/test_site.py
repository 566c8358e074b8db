"""The site builds without a warning, and its links lead to pages or to the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.docs.structure import ROOT

pytest.importorskip("material", reason="the site needs mkdocs-material")


@pytest.mark.slow
def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    contributing = (tmp_path / "contributing" / "index.html").read_text(encoding="utf-8")
    assert 'href="../architecture/"' in contributing
    card = (tmp_path / "models" / "base" / "index.html").read_text(encoding="utf-8")
    assert 'href="../../reference/contract/"' in card
    security = (tmp_path / "security" / "index.html").read_text(encoding="utf-8")
    assert "/blob/main/tests/" in security
    android = (tmp_path / "android" / "index.html").read_text(encoding="utf-8")
    assert 'src="../android_demo/images/portrait.jpg"' in android
    assert (tmp_path / "android_demo" / "images" / "portrait.jpg").is_file()
