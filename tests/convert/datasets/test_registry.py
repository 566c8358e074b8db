"""What holds for every database, on tiny copies of its layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from convert.datasets.database import build_manifest
from convert.datasets.manifest import SPLITS, DataError, ManifestRow, select
from convert.datasets.registry import DATABASES, build, database, refuse_exam
from tests.convert.datasets.layouts import MAKERS
from tests.convert.tiny import make_biq2021

UNSPLIT = [name for name in MAKERS if not DATABASES[name].official_split]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("databases")
    for make in MAKERS.values():
        make(folder)
    return folder


def read(name: str, root: Path, repeat: int = 0) -> list[ManifestRow]:
    return build(name, root, repeat=repeat, strict_counts=False)


def by_split(rows: list[ManifestRow]) -> dict[str, set[str]]:
    return {
        split: {row.reference or row.path for row in rows if row.split == split} for split in SPLITS
    }


def test_every_database_of_the_issue_is_there() -> None:
    expected = {*MAKERS, "biq2021", "csv"}
    assert set(DATABASES) == expected
    assert all(name == entry.name for name, entry in DATABASES.items())
    published = {name: DATABASES[name].pictures for name in MAKERS}
    assert published == {
        "live": 779,
        "live-md": 450,
        "tid2008": 1700,
        "tid2013": 3000,
        "csiq": 866,
        "kadid10k": 10125,
        "live-challenge": 1162,
        "koniq10k": 10073,
        "spaq": 11125,
        "bid": 586,
        "cid2013": 474,
        "uhd-iqa": 6073,
        "agiqa-3k": 2982,
        "pcuid": 300,
        "sr4kiqa": 767,
    }


@pytest.mark.parametrize("name", UNSPLIT)
@pytest.mark.parametrize("repeat", [0, 1, 9])
def test_no_reference_is_in_two_splits(name: str, repeat: int, root: Path) -> None:
    groups = by_split(read(name, root, repeat))
    assert all(groups.values())
    total = set.union(*groups.values())
    assert sum(map(len, groups.values())) == len(total)
    for split in ("validation", "test"):
        assert len(groups[split]) == max(1, round(0.2 * len(total)))


@pytest.mark.parametrize("name", UNSPLIT)
def test_repeats_differ_in_nothing_but_the_split_and_can_be_had_again(
    name: str, root: Path
) -> None:
    first = read(name, root)
    assert first == read(name, root)
    tests = set()
    for repeat in range(10):
        rows = read(name, root, repeat)
        assert [(r.path, r.mos, r.reference) for r in rows] == [
            (r.path, r.mos, r.reference) for r in first
        ]
        tests.add(frozenset(by_split(rows)["test"]))
    assert len(tests) > 2  # with three scenes there are but three different tests
    with pytest.raises(DataError, match="--repeat must be 0 to 9"):
        read(name, root, 10)


@pytest.mark.parametrize("name", [n for n in MAKERS if DATABASES[n].official_split])
def test_an_official_split_has_no_repeats(name: str, root: Path) -> None:
    assert read(name, root)
    with pytest.raises(DataError, match="split by its authors"):
        read(name, root, 1)


@pytest.mark.parametrize("name", MAKERS)
def test_kind_says_whether_there_are_references(name: str, root: Path) -> None:
    rows = read(name, root)
    synthetic = DATABASES[name].kind == "synthetic"
    assert all(row.reference and row.subset for row in rows) or not synthetic
    assert synthetic or name == "cid2013" or not any(row.reference for row in rows)
    assert len({row.path for row in rows}) == len(rows)


@pytest.mark.parametrize("name", sorted(MAKERS.keys() - {"live"}))  # its tables are always whole
def test_a_partial_copy_is_refused_unless_asked_for(name: str, root: Path) -> None:
    with pytest.raises(DataError, match="--any-count"):
        build(name, root)


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_missing_and_where_it_is_offered(name: str, tmp_path: Path) -> None:
    entry = DATABASES[name]
    with pytest.raises(DataError) as nothing:
        build(name, tmp_path)
    assert f"{entry.folders[0]}/ is missing" in str(nothing.value)
    assert entry.where in str(nothing.value)
    base = MAKERS[name](tmp_path)
    assert entry.missing(tmp_path) == []
    first = next(base / part for part in entry.needs[0] if (base / part).exists())
    shutil.rmtree(first) if first.is_dir() else first.unlink()
    with pytest.raises(DataError, match="missing") as something:
        build_manifest(entry, tmp_path)
    assert entry.needs[0][0] in str(something.value)
    assert entry.where in str(something.value)


def test_every_entry_can_be_told_about() -> None:
    for name, entry in DATABASES.items():
        assert entry.terms
        assert entry.split
        assert entry.kind in ("synthetic", "authentic")
        assert name == "csv" or (entry.citation and entry.where and entry.layout)


def test_biq2021_reads_as_before(tmp_path: Path) -> None:
    make_biq2021(tmp_path)
    rows = build("biq2021", tmp_path, strict_counts=False)
    assert {row.split for row in rows} == set(SPLITS)
    assert not any(row.reference for row in rows)
    with pytest.raises(DataError, match="split by its authors"):
        build("biq2021", tmp_path, repeat=2, strict_counts=False)


def test_unknown_names_and_own_ratings_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not known, expected one of biq2021"):
        database("imagenet")
    with pytest.raises(DataError, match="--csv FILE"):
        build("csv", tmp_path)


def test_the_exam_cannot_be_trained_on(root: Path) -> None:
    rows = read("live-challenge", root)
    assert {row.split for row in rows} == {"test"}
    for split in ("train", "validation"):
        with pytest.raises(DataError, match="is the exam"):
            select(rows, split)
    with pytest.raises(DataError, match="used for nothing else"):
        refuse_exam("live-challenge")


def test_what_transfer_is_measured_on_cannot_be_trained_on(root: Path) -> None:
    for name in ("agiqa-3k", "pcuid", "sr4kiqa"):
        rows = read(name, root)
        assert {row.split for row in rows} == {"test"}
        with pytest.raises(DataError, match="nothing may learn from it"):
            refuse_exam(name)


def test_everything_else_can_be_trained_on() -> None:
    kept = {"live-challenge", "agiqa-3k", "pcuid", "sr4kiqa"}
    for name in DATABASES.keys() - kept:
        refuse_exam(name)
