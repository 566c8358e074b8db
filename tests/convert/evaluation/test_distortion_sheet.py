"""The contact sheet: every kind at every level, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convert.__main__ import main
from convert.evaluation.distortion_sheet import cells, contact_sheet, mixture_cells

PICTURE = np.ascontiguousarray(data.coffee()[:120, :160])


def test_cells_say_level_and_amount() -> None:
    row = cells(PICTURE, "gaussian_blur", (1, 5), 0)
    assert [text for _, text in row] == ["1: sigma 0.8 px", "5: sigma 6.0 px"]
    texts = [text for _, text in mixture_cells(PICTURE, 0, (0, 3, 5), 7)]
    assert texts[0].startswith("0: 0.00")


def test_sheet_has_a_row_for_each_kind_and_mixture() -> None:
    one = contact_sheet([("a", PICTURE)], ["noise"], mixtures=0, thumbnail=40)
    three = contact_sheet([("a", PICTURE)], ["noise", "haze"], mixtures=1, thumbnail=40)
    assert three.height > 2.5 * one.height
    assert three.width == one.width > 6 * 40


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(b"none")
    out = tmp_path / "new" / "sheet.png"
    words = ["distort", str(tmp_path / "a.png"), str(tmp_path / "bad.png"), "--out", str(out)]
    options = ["--kinds", "jpeg", "--levels", "2", "--mixtures", "1", "--cell", "40"]
    assert main([*words, *options]) == 3
    assert "bad.png" in capsys.readouterr().err
    with Image.open(out) as sheet:
        assert sheet.format == "PNG"
        assert sheet.height < 200
    assert main(["distort", str(tmp_path / "bad.png"), "--out", str(tmp_path / "x.png")]) == 2
    assert not (tmp_path / "x.png").exists()
    assert main([*words, "--mixtures", "-1"]) == 2
