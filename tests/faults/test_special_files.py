"""Things in a folder that are no files, lead in circles, or may not be read."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.faults.conftest import Fault
from tests.faults.running import in_order, needs_linux, photos, run, without_powers

pytestmark = needs_linux
NANO = ("--model", "nano")


def rows(*words: object, code: int, **options: object) -> dict[str, dict]:
    done = in_order(run("score", *words, *NANO, "--format", "json", **options), code)  # type: ignore[arg-type]
    return {row["path"]: row for row in json.loads(done.out)}


def test_links_in_circles_and_to_nowhere(tmp_path: Path, fault: Fault) -> None:
    folder = photos(tmp_path / "photos", 2)
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "up").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "self.jpg").symlink_to("self.jpg")
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    (folder / "nowhere.jpg").symlink_to("nothing.jpg")
    (folder / "here").symlink_to(".")
    found = rows(folder, code=3)
    assert sorted(Path(path).name for path, row in found.items() if row["error"] is None) == [
        "0000.jpg",
        "0001.jpg",
    ]
    errors = {Path(path).name: row["error"] for path, row in found.items() if row["error"]}
    assert set(errors) == {"self.jpg", "nowhere.jpg"}
    assert errors["nowhere.jpg"] == "no such file"
    assert "symbolic links" in errors["self.jpg"]
    in_order(run("pick", folder, *NANO), 3)
    words = ("--recursive", "--existing", "--count", 2, "--settle", 0, "--interval", 0.1)
    in_order(run("watch", folder, *NANO, *words), 0)
    fault(
        "links in circles, to themselves and to nowhere",
        "every folder is entered once; a picture's link to nowhere gets its line",
        3,
    )


def test_devices_pipes_and_sockets(tmp_path: Path, fault: Fault) -> None:
    folder = photos(tmp_path / "photos", 1)
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "random.png").symlink_to("/dev/urandom")
    (folder / "null.gif").symlink_to("/dev/null")
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.getcwd()
        os.chdir(folder)  # Addresses of sockets are short.
        try:
            listener.bind("socket.jpg")
        finally:
            os.chdir(before)
        assert len(rows(folder, code=0)) == 1
        named = [folder / name for name in ("zero.jpg", "random.png", "null.gif", "socket.jpg")]
        for row in rows(*named, code=3).values():
            assert row["error"] == "not a regular file"
        in_order(run("pick", folder, *NANO), 0)
        words = ("--existing", "--count", 1, "--settle", 0, "--interval", 0.1)
        in_order(run("watch", folder, *NANO, *words), 0)
    fault(
        "links to /dev/zero, /dev/urandom, /dev/null, a pipe, a socket, all named as pictures",
        "passed over in a folder; named outright, one line each, nothing waits",
        "0, 3",
    )


def test_what_may_not_be_read(tmp_path: Path, fault: Fault) -> None:
    prefix = without_powers()
    folder = photos(tmp_path / "photos", 3)
    closed = photos(folder / "closed", 1)
    unlisted = photos(folder / "unlisted", 1)
    (folder / "0001.jpg").chmod(0)
    closed.chmod(0)
    unlisted.chmod(0o444)  # Can be listed, but nothing in it opened.
    try:
        found = rows(folder, code=3, prefix=prefix)
        assert {os.path.relpath(path, folder): row["error"] for path, row in found.items()} == {
            "0000.jpg": None,
            "0001.jpg": "permission denied",
            "0002.jpg": None,
            "closed": "the folder cannot be read: Permission denied",
            "unlisted/0000.jpg": "permission denied",
        }
        in_order(run("score", closed, *NANO, prefix=prefix), 3, "Permission denied")
        in_order(run("pick", folder, *NANO, prefix=prefix), 3, "permission denied")
        words = ("--recursive", "--existing", "--count", 3, "--settle", 0, "--interval", 0.1)
        done = in_order(run("watch", folder, *NANO, *words, prefix=prefix), 0)
        assert "skipped" in done.err
    finally:
        closed.chmod(0o755)
        unlisted.chmod(0o755)
    fault(
        "files and folders without permission to read",
        "one line each, all others are scored",
        3,
    )


@pytest.mark.parametrize("depth", [120])
def test_folders_as_deep_as_they_go(depth: int, tmp_path: Path, fault: Fault) -> None:
    before, name = os.getcwd(), "d" * 60
    os.chdir(tmp_path)
    try:
        for _ in range(depth):  # Deeper than a path may be long.
            os.mkdir(name)
            os.chdir(name)
        photos(Path("photos"), 1)
    finally:
        os.chdir(before)
    photos(tmp_path / "other", 1)
    done = in_order(run("score", tmp_path, *NANO, "--format", "json"), 3)
    found = json.loads(done.out)
    assert sum(row["error"] is None for row in found) == 1
    assert any("name too long" in (row["error"] or "").lower() for row in found), found[0]
    in_order(run("pick", tmp_path, *NANO), 3)
    fault("folders 120 deep, beyond the longest path", "one line about it, others scored", 3)
