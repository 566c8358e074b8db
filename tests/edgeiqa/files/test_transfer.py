"""Copying and moving: whole or not at all, never over another file, and finished when repeated."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edgeiqa.files import transfer
from edgeiqa.files.transfer import (
    CarryError,
    clear_parts,
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
        with pytest.raises(CarryError, match="another file"):
            carry(str(source), str(target))
    assert target.read_bytes() == b"mine"
    assert source.exists()


def test_one_that_appears_meanwhile_is_not_overwritten(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "b.jpg"
    publish = transfer.publish

    def late(part: str, path: str) -> None:
        target.write_bytes(b"mine")
        publish(part, path)

    monkeypatch.setattr(transfer, "publish", late)
    with pytest.raises(CarryError, match="there already"):
        copy_file(str(source), str(target))
    assert target.read_bytes() == b"mine"
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(transfer.PART)]


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
    with pytest.raises(CarryError, match="came out different"):
        move_file(str(source), str(tmp_path / "b.jpg"))
    assert source.stat().st_size == 256 * 9000


def test_links_are_not_moved_and_a_file_is_not_moved_onto_itself(
    source: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(source)
    with pytest.raises(CarryError, match="a link"):
        move_file(str(link), str(tmp_path / "b.jpg"))
    with pytest.raises(CarryError, match="the file itself"):
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


def test_only_parts_are_cleared(tmp_path: Path) -> None:
    for name in (f".a.jpg{transfer.PART}", "a.jpg", f"b{transfer.PART}", ".hidden"):
        (tmp_path / name).touch()
    clear_parts([str(tmp_path), str(tmp_path / "gone")])
    assert {p.name for p in tmp_path.iterdir()} == {"a.jpg", f"b{transfer.PART}", ".hidden"}
