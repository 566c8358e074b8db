"""The picture of the report is made of our own photographs, light and dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.docs.report_picture import COPIES, FOLDERS, WINDOW, main, make_album
from tests.tools import needs


def test_the_album_is_always_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_album(tmp_path / name)
    files = {path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.jpg")}
    assert len(files) == 12 * (1 + COPIES) + 1
    assert {path.parent.as_posix() for path in files} == set(FOLDERS)
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.browser
@pytest.mark.slow
def test_the_command_makes_a_picture_half_light_half_dark(tmp_path: Path) -> None:
    needs("chromium")
    target = tmp_path / "report.jpg"
    assert main(["--model", "nano", "--output", str(target)]) == 0
    assert target.stat().st_size < 300_000
    with Image.open(target) as picture:
        assert picture.size == WINDOW
        pixels = np.asarray(picture.convert("L"))
    assert pixels[:, :20].mean() > 200
    assert pixels[:, -20:].mean() < 60
