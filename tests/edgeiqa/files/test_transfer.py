"""Copying and moving: whole or not at all, never over another file, and finished when repeated."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edgeiqa.files import atomic, transfer
from edgeiqa.files.atomic import PART
from edgeiqa.files.transfer import (
    TransferError,
    copy_file,
    free_names,
    move_file,
    same_content,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "from" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(bytes(range(256)) * 9000)
    os.utime(path, (1000.5, 1000.5))
    return path


@pytest.fixture(params=["links", "other device", "no links"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How file systems differ: os.link between them fails, or fails everywhere."""
    link = os.link

    def other_device(a: str, b: str) -> None:
        if os.path.dirname(a) != os.path.dirname(b):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(a, b)

    def no_links(a: str, b: str) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    kind = str(request.param)
    replacement = {"links": link, "other device": other_device, "no links": no_links}[kind]
    monkeypatch.setattr(os, "link", replacement)
    return kind


def test_copy_and_move_keep_bytes_and_times(source: Path, tmp_path: Path, way: str) -> None:
    data = source.read_bytes()
    copy, moved = tmp_path / "to" / "deep" / "a.jpg", tmp_path / "moved" / "a.jpg"
    assert copy_file(str(source), str(copy))
    assert not copy_file(str(source), str(copy))
    assert move_file(str(source), str(moved))
    for path in (copy, moved):
        assert path.read_bytes() == data
        assert path.stat().st_mtime == 1000.5
        assert [p.name for p in path.parent.iterdir()] == ["a.jpg"]
    assert not source.exists()


def test_another_file_is_never_overwritten(source: Path, tmp_path: Path, way: str) -> None:
    target = tmp_path / "b.jpg"
    target.write_bytes(b"mine")
    for carry in (copy_file, move_file):
        with pytest.raises(TransferError):
            carry(str(source), str(target))
    assert target.read_bytes() == b"mine"
    assert source.exists()


def test_one_that_appears_meanwhile_is_not_overwritten(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "b.jpg"
    rename = atomic._rename_without_overwriting

    def late(part: str, path: str) -> None:
        target.write_bytes(b"mine")
        rename(part, path)

    monkeypatch.setattr(atomic, "_rename_without_overwriting", late)
    with pytest.raises(TransferError):
        copy_file(str(source), str(target))
    assert target.read_bytes() == b"mine"
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(PART)]


def test_a_move_that_was_cut_short_is_finished(source: Path, tmp_path: Path, way: str) -> None:
    target = tmp_path / "to" / "a.jpg"
    copy_file(str(source), str(target))  # All but taking the old name away.
    assert not move_file(str(source), str(target))
    assert target.exists()
    assert not source.exists()


def test_a_copy_that_came_out_different_costs_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad_disk(a: str, b: str) -> bool:
        Path(b).write_bytes(b"rotten")
        return True

    def other_device(a: str, b: str) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(transfer, "copy_file", bad_disk)
    monkeypatch.setattr(os, "link", other_device)
    with pytest.raises(TransferError):
        move_file(str(source), str(tmp_path / "b.jpg"))
    assert source.stat().st_size == 256 * 9000


def test_links_are_not_moved_and_a_file_is_not_moved_onto_itself(
    source: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(source)
    with pytest.raises(TransferError):
        move_file(str(link), str(tmp_path / "b.jpg"))
    with pytest.raises(TransferError):
        move_file(str(source), str(link))
    assert source.exists()


def test_a_full_disk_leaves_nothing_behind(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(OSError, match="No space"):
        copy_file(str(source), str(tmp_path / "to" / "a.jpg"))
    assert list((tmp_path / "to").iterdir()) == []
    assert source.exists()


def test_names_are_numbered_together(source: Path, tmp_path: Path) -> None:
    raw = source.with_suffix(".cr2")
    raw.write_bytes(b"raw")
    sources = [str(source), str(raw)]
    wanted = [str(tmp_path / "a.jpg"), str(tmp_path / "a.cr2")]
    assert free_names(wanted, sources) == wanted
    (tmp_path / "a.cr2").write_bytes(b"another")
    numbered = [str(tmp_path / "a-1.jpg"), str(tmp_path / "a-1.cr2")]
    assert free_names(wanted, sources) == numbered
    # What an earlier run brought there keeps its number.
    (tmp_path / "a-1.jpg").write_bytes(source.read_bytes())
    assert free_names(wanted, sources) == numbered


def test_same_content(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    data = source.read_bytes()
    for content, same in ((data, True), (data[:-1], False), (data[:-1] + b"x", False)):
        other.write_bytes(content)
        assert same_content(str(source), str(other)) is same
    assert not same_content(str(source), str(tmp_path / "gone"))


def test_a_move_within_one_folder_under_two_mounts_keeps_the_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `mount --bind`: two paths, one directory entry."""
    other = tmp_path / "other"
    other.symlink_to(source.parent, target_is_directory=True)
    target = other / source.name
    monkeypatch.setattr(os.path, "realpath", os.path.abspath)  # A mount is not a link.
    with pytest.raises(TransferError):
        move_file(str(source), str(target))
    assert source.exists()


def test_a_move_within_a_share_that_is_mounted_twice_keeps_the_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two mounts of a network share differ in their device and inode numbers."""
    other = tmp_path / "other"
    other.symlink_to(source.parent, target_is_directory=True)
    stat = os.stat

    def second_mount(path: str, **options: object) -> os.stat_result:
        result = list(stat(path))
        if str(path).startswith(str(other)):
            result[2] += 1  # st_dev
        return os.stat_result(result)

    monkeypatch.setattr(os.path, "realpath", os.path.abspath)
    monkeypatch.setattr(os.path, "samefile", lambda a, b: False)
    monkeypatch.setattr(os, "stat", second_mount)
    with pytest.raises(TransferError):
        move_file(str(source), str(other / source.name))
    assert sorted(p.name for p in source.parent.iterdir()) == [source.name]


def test_names_that_differ_in_case_are_one_file_unless_the_folder_lists_both(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upper = source.with_name("A.JPG")
    os.link(source, upper)
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", lambda folder: [source.name])  # As on exFAT.
        with pytest.raises(TransferError):
            move_file(str(source), str(upper))
    assert not move_file(str(source), str(upper))
    assert not source.exists()
    assert upper.exists()
