"""What becomes of results as photographs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.imaging.discovery import PathFilter
from edgeiqa.report.items import (
    ACCEPTED,
    REJECTED,
    UNJUDGED,
    UNREADABLE,
    fault_names,
    median,
    photos_of,
    worst_first,
)
from tests.edgeiqa.report.pages import accepted, photos, rejected, result


def test_the_last_result_of_a_photograph_counts(tmp_path: os.PathLike[str]) -> None:
    root = os.fspath(tmp_path)
    found, replaced = photos_of(
        [result("a.jpg", None), result("sub/b.jpg", 20.0), result("a.jpg", 70.0)], root
    )
    assert replaced == 1
    assert [(photo.name, photo.folder, photo.result.score) for photo in found] == [
        ("a.jpg", "", 70.0),
        ("b.jpg", "sub", 20.0),
    ]
    assert found[1].file == os.path.join(root, "sub", "b.jpg")


def test_a_file_under_two_names_is_one_photograph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scored as ~/Pictures once, as Pictures later, and through a link."""
    (tmp_path / "Pictures").mkdir()
    (tmp_path / "link").symlink_to("Pictures")
    monkeypatch.chdir(tmp_path)
    rows = [
        result(f"{tmp_path}/Pictures/a.jpg", 10.0),
        result("Pictures/a.jpg", 20.0),
        result("./Pictures/../Pictures/a.jpg", 30.0),
        result("link/a.jpg", 40.0),
        result("Pictures/b.jpg", 50.0),
    ]
    found, replaced = photos_of(rows, ".")
    assert [photo.result.score for photo in found] == [40.0, 50.0]
    assert replaced == 3


def test_results_can_be_left_out() -> None:
    rows = [result("@eaDir/a.jpg", 1.0), result("drafts/b.jpg", 2.0), result("c.jpg", 3.0)]
    path_filter = PathFilter(exclude=("drafts",))
    found, replaced = photos_of(rows, ".", path_filter)
    assert [photo.name for photo in found] == ["c.jpg"]
    assert (replaced, path_filter.system_folders) == (0, {"@eaDir"})


def test_standard_input_is_no_file() -> None:
    (photo,) = photos(result("-"))
    assert (photo.file, photo.name) == (None, "-")


def test_outcomes() -> None:
    found = photos(accepted("a", 70), rejected("b", 20), result("c", 5), result("d", None))
    assert [p.outcome for p in found] == [ACCEPTED, REJECTED, UNJUDGED, UNREADABLE]


def test_faults_are_reasons_or_else_what_is_severe() -> None:
    judged = accepted("a", 70)
    judged.causes["dark"] = 0.9  # Which this gate did not mind.
    found = photos(
        judged, rejected("b", 20, "noise"), result("c", 5.0, causes={"blur": 0.5, "dark": 0.49})
    )
    assert [photo.faults for photo in found] == [(), ("noise",), ("blur",)]
    more = rejected("d", 20, "grain of a newer model")
    named = fault_names([*found, *photos(more, rejected("e", 1, "low_quality", 1.0))])
    assert named[-2:] == ["low_quality", "grain of a newer model"]
    assert named.index("blur") < named.index("dark")


def test_the_worst_come_first_and_equal_ones_as_they_came() -> None:
    found = photos(result("a", 50), result("b", None), result("c", 10), result("d", 50))
    assert worst_first(found) == [2, 0, 3]


@given(st.lists(st.floats(0, 100), min_size=1))
def test_half_are_on_either_side_of_the_median(values: list[float]) -> None:
    middle = median(values)
    assert middle is not None
    assert sum(value < middle for value in values) <= len(values) / 2
    assert sum(value > middle for value in values) <= len(values) / 2


def test_nothing_has_no_median() -> None:
    assert median([]) is None
    assert median([1, 2, 10, 20]) == pytest.approx(6)
