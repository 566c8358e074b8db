"""What is looked at, and how groups are ordered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.report.build import groups_of, looked_at, planned
from tests.edgeiqa.pictures import saved
from tests.edgeiqa.report.pages import photos, result, sample


@given(st.lists(st.floats(0, 100) | st.none(), max_size=30), st.integers(1, 40), st.booleans())
def test_the_worst_and_the_best_get_thumbnails(
    scores: list[float | None], limit: int, duplicates: bool
) -> None:
    everything = photos(*(result(f"{i}.jpg", score) for i, score in enumerate(scores)))
    jobs, without = planned(everything, side=160, limit=limit, duplicates=duplicates)
    scored = [score for score in scores if score is not None]
    small = [job for job in jobs if job.side]
    assert len(small) == min(limit, len(scored))
    assert without == len(scored) - len(small)
    assert len(jobs) == (len(scored) if duplicates else len(small))
    assert len({job.place for job in jobs}) == len(jobs)
    chosen = sorted(scores[job.place] or 0.0 for job in small)
    half = limit // 2
    if len(scored) > limit:
        ordered = sorted(scored)
        assert chosen == sorted(ordered[: limit - half] + ordered[len(ordered) - half :])


def test_neither_thumbnails_nor_duplicates_is_no_work() -> None:
    assert planned(photos(result("a.jpg")), side=0, limit=10, duplicates=False) == ([], 0)
    # Nor are unreadable ones and standard input.
    everything = photos(result("a.jpg", None), result("-", 50))
    assert planned(everything, side=160, limit=10, duplicates=True) == ([], 0)


@pytest.mark.parametrize("duplicates", [True, False])
def test_groups_have_their_best_first_and_missing_files_are_reported(
    tmp_path: Path, duplicates: bool
) -> None:
    for name, picture in (
        ("a.png", sample("coffee.jpg").resize((300, 200))),
        ("b.jpg", sample("coffee.jpg").resize((150, 100))),
        ("c.jpg", sample("coffee.jpg")),
        ("d.jpg", sample("chelsea.jpg")),
    ):
        (tmp_path / name).write_bytes(saved(picture, "PNG" if name.endswith("png") else "JPEG"))
    names = {"a.png": 50.0, "b.jpg": 70.0, "c.jpg": 60.0, "d.jpg": 90.0, "gone.jpg": 10.0}
    everything = photos(*(result(n, s) for n, s in names.items()), root=str(tmp_path))
    jobs, _ = planned(everything, side=0, limit=10, duplicates=duplicates)
    steps: list[int] = []
    looks = looked_at(everything, jobs, on_step=lambda: steps.append(1))
    assert len(steps) == len(jobs)
    assert looks[4].error == "no such file"
    assert looks[0].size == (tmp_path / "a.png").stat().st_size
    assert groups_of(everything, looks) == ([[1, 2, 0]] if duplicates else [])
