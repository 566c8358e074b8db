"""One picture to one row."""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgeiqa import Scorer
from edgeiqa.assets import sample_paths
from edgeiqa.results.row import Row
from edgeiqa.results.score_row import error_line, score_row


def test_row_has_the_score_and_the_verdict_of_the_picture() -> None:
    scorer = Scorer("nano")
    gate = scorer.gate()
    path = str(sample_paths()[0])
    row = score_row(path, scorer, gate)
    quality = scorer.score(path)
    with Image.open(path) as image:
        width, height = image.size
    name = f"{scorer.contract.name} {scorer.contract.version}"
    assert row == Row.scored(
        path, quality, gate(quality), model=name, width=width, height=height, taken=row.taken
    )


def test_picture_may_come_beside_its_name_and_without_a_gate() -> None:
    scorer = Scorer("nano")
    row = score_row("frame 7", scorer, None, np.zeros((64, 64, 3), np.uint8))
    assert row.path == "frame 7"
    assert row.score is not None
    assert row.accept is None


def test_errors_become_one_line_without_the_path() -> None:
    scorer = Scorer("nano")
    assert score_row("missing.jpg", scorer, None).error == "no such file"
    wrong = score_row("x", scorer, None, np.zeros((4, 4, 3), np.float32))
    assert wrong.error is not None
    assert wrong.error.startswith("TypeError: ")
    assert error_line(ValueError("two\nlines")) == "ValueError: two lines"
    assert error_line(MemoryError()) == "MemoryError"
