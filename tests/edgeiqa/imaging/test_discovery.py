"""Which pictures are found behind names and folders."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from edgeiqa.imaging.discovery import Item, PathFilter, expand


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(*names: object) -> list[str]:
    items = list(expand(str(name) for name in names))
    assert all(item.error is None for item in items), items
    return [item.path for item in items]


def test_a_folder_is_searched_in_alphabetical_order(tmp_path: Path) -> None:
    tree(tmp_path, "b/2.png", "b/10.JPG", "a.jpeg", "c.tif", "b/a/x.webp")
    expected = ["a.jpeg", "b/10.JPG", "b/2.png", "b/a/x.webp", "c.tif"]
    assert found(tmp_path) == [os.path.join(tmp_path, *name.split("/")) for name in expected]


def test_hidden_and_other_files_are_skipped_in_folders_but_not_when_named(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", ".b.jpg", ".git/c.jpg", "d.txt", "e", "Thumbs.db")
    assert found(tmp_path) == [str(tmp_path / "a.jpg")]
    for name in (".b.jpg", "d.txt", "e"):
        assert found(tmp_path / name) == [str(tmp_path / name)]
    assert found(tmp_path / ".git") == [str(tmp_path / ".git" / "c.jpg")]


def test_raws_are_listed_for_whoever_asks_for_them(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "a.NEF", "b.dng", "c.xmp")
    assert found(tmp_path) == [str(tmp_path / "a.jpg")]
    asked = [item.path for item in expand([str(tmp_path)], raws=True)]
    assert asked == [str(tmp_path / name) for name in ("a.NEF", "a.jpg", "b.dng")]


def test_nothing_is_listed_ahead(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/2.jpg")
    items = expand([str(tmp_path)])
    assert next(items).path.endswith("1.jpg")
    (tmp_path / "b" / "3.jpg").write_bytes(b"x")
    assert [item.path[-5:] for item in items] == ["2.jpg", "3.jpg"]


def test_names_keep_their_order_and_repetitions(tmp_path: Path) -> None:
    assert found("z.jpg", "-", "missing", "z.jpg") == ["z.jpg", "-", "missing", "z.jpg"]


def test_circles_of_links_end(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/2.jpg")
    try:
        (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "b" / "self").symlink_to(".", target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    assert found(tmp_path) == [str(tmp_path / "a" / "1.jpg"), str(tmp_path / "b" / "2.jpg")]


def test_a_link_to_nowhere_is_kept_to_be_reported(tmp_path: Path) -> None:
    try:
        (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    except OSError:
        pytest.skip("no symbolic links here")
    assert found(tmp_path) == [str(tmp_path / "gone.jpg")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_in_folders_only_regular_files_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "a.jpg", "kept/.real.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to(os.devnull)
    (tmp_path / "link.jpg").symlink_to(tmp_path / "kept" / ".real.jpg")
    (tmp_path / "to-pipe.jpg").symlink_to("pipe.jpg")
    monkeypatch.chdir(tmp_path)  # The path of a socket may have some hundred bytes only.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")
    assert found(tmp_path) == [str(tmp_path / "a.jpg"), str(tmp_path / "link.jpg")]
    # Whoever names one outright means it.
    assert found(tmp_path / "pipe.jpg") == [str(tmp_path / "pipe.jpg")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_folder_of_nothing_but_a_pipe_has_no_pictures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert list(expand([str(tmp_path)])) == [Item(str(tmp_path), "a folder without pictures")]


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    tree(tmp_path, "readme.txt")
    assert list(expand([str(tmp_path)])) == [Item(str(tmp_path), "a folder without pictures")]


def test_folders_may_lie_deeper_than_calls_may_nest(tmp_path: Path) -> None:
    old = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        Path("deep.jpg").write_bytes(b"x")
        os.chdir(tmp_path)
        assert [os.path.basename(path) for path in found(".")] == ["deep.jpg"]
    finally:
        # Neither pytest nor shutil.rmtree gets to such depths.
        os.chdir(tmp_path)
        while os.path.isdir("d"):
            os.chdir("d")
        Path("deep.jpg").unlink(missing_ok=True)
        while not os.path.samefile(os.curdir, tmp_path):
            os.chdir(os.pardir)
            os.rmdir("d")
        os.chdir(old)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_locked_folder_is_an_error_and_the_others_are_read(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/2.jpg")
    os.chmod(tmp_path / "a", 0)
    try:
        items = list(expand([str(tmp_path)]))
    finally:
        os.chmod(tmp_path / "a", 0o700)
    assert [item.error is None for item in items] == [False, True]
    assert "Permission denied" in str(items[0].error)


def test_folders_of_file_servers_and_systems_are_left_out_and_counted(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "a.jpg",
        *(f"{name}/x.jpg" for name in ("@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX")),
        *(f"b/{name}/x.jpg" for name in ("lost+found", ".Trash-1000", ".thumbnails")),
        "b/c.jpg",
    )
    filtered = PathFilter()
    items = expand([str(tmp_path)], path_filter=filtered)
    assert [os.path.relpath(item.path, tmp_path) for item in items] == ["a.jpg", "b/c.jpg"]
    assert len(filtered.system_folders) == 5  # Hidden ones go without saying.
    assert found(tmp_path / "@eaDir") == [str(tmp_path / "@eaDir" / "x.jpg")]  # Named explicitly.


@pytest.mark.parametrize(
    ("exclude", "include", "expected"),
    [
        (["drafts"], [], "a.jpg b/b.png b/small.jpg"),
        (["*.png"], [], "a.jpg b/small.jpg drafts/d.jpg"),
        (["b/*"], [], "a.jpg drafts/d.jpg"),
        (["b/"], [], "a.jpg drafts/d.jpg"),
        ([], ["*.jpg"], "a.jpg b/small.jpg drafts/d.jpg"),
        (["small*"], ["*.jpg", "b*"], "a.jpg b/b.png drafts/d.jpg"),
        ([], ["@eaDir", "x.jpg"], "@eaDir/x.jpg"),
        ([], ["nothing"], ""),
    ],
)
def test_excluded_and_included(
    exclude: list[str], include: list[str], expected: str, tmp_path: Path
) -> None:
    tree(tmp_path, "a.jpg", "b/b.png", "b/small.jpg", "drafts/d.jpg", "@eaDir/x.jpg")
    filtered = PathFilter(tuple(exclude), tuple(include))
    items = [item for item in expand([str(tmp_path)], path_filter=filtered) if item.error is None]
    assert [os.path.relpath(item.path, tmp_path) for item in items] == expected.split()


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("a.jpg", True),
        ("/volume1/photo/a.jpg", True),
        ("../a.jpg", True),
        ("./a/a.jpg", True),
        ("/home/me/.local/a.jpg", True),
        ("a/.a.jpg", True),
        ("/volume1/@eaDir/a.jpg", False),
        ("a/#recycle/b/a.jpg", False),
        ("drafts/a.jpg", False),
        ("a/b-small.jpg", False),
    ],
)
def test_paths_of_results(path: str, taken: bool) -> None:
    assert PathFilter(("drafts", "*-small.jpg")).takes(path) is taken
