"""The training record in a model's contract and card: data, terms and recipes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.opinion import SOS_PARAMETER
from ..datasets.manifest import ManifestRow, select
from ..datasets.pristine import CLEAN_SETS, find_clean
from ..datasets.registry import database
from ..training.student import StudentRecipe


def training_record(
    student: StudentRecipe,
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    run: str,
    *,
    name: str,
    terms: str,
) -> dict[str, Any]:
    """Data, terms and recipes of a student run.

    Args:
        student: Its recipe.
        rows: The manifest that it was trained on.
        root: The data root, for the clean photographs that it saw distorted.
        work: Folder of the run and its teacher.
        run: Name of the run.
        name: Name of the database.
        terms: Initial weights and their terms, in the trainer's words; "": the file's name.

    Returns:
        JSON-ready; files by name only, so that no folder of the trainer's machine is published.
    """
    known = database(name)
    described = with_file_names(_read(work / run / "recipe.json"))
    count = len(select(rows, "train"))
    data = [
        {
            "name": known.citation,
            "split": f"{count:,} rated pictures ({known.split})",
            "terms": known.terms,
        }
    ]
    if student.unlabelled:
        terms_of = {one.name: one.terms for one in CLEAN_SETS}
        for title, number in sorted(Counter(one.source for one in find_clean(root)[0]).items()):
            split = f"{number:,} photographs without rating, cropped and distorted"
            data.append({"name": title, "split": split, "terms": terms_of[title]})
    spread = f"assumed (SOS hypothesis, a = {SOS_PARAMETER}): no deviations are published"
    if all(row.std is not None for row in rows):
        spread = "published deviations of the opinions"
    return {
        "data": data,
        "initial_weights": terms or described["init"],
        "opinion_spread": spread,
        "student": described,
        "teacher": _teacher(work) if student.teacher or student.features else None,
        "run": run,
    }


def _teacher(work: Path) -> dict[str, Any]:
    folder = work / "teacher"
    report = _read(folder / "recipe.json")
    report["recipes"] = {
        name: with_file_names(_read(folder / name / "recipe.json")) for name in report["members"]
    }
    return report


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def with_file_names(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with files by name."""
    result = {**recipe, "init": Path(recipe["init"]).name}
    if result.get("before"):
        result["before"] = with_file_names(result["before"])
    return result
