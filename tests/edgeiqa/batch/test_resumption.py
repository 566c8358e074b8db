"""What a resumed run does with the rows of earlier ones, without scoring anything."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgeiqa.batch.journal import Journal
from edgeiqa.batch.resume import Resumption
from edgeiqa.batch.settings import Fingerprint
from edgeiqa.errors import OutputError
from edgeiqa.imaging.discovery import Item, expand
from edgeiqa.results.row import Row

BASE = Fingerprint("base 1", "exact", "0" * 16)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six files in two folders and in one that is nested."""
    for name in ("a/1.jpg", "a/2.jpg", "a/deep/3.jpg", "a/deep/4.jpg", "b/5.jpg", "b/6.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "photos"


def run(
    photos: Path,
    *names: Path,
    fingerprint: Fingerprint = BASE,
    failing: Sequence[str] = (),
    items: list[Item] | None = None,
) -> tuple[Resumption, dict[str, Row]]:
    """A run that "scores" each file by its size; returns what it did, and all rows by name."""
    with Journal(str(photos.parent / "out.jsonl")) as journal:
        work = Resumption(journal, fingerprint, [str(name) for name in names or (photos,)])
        for job in work.jobs(items if items is not None else expand(work.names)):
            error = job.error
            if not os.path.exists(job.path):
                error = "no such file"
            elif os.path.basename(job.path) in failing:
                error = "damaged"
            work.record(job, Row(job.path, 50.0) if error is None else Row(job.path, error=error))
        rows = {os.path.relpath(row.path, photos): row for row in work.finish()}
    return work, rows


def test_rows_record_what_they_were_made_from(photos: Path) -> None:
    work, rows = run(photos)
    assert work.counts == {"scored": 6, "gone": 0}
    status = (photos / "a" / "1.jpg").stat()
    assert rows["a/1.jpg"] == Row(
        str(photos / "a" / "1.jpg"),
        50.0,
        model="base 1",
        extra={
            "bytes": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "mode": "exact",
            "settings": "0" * 16,
        },
    )
    assert list(rows) == [
        "a/1.jpg",
        "a/2.jpg",
        "a/deep/3.jpg",
        "a/deep/4.jpg",
        "b/5.jpg",
        "b/6.jpg",
    ]
    work, again = run(photos)
    assert work.counts == {"unchanged": 6, "gone": 0}
    assert again == rows


@pytest.mark.parametrize("change", ["size", "time"])
def test_what_changed_is_scored_again(photos: Path, change: str) -> None:
    run(photos)
    path = photos / "b" / "5.jpg"
    time = path.stat().st_mtime_ns
    if change == "size":
        path.write_bytes(b"other")
        os.utime(path, ns=(time, time))
    else:
        os.utime(path, ns=(time, time + 1))
    work, _ = run(photos)
    assert work.counts == {"scored": 1, "unchanged": 5, "gone": 0}


def test_errors_are_tried_again_and_the_same_one_is_written_once(photos: Path) -> None:
    _, rows = run(photos, failing=["1.jpg"])
    assert rows["a/1.jpg"].error == "damaged"
    size = (photos.parent / "out.jsonl").stat().st_size
    work, _ = run(photos, failing=["1.jpg"])
    assert work.counts == {"scored": 0, "unchanged": 5, "gone": 0}
    assert (photos.parent / "out.jsonl").stat().st_size == size
    work, rows = run(photos)
    assert work.counts == {"scored": 1, "unchanged": 5, "gone": 0}
    assert rows["a/1.jpg"].error is None


def test_a_deleted_photograph_goes_and_so_does_a_deleted_folder(photos: Path) -> None:
    run(photos)
    (photos / "a" / "1.jpg").unlink()
    for name in ("5.jpg", "6.jpg"):
        (photos / "b" / name).unlink()
    (photos / "b").rmdir()
    work, rows = run(photos)
    assert work.counts == {"unchanged": 3, "gone": 3}
    assert list(rows) == ["a/2.jpg", "a/deep/3.jpg", "a/deep/4.jpg"]


def test_rows_of_an_empty_folder_stay_as_of_a_mount_that_is_not_there(photos: Path) -> None:
    _, before = run(photos)
    deep = photos / "a" / "deep"
    deep.rename(photos.parent / "drive")
    deep.mkdir()
    work, rows = run(photos)
    assert work.counts == {"unchanged": 4, "missing": 2, "gone": 0}
    assert rows == before
    deep.rmdir()
    (photos.parent / "drive").rename(deep)
    work, rows = run(photos)
    assert work.counts == {"unchanged": 6, "gone": 0}
    assert rows == before


def test_rows_below_an_empty_folder_stay(photos: Path) -> None:
    _, before = run(photos)
    (photos / "a").rename(photos.parent / "drive")
    (photos / "a").mkdir()
    work, rows = run(photos)
    assert work.counts == {"unchanged": 2, "missing": 4, "gone": 0}
    assert rows.keys() == before.keys()


@pytest.mark.skipif(os.name == "nt", reason="links of Unix")
def test_rows_behind_a_dangling_link_stay(photos: Path) -> None:
    (photos / "a" / "deep").rename(photos.parent / "drive")
    (photos / "a" / "deep").symlink_to(photos.parent / "drive")
    run(photos)
    (photos.parent / "drive").rename(photos.parent / "away")
    work, rows = run(photos)
    assert work.counts == {"unchanged": 4, "missing": 2, "gone": 0}
    assert len(rows) == 6


@pytest.mark.skipif(os.name == "nt", reason="permissions of Unix")
def test_rows_of_a_folder_that_cannot_be_listed_stay(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(photos)
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    work, rows = run(photos)
    assert work.counts["missing"] == 2
    assert work.counts["gone"] == 0
    assert rows["a/deep"].error is not None
    assert len(rows) == 7


@pytest.mark.parametrize("listed_first", [True, False])
def test_a_score_is_not_replaced_by_an_absence(photos: Path, listed_first: bool) -> None:
    _, before = run(photos)
    items = list(expand([str(photos)]))
    photos.rename(photos.parent / "drive")  # A drive that drops out after the listing.
    if listed_first:
        photos.mkdir()
    work, rows = run(photos, items=items)
    assert work.counts == {"missing": 6, "gone": 0}
    assert rows == before


def test_a_photograph_named_by_itself_that_is_away_keeps_its_score(photos: Path) -> None:
    path = photos / "b" / "5.jpg"
    _, before = run(photos, path)
    path.unlink()
    work, rows = run(photos, path)
    assert work.counts == {"missing": 1, "gone": 0}
    assert rows == before


def test_a_damaged_file_replaces_the_score_of_its_former_content(photos: Path) -> None:
    run(photos)
    (photos / "b" / "5.jpg").write_bytes(b"now damaged")
    work, rows = run(photos, failing=["5.jpg"])
    assert work.counts == {"scored": 0, "unchanged": 5, "gone": 0}
    assert rows["b/5.jpg"].error == "damaged"


def test_rows_of_other_folders_stay_where_they_are(photos: Path) -> None:
    run(photos)
    work, rows = run(photos, photos / "b")
    assert work.counts == {"unchanged": 2, "gone": 0}
    assert list(rows)[:3] == ["b/5.jpg", "b/6.jpg", "a/1.jpg"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(BASE, model="base 2"), "base 2 (exact)"),
        (replace(BASE, mode="quick"), "base 1 (quick)"),
        (replace(BASE, digest="1" * 16), "another gate"),
    ],
)
def test_other_settings_are_refused(photos: Path, other: Fingerprint, said: str) -> None:
    other = replace(other, digest="1" * 16)
    run(photos, photos / "a")
    with Journal(str(photos.parent / "out.jsonl")) as journal:
        with pytest.raises(OutputError) as caught:
            Resumption(journal, other, [str(photos)]).check_settings()
        assert said in str(caught.value)
        assert "4 rows" in str(caught.value)
        Resumption(journal, BASE, [str(photos)]).check_settings()
        Resumption(journal, other, [str(photos / "b")]).check_settings()
    work, _ = run(photos, photos / "a", fingerprint=other)
    assert work.counts == {"scored": 4, "gone": 0}


