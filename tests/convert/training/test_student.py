from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.datasets.manifest import ManifestRow, select
from convert.training.loop import Schedule
from convert.training.student import StudentData, StudentRecipe, student_loss
from convert.training.teacher_outputs import TeacherOutputs, pool_key, rows_key
from tests.convert.tiny import make_biq2021

SIZE = 48


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[ManifestRow], Path, Path]:
    """Training rows, data root, and a work folder with opinions of a teacher."""
    from convert.cli.data import prepare

    folder = tmp_path_factory.mktemp("student")
    root, work = make_biq2021(folder / "data"), folder / "work"
    (work / "teacher").mkdir(parents=True)
    train = select(prepare("biq2021", root, work, strict_counts=False)[0], "train")
    generator = np.random.default_rng(0)
    for name, key, count in (
        ("train", rows_key(train), len(train)),
        ("unlabelled", pool_key(train, 5), 5),
    ):
        TeacherOutputs(
            generator.uniform(0.2, 0.8, count).astype(np.float32),
            np.full((count, 10), 0.1, np.float32),
            generator.normal(size=(count, 7)).astype(np.float32),
            generator.uniform(0.05, 0.2, count).astype(np.float32),
        ).save(work / "teacher" / f"{name}.npz", key)
    return train, root, work


def recipe_with(**changes: Any) -> StudentRecipe:
    return StudentRecipe(**{"size": SIZE, "pairs": 4, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 16}, "at least 32"),
        ({"source": 50}, "watermark"),
        ({"source": 56, "crop": 50}, "watermark"),
        ({"crop": 20}, "at least 32"),
        ({"teacher": -1.0}, "negative"),
        ({"pairs": 0}, "ladder"),
        ({"unlabelled": 9, "teacher": 0.0}, "teacher"),
        ({"frozen": 99}, "freeze"),
        ({"limit": 0}, "limit"),
        ({"zoom": 1.5}, "zoom"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recipe_with(**changes)


def test_batch_holds_rated_unlabelled_and_pairs_in_this_order(
    rows: tuple[list[ManifestRow], Path, Path],
) -> None:
    recipe = recipe_with(unlabelled=5, unlabelled_per_batch=3, pairs_per_batch=2, watermark=0.0)
    data = StudentData(*rows, recipe)
    drawn = np.array([4, 1, 7])
    batch = data.batch(drawn, np.random.default_rng(1))
    assert batch["input"].shape == (3 + 3 + 4, SIZE, SIZE, 3)
    assert batch["score"].tolist() == pytest.approx([rows[0][i].mos for i in drawn])
    assert batch["teacher_score"].shape == batch["teacher_weight"].shape == (6,)
    assert data.teacher is not None
    assert np.array_equal(batch["teacher_score"][:3], data.teacher.score[drawn])
    assert batch["margin"].shape == (2,)
    again = data.batch(drawn, np.random.default_rng(1))
    assert np.array_equal(batch["input"], again["input"])


def test_zoom_shows_a_smaller_part_of_the_scene_at_the_same_size(
    rows: tuple[list[ManifestRow], Path, Path],
) -> None:
    near = StudentData(*rows, recipe_with(zoom=1.0, ladder=0.0, watermark=0.0))
    assert near.larger.shape[1] == 64
    assert near.pixels.shape[1] == 56
    batch = near.batch(np.arange(3), np.random.default_rng(2))
    assert batch["input"].shape == (3, SIZE, SIZE, 3)
    # Every crop is found, as it is or mirrored, in the larger version.
    for picture, whole in zip(batch["input"], near.larger[:3], strict=True):
        places = [
            np.array_equal(side, whole[y : y + SIZE, x : x + SIZE])
            for side in (picture, picture[:, ::-1])
            for y in range(17)
            for x in range(17)
        ]
        assert any(places)


def test_limit_draws_other_pictures_by_seed_and_labels_follow(
    rows: tuple[list[ManifestRow], Path, Path],
) -> None:
    used = []
    for seed in (0, 1):
        recipe = recipe_with(limit=10, ladder=0.0, schedule=Schedule(seed=seed))
        data = StudentData(*rows, recipe)
        assert len(data) == 10
        batch = data.batch(np.array([9]), np.random.default_rng(0))
        assert batch["score"][0] == pytest.approx(rows[0][data.used[9]].mos)
        used.append(data.used.tolist())
    assert used[0] != used[1]


def test_terms_are_those_of_the_recipe(rows: tuple[list[ManifestRow], Path, Path]) -> None:
    from convert.common.opinion import bin_centres

    def terms(**changes: Any) -> dict[str, float]:
        recipe = recipe_with(**changes)
        batch = StudentData(*rows, recipe).batch(np.arange(4), np.random.default_rng(0))
        count = len(batch.pop("input"))
        logits = np.random.default_rng(0).normal(size=(count, 10)).astype(np.float32)
        outputs = (logits, np.ones((count, 7), np.float32))
        loss = student_loss(recipe, np.array(bin_centres(10), np.float32))
        return {name: float(value) for name, value in loss(outputs, batch).items()}

    bare = {"teacher": 0.0, "features": 0.0, "ladder": 0.0, "rank": 0.0, "histogram": 0.0}
    assert set(terms(**bare)) == {"mos"}
    assert set(terms()) == {"mos", "teacher", "features", "ladder"}
    assert terms()["mos"] > terms(rank=0.0)["mos"] > terms(rank=0.0, histogram=0.0)["mos"]
    assert terms(teacher=2.0)["teacher"] == pytest.approx(2 * terms()["teacher"], rel=1e-5)


def test_missing_opinions_are_named(rows: tuple[list[ManifestRow], Path, Path]) -> None:
    train, root, work = rows
    with pytest.raises(ValueError, match="other pictures"):
        StudentData(train, root, work, recipe_with(unlabelled=6, ladder=0.0))
    with pytest.raises(ValueError, match="10 opinion bins, the student 5"):
        StudentData(train, root, work, recipe_with(bins=5, ladder=0.0))


def test_pictures_that_are_reserved_are_never_learnt_from(
    rows: tuple[list[ManifestRow], Path, Path],
) -> None:
    from convert.datasets.errors import DataError

    train, root, work = rows
    for path, split in (("kodak/kodim05.png", "train"), ("BIQ2021/Images/x.jpg", "test")):
        more = [*train, ManifestRow(path, 0.5, None, split, "")]
        with pytest.raises(DataError, match="may not be used for training"):
            StudentData(more, root, work, recipe_with(ladder=0.0))
