"""Atomic writes: whole or not at all, and never through a planted link."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import PART, AtomicFile, clear_parts, open_output, write_atomically
from edgeiqa.files.lock import LockedError, lock, lock_folder, open_locked


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_appears_with_its_last_byte(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with AtomicFile(target, durable=True) as file:
        file.stream.write(b"whole")
        assert names(tmp_path) == {os.path.basename(file.path)}
    assert target.read_bytes() == b"whole"
    assert names(tmp_path) == {"a"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")

    def write() -> None:
        with AtomicFile(target) as file:
            file.stream.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == {"a"}


def test_a_rename_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="Input/output"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == {"a"}


def test_temporary_names_are_random_and_a_planted_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    with AtomicFile(tmp_path / "a") as one, AtomicFile(tmp_path / "a") as two:
        assert one.path != two.path
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    (tmp_path / f".a.guessed{PART}").symlink_to(victim)
    with pytest.raises(FileExistsError):
        AtomicFile(tmp_path / "a")
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / f".a.guessed{PART}").is_symlink()


@pytest.mark.parametrize("links", [True, False])
def test_without_overwrite_an_older_file_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def no_links(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
    write_atomically(tmp_path / "a", b"first", overwrite=False)
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "a", b"second", overwrite=False)
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == {"a"}


def test_permissions_are_those_of_the_old_file_or_as_asked(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.touch(0o600)
    write_atomically(private, b"new")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    write_atomically(tmp_path / "unit", b"new", mode=0o644)
    assert stat.S_IMODE((tmp_path / "unit").stat().st_mode) == 0o644


def test_a_link_stays_and_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    with pytest.raises(IsADirectoryError):
        AtomicFile(tmp_path)


def test_names_as_long_as_the_file_system_takes(tmp_path: Path) -> None:
    long = tmp_path / ("ä" * 127)
    write_atomically(long, b"new")
    assert long.read_bytes() == b"new"


def test_parts_of_killed_runs_are_cleared_and_no_others(tmp_path: Path) -> None:
    for name in (f".a.1{PART}", f".b.1{PART}", "a", f"b{PART}", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / f".a.2{PART}").symlink_to("a")
    with AtomicFile(tmp_path / "a") as running:
        clear_parts(str(tmp_path), "a")
        assert names(tmp_path) == {
            f".b.1{PART}",
            "a",
            f"b{PART}",
            ".hidden",
            os.path.basename(running.path),
        }
        clear_parts(str(tmp_path))
        assert os.path.exists(running.path)
    clear_parts(str(tmp_path / "missing"))
    assert names(tmp_path) == {"a", f"b{PART}", ".hidden"}


def test_output_is_refused_while_another_process_holds_the_file(tmp_path: Path) -> None:
    target = tmp_path / "rows.jsonl"
    target.write_text("old\n")
    holder = open_locked(str(target))
    with pytest.raises(OutputError), open_output(str(target)):
        pytest.fail("not reached")
    os.close(holder)
    output = open_output(str(target))
    output.__enter__().write("new\n")
    holder = open_locked(str(target))  # A run that began meanwhile.
    with pytest.raises(OutputError):
        output.__exit__(None, None, None)
    assert target.read_text() == "old\n"
    os.close(holder)
    assert names(tmp_path) == {"rows.jsonl"}


def test_one_lock_per_file_and_folder(tmp_path: Path) -> None:
    file = open_locked(str(tmp_path / "a"))
    folder = lock_folder(str(tmp_path))
    assert folder is not None
    with pytest.raises(LockedError):
        open_locked(str(tmp_path / "a"))
    with pytest.raises(LockedError):
        lock_folder(str(tmp_path))
    os.close(file)
    os.close(folder)
    os.close(open_locked(str(tmp_path / "a")))


def test_a_file_replaced_before_it_is_locked_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    locked: list[int] = []

    def replaced_first(descriptor: int) -> None:
        if not locked:
            write_atomically(target, b"new")
        locked.append(descriptor)

    monkeypatch.setattr("edgeiqa.files.lock.lock", replaced_first)
    file = open_locked(str(target))
    assert len(locked) == 2
    assert os.pread(file, 9, 0) == b"new"
    os.close(file)


def test_file_systems_without_locks_are_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    write_atomically(tmp_path / "a", b"new")
    os.close(open_locked(str(tmp_path / "a")))

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", broken)
    with (tmp_path / "a").open() as stream, pytest.raises(OSError, match="Input/output"):
        lock(stream.fileno())
