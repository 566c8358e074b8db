from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convert.datasets.manifest import ManifestRow
from convert.quantization.model_provenance import training_record, with_file_names
from convert.training.student import StudentRecipe

ROWS = [
    ManifestRow(f"BIQ2021/Images/ss03 ({n}).jpg", 0.5, None, split, "ss03")
    for n, split in enumerate(("train", "train", "validation"))
]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A finished run that started from another, and a teacher of two members."""
    here = str(tmp_path / "somebody")
    recipes: dict[str, dict[str, Any]] = {
        "run": {"init": f"{here}/run0/student.npz", "before": {"init": f"{here}/imagenet.pt"}},
        "teacher": {"members": {"a": {}, "b": {}}, "fused": {"val_srocc": 0.9}},
        "teacher/a": {"init": f"{here}/lite.pth", "size": 512},
        "teacher/b": {"init": "imagenet", "size": 448},
    }
    for name, recipe in recipes.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "recipe.json").write_text(json.dumps(recipe))
    return tmp_path


def test_no_folder_of_the_trainers_machine_is_told(work: Path) -> None:
    recipe = StudentRecipe(unlabelled=4)
    record = training_record(recipe, ROWS, work, work, "run", name="biq2021", terms="")
    assert "somebody" not in json.dumps(record)
    assert record["initial_weights"] == "student.npz"
    assert record["student"]["before"]["init"] == "imagenet.pt"
    assert {one["init"] for one in record["teacher"]["recipes"].values()} == {
        "lite.pth",
        "imagenet",
    }
    assert record["data"][0]["split"].startswith("2 rated pictures")
    assert "SOS" in record["opinion_spread"]


def test_clean_photographs_are_told_with_their_terms_if_the_student_saw_them(work: Path) -> None:
    folder = work / "data" / "BSDS500" / "data" / "images" / "train"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.jpg").touch()
    arguments = (ROWS, work / "data", work, "run")
    with_them = training_record(
        StudentRecipe(unlabelled=4), *arguments, name="biq2021", terms="ours"
    )
    assert with_them["initial_weights"] == "ours"
    assert [one["name"] for one in with_them["data"][1:]] == ["BSDS500"]
    assert with_them["data"][1]["split"].startswith("3 photographs")
    assert "research" in with_them["data"][1]["terms"]
    without = training_record(StudentRecipe(), *arguments, name="biq2021", terms="ours")
    assert len(without["data"]) == 1


def test_student_without_a_teacher_tells_of_none(work: Path) -> None:
    recipe = StudentRecipe(teacher=0.0, features=0.0)
    record = training_record(recipe, ROWS, work, work, "run", name="biq2021", terms="")
    assert record["teacher"] is None


def test_names_that_are_no_files_stay() -> None:
    assert with_file_names({"init": "imagenet", "before": None}) == {
        "init": "imagenet",
        "before": None,
    }