def test_rows_below_a_folder_whose_listing_failed_stay(photos: Path) -> None:
    run(photos)
    (photos / "a" / "1.jpg").unlink()
    items = [item for item in expand([str(photos)]) if "/a/" not in item.path]
    items.insert(0, Item(str(photos / "a"), "the folder cannot be read: Stale file handle"))
    work, rows = run(photos, items=items)
    assert work.counts == {"scored": 0, "unchanged": 2, "missing": 4, "gone": 0}
    assert rows["a/1.jpg"].score == 50.0


def test_rows_of_a_folder_of_a_longer_name_stay(photos: Path) -> None:
    (photos / "b").rename(photos / "ab")
    run(photos)
    (photos / "ab" / "5.jpg").unlink()
    work, rows = run(photos, photos / "a")
    assert work.counts == {"unchanged": 4, "gone": 0}
    assert "ab/5.jpg" in rows


def test_a_photograph_that_is_listed_twice_counts_once(photos: Path) -> None:
    work, rows = run(photos, photos / "a", photos)
    assert work.counts == {"scored": 6, "gone": 0}
    assert list(rows) == [*(name for name in rows if name[0] == "a"), "b/5.jpg", "b/6.jpg"]


def test_a_folder_that_may_not_be_read_proves_nothing(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(photos)
    items = [item for item in expand([str(photos)]) if "deep" not in item.path]
    for name in ("3.jpg", "4.jpg"):
        (photos / "a" / "deep" / name).unlink()

    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("edgeiqa.batch.resume.os.scandir", refuse)
    work, _ = run(photos, items=items)
    assert work.counts == {"unchanged": 4, "missing": 2, "gone": 0}


def test_some_rows_of_other_settings_are_counted(photos: Path) -> None:
    run(photos, photos / "a")
    run(photos, photos / "b", fingerprint=replace(BASE, digest="1" * 16))
    with Journal(str(photos.parent / "out.jsonl")) as journal:
        assert journal.fingerprints == {"0" * 16, "1" * 16}
        with pytest.raises(OutputError, match="2 rows"):
            Resumption(journal, BASE, [str(photos)]).check_settings()
        with pytest.raises(OutputError, match="1 row "):
            Resumption(journal, BASE, [str(photos / "b" / "5.jpg")]).check_settings()
