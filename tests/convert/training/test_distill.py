from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.datasets.manifest import ManifestRow
from convert.nets.shipped import load_shipped
from convert.nets.weights import read_npz
from convert.training.distill import MIN_SPREAD, refuse_collapsed, train_student
from convert.training.loop import Schedule, TrainingError
from convert.training.student import personal
from edgeiqa.inference.model import find


@pytest.mark.parametrize("spread", [None, 0.0, MIN_SPREAD / 2])
def test_a_collapsed_student_is_an_error_that_says_what_to_do(spread: float | None) -> None:
    with pytest.raises(TrainingError, match=r"--init base"):
        refuse_collapsed({"val_spread": spread})
    refuse_collapsed({"val_spread": 2 * MIN_SPREAD})


@pytest.mark.slow
def test_a_shipped_model_is_trained_with_most_of_it_left_alone(tmp_path: Path) -> None:
    """What is frozen stays as shipped, and the opinion layer moves towards the rater."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(48):
        level = generator.uniform(20, 230)
        pixels = np.clip(generator.normal(level, 12, (64, 64, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        split = "validation" if number % 3 == 2 else "train"
        rows.append(ManifestRow(f"{number}.png", 1 - level / 255, None, split, ""))
    recipe = replace(
        personal("nano"),
        size=64,
        probe=150,
        schedule=Schedule(epochs=1, batch=8, rate=1e-5, head_rate=1e-4),
    )
    assert (recipe.network, recipe.teacher, recipe.ladder) == ("mobilenet_v2_t2", 0.0, 0.0)
    last = train_student(rows, tmp_path, tmp_path / "work", recipe, "mine")
    assert last["val_spread"] > MIN_SPREAD
    before = load_shipped(find("nano")).weights
    after = read_npz(tmp_path / "work" / "mine" / "student.npz")
    for name, values in before.items():
        same = all(np.array_equal(a, b) for a, b in zip(values, after[name], strict=True))
        block = int(name[5:7]) if name.startswith("block") else 99 if name == "opinion" else 0
        if name.endswith("_bn") or (block < recipe.frozen and not name.startswith("head")):
            assert same, name
    assert not np.array_equal(before["opinion"][0], after["opinion"][0])
    written = json.loads((tmp_path / "work" / "mine" / "recipe.json").read_text())
    assert written["init"] == "nano"
