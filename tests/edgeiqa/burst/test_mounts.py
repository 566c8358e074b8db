"""Moving photographs through another mount of the same folder loses none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgeiqa.assets import sample_paths
from edgeiqa.cli.main import main
from edgeiqa.files.transfer import TransferError, move_file

Mount = Callable[..., None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts, if that is allowed, and unmounts at the end."""
    mounted: list[str] = []

    def do(*words: object) -> None:
        done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"mounting needs root: {done.stderr}")
        mounted.append(str(words[-1]))

    if not sys.platform.startswith("linux") or os.geteuid():
        pytest.skip("mounting needs Linux and root")
    yield do
    for target in reversed(mounted):
        subprocess.run(["umount", "-l", target], check=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "A"
    (folder / "sub").mkdir(parents=True)
    for path in [path for path in sample_paths() if "-" not in path.stem][:3]:
        with Image.open(path) as image:
            image.resize((120, 80)).save(folder / path.name)
            image.resize((120, 80)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
                folder / "sub" / path.name
            )
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def pick(*words: object) -> int:
    return main(["pick", *map(str, words), "--apply", "--model", "nano"])


def test_the_folder_itself_by_another_mount(photos: Path, mount: Mount) -> None:
    before, other = tree(photos), photos.parent / "B"
    other.mkdir()
    mount("--bind", photos, other)
    assert pick(photos, "--move-to", other) == 2
    assert pick(other, "--move-to", photos) == 2
    assert pick(photos / "sub", "--move-to", other) == 2
    assert tree(photos) == before


def test_a_subfolder_by_another_mount(
    photos: Path, mount: Mount, capsys: pytest.CaptureFixture[str]
) -> None:
    """A/sub is also B/sub, so its photographs are where they should go; the others move to B."""
    before, other = tree(photos), photos.parent / "B"
    (other / "sub").mkdir(parents=True)
    mount("--bind", photos / "sub", other / "sub")
    pick(photos, "--move-to", other)
    assert {**tree(photos), **tree(other)} == before
    assert tree(photos / "sub") == tree(other / "sub")
    assert "the file itself" in capsys.readouterr().out


def test_a_target_inside_the_folder_by_another_mount(photos: Path, mount: Mount) -> None:
    """B is A/best: what was moved there is not moved again, one level deeper each time."""
    before, other = tree(photos), photos.parent / "B"
    other.mkdir()
    (photos / "best").mkdir()
    mount("--bind", photos / "best", other)
    for _ in range(3):
        assert pick(photos, "--move-to", other) == 0
        assert tree(other) == before
    assert {name.removeprefix("best/") for name in tree(photos)} == set(before)


def test_another_disk(mount: Mount, tmp_path: Path) -> None:
    disk, joined = tmp_path / "disk", tmp_path / "joined"
    disk.mkdir()
    joined.mkdir()
    mount("-t", "tmpfs", "tmpfs", disk)
    (disk / "A").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (disk / "A" / name).write_bytes(name.encode())
    mount("--bind", disk / "A", joined)
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(TransferError, match="itself"):
            move_file(str(disk / "A" / name), str(joined / name))
        assert (disk / "A" / name).read_bytes() == name.encode()


def test_a_single_file_by_another_mount(photos: Path, mount: Mount) -> None:
    source, target = photos / "sub" / "x.jpg", photos / "x.jpg"
    source.write_bytes(b"a photograph")
    target.touch()
    mount("--bind", source, target)
    with pytest.raises(TransferError, match="itself"):
        move_file(str(source), str(target))
    assert source.read_bytes() == b"a photograph"


def test_names_that_differ_only_in_case(tmp_path: Path) -> None:
    """On a file system that distinguishes them they are two; elsewhere they are one."""
    source, target = tmp_path / "a" / "IMG.JPG", tmp_path / "a" / "img.jpg"
    source.parent.mkdir()
    source.write_bytes(b"a photograph")
    if target.exists():
        with pytest.raises(TransferError, match="itself"):
            move_file(str(source), str(target))
    else:
        assert move_file(str(source), str(target))
    assert [path.read_bytes() for path in source.parent.iterdir()] == [b"a photograph"]


def test_case_insensitive_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both names open one file, of which the folder lists only one."""
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "IMG.JPG").write_bytes(b"a photograph")
    (folder / "img.jpg").hardlink_to(folder / "IMG.JPG")
    monkeypatch.setattr(os, "listdir", lambda path: ["IMG.JPG"])
    with pytest.raises(TransferError, match="itself"):
        move_file(str(folder / "IMG.JPG"), str(folder / "img.jpg"))
    assert (folder / "IMG.JPG").exists()


def test_a_hard_link_in_another_folder_is_an_earlier_run_s_work(tmp_path: Path) -> None:
    source, target = tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg"
    for path in (source, target):
        path.parent.mkdir()
    source.write_bytes(b"a photograph")
    target.hardlink_to(source)
    assert not move_file(str(source), str(target))
    assert not source.exists()
    assert target.read_bytes() == b"a photograph"


def test_two_mounts_with_device_numbers_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two mounts of a network share: nothing in `stat` says that they are one folder."""
    folder, other = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    other.symlink_to(folder)
    (folder / "x.jpg").write_bytes(b"a photograph")
    plain_stat, plain_realpath = os.stat, os.path.realpath

    def stat(path: Any, *args: Any, **options: Any) -> os.stat_result:
        found = plain_stat(path, *args, **options)
        if str(path).startswith(str(other)):
            return os.stat_result((*found[:2], found.st_dev + 1, *found[3:]))
        return found

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(
        os.path,
        "realpath",
        lambda path, **_: str(path) if str(path).startswith(str(other)) else plain_realpath(path),
    )
    monkeypatch.setattr(os.path, "samefile", lambda a, b: os.path.samestat(os.stat(a), os.stat(b)))
    with pytest.raises(TransferError, match="itself"):
        move_file(str(folder / "x.jpg"), str(other / "x.jpg"))
    assert (folder / "x.jpg").read_bytes() == b"a photograph"
    assert os.listdir(folder) == ["x.jpg"]
